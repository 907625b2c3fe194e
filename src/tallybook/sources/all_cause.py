"""Deaths from all causes by week or month, in the columns the New York Times has them in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from tallybook.errors import DataRefusedError
from tallybook.model.mortality import AVERAGE, DEATHS_KEY, DEATHS_SCHEMA, FREQUENCIES, PLACE, SERIES, with_key
from tallybook.model.tables import Table, read_table

FILE: Final = "excess-deaths/deaths.csv"
"""The file of deaths from all causes in a feed of the published layout, and in a release."""

_ESTIMATES: Final = ("expected_deaths", "excess_deaths", "baseline")


def parse_deaths(
    data: bytes, *, file: str, today: date, columns: Sequence[str] = (), ignored: Sequence[str] = ()
) -> pl.DataFrame:
    r"""Return the deaths in a file: DEATHS_SCHEMA, and the further columns asked for; rows as in the file.

    What a file says of expected deaths is ``published_expected_deaths``, null where it says nothing; nothing is made of
    it. Weeks may be those of any calendar.

    Args:
        data: the bytes of the file.
        file: the name errors use.
        today: the last date that can have been reported.
        columns: further columns with numbers, terms of the models of some places.
        ignored: columns it may have that are not read; '*' for any.

    Raises:
        DataRefusedError: a column is missing or extra, text stands where a number or date belongs, a year is neither
            one nor an average of some, a week or month is none of its year, deaths are negative, a period is in the
            future, not in its year, or there twice, the average of a place stands beside the years it is of, or there
            are only averages.

    >>> header = "country,placename,frequency,start_date,end_date,year,month,week,deaths\n"
    >>> text = header + "Austria,,weekly,2020-01-06,2020-01-12,2020,1,2,1702\n"
    >>> parse_deaths(text.encode(), file="deaths.csv", today=date(2020, 2, 1)).select("country", "deaths").rows()
    [('Austria', 1702)]
    """
    table = read_table(data, file=file, columns=[*DEATHS_SCHEMA, *columns], optional=_ESTIMATES, ignored=ignored)
    table = table.required("country", "frequency", "year").with_plain_texts(*PLACE)
    known = ", ".join(FREQUENCIES)
    table.refuse(~pl.col("frequency").is_in(FREQUENCIES), "frequency", "unknown frequency {text}", hint=f"use {known}")
    said = [name for name in _ESTIMATES[:2] if name in table.rows.columns]
    table = table.with_dates("start_date", "end_date").with_integers("month", "week", "deaths", *said)
    table.refuse(pl.col("deaths") < 0, "deaths", "{text} deaths are fewer than none", hint="leave unknown ones blank")
    table = _with_years(table.with_decimals(*columns), today)
    table = _with_periods(table)
    _refuse_double(table)
    _refuse_misplaced(table)
    if table.rows["average"].all():
        raise DataRefusedError("no row is of a year of its own", file=file, hint="there is nothing to estimate")
    published = pl.col("expected_deaths") if said else pl.lit(None, pl.Int64)
    return table.rows.select(*DEATHS_SCHEMA, *columns, published.alias("published_expected_deaths"))


def _with_years(table: Table, today: date) -> Table:
    """Return the table with ``first`` and ``last``: the years of an average row, else twice the year of the row."""
    year, start, end = pl.col("year"), pl.col("start_date"), pl.col("end_date")
    wrong = ~year.str.contains(rf"^[0-9]{{4}}$|{AVERAGE}")
    hint = "write a year, or the years of an average row as '2015-2019 average'"
    table.refuse(wrong, "year", "{text} is no year", hint=hint)
    first, last = (year.str.extract(AVERAGE, part).fill_null(year.str.slice(0, 4)).cast(pl.Int64) for part in (1, 2))
    table = table.with_rows(table.rows.with_columns(first=first, last=last, average=year.str.contains(AVERAGE)))
    table.refuse(pl.col("first") > pl.col("last"), "year", "the average {text} ends before it begins")
    table.refuse(
        start.is_null() != end.is_null(), "end_date", "one date of the period is blank", hint="give both or none"
    )
    table.refuse(end < start, "end_date", "the end {text} is before the start {start_date}")
    future = (end > today) | (pl.col("last") > today.year)
    table.refuse(future, "year", "{text}, {end_date} is in the future", hint=f"it is known as of {today}")
    other = ~pl.col("average") & ~pl.col("first").is_between(start.dt.year(), end.dt.year())
    table.refuse(other, "year", "{text} is not the year of {start_date} to {end_date}")
    return table


def _with_periods(table: Table) -> Table:
    """Return the table with its key, and the month of every row with dates."""
    weekly = pl.col("frequency") == "weekly"
    table.refuse(weekly & pl.col("week").is_null(), "week", "a weekly row has no week")
    table.refuse(~pl.col("week").is_between(1, 53), "week", "a year has no week {text}", hint="weeks go from 1 to 53")
    table.refuse(~weekly & pl.col("month").is_null(), "month", "a monthly row has no month")
    table.refuse(~pl.col("month").is_between(1, 12), "month", "a year has no month {text}")
    months = [pl.col(name).dt.month() for name in ("start_date", "end_date")]
    other = (pl.col("month") != months[0]) & (pl.col("month") != months[1])
    table.refuse(other, "month", "{text} is not the month of {start_date} to {end_date}")
    month = pl.col("month").fill_null(months[1].cast(pl.Int64))
    return table.with_rows(with_key(table.rows.with_columns(month)))


def _refuse_double(table: Table) -> None:
    again = ~pl.struct(DEATHS_KEY).is_first_distinct()
    table.refuse(again, "year", "a second row of {country} for {frequency} period {period} of {text}")


def _refuse_misplaced(table: Table) -> None:
    """Refuse averages outside their role: the history of a place that has no years of its own."""
    average = pl.col("average")
    own = pl.col("first").filter(~average).min().over(SERIES)
    table.refuse(
        average & (own <= pl.col("last")),
        "year",
        "the average {text} stands beside the years it is of",
        hint="keep the years, or the average",
    )
    for name in _ESTIMATES:
        if name in table.rows.columns:
            table.refuse(
                average & pl.col(name).is_not_null(), name, "an average row has {text} here", hint="leave it blank"
            )
