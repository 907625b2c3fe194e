"""The frames people bring, turned into polars and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import narwhals.typing as nwt
import polars as pl

from tallybook.errors import ContractError


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
        return rows, lambda made: nw.from_native(made).lazy(kind).to_native()
    return brought.to_polars(), lambda made: nw.from_arrow(made, backend=kind).to_native()


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
        ContractError: a column holds anything but whole numbers and nulls.
    """
    for column in columns:
        dtype = frame[column].dtype
        if dtype.is_float():
            values = frame[column].fill_nan(None)
            if not (values.is_finite() & (values == values.round(0))).all():
                raise ContractError(f"column {column!r} holds fractions", hint="counts are whole numbers")
            frame = frame.with_columns(values)
        elif not dtype.is_integer():
            raise ContractError(f"column {column!r} is {dtype}, not a count", hint="counts are whole numbers")
    return frame.with_columns(pl.col(columns).cast(pl.Int64))


@dataclass(frozen=True)
class Dates:
    """How a frame wrote its dates, to be written the same way again.

    Attributes:
        column: the name of the date column.
        dtype: its type as brought: Date, Datetime at midnight, or text as YYYY-MM-DD.
    """

    column: str
    dtype: pl.DataType

    def read(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with its dates as Date.

        Raises:
            ContractError: a date is missing, has a time of day, or is text that is no date.
        """
        dates = pl.col(self.column)
        if isinstance(self.dtype, pl.String):
            frame = frame.with_columns(dates.str.to_date("%Y-%m-%d", strict=False))
        elif isinstance(self.dtype, pl.Datetime):
            if not frame.select((dates.dt.time() == pl.time(0)).all()).item():
                raise ContractError(f"column {self.column!r} has times of day", hint="one row is one day")
            frame = frame.with_columns(dates.dt.date())
        elif not isinstance(self.dtype, pl.Date):
            raise ContractError(f"column {self.column!r} is {self.dtype}, not a date")
        if frame[self.column].has_nulls():
            raise ContractError(f"column {self.column!r} has a missing date or text that is no date (YYYY-MM-DD)")
        return frame

    def write(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the frame with every Date written as the dates were brought."""
        if isinstance(self.dtype, pl.Date):
            return frame
        days = pl.selectors.date()
        return frame.with_columns(days.dt.to_string() if isinstance(self.dtype, pl.String) else days.cast(self.dtype))


def dates_of(frame: pl.DataFrame, column: str) -> Dates:
    """Return how the frame writes the dates of this column."""
    return Dates(column, frame.schema[column])
