"""The published columns and number format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from polars import selectors as cs

from tallybook.measures.rates import round_half_up
from tallybook.model.metrics import COUNTS, METRICS, PARTS, RATES, Level, level_of
from tallybook.model.places import SUBSTATE, Gazetteer
from tallybook.release.figures import DAYS_SINCE, POSITIVITY, Figures, in_order, totals_of

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


def places_table(geoids: pl.Series, places: Gazetteer) -> pl.DataFrame:
    """Return the places that have figures: the columns of PLACE_SCHEMA and ``title``; the widest first, then by geoid.

    Args:
        geoids: the places that have.
        places: the gazetteer.
    """
    order = pl.col("level").cast(pl.Enum([level.value for level in Level]))
    titled = places.frame.join(places.titles, on="geoid", maintain_order="left")
    return titled.filter(pl.col("geoid").is_in(geoids.unique().implode())).sort(order, "geoid", maintain_order=True)


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
    """Return live counts in the columns of the totals file, and the parts.

    Args:
        live: the live observations of a day, as ``Ledger.as_of`` returns them.
        level: the level of the places.
        places: the gazetteer.
    """
    return _totals_table(totals_of(live, level, places, metrics=[*METRICS, *PARTS]), level, places, [*METRICS, *PARTS])


def parts_table(observations: pl.DataFrame, level: Level, places: Gazetteer) -> pl.DataFrame:
    """Return confirmed and probable counts, cumulative, on the days they are known for."""
    totals = totals_of(observations, level, places, metrics=PARTS)
    known = totals.filter(pl.any_horizontal(pl.col(PARTS).is_not_null()))
    return _totals_table(known, level, places, PARTS)


def _totals_table(totals: pl.DataFrame, level: Level, places: Gazetteer, metrics: Sequence[str]) -> pl.DataFrame:
    rows = in_order(totals, places)
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
    behind = made.averages.select("geoid", "date", *context)
    if behind.select("geoid", "date").equals(keyed.select("geoid", "date")):
        return keyed.hstack(behind.select(context))
    return keyed.join(behind, on=["geoid", "date"], how="left", maintain_order="left")


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
    """Return the table with its fractions as text, whole ones without a point, all digits kept; moments as ISO 8601.

    >>> plain_numbers(pl.DataFrame({"old": [3.0, 0.125]}))["old"].to_list()
    ['3', '0.125']
    """
    moments = cs.datetime(time_zone="UTC").dt.strftime("%+")
    return table.with_columns(cs.float().cast(pl.String).str.strip_suffix(".0"), moments)


@dataclass(frozen=True)
class Sheet:
    """A CSV file a table is published as.

    Attributes:
        name: its name.
        rows: its rows; None where there would be more than a spreadsheet holds, and its parts follow.
        height: how many there are.
        parts: what the parts are of, such as 'year'; empty where it has none.
    """

    name: str
    rows: pl.DataFrame | None
    height: int
    parts: str


def csv_files(table: pl.DataFrame, level: Level) -> Iterator[Sheet]:
    """Yield the CSV files a table is published as, below its folder.

    Counties also come by year, and as the last 30 days by themselves.
    """
    stem, days = STEMS[level], pl.col("date")
    yield from in_spreadsheets(stem, table, by_year=level is Level.COUNTY)
    if level is Level.COUNTY:
        recent = table.filter(days > days.max() - pl.duration(days=RECENT_DAYS))
        yield from _parted(f"{stem}-recent", recent, _PERIODS[2:], anyway=False)


def in_spreadsheets(stem: str, table: pl.DataFrame, *, by_year: bool = False) -> Iterator[Sheet]:
    """Yield the CSV files of a table with a ``date``: one, or where it is too long one per year, half-year, and so on.

    Args:
        stem: the name of the file, without its ending.
        table: the table.
        by_year: whether it comes by year anyway.
    """
    yield from _parted(stem, table, _PERIODS, anyway=by_year)


_PERIODS: Final = (
    ("year", "%Y", pl.col("date").dt.year()),
    ("half-year", "h{}", (pl.col("date").dt.month() + 5) // 6),
    ("month", "%m", pl.col("date").dt.month()),
    ("day", "%d", pl.col("date").dt.day()),
)
"""What a file that is too long is parted by, one after the other: its name, how it is written, and its number."""


def _parted(
    stem: str, table: pl.DataFrame, periods: Sequence[tuple[str, str, pl.Expr]], *, anyway: bool
) -> Iterator[Sheet]:
    sheet = _sheet(stem, table, periods[0][0] if periods else "")
    yield sheet
    if periods and (anyway or sheet.rows is None):
        _, written, number = periods[0]
        for (value,), rows in table.group_by(number, maintain_order=True):
            part = f"{stem}-{rows['date'][0].strftime(written).format(value)}"
            yield from _parted(part, rows, periods[1:], anyway=False)


def _sheet(stem: str, table: pl.DataFrame, parts: str) -> Sheet:
    fits = table.height <= SPREADSHEET_ROWS
    return Sheet(f"{stem}.csv", table if fits else None, table.height, parts)


def _named(frame: pl.DataFrame, level: Level) -> pl.DataFrame:
    return frame.rename({"name": level.value}) if level in SUBSTATE else frame
