"""The published layout: cumulative cases and deaths by day, one file per level, as the New York Times has them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from tallybook.model.cards import Reach
from tallybook.model.metrics import METRICS, PARTS, Level
from tallybook.model.places import NATION, Gazetteer
from tallybook.model.reports import REPORT_SCHEMA, Reports, Status
from tallybook.model.tables import Table, read_table
from tallybook.sources import all_cause
from tallybook.sources.archive import Fetched
from tallybook.sources.coverage import covering

FILES: Final = {Level.NATION: "us.csv", Level.STATE: "us-states.csv", Level.COUNTY: "us-counties.csv"}
"""The file of each level."""

LIVE_FILES: Final = {level: f"live/{name}" for level, name in FILES.items()}
"""The file of each level with the counts of the current day."""

_FIRST_YEAR: Final = 2020

REGISTER: Final = "rolling-averages/anomalies.csv"
"""The file of the register that comes with the feed."""

COLUMNS: Final = {
    Level.NATION: ("date", "cases", "deaths"),
    Level.STATE: ("date", "state", "fips", "cases", "deaths"),
    Level.COUNTY: ("date", "county", "state", "fips", "cases", "deaths"),
}
"""The columns of each level's file, in their order."""

_NAME: Final = {Level.STATE: "state", Level.COUNTY: "county"}


def alternatives(level: Level, this_year: int) -> list[list[str]]:
    """Return the sets of files that hold a level, the fullest first: whole, by year, the last days only.

    A year that is too long for a spreadsheet comes in two halves.

    >>> alternatives(Level.COUNTY, 2020)[1]
    ['us-counties-2020.csv', 'us-counties-2020-h1.csv', 'us-counties-2020-h2.csv']
    """
    whole = FILES[level]
    stem = whole.removesuffix(".csv")
    years = [f"{stem}-{year}{half}.csv" for year in range(_FIRST_YEAR, this_year + 1) for half in ("", "-h1", "-h2")]
    return [[whole], years, [f"{stem}-recent.csv"]] if level is Level.COUNTY else [[whole]]


def wanted(levels: Sequence[Level], this_year: int) -> list[list[list[str]]]:
    """Return what to fetch of a feed: of levels their history and the current day, the register, all-cause deaths."""
    published = [level for level in levels if level in FILES]
    history = [alternatives(level, this_year) for level in published]
    return [*history, *([[LIVE_FILES[level]]] for level in published), [[REGISTER]], [[all_cause.FILE]]]


@dataclass(frozen=True)
class Feed:
    """What a feed says.

    Attributes:
        final: the reports of each historical file.
        live: the reports of each file of the current day.
        register: the register's file, as it came; None where there is none.
        deaths: the file of deaths from all causes, as it came; None where there is none.
    """

    final: list[Reports]
    live: list[Reports]
    register: Fetched | None
    deaths: Fetched | None = None


def parse_feed(
    found: Sequence[Fetched],
    *,
    source: str,
    levels: Sequence[Level],
    places: Gazetteer,
    today: date,
    coverage: Reach = "whole",
) -> Feed:
    """Return what the files of a feed say.

    Args:
        found: the files, by the names ``wanted`` gave.
        source: the feed's name.
        levels: the levels that were wanted.
        places: the gazetteer.
        today: the last date that can have been reported.
        coverage: what its files cover, as its card says.

    Raises:
        DataRefusedError: a file says something that cannot be taken.
    """
    published = [level for level in levels if level in FILES]
    history = {name: level for level in published for names in alternatives(level, today.year) for name in names}
    live = {LIVE_FILES[level]: level for level in published}

    def parsed(known: Mapping[str, Level], *, live: bool) -> list[Reports]:
        return [
            covering(
                parse(
                    file.data,
                    file=file.address,
                    source=source,
                    level=known[file.name],
                    places=places,
                    today=today,
                    live=live,
                ),
                known[file.name],
                METRICS,
                "rows" if live else _reach(file.name, coverage),
            )
            for file in found
            if file.name in known
        ]

    register, deaths = (
        next((file for file in found if file.name == name), None) for name in (REGISTER, all_cause.FILE)
    )
    return Feed(parsed(history, live=False), parsed(live, live=True), register, deaths)


def _reach(name: str, coverage: Reach) -> Reach:
    """Return what a file covers: by its name only some days, if the card does not say less."""
    return "dates" if coverage == "whole" and name not in FILES.values() else coverage


def parse(
    data: bytes, *, file: str, source: str, level: Level, places: Gazetteer, today: date, live: bool = False
) -> Reports:
    r"""Return the reports of one file of the published layout.

    A blank count is a report of nothing: its value is null, its status 'not_reported'. A total may be lower than the
    day before: agencies correct themselves.

    Args:
        data: the bytes of the file.
        file: the name errors use.
        source: the feed's name.
        level: the level of its places.
        places: the gazetteer.
        today: the last date that can have been reported.
        live: the file is one of the current day; it may tell confirmed from probable.

    Raises:
        DataRefusedError: a column is missing or extra, a place unknown, its FIPS code another place's, a date none or
            in the future, a count no whole number or negative, a place reported twice on a date.

    >>> from tallybook.model.places import gazetteer
    >>> text = b"date,state,fips,cases,deaths\n2020-01-21,Washington,53,1,\n"
    >>> day = date(2020, 1, 22)
    >>> parse(text, file="us-states.csv", source="nyt", level=Level.STATE, places=gazetteer(), today=day).frame.rows()
    [('USA-53', 'cases', datetime.date(2020, 1, 21), 1.0, 'reported'),
     ('USA-53', 'deaths', datetime.date(2020, 1, 21), None, 'not_reported')]
    """
    table = read_table(data, file=file, columns=COLUMNS[level], optional=PARTS if live else ()).required("date")
    metrics = [name for name in (*METRICS, *PARTS) if name in table.rows.columns]
    table = table.with_dates("date").with_integers(*metrics)
    future = pl.col("date") > today
    table.refuse(future, "date", "{text} is in the future", hint=f"it is known as of {today}; is the year right?")
    for metric in metrics:
        table.refuse(
            pl.col(metric) < 0, metric, "the total {text} is negative", hint="counts are cumulative, from 0 up"
        )
    table = _with_places(table, level, places)
    key = "date" if level is Level.NATION else _NAME[level]
    says = "a second row for {date}" if level is Level.NATION else "a second row for {text} on {date}"
    table.refuse(~pl.struct("place", "date").is_first_distinct(), key, says, hint="one row per place and date")
    status = pl.when(pl.col("value").is_null()).then(pl.lit(Status.NOT_REPORTED)).otherwise(pl.lit(Status.REPORTED))
    frame = (
        table.rows.unpivot(on=metrics, index=["place", "date"], variable_name="metric")
        .with_columns(pl.col("value").cast(pl.Float64), status=status)
        .select(REPORT_SCHEMA.names())
    )
    return Reports(frame, source, file, hashlib.sha256(data).hexdigest())


def _with_places(table: Table, level: Level, places: Gazetteer) -> Table:
    """Return the table with ``place``, the geoid its names mean."""
    if level is Level.NATION:
        return table.with_rows(table.rows.with_columns(place=pl.lit(NATION)))
    keys = ["state"] if level is Level.STATE else ["county", "state"]
    table = table.required(*keys)
    named = places.named.filter(level=level).select("state", county="name", place="geoid", known_fips="fips")
    known = named.select(*keys, "place", "known_fips")
    found = table.with_rows(table.rows.join(known, on=keys, how="left", maintain_order="left"))
    _refuse_unknown(found, level, places)
    wrong = pl.col("fips").ne_missing(pl.col("known_fips")) & pl.col("fips").is_not_null()
    found.refuse(
        wrong,
        "fips",
        f"{{text}} is not the FIPS code of {{{_NAME[level]}}}, which is {{known_fips}}",
        hint="code and name must be one place; codes keep their leading zeros",
    )
    return found


def _refuse_unknown(table: Table, level: Level, places: Gazetteer) -> None:
    unknown = table.rows.filter(pl.col("place").is_null())
    if unknown.is_empty():
        return
    row = unknown.row(0, named=True)
    states = places.named.filter(level=Level.STATE)["name"]
    wrong = Level.STATE if row["state"] not in states else level
    column = _NAME[wrong]
    hint = places.suggest(row[column], level=wrong, state=row["state"])
    table.refuse(pl.col("place").is_null(), column, f"unknown {wrong} {{text}}", hint=hint)
