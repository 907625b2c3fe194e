"""The windows of the averages: rules 4 to 7 of ``rolling``, as arithmetic on whole arrays.

A *position* counts the days of all places that are left after omission, one place after the other; those of a place
begin at its *base*. Positions before its base are the days before the place's first row, each a reported zero (rule 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tallybook.errors import ContractError

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


def widths_of(days: int | Mapping[str, int], metrics: Sequence[str]) -> dict[str, int]:
    """Return the days of a window of each metric.

    Raises:
        ContractError: a metric has none.
    """
    if isinstance(days, int):
        return dict.fromkeys(metrics, days)
    for metric in metrics:
        if metric not in days:
            raise ContractError(f"no days of a window are given for {metric!r}", hint=f"they are for {', '.join(days)}")
    return {metric: days[metric] for metric in metrics}


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
    rows = np.flatnonzero(kept)
    bounds = np.searchsorted(rows, starts)
    base = np.repeat(bounds[:-1], np.diff(bounds))
    has = has_data.take(rows)
    believed, closing = _believed(may_be_zero.take(rows), bounds, 2 * days)
    end = _last(has | closing, base)
    before = end - days
    # Days before the place's first row are reported zeros, each of them the last at or before itself.
    last_before = np.minimum(_last(has | believed, base).take(np.maximum(before, base)), before)
    running = np.concatenate([[0], np.cumsum(counts.take(rows))])
    return Windows(
        rows=rows,
        first=last_before + 1,
        end=end,
        sums=running.take(end + 1) - running.take(np.maximum(before + 1, base)),
        believed=believed,
        latest=np.cumsum(kept) - 1,
        base=np.repeat(bounds[:-1], np.diff(starts)),
        days=days,
    )


def _believed(empty: BoolArray, bounds: IntArray, length: int) -> tuple[BoolArray, BoolArray]:
    """Return which empty days count as reported zeros (rule 5), and which of them end a whole run of that length.

    Args:
        empty: per position, whether it may be part of a run.
        bounds: the position each place begins at, and after the last their number.
        length: the days of a run.
    """
    edge = np.empty(len(empty) + 1, dtype=np.bool_)
    edge[1:-1] = empty[1:] != empty[:-1]
    edge[bounds] = edge[[0, -1]] = True
    edges = np.flatnonzero(edge)
    begins, runs = edges[:-1], np.diff(edges) // length
    whole = empty.take(begins) & (runs > 0) if len(begins) else np.zeros(0, dtype=np.bool_)
    believed, closing = np.zeros_like(empty), np.zeros_like(empty)
    days = runs[whole] * length
    along = np.arange(days.sum()) - np.repeat(np.cumsum(days) - days, days)
    at = np.repeat(begins[whole], days) + along
    believed[at] = True
    closing[at[along % length == length - 1]] = True
    return believed, closing


def _last(marked: BoolArray, base: IntArray) -> IntArray:
    """Return for every position the last marked one at or before it in its place, else the one before its base."""
    found: IntArray = np.concatenate([[-1], np.flatnonzero(marked)]).take(np.cumsum(marked))
    last: IntArray = np.maximum(found, base - 1)
    return last
