"""The figures of a release: per level its totals, and its averages with what they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from tallybook.measures.calendar import calendar
from tallybook.measures.daily import daily
from tallybook.measures.rates import per_100k, sum_over_places
from tallybook.measures.rolling import rolling_average
from tallybook.model.config import Reporting
from tallybook.model.metrics import METRICS, Level
from tallybook.model.places import Gazetteer


@dataclass(frozen=True)
class Figures:
    """What is published of one level.

    Attributes:
        level: the level of the places.
        totals: ``geoid``, ``date`` and the cumulative metrics; one row per place and day that an agency has a row for.
        averages: what ``rolling_average`` with details and ``per_100k`` return, ``{metric}_reported`` and the names of
            the places; one row per place and day of the calendar.
    """

    level: Level
    totals: pl.DataFrame
    averages: pl.DataFrame


@dataclass(frozen=True)
class Method:
    """How a book's averages are made.

    Attributes:
        places: its gazetteer.
        register: its anomalies.
        days: the days of a window, by level and metric.
        reporting: how days without data are known.
    """

    places: Gazetteer
    register: pl.DataFrame
    days: Mapping[Level, Mapping[str, int]]
    reporting: Reporting

    def averages(self, totals: pl.DataFrame, level: Level) -> pl.DataFrame:
        """Return the averages of a level's totals, with details."""
        return rolling_average(
            daily(totals),
            days=self.days[level],
            anomalies=self.register,
            reporting=self.reporting,
            details=True,
        )


def figures(observations: pl.DataFrame, *, levels: Sequence[Level], method: Method) -> list[Figures]:
    """Return the figures of each level that has observations, the widest first.

    Args:
        observations: as ``Ledger.as_of`` returns them.
        levels: the levels the book publishes.
        method: how the averages are made.
    """
    made: dict[Level, Figures] = {}
    for level in levels:
        totals = totals_of(observations, level, method.places)
        if totals.height:
            made[level] = Figures(level, totals, method.averages(totals, level))
    if Level.NATION in made and Level.STATE in made:
        nation, states = made[Level.NATION], made[Level.STATE]
        made[Level.NATION] = Figures(Level.NATION, nation.totals, national(nation.averages, states.averages))
    return [_finished(made[level], method.places) for level in Level if level in made]


def totals_of(
    observations: pl.DataFrame, level: Level, places: Gazetteer, *, metrics: Sequence[str] = METRICS
) -> pl.DataFrame:
    """Return the totals of a level: ``geoid``, ``date`` and a column per metric; sorted, key (geoid, date).

    A place and day has a row where any of the metrics was observed, if only as not reported.
    """
    geoids = places.frame.filter(level=level)["geoid"]
    return (
        observations.filter(pl.col("place").is_in(geoids.implode()), pl.col("metric").is_in(metrics))
        .pivot("metric", on_columns=metrics, index=["place", "date"], values="value", maintain_order=True)
        .rename({"place": "geoid"})
        .sort("geoid", "date")
    )


def national(nation: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return the averages of the nation, each the sum of the states' unrounded ones.

    The window of a sum is the widest of its parts': the earliest start, the latest end, the longest divisor. No day of
    the nation is omitted from it, since its own counts do not enter.

    Args:
        nation: the nation's own counts, with details.
        states: the averages of the states, with details.
    """
    parts = calendar(states, place="geoid", date="date")
    sums = sum_over_places(parts, [f"{metric}_avg" for metric in METRICS])
    windows = states.group_by("date").agg(
        *(pl.col(f"{metric}_window_start").min() for metric in METRICS),
        *(pl.col(f"{metric}_window_end", f"{metric}_window_days").max() for metric in METRICS),
    )
    own = nation.select("geoid", "date", *METRICS, *(f"{metric}_anomaly" for metric in METRICS))
    return (
        own.join(sums, on="date", how="left", maintain_order="left")
        .join(windows, on="date", how="left", maintain_order="left")
        .with_columns(pl.lit(value=False).alias(f"{metric}_omitted") for metric in METRICS)
    )


def _finished(made: Figures, places: Gazetteer) -> Figures:
    """Return the figures with names, rates and whether each day was reported; rows by date, then name."""
    names = places.named.select("geoid", "fips", "name", "state")
    order = ["date", "state", "name"]
    averages = per_100k(made.averages, populations=places.frame).with_columns(
        pl.col(metric).is_not_null().alias(f"{metric}_reported") for metric in METRICS
    )
    return Figures(
        made.level,
        made.totals.join(names, on="geoid", how="left", maintain_order="left").sort(order),
        averages.join(names, on="geoid", how="left", maintain_order="left").sort(order),
    )
