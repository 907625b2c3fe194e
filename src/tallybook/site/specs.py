"""The charts of the pages, compiled when the site is built: what a page loads is Vega, without data."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from importlib import metadata, resources
from typing import Any, Final

from tallybook.charts import bubbles, compare, excess, map, place, revisions  # noqa: A004 (a map, not the function)
from tallybook.charts.bubble_rows import Group
from tallybook.charts.picture import Drawn
from tallybook.model.metrics import METRICS
from tallybook.site.kept import kept

_GROUPS: Final[tuple[Group, ...]] = ("region", "division")
_SCALES: Final = {"linear": False, "log": True}
_PACKAGES: Final = ("altair", "vl-convert-python", "plotly-geo", "shapely")

_CHARTS: Final[dict[str, Callable[[], dict[str, Drawn]]]] = {
    "compare": lambda: {name: compare.drawn("series", "labels", "hover", log=log) for name, log in _SCALES.items()},
    "bubbles": lambda: {
        f"{group}-{x}-{y}": bubbles.drawn("places", "trails", log=(_SCALES[x], _SCALES[y]), colour=group)
        for group in _GROUPS
        for x in _SCALES
        for y in _SCALES
    },
    "place": lambda: {metric: place.drawn("series", "marks", metric=metric) for metric in METRICS},
    "excess": lambda: {"excess": excess.drawn("periods", "areas")},
    "revisions": lambda: {metric: revisions.drawn("vintages", metric=metric) for metric in METRICS},
    "tiles": lambda: {"tiles": map.drawn_tiles("values")},
    "counties": lambda: {"counties": map.drawn_counties("values")},
}
"""The compiled charts of each script."""


def specs(*, counties: bool = False) -> dict[str, bytes]:
    """Return the charts by their path below ``assets``: ``specs/compare.js`` sets ``tallybook.specs.compare``.

    Every chart has its data sources empty. Its title is in ``usermeta.title``, for pictures that leave the page: on a
    page the headline is text of the page.

    Args:
        counties: whether the map of the counties, with its shapes, is among them.
    """
    names = [name for name in _CHARTS if counties or name != "counties"]
    return {
        f"specs/{name}.js": kept(f"{name}.js", [name.encode(), *_made_of()], partial(_spec, name)) for name in names
    }


@cache
def _made_of() -> tuple[bytes, ...]:
    """Return what compiled charts depend on: the room of charts, this module, and the packages that draw."""
    charts = [path for path in resources.files("tallybook.charts").iterdir() if path.name.endswith(".py")]
    own = resources.files("tallybook.site").joinpath("specs.py")
    versions = [f"{name} {_version(name)}".encode() for name in _PACKAGES]
    return (*(file.read_bytes() for file in sorted(charts, key=str)), own.read_bytes(), *versions)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _spec(name: str) -> bytes:
    return _script(name, {kind: _compiled(finished()) for kind, finished in _CHARTS[name]().items()})


def _compiled(chart: Any) -> dict[str, Any]:
    """Return a chart as Vega, its data sources empty and its title put aside."""
    import vl_convert

    vega: dict[str, Any] = vl_convert.vegalite_to_vega(chart.to_dict())
    for source in vega["data"]:
        if source["name"] == map.SHAPES:
            source["values"] = map.county_shapes()
    vega["usermeta"] = {"title": vega.pop("title", {})}
    return vega


def _script(name: str, content: Any) -> bytes:
    text = json.dumps(content, separators=(",", ":"))
    return (
        "window.tallybook = window.tallybook || {};\n"
        f"(tallybook.specs = tallybook.specs || {{}})[{json.dumps(name)}] = JSON.parse({json.dumps(text)});\n"
    ).encode()
