"""The numbers of the interactive pages: a script of what is known of the places, and one per column of figures.

A column is what differs from the day before, whole numbers in the order of the places: small, quickly read, and the
same from a server and from a disk, where pages may load scripts but not data.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import polars as pl

from tallybook.charts.measures import Measure, measures_of
from tallybook.charts.style import ALL, GROUPS, PLACES, place_number
from tallybook.charts.ticks import EPOCH
from tallybook.measures.rates import round_half_up
from tallybook.model.metrics import Level
from tallybook.site.opened import Opened
from tallybook.site.scripted import scripted

_HUNDREDTHS: Final = 100
_PREFERRED: Final = (Level.STATE, Level.TOWN, Level.COUNTY, Level.NATION)


def level_compared(site: Opened) -> Level | None:
    """Return the level whose places are compared: states, or what else there is; None where there are no figures."""
    return next((level for level in _PREFERRED if level in site.levels), None)


def metrics_compared(site: Opened) -> tuple[str, ...]:
    """Return the metrics of the places that are compared, the first of which tells when an outbreak began."""
    level = level_compared(site)
    return () if level is None else site.metrics(level)


def series_scripts(site: Opened) -> dict[str, bytes]:
    """Return the scripts by their path below ``assets``: ``series.js``, and ``series/{column}.js`` for each column.

    ``tallybook.series`` has the places and the measures; ``tallybook.columns[name]`` has per place the differences from
    day to day, from the place's first day on: null where nothing was reported. Averages are in hundredths, as
    published.
    """
    level = level_compared(site)
    if level is None:
        return {}
    metrics, totals = metrics_compared(site), site.totals(level).sort("geoid", "date")
    measures = measures_of(metrics)
    averages = site.averages(level).sort("geoid", "date")
    made = {"series.js": scripted("series", _described(site, level, totals, averages, measures))}
    for metric in metrics:
        made[f"series/{metric}.js"] = _column(metric, totals.select("geoid", "date", value=metric))
    for measure in measures:
        if measure.kind == "average":
            values = (round_half_up(measure.name) * _HUNDREDTHS).round().cast(pl.Int64)
            made[f"series/{measure.name}.js"] = _column(measure.name, averages.select("geoid", "date", value=values))
    return made


def _described(
    site: Opened, level: Level, totals: pl.DataFrame, averages: pl.DataFrame, measures: tuple[Measure, ...]
) -> dict[str, Any]:
    first, last = totals.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    since = site.card.get("community_spread_from")
    return {
        "level": level.value,
        "weekly": site.weekly(level),
        "first": (first - EPOCH).days,
        "last": (last - EPOCH).days,
        "since": since and (pl.Series([since]).str.to_date().item() - EPOCH).days,
        "measures": [asdict(measure.counted_by(site.unit(level))) for measure in measures],
        "places": list(_places(site, totals, averages, measures)),
        "defaults": _defaults(site, totals),
        "groups": {kind: list(names) for kind, names in GROUPS.items()},
        "all": ALL,
    }


def _defaults(site: Opened, totals: pl.DataFrame) -> list[str]:
    """Return the places that are shown first: the usual ten states, or the ten with the most people."""
    there = set(totals["geoid"])
    known = site.places.filter(pl.col("geoid").is_in(list(there)))
    most = known.sort("population", descending=True, nulls_last=True, maintain_order=True)["geoid"].head(len(PLACES))
    return [geoid for geoid in PLACES if geoid in there] or sorted(most)


def _places(
    site: Opened, totals: pl.DataFrame, averages: pl.DataFrame, measures: tuple[Measure, ...]
) -> Iterator[dict[str, Any]]:
    """Yield what is known of each place: ``opening`` names the metrics whose first total is no new count."""
    firsts = totals.group_by("geoid").agg(first=pl.col("date").min())
    about = firsts.join(site.places, on="geoid", how="left").sort("geoid").with_columns(
        number=place_number(pl.col("geoid")), density=pl.col("population") / pl.col("land_area_km2")
    )  # fmt: skip
    metrics = sorted({measure.metric for measure in measures})
    opened = averages.group_by("geoid").agg(pl.col(name).first().is_null() for name in metrics)
    opening = {
        row[0]: [name for name, null in zip(metrics, row[1:], strict=True) if null]
        for row in opened.select("geoid", *metrics).rows()
    }
    for row in about.iter_rows(named=True):
        yield {
            "geoid": row["geoid"],
            "title": row["title"] or row["geoid"],
            "short": row["abbreviation"] or row["name"] or row["geoid"],
            "region": row["region"],
            "division": row["division"],
            "population": row["population"],
            "density": row["density"],
            "gdp": row["gdp_2019_musd"],
            "first": (row["first"] - EPOCH).days,
            "colour": row["number"],
            "opening": opening.get(row["geoid"], []),
        }


def _column(name: str, values: pl.DataFrame) -> bytes:
    """Return a column as a script: per place, in the order of their ids, from its first day on, day by day."""
    spans = values.group_by("geoid").agg(day=pl.date_ranges(pl.col("date").min(), pl.col("date").max()).first())
    whole = spans.sort("geoid").explode("day").rename({"day": "date"})
    each = whole.join(values, on=["geoid", "date"], how="left", maintain_order="left").sort("geoid", "date")
    before = pl.col("value").forward_fill().shift(1).over("geoid").fill_null(0)
    steps = each.with_columns(step=pl.col("value") - before)
    columns = steps.group_by("geoid", maintain_order=True).agg("step", first=pl.col("date").first())
    first = [(day - EPOCH).days for day in columns["first"]]
    return scripted("columns", {"first": first, "steps": columns["step"].to_list()}, name)
