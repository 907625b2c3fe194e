"""Simulated agencies: how health departments announce counts, with the gaps, heaps and corrections they are known for.

How often each disturbance happens was counted in the register of the New York Times' dataset (its 697 entries of states
and territories, 56 × 1,158 days, told apart by the words of their descriptions) and in the share of days without new
cases in its 56 series, half-year by half-year.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Final

import holidays
import numpy as np
import numpy.typing as npt

from tallybook.sources.epidemic import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

_OBSERVED_DAYS: Final = 1158
_SCHEDULES: Final = ((), (6,), (5, 6), (1, 3, 5, 6), (0, 1, 3, 4, 5, 6))
"""Weekdays without a report (Monday is 0): daily, but Sundays, weekdays, three a week, weekly."""

_SCHEDULE_SHARES: Final = np.array(
    [
        [49, 2, 3, 0, 1],
        [49, 2, 3, 0, 1],
        [33, 14, 6, 1, 1],
        [13, 7, 30, 5, 1],
        [6, 6, 25, 17, 2],
        [2, 3, 14, 16, 21],
        [1, 3, 9, 6, 37],
    ]
)
"""How many agencies kept each schedule, in half-years since the start; the first, when many had no cases to report yet,
taken like the second."""

_WEEKDAYS: Final = np.array([0.93, 1.02, 1.1, 1.1, 1.08, 0.97, 0.8])
"""What is announced on a weekday, as a share of an average day."""


_Size = tuple[float, float]


class Kind(StrEnum):
    """A kind of disturbance.

    >>> len(Kind)
    6
    """

    SCHEDULE = "schedule"
    HOLIDAY = "holiday"
    BACKLOG = "backlog"
    CORRECTION = "correction"
    DEFINITION = "definition"
    OUTAGE = "outage"


@dataclass(frozen=True)
class Habit:
    """How a disturbance happens.

    Attributes:
        entries: how often, in all states in the observed days.
        deaths: the share that concerns deaths rather than cases; None where it concerns both.
        omitted: the share whose day the register omits.
        adjusted: the share whose count it adjusts.
        sizes: what it moves, in usual days: median and spread (of the logarithm); for cases and for deaths, in each
            first where the register leaves the count alone, then where it omits or adjusts it.
        words: the editor's description.
    """

    entries: int
    deaths: float | None
    omitted: float
    adjusted: float
    sizes: tuple[tuple[_Size, _Size], tuple[_Size, _Size]]
    words: str


HABITS: Final = {
    Kind.BACKLOG: Habit(
        192,
        0.28,
        0.54,
        0.10,
        (((1.1, 1.5), (2.2, 1.2)), ((1.6, 1.05), (9, 1.0))),
        "{place} added {count:,} {metric} from a backlog of {days} days.",
    ),
    Kind.CORRECTION: Habit(
        112,
        0.41,
        0.25,
        0.0,
        (((0.6, 0.4), (2.9, 1.95)), ((1.7, 0.3), (2.9, 1.4))),
        "{place} removed {count:,} {metric} after reviewing records.",
    ),
    Kind.DEFINITION: Habit(
        97,
        0.62,
        0.35,
        0.32,
        (((1.0, 1.35), (3.3, 1.6)), ((0.5, 1.2), (10, 1.9))),
        "{place} began to include {count:,} probable {metric}.",
    ),
    Kind.OUTAGE: Habit(
        78,
        None,
        0.15,
        0.0,
        (((1.0, 0.0), (1.0, 0.0)), ((1.0, 0.0), (1.0, 0.0))),
        "{place} reported few or no new {metric} because of a laboratory outage.",
    ),
}
"""Sizes are quartiles of the count of a described day divided by the usual day of the four weeks before, less one. The
register describes 44 corrections; 112 days of its series are negative, which counts those it does not describe."""

HOLIDAYS_MISSED: Final = 227 / (56 * 35)
"""The share of federal holidays an agency has a register entry for."""


@dataclass(frozen=True)
class Event:
    """A disturbance of one agency.

    Attributes:
        agency: its number.
        kind: what it is.
        metric: 0 for cases, 1 for deaths.
        first: the first day whose counts it moves.
        day: the day they are announced on.
        handling: what the register does about it: 'omit', 'adjust' or nothing.
        size: what it moves, in usual days.
    """

    agency: int
    kind: Kind
    metric: int
    first: int
    day: int
    handling: str
    size: float


def reporting_days(
    agencies: int, start: date, days: int, rng: np.random.Generator
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Return by agency and day whether it reports, whether it keeps a schedule with gaps, and whether it is on holiday.

    An agency keeps its rank among all agencies, so that those that report seldom soon report seldom first.
    """
    half_year = np.minimum(np.arange(days) // 182, len(_SCHEDULE_SHARES) - 1)
    shares = _SCHEDULE_SHARES / _SCHEDULE_SHARES.sum(axis=1, keepdims=True)
    rank = rng.uniform(size=(agencies, 1))
    schedule = (rank[:, :, None] > shares.cumsum(axis=1)[half_year, :-1][None]).sum(axis=2)
    weekday = (start.weekday() + np.arange(days)) % 7
    closed = np.array([[day in without for day in range(7)] for without in _SCHEDULES])[schedule, weekday]
    calendar = holidays.country_holidays("US", years=range(start.year, (start + timedelta(days=days)).year + 1))
    festive = np.array([start + timedelta(days=day) in calendar for day in range(days)])
    missed = festive & (rng.uniform(size=(agencies, days)) < HOLIDAYS_MISSED)
    return ~closed & ~missed, schedule > 0, missed


def announced(expected: FloatArray, start: date, rng: np.random.Generator) -> IntArray:
    """Return the counts of each day as agencies without disturbances would announce them."""
    weekday = (start.weekday() + np.arange(expected.shape[1])) % 7
    return np.asarray(rng.poisson(expected * (_WEEKDAYS / _WEEKDAYS.mean())[weekday]))


def events(reports: BoolArray, rng: np.random.Generator) -> Iterator[Event]:
    """Yield the events of all agencies, each announced on a day its agency reports."""
    agencies, days = reports.shape
    for kind, habit in HABITS.items():
        often = habit.entries / 56 * days / _OBSERVED_DAYS
        for agency in np.repeat(np.arange(agencies), rng.poisson(often, agencies)):
            wanted = int(rng.integers(min(30, days - 1), days))
            later = np.flatnonzero(reports[agency, wanted:])
            if len(later):
                yield from _announced_on(wanted + int(later[0]), int(agency), kind, habit, rng)


def _announced_on(day: int, agency: int, kind: Kind, habit: Habit, rng: np.random.Generator) -> Iterator[Event]:
    """Yield an event, or one for each metric where it concerns both."""
    chance = rng.uniform()
    handling = "omit" if chance < habit.omitted else "adjust" if chance < habit.omitted + habit.adjusted else ""
    outage = int(rng.integers(1, 4))
    for metric in (0, 1) if habit.deaths is None else (int(rng.uniform() < habit.deaths),):
        median, spread = habit.sizes[metric][handling != ""]
        size = median * float(np.exp(rng.normal(0, spread)))
        # What is more than a few usual days took longer to pile up.
        reach = outage if kind is Kind.OUTAGE else int(rng.integers(7, 60) + 2 * size)
        first = 0 if kind is Kind.DEFINITION else max(0, day - reach)
        yield Event(agency, kind, metric, first, day, handling, size)


def disturbed(counts: IntArray, event: Event, rng: np.random.Generator) -> IntArray:
    """Move the counts of an agency's places as an event does, in place; return what it announced at once, by place.

    Args:
        counts: by place of the agency and day; changed.
        event: the event.
        rng: the source of chance.
    """
    span = counts[:, event.first : event.day]
    there = np.maximum(span, 0)
    if event.kind is Kind.OUTAGE:
        # Three outages of four leave nothing to report.
        share = 1.0 if rng.uniform() < 0.75 else float(rng.uniform(0.3, 0.9))
    else:
        usual = float(there[:, -28:].sum()) / min(28, max(span.shape[1], 1))
        share = min(0.8, event.size * usual / max(float(there.sum()), 1.0))
    moved = rng.binomial(there, share)
    sign = -1 if event.kind is Kind.CORRECTION else 1
    span -= sign * moved
    at_once = sign * moved.sum(axis=1)
    counts[:, event.day] += at_once
    return np.asarray(at_once)


def held_back(counts: IntArray, reports: BoolArray) -> IntArray:
    """Return the cumulative totals by place and day when a count waits for the next day its agency reports.

    Args:
        counts: the counts by place and day.
        reports: by place and day, whether its agency reports.
    """
    totals = np.cumsum(counts, axis=1)
    day = np.arange(counts.shape[1])
    latest: npt.NDArray[Any] = np.maximum.accumulate(np.where(reports, day, -1), axis=1)
    known = np.take_along_axis(totals, np.maximum(latest, 0), axis=1)
    return np.asarray(np.maximum(np.where(latest >= 0, known, 0), 0))
