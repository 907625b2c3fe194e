"""The signals: what is served of each metric, how each is named, and since when each of its values is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

Measure = Literal["cumulative", "incidence", "avg", "avg_per_100k"]

MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
"""What is served of a metric."""

UNITS: Final[dict[Measure, str]] = {
    "cumulative": "counts since the beginning",
    "incidence": "new counts of the day",
    "avg": "new counts a day, averaged over the window",
    "avg_per_100k": "new counts a day and 100,000 people, averaged over the window",
}
"""What the values of a measure are."""

Moments = npt.NDArray[np.int64]
"""Moments in microseconds; NEVER where there is none."""

NEVER: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, order=True)
class Signal:
    """A measure of a metric.

    >>> Signal("cases", "avg").name
    'cases_avg'
    """

    metric: str
    measure: Measure

    @property
    def name(self) -> str:
        """Its name: that of a column, and of a signal of Epidata."""
        return f"{self.metric}_{self.measure}"


def signals_of(metrics: Sequence[str]) -> dict[str, Signal]:
    """Return the signals of some metrics, by name.

    >>> list(signals_of(["deaths"]))
    ['deaths_cumulative', 'deaths_incidence', 'deaths_avg', 'deaths_avg_per_100k']
    """
    return {signal.name: signal for metric in metrics for signal in (Signal(metric, measure) for measure in MEASURES)}


def latest_within(moments: Moments, starts: npt.NDArray[np.int64]) -> Moments:
    """Return for each row the latest moment of the rows from its start to itself.

    Args:
        moments: one per row.
        starts: the number of the first row meant, not after the row itself.

    >>> latest_within(np.array([5, 9, 1, 2]), np.array([0, 0, 2, 1])).tolist()
    [5, 9, 1, 9]
    """
    rows = np.arange(len(moments))
    lengths = rows - starts + 1
    found = moments.copy()
    spans, width = moments, 1  # of each row: the latest of it and of the width - 1 rows before it
    while True:
        fits = (lengths >= width) & (lengths < 2 * width)
        found[fits] = np.maximum(spans[rows[fits]], spans[starts[fits] + width - 1])
        if not (lengths >= 2 * width).any():
            return found
        wider = spans.copy()
        wider[width:] = np.maximum(spans[width:], spans[:-width])
        spans, width = wider, 2 * width
