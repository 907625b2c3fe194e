"""The windows of the averages: rules 4 to 7 of ``rolling``, as arithmetic on whole arrays.

A *position* counts the days of all places that are left after omission, one place after the other; those of a place
begin at its *base*. Positions before its base are the days before the place's first row, each a reported zero (rule 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """The window of every position, and for every row the position whose window it has.

    Attributes:
        rows: per position, its row.
        first: per position, the position its window starts at.
        end: per position, the position its window ends at.
        sums: per position, the sum of the window's counts.
        believed: per position, whether it is an empty day that counts as a reported zero (rule 5).
        latest: per row, the last position at or before it.
        base: per row, the first position of its place.
        days: the days of a window.
    """

    rows: IntArray
    first: IntArray
    end: IntArray
    sums: IntArray
    believed: BoolArray
    latest: IntArray
    base: IntArray
    days: int

    def averages(self) -> FloatArray:
        """Return the average of every row."""
        return self._of_rows(self.sums / (self.end - self.first + 1), 0.0)

    def spans(self) -> tuple[IntArray, IntArray]:
        """Return the first and the last position of the window of every row."""
        return self._of_rows(self.first, self.base - self.days), self._of_rows(self.end, self.base - 1)

    def dates(self, positions: IntArray, dates: IntArray, begins: IntArray) -> IntArray:
        """Return the dates of these positions, one per row.

        Args:
            positions: per row, a position of its place.
            dates: per row, its date as a day number.
            begins: per row, the day number of its place's first day.
        """
        at = np.append(self.rows, 0)[np.clip(positions, 0, len(self.rows))]
        return np.where(positions >= self.base, dates[at], begins - (self.base - positions))

    def believed_rows(self) -> IntArray:
        """Return the rows of the empty days that count as reported zeros."""
        return self.rows[self.believed]

    def _of_rows(self, values: npt.NDArray[Any], before: Any) -> npt.NDArray[Any]:
        """Give each row the value of its latest position; ``before`` where its place has none yet."""
        # Where there is no position at all, latest is -1 and finds the element put at the end.
        return np.where(self.latest >= self.base, np.append(values, values.dtype.type(0))[self.latest], before)


def windows(
    counts: IntArray, kept: BoolArray, has_data: BoolArray, may_be_zero: BoolArray, starts: IntArray, *, days: int
) -> Windows:
    """Return the windows of a metric.

    Args:
        counts: per row, the count of the day; rows sorted by place, then day, no day missing.
        kept: per row, whether the day is left after omission.
        has_data: per row, whether the day has data (rule 4).
        may_be_zero: per row, whether the day, empty as it is, counts towards a run that is believed (rule 5).
        starts: the row each place starts at, and after the last the number of rows.
        days: the days of a window.
    """
    rows = np.flatnonzero(kept).astype(np.int32)
    bounds = np.searchsorted(rows, starts).astype(np.int32)
    base = np.repeat(bounds[:-1], np.diff(bounds))
    position = np.arange(len(rows), dtype=np.int32)
    has, empty = has_data[rows], may_be_zero[rows]
    closing, believed = has, np.zeros_like(has)
    if empty.any():
        last = _last(~empty, base)
        along, run = position - last, _next(~empty, np.repeat(bounds[1:], np.diff(bounds))) - last - 1
        closing = has | (empty & (along % (2 * days) == 0))
        believed = empty & (along <= run - run % (2 * days))
    end = _last(closing, base)
    before = end - np.int32(days)
    last_before = np.where(before >= base, _last(has | believed, base)[np.maximum(before, 0)], before)
    running = np.concatenate([[0], np.cumsum(counts[rows])])
    return Windows(
        rows=rows,
        first=last_before + 1,
        end=end,
        sums=running[end + 1] - running[np.maximum(before + 1, base)],
        believed=believed,
        latest=np.cumsum(kept, dtype=np.int32) - 1,
        base=np.repeat(bounds[:-1], np.diff(starts)),
        days=days,
    )


def _last(marked: BoolArray, base: IntArray) -> IntArray:
    """Return for every position the last marked one at or before it in its place, else the one before its base."""
    found = np.where(marked, np.arange(len(marked), dtype=np.int32), np.int32(-1))
    return np.maximum(np.maximum.accumulate(found), base - 1)


def _next(marked: BoolArray, end: IntArray) -> IntArray:
    """Return for every position the first marked one at or after it in its place, else the place's end."""
    found = np.where(marked, np.arange(len(marked), dtype=np.int32), np.int32(len(marked)))
    return np.minimum(np.minimum.accumulate(found[::-1])[::-1], end)
