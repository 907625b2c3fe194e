"""One row per place and day: a rolling window over rows is wrong where days are missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from tallybook.errors import ContractError

IntArray = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Calendar:
    """A frame with one row per place and day, sorted by place, then date.

    Attributes:
        frame: the rows; every place from its first day to the last day of the frame.
        place: the name of the place column.
        date: the name of the date column.
    """

    frame: pl.DataFrame
    place: str
    date: str

    @cached_property
    def starts(self) -> IntArray:
        """The row each place starts at, and after the last the number of rows."""
        return runs(self.frame[self.place])

    def pieces(self, rows: int) -> Iterator[tuple[int, Calendar]]:
        """Yield the calendar in pieces of whole places, each of about that many rows, and the row each starts at."""
        cuts = self.starts[np.searchsorted(self.starts, np.arange(0, self.frame.height, rows))]
        bounds = np.unique(np.append(cuts, self.frame.height)).tolist()
        for first, last in pairwise(bounds) if len(bounds) > 1 else [(0, 0)]:
            yield first, Calendar(self.frame[first:last], self.place, self.date)

    @cached_property
    def spans(self) -> pl.DataFrame:
        """The places: ``place``, ``first_row``, ``rows``, ``first_date``; key place."""
        firsts = self.starts[:-1]
        head = self.frame[firsts]
        return pl.DataFrame(
            {
                "place": head[self.place],
                "first_row": pl.Series(firsts, dtype=pl.Int64),
                "rows": pl.Series(np.diff(self.starts), dtype=pl.Int64),
                "first_date": head[self.date],
            }
        )


def runs(places: pl.Series) -> IntArray:
    """Return the row each run of rows of one place starts at, and after the last the number of rows.

    >>> runs(pl.Series(["USA-06", "USA-06", "USA-53"])).tolist()
    [0, 2, 3]
    """
    changed = places.ne_missing(places.shift(1)).to_numpy()[1:]
    return np.concatenate([[0], np.flatnonzero(changed) + 1, [len(places)]])[0 if len(places) else 1 :]


def calendar(frame: pl.DataFrame, *, place: str, date: str, last: dt.date | None = None) -> Calendar:
    """Return the frame with one row per place and day, from the place's first day to the last day of the frame.

    A day without a row gets one with nulls. A frame that is complete already is not copied.

    Args:
        frame: one row per place and reported day.
        place: the name of the place column.
        date: the name of the date column, of type Date.
        last: the last day, where it is not the frame's own.

    Raises:
        ContractError: a place has two rows for one day, or a row has no place.

    >>> from datetime import date
    >>> gappy = pl.DataFrame({"geoid": "USA-53", "date": [date(2020, 1, 21), date(2020, 1, 23)], "cases": [1, 2]})
    >>> calendar(gappy, place="geoid", date="date").frame["cases"].to_list()
    [1, None, 2]
    """
    brought = Calendar(frame, place, date)
    if _complete(brought, last):
        return brought
    if frame[place].has_nulls():
        raise ContractError(f"column {place!r} has rows without a place")
    spans = frame.group_by(place).agg(first=pl.col(date).min()).sort(place)
    spans = spans.with_columns(rows=(pl.lit(last or frame[date].max()) - pl.col("first")).dt.total_days() + 1)
    spans = spans.with_columns(start=pl.col("rows").cum_sum() - pl.col("rows"))
    return Calendar(_placed(frame, spans, place, date), place, date)


def _placed(frame: pl.DataFrame, spans: pl.DataFrame, place: str, date: str) -> pl.DataFrame:
    """Return the frame with each row where it belongs, which takes no sorting, and nulls between."""
    starts, lengths = spans["start"].to_numpy(), spans["rows"].to_numpy()
    days = frame.select(place, date).join(spans, on=place, how="left", maintain_order="left")
    at = days.select(pl.col("start") + (pl.col(date) - pl.col("first")).dt.total_days()).to_series().to_numpy()
    rows = np.full(lengths.sum(), frame.height, dtype=np.uint32)
    rows[at] = np.arange(frame.height, dtype=np.uint32)
    found = pl.Series(rows)
    found = found.set(found == frame.height, None)
    if len(found) - found.null_count() < frame.height:
        row = frame.filter(pl.struct(place, date).is_duplicated()).row(0, named=True)
        raise ContractError(f"{row[place]!r} has two rows for {row[date]}", hint="bring one row per place and day")
    first = spans["first"].to_physical().to_numpy().astype(np.int32)
    dates = np.repeat(first - starts, lengths) + np.arange(len(found))
    keys = {
        place: spans[place].gather(np.repeat(np.arange(spans.height), lengths)),
        date: pl.Series(dates.astype(np.int32)).cast(pl.Date),
    }
    others = frame.drop(place, date).select(pl.all().gather(found))
    return pl.DataFrame(keys).hstack(others)


def _complete(days: Calendar, last: dt.date | None) -> bool:
    """Return whether the rows are sorted by place and day, no day missing and every place reaching the last day."""
    if days.frame.is_empty():
        return True
    dates, firsts = days.frame[days.date], days.starts[:-1]
    next_day = np.diff(dates.to_physical().to_numpy()) == 1
    next_day[firsts[1:] - 1] = True
    if not next_day.all():
        return False
    heads, ends = days.frame[days.place].gather(firsts), dates.gather(days.starts[1:] - 1)
    return (
        heads.is_sorted()
        and heads.n_unique() == len(heads)
        and ends.min() == (last or ends.max())
        and not heads.has_nulls()
    )
