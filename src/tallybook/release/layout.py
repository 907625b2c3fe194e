"""The published columns and number format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl
from polars import selectors as cs

from tallybook.measures.rates import round_half_up
from tallybook.model.metrics import COUNTS, METRICS, PARTS, RATES, Level, level_of
from tallybook.model.places import SUBSTATE, Gazetteer
from tallybook.release.figures import DAYS_SINCE, POSITIVITY, Figures, totals_of

STEMS: Final = {Level.NATION: "us", Level.STATE: "us-states", Level.COUNTY: "us-counties", Level.TOWN: "towns"}
"""The name of each level's files."""

AVERAGES: Final = "rolling-averages"
"""The folder of the averages."""

SPREADSHEET_ROWS: Final = 1_048_576 - 1
"""The rows a spreadsheet can hold below a header; no CSV file has more."""

RECENT_DAYS: Final = 30
"""The days of a recent file."""

_PLACE_COLUMNS: Final = {
    Level.NATION: (),
    Level.STATE: ("state",),
    Level.COUNTY: ("county", "state"),
    Level.TOWN: ("town", "state"),
}
_CONTEXT: Final = ("reported", "omitted", "anomaly", "window_start", "window_end", "window_days")


def totals_table(made: Figures) -> pl.DataFrame:
    """Return the columns of the totals file of a level: ``date``, names and FIPS code, cumulative metrics.

    Towns have no published layout to follow: their file has everything that is recorded of them, ``geoid``, and the
    totals per 100,000 people.
    """
    names = _PLACE_COLUMNS[made.level]
    totals = _named(made.totals, made.level)
    if made.level is Level.TOWN:
        recorded = [name for name in totals.columns if name in (*COUNTS, *RATES)]
        rates = [f"{metric}_per_100k" for metric in made.metrics]
        return totals.select("date", "geoid", *names, *recorded, *rates)
    fips = () if made.level is Level.NATION else ("fips",)
    return totals.select("date", *names, *fips, *made.metrics)


def places_table(levels: Sequence[Figures], places: Gazetteer) -> pl.DataFrame:
    """Return the places that have figures: the columns of PLACE_SCHEMA and ``title``; the widest first, then by geoid.

    Args:
        levels: the figures of each level.
        places: the gazetteer.
    """
    there = pl.concat([made.averages.select("geoid") for made in levels] or [places.frame.select("geoid").clear()])
    order = pl.col("level").cast(pl.Enum([level.value for level in Level]))
    titled = places.frame.join(places.titles, on="geoid", maintain_order="left")
    return titled.join(there, on="geoid", how="semi", maintain_order="left").sort(order, "geoid", maintain_order=True)


def known_table(totals: pl.DataFrame, level: Level | str, places: Gazetteer) -> pl.DataFrame:
    """Return totals in the columns of the totals file of their level, rows by date, then name.

    Args:
        totals: as ``totals_of`` returns them.
        level: the level of the places.
        places: the gazetteer.
    """
    metrics = [name for name in totals.columns if name not in ("geoid", "date")]
    return _totals_table(totals, level_of(level), places, metrics)


def live_table(live: pl.DataFrame, level: Level, places: Gazetteer) -> pl.DataFrame:
    """Return the counts of the latest day that has live ones: the columns of the totals file, and the parts.

    Args:
        live: the live observations, as ``Ledger.as_of`` returns them.
        level: the level of the places.
        places: the gazetteer.
    """
    today = live.filter(pl.col("date") == pl.col("date").max())
    return _totals_table(totals_of(today, level, places, metrics=[*METRICS, *PARTS]), level, places, [*METRICS, *PARTS])


def parts_table(observations: pl.DataFrame, level: Level, places: Gazetteer) -> pl.DataFrame:
    """Return confirmed and probable counts, cumulative, on the days they are known for."""
    totals = totals_of(observations, level, places, metrics=PARTS)
    known = totals.filter(pl.any_horizontal(pl.col(PARTS).is_not_null()))
    return _totals_table(known, level, places, PARTS)


def _totals_table(totals: pl.DataFrame, level: Level, places: Gazetteer, metrics: Sequence[str]) -> pl.DataFrame:
    names = places.named.select("geoid", "fips", "name", "state")
    rows = totals.join(names, on="geoid", how="left", maintain_order="left").sort("date", "state", "name")
    fips = () if level is Level.NATION else ("fips",)
    return _named(rows, level).select("date", *_PLACE_COLUMNS[level], *fips, *metrics)


def averages_table(made: Figures) -> pl.DataFrame:
    """Return the columns of the averages file of a level, averages and rates unrounded."""
    figures = [name for metric in made.metrics for name in (metric, f"{metric}_avg", f"{metric}_avg_per_100k")]
    own = [name for name in (DAYS_SINCE, POSITIVITY) if name in made.averages.columns]
    return _named(made.averages, made.level).select("date", "geoid", *_PLACE_COLUMNS[made.level], *figures, *own)


def with_context(table: pl.DataFrame, made: Figures) -> pl.DataFrame:
    """Return a table of the level with what stands behind each row, metric by metric.

    Adds ``geoid`` where it is missing and per metric ``{metric}_reported``, ``{metric}_omitted``, ``{metric}_anomaly``
    (ids of the register, null where none), ``{metric}_window_start``, ``{metric}_window_end`` and
    ``{metric}_window_days`` of the day's average.
    """
    keyed = table if "geoid" in table.columns else table.with_columns(made.totals["geoid"])
    context = [f"{metric}_{name}" for metric in made.metrics for name in _CONTEXT]
    return keyed.join(
        made.averages.select("geoid", "date", *context), on=["geoid", "date"], how="left", maintain_order="left"
    )


def published_numbers(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with its fractions as published: two decimals, half up, no trailing zeros.

    >>> published_numbers(pl.DataFrame({"cases": [3], "cases_avg": [0.125], "deaths_avg": [2.0]})).row(0)
    (3, '0.13', '2')
    """
    fractions = [name for name, dtype in table.schema.items() if dtype.is_float()]
    return table.with_columns(
        round_half_up(name).cast(pl.String).str.strip_suffix(".0").alias(name) for name in fractions
    )


def plain_numbers(table: pl.DataFrame) -> pl.DataFrame:
    """Return the table with its fractions as text, whole ones without a point, all digits kept.

    >>> plain_numbers(pl.DataFrame({"old": [3.0, 0.125]}))["old"].to_list()
    ['3', '0.125']
    """
    return table.with_columns(cs.float().cast(pl.String).str.strip_suffix(".0"))


def csv_files(table: pl.DataFrame, level: Level) -> Iterator[tuple[str, pl.DataFrame | None]]:
    """Yield the names of the CSV files a table is published as, below its folder, and their rows.

    Counties also come by year, and as the last 30 days by themselves. A table longer than a spreadsheet comes by year
    only: its own name has no rows then (None).
    """
    stem, days = STEMS[level], pl.col("date")
    whole = table.height <= SPREADSHEET_ROWS
    yield f"{stem}.csv", table if whole else None
    if level is Level.COUNTY or not whole:
        for (year,), rows in table.group_by(days.dt.year(), maintain_order=True):
            yield f"{stem}-{year}.csv", rows
    if level is Level.COUNTY:
        yield f"{stem}-recent.csv", table.filter(days > days.max() - pl.duration(days=RECENT_DAYS))


def _named(frame: pl.DataFrame, level: Level) -> pl.DataFrame:
    return frame.rename({"name": level.value}) if level in SUBSTATE else frame
