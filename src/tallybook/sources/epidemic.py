"""A simulated epidemic: infections from a renewal process, and the counts they lead to if nothing goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.integer[Any]]


def _delay(mean: float, deviation: float, days: int) -> FloatArray:
    """Return the weights of a gamma-shaped delay of 1 to ``days`` days."""
    shape, scale = (mean / deviation) ** 2, deviation**2 / mean
    day = np.arange(1, days + 1)
    weights = day ** (shape - 1) * np.exp(-day / scale)
    return np.asarray(weights / weights.sum())


GENERATION: Final = _delay(6.5, 3.5, 20)
"""Days from an infection to those it causes."""

TO_CASE: Final = _delay(9, 4, 30)
"""Days from infection to the announcement of a case."""

TO_DEATH: Final = _delay(24, 9, 70)
"""Days from infection to the announcement of a death."""

FATALITY: Final = 0.006
"""Deaths per infection."""

_MEMORY_DAYS: Final = 250
"""How long immunity lasts, on average."""


@dataclass(frozen=True)
class Epidemic:
    """What happened, by place (rows) and day (columns).

    Attributes:
        infections: people infected, whole numbers.
        cases: the cases to be expected of a day, if every one is announced after the usual delay.
        deaths: the same of deaths.
    """

    infections: FloatArray
    cases: FloatArray
    deaths: FloatArray


def epidemic(populations: IntArray, region: IntArray, days: int, rng: np.random.Generator) -> Epidemic:
    """Return an epidemic in waves.

    Infections follow a renewal process, ``I(t) ~ R(t) × susceptible × Σ w(s) I(t − s)`` with over-dispersed noise and a
    trickle of imported ones; R goes up and down over the months, in step within a region.

    Args:
        populations: persons, one per place.
        region: which places share their waves, one number per place.
        days: how long it lasts.
        rng: the source of chance.

    Source: Cori et al. 2013 for the renewal process.

    >>> made = epidemic(np.array([1_000_000]), np.array([0]), 200, np.random.default_rng(1))
    >>> made.infections.shape, bool(made.cases.sum() < made.infections.sum())
    ((1, 200), True)
    """
    people = np.maximum(populations, 1).astype(np.float64)
    reproduction = _reproduction(region, days, rng)
    arrival = rng.exponential(25, region.max() + 1)[region]
    infections = np.zeros((len(people), days))
    immune = np.zeros(len(people))
    for day in range(days):
        lately = infections[:, max(0, day - len(GENERATION)) : day]
        force = lately @ GENERATION[: lately.shape[1]][::-1]
        imported = np.where(day >= arrival, people * 2e-7, 0)
        expected = reproduction[:, day] * (1 - immune) * force + imported
        infections[:, day] = rng.poisson(expected * rng.gamma(20, 1 / 20, len(people)))
        immune = np.minimum(immune * (1 - 1 / _MEMORY_DAYS) + infections[:, day] / people, 0.95)
    detected = 0.08 + 0.3 * (1 - np.exp(-np.arange(days) / 90))
    return Epidemic(infections, detected * _delayed(infections, TO_CASE), FATALITY * _delayed(infections, TO_DEATH))


def _reproduction(region: IntArray, days: int, rng: np.random.Generator) -> FloatArray:
    """Return the reproduction number by place and day: two waves of different length on top of one another."""
    regions, day = int(region.max()) + 1, np.arange(days)
    waves = np.zeros((regions, days))
    for period, height in ((110, 0.22), (200, 0.22)):
        phase = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.7, (regions, 1))
        waves += height * np.sin(2 * np.pi * day / period + phase)
    own = rng.normal(0, 0.05, (len(region), 1))
    return np.asarray(1.25 * np.exp(waves[region] + own))


def _delayed(infections: FloatArray, weights: FloatArray) -> FloatArray:
    later = np.zeros_like(infections)
    for lag, weight in enumerate(weights[: infections.shape[1] - 1], start=1):
        later[:, lag:] += weight * infections[:, :-lag]
    return later
