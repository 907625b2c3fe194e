"""Cards: what the front matter of a source's file may say."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Final, Literal, Self

import polars as pl
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tallybook.model.metrics import COUNTS, RATES, Level
from tallybook.model.mortality import PlaceTerms
from tallybook.model.strict import Strict

Reporting = Literal["infer-from-zero", "explicit"]
"""How days without data are known: inferred from zero counts, or said by the source."""

REPORTING: Final[dict[Reporting, str]] = {
    "infer-from-zero": "A day without new counts is taken as one without data; the next day with data covers it.",
    "explicit": "The source says which days it reported on; a reported zero is a zero.",
}
"""The same in a sentence."""

Cadence = Literal["daily", "weekdays", "weekly"]
"""How often a source reports."""

Layout = Literal["published", "table", "all-cause-deaths"]
"""How a source's files are laid out: as the New York Times', as one table that the card describes, or as one file of
deaths from all causes."""

Reach = Literal["whole", "dates", "rows"]
"""What a file covers: everything known by its moment, the days from its first to its last, or its own rows."""

Reason = Literal["not_reported", "not_collected", "withheld"]
"""Why a cell holds no number, as far as a card can tell."""

ANNOTATION_SCHEMA: Final = pl.Schema(
    {"source": pl.String(), "date": pl.Date(), "end_date": pl.Date(), "note": pl.String()}
)
"""A dated note of a source, on each of its series, from ``date`` to ``end_date``; null where that is one day."""


def _column(name: str) -> str:
    # The engine takes these for patterns.
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        raise ValueError(f"{name!r} cannot be the name of a column")
    return name


def _date_format(text: str) -> str:
    day = dt.date(2001, 12, 31)
    try:
        read = pl.Series([day.strftime(text)]).str.to_date(text, strict=False)[0]
    except (pl.exceptions.PolarsError, ValueError):
        read = None
    if read != day:
        raise ValueError(f"{text!r} writes no whole date; use %Y, %m and %d, as in %m/%d/%Y")
    return text


def _delimiter(text: str) -> str:
    mark = {"tab": "\t", r"\t": "\t"}.get(text, text)
    if len(mark) != 1 or mark in '"\r\n' or not mark.isascii():
        raise ValueError(f"{text!r} cannot stand between cells; use a comma, a semicolon, | or tab")
    return mark


def _thousands(mark: str) -> str:
    if mark.isalnum() or mark in {"-", "+", '"', "\r", "\n"}:
        raise ValueError(f"{mark!r} cannot stand between thousands; use a comma, a point, a blank or an apostrophe")
    return mark


def _web(address: str) -> str:
    if not re.fullmatch(r"https?://[^\s]+", address):
        raise ValueError(f"{address!r} is no http or https address")
    return address


def _metric(name: str) -> str:
    if name not in (*COUNTS, *RATES):
        raise ValueError(f"unknown metric {name!r}; use {', '.join((*COUNTS, *RATES))}")
    return name


def _cell(name: Any) -> Any:
    return {"column": name} if isinstance(name, str) else name


def _list(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


ColumnName = Annotated[str, Field(min_length=1), AfterValidator(_column)]
Address = Annotated[str, AfterValidator(_web)]
Words = Annotated[tuple[str, ...], BeforeValidator(_list)]


class DateColumn(Strict):
    """Where a table has its dates.

    Attributes:
        column: the name of the column, to the letter.
        format: how a date is written, in strftime's codes.
    """

    column: ColumnName
    format: Annotated[str, AfterValidator(_date_format)] = "%Y-%m-%d"


class WeekColumns(Strict):
    """Where a table has its MMWR weeks. A week is dated by the Saturday it ends on.

    Attributes:
        year: the column with the MMWR year.
        week: the column with the MMWR week, 1 to 53.
    """

    year: ColumnName
    week: ColumnName


class PlaceColumns(Strict):
    """Where a table has its places; those that are given must name one and the same place.

    Attributes:
        geoid: the column with our id.
        fips: the column with the FIPS code, leading zeros kept.
        name: the column with the name; of states also the abbreviation.
        state: the column with the state of a county or town; left out where the card names the ``state``.
        code: the column with the number a state gives its towns, the last part of our id.
    """

    geoid: ColumnName | None = None
    fips: ColumnName | None = None
    name: ColumnName | None = None
    state: ColumnName | None = None
    code: ColumnName | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.geoid or self.fips or self.name):
            raise ValueError("name the column of places: geoid, fips or name")
        return self

    def columns(self) -> dict[str, str]:
        """Return the columns that are given, by what is in them."""
        return {way: column for way, column in self if column}


class MetricColumn(Strict):
    """Where a table has a metric.

    Attributes:
        column: the name of the column, to the letter.
        since: the first day it was collected; blank cells before are 'not_collected', later ones 'not_reported'.
    """

    column: ColumnName
    since: dt.date | None = None


class Card(BaseModel):
    """What a source says of itself, and how to read it. Keys this class does not know are kept.

    Attributes:
        title: what the dataset is called.
        publisher: who publishes it.
        license: its licence: an SPDX identifier such as ``CC-BY-4.0``, or words; one for non-commercial use says so.
        license_url: where the licence can be read; of those with an identifier it is known.
        attribution: how the source wants to be named; by default it is its publisher.
        created: when it was first published.
        modified: when it was last changed.
        state: the state it is about, by name or abbreviation.
        type: what kind of thing it is, such as ``dataset``.
        tags: words to find it by.
        groups: the catalogue's groups it is in.
        url: the folder a feed of the published layout is in.
        csv_url: the address of the table as delimited text.
        json_url: the address of the table as Socrata's rows.json.
        cadence: how often it reports; ``check`` says where it did not.
        reporting: 'infer-from-zero' where a day without new counts may be one that nobody reported on; 'explicit'
            where every row is a report.
        coverage: what a file covers; what it covers and no longer has is withdrawn.
        layout: 'published', 'table' or 'all-cause-deaths'.
        level: the level of a table's places.
        delimiter: what stands between the cells of a table; ``tab`` for a tabulator.
        thousands: what stands between the thousands of a number.
        date: where a table has its dates.
        week: where a table of MMWR weeks has them, instead of dates.
        provisional_weeks: for how many of the latest weeks revisions are expected; their counts are provisional.
        place: where a table has its places.
        metrics: where a table has its metrics.
        missing: texts that stand for no number, and the reason of each: not_reported, not_collected, withheld.
        ignore: columns of a table that are not read; '*' for all that the card does not name.
        excess: what is particular in how deaths from all causes are expected in some places.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    title: str = Field(min_length=1)
    publisher: str = ""
    license: str = ""
    license_url: Address | None = None
    attribution: str = ""
    created: dt.date | dt.datetime | None = Field(default=None, union_mode="left_to_right")
    modified: dt.date | dt.datetime | None = Field(default=None, union_mode="left_to_right")
    state: str | None = None
    type: str = "dataset"
    tags: Words = ()
    groups: Words = ()
    url: Address | None = None
    csv_url: Address | None = None
    json_url: Address | None = None
    cadence: Cadence = "daily"
    reporting: Reporting
    coverage: Reach = "whole"
    layout: Layout
    level: Level | None = None
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    thousands: Annotated[str, Field(max_length=1), AfterValidator(_thousands)] = ""
    date: DateColumn | None = None
    week: WeekColumns | None = None
    provisional_weeks: Annotated[int, Field(ge=0, le=520)] = 0
    place: PlaceColumns | None = None
    metrics: dict[Annotated[str, AfterValidator(_metric)], Annotated[MetricColumn, BeforeValidator(_cell)]] = Field(
        default_factory=dict
    )
    missing: dict[str, Reason] = Field(default_factory=dict)
    ignore: Words = ()
    excess: tuple[PlaceTerms, ...] = ()

    @model_validator(mode="after")
    def _fits_its_layout(self) -> Self:
        if self.provisional_weeks and not self.week:
            raise ValueError("provisional_weeks are MMWR weeks; say in which columns week has them")
        said = {"level": self.level, "date": self.date or self.week, "metrics": self.metrics, "place": self.place}
        if self.layout != "table":
            extra = [name for name, value in said.items() if value]
            if extra:
                raise ValueError(f"the {self.layout} layout has its own {extra[0]}; leave it out, or set layout: table")
            return self
        if self.excess:
            raise ValueError("a table has no deaths from all causes; leave excess out, or set layout: all-cause-deaths")
        needed = [name for name in said if name != "place" or self.level is not Level.NATION]
        lacking = [name for name in needed if not said[name]]
        if lacking:
            raise ValueError(f"a table needs {', '.join(lacking)}")
        if self.week and (self.date or self.cadence != "weekly"):
            raise ValueError("a table by week has no date, and cadence: weekly")
        return self

    @model_validator(mode="after")
    def _each_its_column(self) -> Self:
        columns = [*self.key_columns, *(metric.column for metric in self.metrics.values())]
        twice = [column for column in columns if columns.count(column) > 1]
        if twice:
            raise ValueError(f"two things are read from the column {twice[0]!r}; each needs its own")
        return self

    @field_validator("excess")
    @classmethod
    def _each_place_once(cls, excess: tuple[PlaceTerms, ...]) -> tuple[PlaceTerms, ...]:
        places = [terms.place for terms in excess]
        twice = [place for place in places if places.count(place) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} stands there twice")
        return excess

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of a table that say where and when."""
        places = self.place.columns().values() if self.place else ()
        weeks = (self.week.year, self.week.week) if self.week else ()
        return (*places, *((self.date.column,) if self.date else ()), *weeks)

    @property
    def location(self) -> str | None:
        """Where ``record`` finds it when it is given no place."""
        return self.url or self.csv_url or self.json_url
