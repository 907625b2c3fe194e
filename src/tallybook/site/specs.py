"""The charts of the pages, compiled when the site is built: what a page loads is Vega, without data."""

from __future__ import annotations

import json
from typing import Any, Final

from tallybook.charts import bubbles, compare, map, place, revisions  # noqa: A004 (a map, not the function)

_GROUPS: Final = ("region", "division")


def specs(*, counties: bool = False) -> dict[str, bytes]:
    """Return the charts by their path below ``assets``: ``specs/compare.js`` sets ``tallybook.specs.compare``.

    Every chart has its data sources empty. Its title is in ``usermeta.title``, for pictures that leave the page: on a
    page the headline is text of the page.

    Args:
        counties: whether the map of the counties, with its shapes, is among them.
    """
    scales = {"linear": False, "log": True}
    made: dict[str, dict[str, Any]] = {
        "compare": {name: compare.drawn("series", "labels", "hover", log=log) for name, log in scales.items()},
        "bubbles": {
            f"{group}-{x}-{y}": bubbles.drawn("places", "trails", log=(scales[x], scales[y]), colour=group)
            for group in _GROUPS
            for x in scales
            for y in scales
        },
        "place": {metric: place.drawn("series", "marks", metric=metric) for metric in ("cases", "deaths")},
        "revisions": {metric: revisions.drawn("vintages", metric=metric) for metric in ("cases", "deaths")},
        "tiles": {"tiles": map.drawn_tiles("values")},
    }
    if counties:
        made["counties"] = {"counties": map.drawn_counties("values")}
    return {
        f"specs/{name}.js": _script(name, {kind: _compiled(finished()) for kind, finished in kinds.items()})
        for name, kinds in made.items()
    }


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
