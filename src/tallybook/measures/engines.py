"""Frames that an engine holds and computes on by itself: DuckDB, Spark, and what else Narwhals speaks to lazily."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import narwhals as nw
import polars as pl

from tallybook.errors import ContractError

LazyFrame = nw.LazyFrame[Any]

OWN: Final = "tallybook_"
"""What the names of columns in between begin with; no column that is brought may."""

BEYOND: Final = 2**53
"""No count is as large: from here on fractions leave out whole numbers, and averages would not be exact."""

_IN_MEMORY: Final = (nw.Implementation.POLARS, nw.Implementation.DASK)
_SPARK: Final = (nw.Implementation.PYSPARK, nw.Implementation.PYSPARK_CONNECT)


@dataclass(frozen=True)
class Engine:
    """A frame that an engine holds, and how to give that engine a small table.

    Attributes:
        frame: the frame.
        place: the name of the place column.
        date: the name of the date column, of type Date.
    """

    frame: LazyFrame
    place: str
    date: str

    def table(self, rows: pl.DataFrame) -> LazyFrame:
        """Return a small table in the engine."""
        return held_with(self.frame, rows)

    def days(self, first: dt.date, last: dt.date) -> LazyFrame:
        """Return the days from first to last and their numbers."""
        dates = pl.date_range(first, last, eager=True)
        return self.table(pl.DataFrame({self.date: dates, f"{OWN}day": dates.to_physical().cast(pl.Int64)}))

    @property
    def places_are_text(self) -> bool:
        """Whether places are written as text, or as categories, which are read as such."""
        return self.frame.collect_schema()[self.place] in (nw.String, nw.Categorical, nw.Enum)

    @cached_property
    def bounds(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last date; None where there are no rows."""
        date = nw.col(self.date)
        first, last = collected(self.frame.select(date.min().alias("first"), date.max().alias("last"))).row(0)
        return None if first is None else (first, last)

    def complete(self, metrics: Sequence[str]) -> LazyFrame:
        """Return one row per place and day, from the place's first day to the last day of the frame.

        Columns: place and date, the metrics as Int64, the number of the ``day``, and the ``first`` date of the place;
        the last two with OWN before their names.

        Raises:
            ContractError: a place has two rows for one day, a row has no place or no date, or a count is no whole
                number.
        """
        self._check(metrics)
        schema = self.frame.collect_schema()
        whole = [_numbers(metric, schema[metric]).cast(nw.Int64) for metric in metrics]
        counts = self.frame.select(self.place, self.date, *whole)
        if self.bounds is None:
            return counts.with_columns(nw.lit(0).alias(f"{OWN}day"), nw.col(self.date).alias(f"{OWN}first"))
        first = nw.col(self.date).min().alias(f"{OWN}first")
        spans = self.frame.group_by(self.place).agg(first)
        every = spans.join(self.days(*self.bounds), how="cross").filter(nw.col(self.date) >= nw.col(f"{OWN}first"))
        return every.join(counts, on=[self.place, self.date], how="left")

    def require(self, columns: Sequence[str]) -> None:
        """Raise unless the frame has these columns.

        Raises:
            ContractError: a column is missing.
        """
        schema = self.frame.collect_schema()
        for column in columns:
            if column not in schema:
                raise ContractError(f"the frame has no column {column!r}", hint=f"it has {', '.join(schema)}")

    def _check(self, metrics: Sequence[str]) -> None:
        self.require([self.place, self.date, *metrics])
        place, date, schema = self.place, self.date, self.frame.collect_schema()
        if schema[date] != nw.Date:
            raise ContractError(f"column {date!r} is {schema[date]}, not a date", hint="cast it in the engine first")
        wrong = {
            f"column {place!r} has rows without a place": nw.col(place).is_null(),
            f"column {date!r} has a missing date": nw.col(date).is_null(),
            f"column {date!r} holds a day without end, or after the year 9999": _no_day(date),
            **{
                f"column {name!r} holds fractions, or numbers of more than 53 bits": _uncountable(name, schema[name])
                for name in metrics
            },
        }
        flags = [said.cast(nw.Int64).max().alias(f"{at}") for at, said in enumerate(wrong.values())]
        for says, found in zip(wrong, collected(self.frame.select(*flags)).row(0), strict=True):
            if found:
                raise ContractError(says, hint="one row is one place and day, and counts are whole numbers")
        self._check_keys()

    def _check_keys(self) -> None:
        rows = self.frame.group_by(self.place, self.date).agg(nw.len().alias(f"{OWN}rows"))
        for row in collected(rows.filter(nw.col(f"{OWN}rows") > 1).head(1)).rows(named=True):
            raise ContractError(
                f"{row[self.place]!r} has two rows for {row[self.date]}", hint="bring one row per place and day"
            )


def with_quotient(frame: LazyFrame, name: str, over: str, under: str) -> LazyFrame:
    """Return the frame with one column divided by another as a new one; null where the divisor is null or zero.

    Narwhals has Spark divide so that a zero gives infinity; Sail cannot do that with fractions.
    """
    frame = frame.with_columns(nw.when(nw.col(under) != 0).then(nw.col(under)).alias(f"{OWN}under"))
    kind: Any = frame.implementation
    if kind in _SPARK:
        native = frame.to_native()
        divided = native.withColumn(name, native[over] / native[f"{OWN}under"])
        return cast("LazyFrame", nw.from_native(divided.drop(f"{OWN}under")))
    return frame.with_columns((nw.col(over) / nw.col(f"{OWN}under")).alias(name)).drop(f"{OWN}under")


def engine_of(frame: Any, place: str, date: str) -> Engine | None:
    """Return the engine that holds a frame; None for a frame in memory, or for what is no frame."""
    brought = nw.from_native(frame, pass_through=True)
    kind: Any = getattr(brought, "implementation", None)
    if isinstance(brought, nw.LazyFrame) and kind not in _IN_MEMORY:
        return Engine(brought, place, date)
    return None


def once(columns: Sequence[str], *keys: str) -> None:
    """Raise where a column is named twice, or as one text: there would be two of one name, or one for each letter.

    Args:
        columns: what is asked for.
        keys: the columns that go along, which cannot be asked for.

    Raises:
        ContractError: one is.
    """
    if isinstance(columns, str):
        raise ContractError(f"{columns!r} is a text, not a list of columns", hint=f"write [{columns!r}]")
    named = [*keys, *columns]
    for number, column in enumerate(named):
        if column in named[:number]:
            raise ContractError(f"{column!r} is named twice", hint="name each column once, and no place or date")


def held_with(frame: LazyFrame, rows: pl.DataFrame) -> LazyFrame:
    """Return a small table as a frame of the engine that holds another."""
    kind: Any = frame.implementation
    if kind in _SPARK:
        session = frame.to_native().sparkSession
        return cast("LazyFrame", nw.from_native(session.createDataFrame(rows.to_arrow())))
    return nw.from_native(rows).lazy(kind)


def collected(frame: LazyFrame) -> pl.DataFrame:
    """Return a frame that is small."""
    return frame.collect("polars").to_polars()


def _no_day(date: str) -> nw.Expr:
    """Return whether a date is one that Python and polars do not know; an infinite one has no year."""
    year = nw.col(date).dt.year()
    return ~nw.col(date).is_null() & (year.is_null() | ~year.is_between(1, 9999))


def _uncountable(metric: str, dtype: Any) -> nw.Expr:
    if not dtype.is_numeric():
        raise ContractError(f"column {metric!r} is {dtype}, not a count", hint="counts are whole numbers")
    numbers = _numbers(metric, dtype)
    return (numbers != numbers.round(0)) | (numbers >= BEYOND) | (numbers <= -BEYOND)


def _numbers(metric: str, dtype: Any) -> nw.Expr:
    """Return a column of counts; null where a float is not a number, as in memory."""
    return nw.when(~nw.col(metric).is_nan()).then(nw.col(metric)) if dtype.is_float() else nw.col(metric)
