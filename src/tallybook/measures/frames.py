"""The frames people bring, turned into polars and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any

import narwhals as nw
import narwhals.typing as nwt
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.engines import BEYOND, held_with


def take(frame: nwt.IntoFrame) -> tuple[pl.DataFrame, Callable[[pl.DataFrame], Any]]:
    """Return the frame in polars, and the way back to the kind it came as.

    Args:
        frame: polars (eager or lazy), pandas, pyarrow, a DuckDB relation: whatever Narwhals reads.

    Raises:
        ContractError: it is no frame.
    """
    try:
        brought = nw.from_native(frame)
    except TypeError as error:
        raise ContractError(
            f"{type(frame).__name__} is no frame", hint="bring polars, pandas, pyarrow or DuckDB"
        ) from error
    kind: Any = brought.implementation
    if isinstance(brought, nw.LazyFrame):
        rows = brought.collect("polars").to_polars()
        return rows, lambda made: held_with(brought, made).to_native()
    try:
        return brought.to_polars(), lambda made: _eager(made, kind).to_native()
    except (TypeError, ValueError) as error:  # how Arrow says that a column of objects is of several types
        raise ContractError(f"the frame cannot be read: {error}", hint="give each column one type") from error


def beside(frame: nwt.IntoFrame, new: pl.DataFrame) -> Any:
    """Return a frame in memory with new columns, one value per row: what else is in it, its index too, stays as it is.

    Args:
        frame: polars, pandas or pyarrow, as it was brought.
        new: the columns; as many rows, in the same order.
    """
    brought: Any = nw.from_native(frame)
    made = _eager(new, brought.implementation)
    return brought.with_columns(made[name] for name in new.columns).to_native()


def _eager(made: pl.DataFrame, kind: Any) -> nw.DataFrame[Any]:
    """Return the frame in its kind, by way of the Arrow types that every reader of Arrow knows."""
    if kind is nw.Implementation.POLARS:
        return nw.from_native(made, eager_only=True)
    return nw.from_arrow(made.to_arrow(compat_level=pl.CompatLevel.oldest()), backend=kind)


def places_like(frame: pl.DataFrame, place: str, *, text: bool, of: str) -> pl.DataFrame:
    """Return the frame with categories as text, where it writes its places as another does.

    Args:
        frame: any frame.
        place: the name of its place column.
        text: whether the places of the other are text.
        of: what the frame is, for the message.

    Raises:
        ContractError: one has text and the other numbers.
    """
    if is_text(frame.schema[place]) != text:
        kinds = ("numbers", "text") if is_text(frame.schema[place]) else ("text", "numbers")
        raise ContractError(f"column {place!r} has {kinds[0]}, that of {of} {kinds[1]}", hint="write places alike")
    return frame.with_columns(pl.col(place).cast(pl.String)) if text else frame


def is_text(dtype: pl.DataType) -> bool:
    """Return whether a column holds text, or categories, which are read as such."""
    return isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))


def require(frame: pl.DataFrame, columns: Sequence[str]) -> None:
    """Raise unless the frame has these columns.

    Raises:
        ContractError: a column is missing.
    """
    for column in columns:
        if column not in frame.columns:
            raise ContractError(f"the frame has no column {column!r}", hint=f"it has {', '.join(frame.columns)}")


def with_counts(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Return the frame with these columns as Int64, so that sums are exact.

    Raises:
        ContractError: a column holds anything but nulls and whole numbers that a fraction can hold exactly, too.
    """
    for column in columns:
        dtype = frame[column].dtype
        if dtype == pl.Null or (frame.height and frame[column].null_count() == frame.height):
            frame = frame.with_columns(pl.lit(None, pl.Int64).alias(column))
        elif dtype.is_float():
            values = frame[column].fill_nan(None)
            if not (values.is_finite() & (values == values.round(0))).all():
                raise ContractError(f"column {column!r} holds fractions", hint="counts are whole numbers")
            frame = frame.with_columns(values)
        elif not dtype.is_integer():
            raise ContractError(f"column {column!r} is {dtype}, not a count", hint="counts are whole numbers")
    made = frame.with_columns(pl.col(columns).cast(pl.Int64, strict=False))
    for column in columns:
        cut = made[column].null_count() > frame[column].null_count()
        bounds = made.select(low=pl.col(column).min(), high=pl.col(column).max()).row(0)
        if cut or any(abs(bound or 0) >= BEYOND for bound in bounds):
            raise ContractError(f"column {column!r} holds numbers of more than 53 bits", hint="counts are smaller")
    return made


@dataclass(frozen=True)
class Keys:
    """How a frame wrote its places and dates, to be written the same way again.

    Attributes:
        place: the name of the place column.
        date: the name of the date column.
        place_type: the type of the places as brought; categories are read as text.
        date_type: the type of the dates as brought: Date, Datetime at midnight, or text as YYYY-MM-DD.
    """

    place: str
    date: str
    place_type: pl.DataType
    date_type: pl.DataType

    @classmethod
    def of(cls, frame: pl.DataFrame, place: str, date: str) -> Keys:
        """Return how the frame writes its keys.

        Raises:
            ContractError: it has no such columns.
        """
        require(frame, [place, date])
        return cls(place, date, frame.schema[place], frame.schema[date])

    def read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with its dates as Date and its places as text or whole numbers.

        Raises:
            ContractError: a date is missing, has a time of day, or is text that is no date.
        """
        frame = frame.with_columns(as_dates(frame[self.date]))
        if frame[self.date].has_nulls():
            raise ContractError(f"column {self.date!r} has a missing date", hint="one row is one day")
        if isinstance(self.place_type, (pl.Categorical, pl.Enum)):
            frame = frame.with_columns(pl.col(self.place).cast(pl.String))
        return frame

    def write(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with its places and every Date written as they were brought.

        Raises:
            ContractError: the dates have a time zone in which a day of them does not begin at midnight.
        """
        days = pl.selectors.date()
        if isinstance(self.date_type, pl.String):
            frame = frame.with_columns(days.dt.to_string())
        elif not isinstance(self.date_type, pl.Date):
            zone = _zone(self.date_type)
            try:
                frame = frame.with_columns(days.cast(pl.Datetime("us")).dt.replace_time_zone(zone))
            except pl.exceptions.ComputeError as error:
                raise ContractError(
                    f"column {self.date!r} cannot be in {zone}: a day there has no midnight, or two",
                    hint="bring dates without a time zone",
                ) from error
            frame = frame.with_columns(pl.selectors.datetime().cast(self.date_type))
        return frame.with_columns(pl.col(self.place).cast(self.place_type))


def as_dates(series: pl.Series) -> pl.Series:
    """Return dates from Date, Datetime at midnight, or text as YYYY-MM-DD; null where there is none.

    Raises:
        ContractError: a time of day, text that is no date, or a type that holds none.
    """
    if series.dtype == pl.String:
        dates = series.str.to_date("%Y-%m-%d", strict=False)
        if dates.null_count() > series.null_count():
            raise ContractError(f"column {series.name!r} has text that is no date", hint="write dates as YYYY-MM-DD")
        return dates
    if isinstance(series.dtype, pl.Datetime):
        if not (series.dt.time() == time(0)).all():
            raise ContractError(f"column {series.name!r} has times of day", hint="one row is one day")
        return series.dt.date()
    if series.dtype == pl.Date or series.null_count() == len(series):
        return series.cast(pl.Date)
    if series.dtype.is_float() and series.is_nan().all():
        return pl.Series(series.name, [None] * len(series), dtype=pl.Date)
    raise ContractError(f"column {series.name!r} is {series.dtype}, not a date")


def _zone(dtype: pl.DataType) -> str | None:
    return dtype.time_zone if isinstance(dtype, pl.Datetime) else None
