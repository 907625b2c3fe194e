"""A simulated weekly feed of a notifiable disease: every file has all weeks again, as they are known by then.

The numbers are invented. Cases become known over four weeks, some are taken back, and small totals are withheld.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tallybook.model.metrics import Level
from tallybook.model.places import gazetteer
from tallybook.model.weeks import mmwr_week, mmwr_year

SMALLEST_SHOWN: Final = 5
"""The smallest total that is shown, but for zero."""

WITHHELD: Final = "<5"
"""What stands where a total is withheld."""

_KNOWN: Final = (0.6, 0.85, 0.95)
"""Which share of a week's cases is known at once, after a week, and after two; then some more than all, then all."""

_TOO_MANY: Final = 1.04


def write_weekly(
    folder: Path, *, first: dt.date = dt.date(2025, 1, 4), weeks: int = 30, vintages: int = 12, seed: int = 0
) -> list[Path]:
    """Write the files of a simulated feed, named by the Wednesdays they came out on, and return them, the oldest first.

    Args:
        folder: where to; it is made.
        first: the Saturday the first week ends on.
        weeks: how many weeks the last file has.
        vintages: how many files there are, a week apart.
        seed: the seed of chance; the same seed writes the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    states = gazetteer().frame.filter(pl.col("level") == Level.STATE.value, pl.col("population").is_not_null())
    states = states.sort("geoid")
    cases = _cases(states["population"].to_numpy(), weeks, np.random.default_rng(seed))
    saturdays = pl.date_range(first, first + dt.timedelta(weeks=weeks - 1), "1w", eager=True)
    written = []
    for number in range(weeks - vintages + 1, weeks + 1):
        out = saturdays[number - 1] + dt.timedelta(days=4)
        file = folder / f"{out}T1200_measles.csv"
        file.write_text(_file(states["name"], saturdays[:number], known_by(cases, number)))
        written.append(file)
    return written


def known_by(cases: np.ndarray, weeks: int) -> np.ndarray:
    """Return the cumulative cases that are known after a number of weeks, by place and week.

    Args:
        cases: all new cases, by place and week.
        weeks: how many weeks are over.
    """
    share = np.ones(weeks)
    recent = (*_KNOWN, _TOO_MANY)[:weeks]
    share[weeks - len(recent) :] = recent[::-1]
    return np.rint(cases[:, :weeks] * share).astype(np.int64).cumsum(axis=1)


def _cases(population: np.ndarray, weeks: int, rng: np.random.Generator) -> np.ndarray:
    """Return new cases by place and week: outbreaks in some states, a few cases elsewhere, none in others."""
    size = population / population.max()
    outbreak = np.where(rng.random(len(population)) < 0.2, rng.uniform(10, 60, len(population)), 0)
    peak, width = rng.uniform(5, weeks, len(population)), rng.uniform(2, 5, len(population))
    wave = np.exp(-(((np.arange(weeks) - peak[:, None]) / width[:, None]) ** 2) / 2)
    imported = np.where(rng.random(len(population)) < 0.7, size, 0)
    return rng.poisson(outbreak[:, None] * wave + imported[:, None])


def _file(names: pl.Series, saturdays: pl.Series, totals: np.ndarray) -> str:
    rows = pl.DataFrame({"Reporting area": names}).join(pl.DataFrame({"date": saturdays}), how="cross")
    total = pl.Series("total", totals.ravel())
    small = pl.col("total").is_between(1, SMALLEST_SHOWN - 1)
    shown = pl.when(small).then(pl.lit(WITHHELD)).otherwise(pl.col("total").cast(pl.String))
    return (
        rows.with_columns(total)
        .select(
            "Reporting area",
            mmwr_year(pl.col("date")).alias("MMWR year"),
            mmwr_week(pl.col("date")).alias("MMWR week"),
            shown.alias("Cumulative cases"),
        )
        .write_csv()
    )
