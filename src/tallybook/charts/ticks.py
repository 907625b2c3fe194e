"""Where axes have ticks, and how labels keep apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

EPOCH: Final = dt.date(1970, 1, 1)
MOST: Final = 6

_LETTER: Final = 8.0
_LINE: Final = 13.0

Floats = npt.NDArray[np.float64]


def day_ticks(last: int) -> list[int]:
    """Return where an axis of day numbers has ticks: day 1, then round numbers, at most six.

    >>> day_ticks(1158), day_ticks(30), day_ticks(1)
    ([1, 250, 500, 750, 1000], [1, 10, 20, 30], [1])
    """
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 250, 500, 1000, 2500) if last / step < MOST)
    return [1, *(day for day in range(step, last + 1, step) if day > 1)]


def week_ticks(last: int) -> list[int]:
    """Return where an axis of day numbers has ticks where weeks are counted: week 1, then round numbers of weeks.

    >>> week_ticks(71)
    [1, 8, 22, 36, 50, 64]
    """
    return [(week - 1) * 7 + 1 for week in day_ticks((last - 1) // 7 + 1)]


def date_ticks(first: dt.date, last: dt.date) -> list[int]:
    """Return where an axis of dates has ticks, in days since 1970: first days of months, at most six; or single days.

    >>> [EPOCH + dt.timedelta(days=day) for day in date_ticks(dt.date(2020, 1, 21), dt.date(2020, 7, 4))][:2]
    [datetime.date(2020, 2, 1), datetime.date(2020, 3, 1)]
    """
    days = (last - first).days
    if days < 62:
        step = next(step for step in (1, 2, 7, 14) if days / step < MOST)
        return [(first - EPOCH).days + day for day in range(0, days + 1, step)]
    months = [year * 12 + month for year in range(first.year, last.year + 1) for month in range(12)]
    starts = [dt.date(month // 12, month % 12 + 1, 1) for month in months]
    within = [day for day in starts if first <= day <= last]
    step = next((step for step in (1, 2, 3, 6, 12, 24) if days / (30.4 * step) < MOST), 60)
    return [(day - EPOCH).days for day in within if (day.year * 12 + day.month - 1) % step == 0]


def nice_top(most: float) -> float:
    """Return where a linear axis from 0 ends: a round number at or above the largest value.

    >>> nice_top(283.1), nice_top(0), nice_top(1_203_000)
    (300.0, 1.0, 1250000.0)
    """
    if not most > 0:
        return 1.0
    size = 10.0 ** np.floor(np.log10(most))
    steps = np.array([1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]) * size
    return float(steps[steps >= most * (1 - 1e-9)][0])


def apart(wanted: Sequence[float], gap: float, height: float) -> Floats:
    """Return positions near the wanted ones, in the same order, that keep the gap and stay within the height.

    Each label is pushed down by those above it, and up by those below it; the mean of both keeps the gap, too.

    Args:
        wanted: where each label would stand, in pixels.
        gap: the pixels between two.
        height: the pixels there are; where they do not suffice the gap is smaller.

    >>> apart([100, 100, 40], 12, 200).tolist()
    [94.0, 106.0, 40.0]
    """
    at = np.asarray(wanted, dtype=np.float64)
    if len(at) < 2:
        return np.clip(at, 0, height)
    gap = min(gap, height / (len(at) - 1))
    order = np.argsort(at, kind="stable")
    steps = np.arange(len(at)) * gap
    free = at[order] - steps
    mean = (np.maximum.accumulate(free) + np.minimum.accumulate(free[::-1])[::-1]) / 2 + steps
    placed = np.empty(len(at))
    placed[order] = np.maximum(np.minimum(mean, height - steps[::-1]), steps)
    return placed


@dataclass(frozen=True)
class Spot:
    """Where the name of a bubble stands: its shift from the bubble's middle, in pixels, and its alignment."""

    dx: float
    dy: float
    align: Literal["left", "right", "center"]


def beside(bubbles: Sequence[tuple[float, float, float, str]]) -> list[Spot | None]:
    """Return a place for each name beside its bubble where it hides no other name; None where there is no room.

    The first come first: to the right, to the left, above, below.

    Args:
        bubbles: of each the middle and the radius, in pixels, and its name; an empty name needs no room.

    >>> [spot.align if spot else None for spot in beside([(50, 50, 9, "NY"), (50, 52, 9, "FL"), (50, 51, 9, "")])]
    ['left', 'right', None]
    """
    taken: list[tuple[float, float, float, float]] = []
    spots: list[Spot | None] = []
    for x, y, radius, name in bubbles:
        spot = next((spot for spot in _around(radius) if name and not _hides(_box(x, y, spot, name), taken)), None)
        if spot:
            taken.append(_box(x, y, spot, name))
        spots.append(spot)
    return spots


def _around(radius: float) -> list[Spot]:
    away, over = radius + 3, radius + 9
    return [Spot(away, 0, "left"), Spot(-away, 0, "right"), Spot(0, -over, "center"), Spot(0, over, "center")]


def _box(x: float, y: float, spot: Spot, name: str) -> tuple[float, float, float, float]:
    wide = _LETTER * len(name)
    left = x + spot.dx - {"left": 0.0, "center": 0.5, "right": 1.0}[spot.align] * wide
    return left, left + wide, y + spot.dy - _LINE / 2, y + spot.dy + _LINE / 2


def _hides(box: tuple[float, float, float, float], taken: Sequence[tuple[float, float, float, float]]) -> bool:
    left, right, top, bottom = box
    return any(left < other[1] and other[0] < right and top < other[3] and other[2] < bottom for other in taken)
