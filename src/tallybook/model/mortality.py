"""Deaths from all causes: their columns, and what may be said of how deaths are expected in a place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final

import polars as pl
from pydantic import BeforeValidator, Field

from tallybook.model.strict import Strict

FREQUENCIES: Final = ("weekly", "monthly")
"""Whether deaths are counted by week or by month."""

AVERAGE: Final = r"^([0-9]{4})-([0-9]{4}) average$"
"""How the ``year`` of an average row is written, such as ``2017-2019 average``."""

PLACE: Final = ("country", "placename")
"""The columns of a place: a country, and a part of it where only that is counted."""

DEATHS_SCHEMA: Final = pl.Schema(
    {
        "country": pl.String(),
        "placename": pl.String(),
        "frequency": pl.String(),
        "start_date": pl.Date(),
        "end_date": pl.Date(),
        "year": pl.String(),
        "month": pl.Int64(),
        "week": pl.Int64(),
        "deaths": pl.Int64(),
    }
)
"""Deaths from all causes of a place and period. ``year`` is a year or, of a row that has the average of several, their
first and last, as in ``2017-2019 average``; ``week`` is null of months; null ``deaths`` were not reported. Key:
DEATHS_KEY."""

SERIES: Final = (*PLACE, "frequency")
"""The columns of what follows one another: a place, by week or by month."""

DEATHS_KEY: Final = (*SERIES, "year", "period", "dated")
"""What tells rows of deaths apart; the last two are those of ``with_key``."""

PUBLISHED_COLUMNS: Final = (*DEATHS_SCHEMA, "expected_deaths", "excess_deaths", "baseline")
"""The columns of ``excess-deaths/deaths.csv``."""

YearRange = tuple[Annotated[int, Field(ge=1900, le=2100)], Annotated[int, Field(ge=1900, le=2100)]]
"""A first and a last year."""


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class HolidayTerm(Strict):
    """Days on which an agency registers no deaths: their number in a week is a term of the model.

    Attributes:
        country: the country, by its two-letter code.
        subdivision: a part of it, by the code the package ``holidays`` has for it.
        names: the holidays, as that package calls them; all if left out.
    """

    country: str
    subdivision: str | None = None
    names: tuple[str, ...] = ()


class PlaceTerms(Strict):
    """What is particular in how deaths are expected in a place.

    Attributes:
        place: the country, or place and country as in ``Turkey, Istanbul``.
        january: whether January of the first year estimated is part of what is fitted to.
        holidays: counts the holidays of a period.
        weeks: an indicator for each of these weeks of the year.
        dates: an indicator for periods that have one of these dates, such as a strike of registrars.
        columns: columns of the table with numbers of each period, such as its temperature.
    """

    place: str = Field(min_length=1)
    january: bool = True
    holidays: HolidayTerm | None = None
    weeks: Annotated[tuple[Annotated[int, Field(ge=1, le=53)], ...], BeforeValidator(_list)] = ()
    dates: Annotated[tuple[dt.date, ...], BeforeValidator(_list)] = ()
    columns: Annotated[tuple[str, ...], BeforeValidator(_list)] = ()


def title(columns: tuple[str, ...] = PLACE) -> pl.Expr:
    """Return the name of a place in one text, of its columns that are not null.

    >>> places = pl.DataFrame({"country": ["Turkey", "Peru"], "placename": ["Istanbul", None]})
    >>> places.select(title())["place"].to_list()
    ['Turkey, Istanbul', 'Peru']
    """
    return pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator=", ", ignore_nulls=True).alias(
        "place"
    )


def with_key(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of DEATHS_SCHEMA with ``period``, the week or month, and ``dated``, where an average row begins.

    Of an average a place may have several, each dated. The dates of other rows, and the month of a week, say nothing
    that tells rows apart: they may be added or corrected.

    >>> rows = pl.DataFrame([{"frequency": "monthly", "year": "2020", "month": 3, "deaths": 7}], schema=DEATHS_SCHEMA)
    >>> with_key(rows).select(DEATHS_KEY).row(0)
    (None, None, 'monthly', '2020', 3, None)
    """
    weekly, average = pl.col("frequency") == "weekly", pl.col("year").str.contains(AVERAGE)
    return rows.with_columns(
        period=pl.when(weekly).then("week").otherwise("month"), dated=pl.when(average).then("start_date")
    )


def days_of_period() -> tuple[pl.Expr, pl.Expr]:
    """Return the first and the last day of a row's period: those it says, else those of the ISO week, or of the month.

    >>> rows = pl.DataFrame([{"year": "2020", "week": 1}, {"year": "2020", "month": 2}], schema=DEATHS_SCHEMA)
    >>> [str(day) for row in rows.select(first=days_of_period()[0], last=days_of_period()[1]).rows() for day in row]
    ['2019-12-30', '2020-01-05', '2020-02-01', '2020-02-29']
    """
    year = pl.col("year").cast(pl.String).cast(pl.Int32)
    weekly = pl.col("week").is_not_null()
    monday = pl.date(year, 1, 4).dt.truncate("1w") + pl.duration(days=7 * (pl.col("week") - 1))
    month = pl.date(year, pl.col("month").fill_null(1), 1)
    first = pl.when(weekly).then(monday).otherwise(month)
    last = pl.when(weekly).then(monday + pl.duration(days=6)).otherwise(month.dt.month_end())
    return pl.coalesce("start_date", first), pl.coalesce("end_date", last)


def described(terms: Mapping[str, PlaceTerms]) -> dict[str, Any]:
    """Return what is particular, in plain words and numbers, by place.

    >>> described({"Brazil": PlaceTerms(place="Brazil", january=False)})
    {'Brazil': {'january': False}}
    """
    return {
        place: said.model_dump(mode="json", exclude={"place"}, exclude_defaults=True) for place, said in terms.items()
    }
