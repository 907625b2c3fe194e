"""The charts of the pages as Vega: imported only where nothing is kept, for what draws takes long to import."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import vl_convert

from tallybook.charts import bubbles, compare, excess, map, place, revisions  # noqa: A004 (a map, not the function)
from tallybook.charts.bubble_rows import Group
from tallybook.charts.picture import Drawn
from tallybook.charts.shapes import SHAPES, county_shapes
from tallybook.model.metrics import METRICS

_GROUPS: Final[tuple[Group, ...]] = ("region", "division")
_SCALES: Final = {"linear": False, "log": True}
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
"""The charts of each script."""


def compiled(name: str) -> dict[str, dict[str, Any]]:
    """Return the charts of a script as Vega, by their names in it."""
    return {kind: _compiled(finished()) for kind, finished in _CHARTS[name]().items()}


def _compiled(chart: Any) -> dict[str, Any]:
    """Return a chart as Vega, its data sources empty and its title put aside."""
    vega: dict[str, Any] = vl_convert.vegalite_to_vega(chart.to_dict())
    for source in vega["data"]:
        if source["name"] == SHAPES:
            source["values"] = county_shapes()
    vega["usermeta"] = {"title": vega.pop("title", {})}
    return vega
