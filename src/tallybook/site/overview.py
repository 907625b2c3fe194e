"""The front page: the widest level as a table, where it stands, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from tallybook.charts.shapes import CREDIT, shapes_available
from tallybook.model.metrics import Level
from tallybook.site.days import NO_ANOMALIES, anomalies_of, lines_of, place_data, round_or_none
from tallybook.site.latest import Row
from tallybook.site.opened import Opened
from tallybook.site.page import Page

_REVISED: Final = 8
_TABLED: Final = 400
_MAPPED: Final = 500


def overview(site: Opened) -> Iterator[Page]:
    """Yield the front page."""
    nation = next(iter(site.rows.get(Level.NATION, [])), None)
    below = next((level for level in site.levels if level is not Level.NATION), None)
    rows = site.rows[below] if below else []
    has_shapes = has_county_map(site)
    maps = ["specs/tiles.js"] if Level.STATE in site.levels else []
    maps += ["specs/counties.js"] if has_shapes else []
    yield Page(
        "index.html",
        "overview.html",
        "Overview",
        f"{site.title}: the latest figures of every place, where they stand, and what changed.",
        ("vega.js", "specs/place.js", *maps, "overview.js"),
        {
            "nation": nation,
            "level": below,
            "rows": rows[:_TABLED],
            "count": len(rows),
            "others": _by_state(rows) if len(rows) > _TABLED else {},
            **(_nation(site, nation) if nation else {"data": None}),
            "maps": _maps(site),
            "has_shapes": has_shapes,
            "credit": CREDIT,
            "changes": site.card["changes"],
            "revised": _revised(site),
        },
    )


def has_county_map(site: Opened) -> bool:
    """Return whether the counties have a map: there are enough of them for one, and their shapes are installed."""
    return len(site.rows.get(Level.COUNTY, [])) >= _MAPPED and shapes_available()


def _nation(site: Opened, nation: Row) -> dict[str, object]:
    days = site.averages(Level.NATION).sort("date")
    anomalies = anomalies_of(site.register, pl.Series([nation.geoid])).get(nation.geoid, NO_ANOMALIES)
    weeks = site.weeks.get(nation.geoid, ())
    data = place_data(days, anomalies, nation.figures, unit=site.unit(Level.NATION), weeks=weeks)
    return {"first": days["date"][0], "data": data, "lines": lines_of(days)}


def _maps(site: Opened) -> dict[str, list[dict[str, Any]]]:
    """Return what the maps show, by level: the average per 100,000 people of each place."""
    names = ("geoid", "abbreviation", "title")
    made = {}
    for level in {Level.STATE, Level.COUNTY} & {*site.levels}:
        rate = f"{site.leading(level)[0]}_avg_per_100k"
        made[level.value] = [
            {**{name: row.figures[name] for name in names}, "value": round_or_none(row.figures[rate], 4)}
            for row in site.rows[level]
        ]
    return dict(sorted(made.items()))


def _by_state(rows: Sequence[Row]) -> Mapping[str, list[Row]]:
    """Return all places of a table that would be too long by the name of their state."""
    grouped: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.name):
        grouped.setdefault(row.figures["title"].rpartition(", ")[2], []).append(row)
    return dict(sorted(grouped.items()))


def _revised(site: Opened) -> list[dict[str, Any]]:
    """Return the largest revisions since the release before."""
    rows = pl.scan_csv(site.folder / "changes.csv", glob=False, infer_schema=False).filter(change="revised").collect()
    numbers = rows.with_columns(pl.col("old", "new", "difference").cast(pl.Float64), pl.col("date").str.to_date())
    largest = numbers.sort(pl.col("difference").abs(), descending=True, nulls_last=True, maintain_order=True)
    return largest.head(_REVISED).to_dicts()
