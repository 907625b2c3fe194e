"""The shapes of the counties, of the extra ``maps``, without what draws them: pages only ask whether they are there."""

from __future__ import annotations

from functools import cache
from importlib import util
from pathlib import Path
from typing import Any, Final

from tallybook.errors import ContractError

CREDIT: Final = "Shapes: U.S. Census Bureau, 2016."
"""Who drew the shapes of the counties."""

SHAPES: Final = "shapes"
"""The name of the data source of the shapes, which the chart of a page lacks."""


def shapes_available() -> bool:
    """Return whether the shapes of the counties are installed: the extra ``maps``."""
    return all(util.find_spec(name) for name in ("_plotly_geo", "shapefile", "shapely"))


@cache
def county_shapes() -> list[dict[str, Any]]:
    """Return the shapes of the counties, simplified together so that neighbours still touch, as GeoJSON features.

    Raises:
        ContractError: they are not installed.
    """
    if not shapes_available():
        raise ContractError("the shapes of the counties are not installed", hint="pip install 'tallybook[maps]'")
    import _plotly_geo
    import shapefile
    from shapely import coverage_simplify, get_coordinates, orient_polygons, set_coordinates
    from shapely.geometry import mapping, shape

    folder = Path(next(iter(_plotly_geo.__path__))) / "package_data"
    with shapefile.Reader(str(folder / "cb_2016_us_county_500k.shp"), encoding="latin-1") as reader:
        known = [
            (f"USA-{record.record['GEOID']}", shape(record.shape.__geo_interface__))
            for record in reader.iterShapeRecords()
        ]
    # The drawing takes what is on the right of a ring for the inside.
    drawn = orient_polygons(coverage_simplify([outline for _, outline in known], 0.02), exterior_cw=True)
    for outline in drawn:
        set_coordinates(outline, get_coordinates(outline).round(3))
    return [
        {"type": "Feature", "id": geoid, "geometry": mapping(outline)}
        for (geoid, _), outline in zip(known, drawn, strict=True)
    ]
