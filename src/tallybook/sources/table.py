"""Tables that a card describes: any delimited file, or Socrata's ``rows.json``."""

from __future__ import annotations

import hashlib
import re
from datetime import date
from functools import reduce
from typing import Final

import polars as pl

from tallybook.errors import ContractError
from tallybook.model.cards import Card
from tallybook.model.decoding import decoded
from tallybook.model.metrics import RATES, Level
from tallybook.model.places import NATION, SUBSTATE, Gazetteer
from tallybook.model.reports import REPORT_SCHEMA, Reports, Status
from tallybook.model.tables import LINE, Table, in_words, read_table
from tallybook.model.weeks import week_ends
from tallybook.sources.socrata import read_rows_json

# Columns of our own, named as no agency names its own.
_DATE: Final = "\N{PILCROW SIGN}date"
_KEY: Final = "\N{PILCROW SIGN}key"
_PLACE: Final = "\N{PILCROW SIGN}place"
_STATE: Final = "\N{PILCROW SIGN}state"
_STATUS: Final = "\N{PILCROW SIGN}status"

_WEEKS: Final = "a year has 52 weeks, some have 53"
_ENDINGS: Final = r"(?i)\s+(county|parish|borough|census area|municipality|municipio|town)$"


def parse_table(data: bytes, *, file: str, source: str, card: Card, places: Gazetteer, today: date) -> Reports:
    r"""Return the reports of a table, one per row and metric of the card.

    A blank count is a report of nothing: 'not_collected' before the card's ``since``, 'not_reported' after it, or what
    the card says that the cell's text means. A total may be lower than the day before: agencies correct themselves.

    Args:
        data: the bytes of the file.
        file: the name errors use.
        source: the name of the source.
        card: how to read it.
        places: the gazetteer.
        today: the last date that can have been reported.

    Raises:
        DataRefusedError: a column is missing or extra, a place unknown or called by another's code, a date none or in
            the future, a count no whole number or negative, a place reported twice on a date.

    >>> from tallybook.model.places import gazetteer
    >>> card = Card.model_validate(
    ...     {"title": "Cases by town", "layout": "table", "reporting": "explicit", "level": "town", "state": "CT",
    ...      "date": {"column": "Date", "format": "%m/%d/%Y"}, "place": {"name": "Town"},
    ...      "metrics": {"cases": "Cases", "tests": {"column": "Tests", "since": "2020-05-31"}}}
    ... )
    >>> text = b"Date,Town,Cases,Tests\n03/24/2020,Sharon,1,\n"
    >>> day = date(2020, 3, 25)
    >>> made = parse_table(text, file="ct.csv", source="ct", card=card, places=gazetteer(), today=day)
    >>> made.frame.rows()
    [('USA-09-125', 'cases', datetime.date(2020, 3, 24), 1.0, 'reported'),
     ('USA-09-125', 'tests', datetime.date(2020, 3, 24), None, 'not_collected')]
    """
    if card.level is None:
        raise ContractError(f"the card of {source!r} describes no table", hint="set layout: table")
    table, when = _with_days(_read(data, file, card), card)
    table.refuse(pl.col(_DATE) > today, when, "{text} is in the future", hint=f"it is known as of {today}")
    table = _with_places(table, card, card.level, places)
    twice = ~pl.struct(_PLACE, _DATE).is_first_distinct()
    table.refuse(twice, when, f"a second row for {{{_PLACE}}} on {{{_DATE}}}", hint="one row per place and date")
    frames = [_observed(table, card, metric) for metric in card.metrics]
    frame = pl.concat(frames).select(REPORT_SCHEMA.names())
    return Reports(frame, source, file, hashlib.sha256(data).hexdigest())


def _read(data: bytes, file: str, card: Card) -> Table:
    columns = list(dict.fromkeys([*card.key_columns, *(metric.column for metric in card.metrics.values())]))
    text = decoded(data, file)
    if text.lstrip().startswith("{"):
        return read_rows_json(text, file=file, columns=columns, ignored=card.ignore)
    return read_table(data, file=file, columns=columns, ignored=card.ignore, delimiter=card.delimiter)


def _with_days(table: Table, card: Card) -> tuple[Table, str]:
    """Return the table with _DATE, that of a week being the Saturday it ends on, and the column that says it."""
    if card.week:
        year, week = card.week.year, card.week.week
        table = table.required(year, week).with_integers(year, week, hint="write the MMWR year and week in digits")
        table = table.with_rows(table.rows.with_columns(week_ends(pl.col(year), pl.col(week)).alias(_DATE)))
        table.refuse(pl.col(_DATE).is_null(), week, f"{{{in_words(year)}}} has no MMWR week {{text}}", hint=_WEEKS)
        return table, week
    if card.date is None:
        raise ContractError("the card describes no dates", hint="say in which column date has them")
    table = table.required(card.date.column)
    written = "%Y-%m-%d" if table.where == "row" else card.date.format
    table = table.with_dates(card.date.column, written=written)
    return table.with_rows(table.rows.with_columns(pl.col(card.date.column).alias(_DATE))), card.date.column


def _observed(table: Table, card: Card, metric: str) -> pl.DataFrame:
    """Return the reports of one metric: place, metric, date, value, status."""
    column, since = card.metrics[metric].column, card.metrics[metric].since
    cell = pl.col(column)
    reasons = dict(card.missing)
    blank = pl.lit(Status.NOT_REPORTED.value)
    if since is not None:
        blank = pl.when(pl.col(_DATE) < since).then(pl.lit(Status.NOT_COLLECTED.value)).otherwise(blank)
    said = cell.replace_strict(reasons, default=None, return_dtype=pl.String) if reasons else pl.lit(None, pl.String)
    rows = table.rows.with_columns(pl.when(cell.is_null()).then(blank).otherwise(said).alias(_STATUS))
    number = pl.when(pl.col(_STATUS).is_null()).then(_digits(cell, card.thousands))
    numbers = table.with_rows(rows.with_columns(number.alias(column)))
    numbers = numbers.with_decimals(column) if metric in RATES else numbers.with_integers(column)
    numbers.refuse(cell < 0, column, f"the {in_words(column)} {{text}} is negative", hint="totals are from 0 up")
    return numbers.rows.select(
        pl.col(_PLACE).alias("place"),
        pl.lit(metric).alias("metric"),
        pl.col(_DATE).alias("date"),
        cell.cast(pl.Float64).alias("value"),
        pl.col(_STATUS).fill_null(Status.REPORTED.value).alias("status"),
    )


def _digits(cell: pl.Expr, mark: str) -> pl.Expr:
    """Return a number without the marks between its thousands; where they stand elsewhere it stays as it is."""
    if not mark:
        return cell
    grouped = cell.str.contains(rf"^[+-]?[0-9]{{1,3}}({re.escape(mark)}[0-9]{{3}})+(\.[0-9]+)?$")
    return pl.when(grouped).then(cell.str.replace_all(mark, "", literal=True)).otherwise(cell)


def _with_places(table: Table, card: Card, level: Level, places: Gazetteer) -> Table:
    """Return the table with _PLACE, the geoid that all of its place columns name."""
    if level is Level.NATION or card.place is None:
        return table.with_rows(table.rows.with_columns(pl.lit(NATION).alias(_PLACE)))
    table = _with_state(table, card, level, places)
    ways = {way: column for way in ("geoid", "fips", "name", "code") if (column := getattr(card.place, way))}
    found = reduce(lambda rows, way: _joined(rows, way, ways[way], level, places), ways, table.rows)
    main = next(way for way in ways if way != "code")
    table = table.required(ways[main]).with_rows(found)
    _refuse_unknown(table, ways[main], _way(main), level, places)
    shown = in_words(ways[main])
    for way, column in ways.items():
        differs = pl.col(_way(way)).ne_missing(pl.col(_way(main))) & pl.col(column).is_not_null()
        table.refuse(differs, column, f"{{text}} is not the {way} of {{{shown}}}", hint="both must be one place")
    return table.with_rows(table.rows.with_columns(pl.col(_way(main)).alias(_PLACE)))


def _with_state(table: Table, card: Card, level: Level, places: Gazetteer) -> Table:
    """Return the table with _STATE, the geoid of the state its places lie in; null where it is not said."""
    if level not in SUBSTATE:
        return table.with_rows(table.rows.with_columns(pl.lit(NATION).alias(_STATE)))
    column = card.place.state if card.place else None
    if column is None:
        geoid = places.find(card.state, among=[Level.STATE]).geoid if card.state else None
        return table.with_rows(table.rows.with_columns(pl.lit(geoid, pl.String).alias(_STATE)))
    names = _lookup(places, Level.STATE, "name").select(pl.col("key").alias(_KEY), pl.col("place").alias(_STATE))
    keyed = table.required(column).rows.with_columns(_plain(pl.col(column)).alias(_KEY))
    found = table.with_rows(keyed.join(names, on=_KEY, how="left", maintain_order="left"))
    found.refuse(pl.col(_STATE).is_null(), column, "unknown state {text}", hint="use its name or abbreviation")
    return found


def _way(way: str) -> str:
    """Return the name of the column that holds the geoid found in this way."""
    return f"\N{PILCROW SIGN}by {way}"


def _joined(rows: pl.DataFrame, way: str, column: str, level: Level, places: Gazetteer) -> pl.DataFrame:
    """Return the rows with the geoid of the place that the column names in this way."""
    known = _lookup(places, level, way).select(
        pl.col("key").alias(_KEY), pl.col("parent").alias(_STATE), pl.col("place").alias(_way(way))
    )
    key = {"name": _plain(pl.col(column)), "code": pl.col(column).str.strip_chars_start("0")}
    keyed = rows.with_columns(key.get(way, pl.col(column)).alias(_KEY))
    if way in ("geoid", "fips"):
        found = keyed.join(known.drop(_STATE), on=_KEY, how="left", maintain_order="left")
    else:
        found = keyed.join(known, on=[_KEY, _STATE], how="left", maintain_order="left")
    return found.drop(_KEY)


def _lookup(places: Gazetteer, level: Level, way: str) -> pl.DataFrame:
    """Return how places of a level are called in a way: key, place, parent."""
    known = places.frame.filter(level=level)
    if way == "geoid":
        keys = [pl.col("geoid")]
    elif way == "code":
        keys = [pl.col("geoid").str.split("-").list.last().str.strip_chars_start("0")]
    elif way == "name":
        keys = [_plain(pl.col("name")), _plain(pl.col("abbreviation"))]
    else:
        keys = [pl.col("fips")]
    every = pl.concat([known.select(key=key, place="geoid", parent="parent") for key in keys])
    return every.drop_nulls("key").unique("key" if level is Level.STATE else ["key", "parent"], maintain_order=True)


def _plain(name: pl.Expr) -> pl.Expr:
    """Return a name without what agencies write differently: capitals, outer blanks, "County" at the end."""
    return name.str.strip_chars().str.replace(_ENDINGS, "").str.to_lowercase()


def _refuse_unknown(table: Table, column: str, found: str, level: Level, places: Gazetteer) -> None:
    unknown = table.rows.filter(pl.col(found).is_null())
    if unknown.is_empty():
        return
    row = unknown.sort(LINE).row(0, named=True)
    state = places[row[_STATE]].name if level in SUBSTATE and row[_STATE] else None
    hint = places.suggest(str(row[column]), level=level, state=state)
    table.refuse(pl.col(found).is_null(), column, f"unknown {level} {{text}}", hint=hint)
