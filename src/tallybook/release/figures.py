"""The figures of a release: per level its totals, and its averages with what they are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import narwhals.typing as nwt
import polars as pl

from tallybook.measures.calendar import calendar
from tallybook.measures.daily import daily
from tallybook.measures.rates import per_100k, sum_over_places
from tallybook.measures.rolling import rolling_average
from tallybook.measures.withheld import untold_days
from tallybook.model.cards import Reporting
from tallybook.model.metrics import COUNTS, METRICS, RATES, SUMS, Level, Metric
from tallybook.model.places import Gazetteer
from tallybook.model.reports import Status

POSITIVITY: Final = "positivity_avg_percent"
"""Of 100 tests, how many are positive: the average of positive tests by that of all tests."""

DAYS_SINCE: Final = "days_since_last_report"
"""The days that the new counts of a row are of; null where nothing was reported."""


@dataclass(frozen=True)
class Figures:
    """What is published of one level.

    Attributes:
        level: the level of the places.
        metrics: what has averages, in the book's order.
        totals: ``geoid``, ``date`` and everything that is recorded; one row per place and day that an agency has a
            row for.
        averages: what ``rolling_average`` with details and ``per_100k`` return, ``{metric}_reported`` and the names of
            the places; one row per place and day of the calendar.
    """

    level: Level
    metrics: tuple[str, ...]
    totals: pl.DataFrame
    averages: pl.DataFrame


@dataclass(frozen=True)
class Method:
    """How a book's averages are made.

    Attributes:
        places: its gazetteer.
        register: its anomalies.
        metrics: what the book publishes with averages.
        days: the days of a window, by level and metric.
        reporting: how days without data are known, by level.
        covers_from: the first day that is known of, by level; None where it goes back to the beginning.
    """

    places: Gazetteer
    register: pl.DataFrame
    metrics: tuple[str, ...]
    days: Mapping[Level, Mapping[str, int]]
    reporting: Mapping[Level, Reporting]
    covers_from: Mapping[Level, date | None]

    def described(self) -> dict[str, Any]:
        """Return how the averages are made, in plain words and numbers."""
        populations = self.places.frame.select("geoid", "population").write_csv()
        return {
            "averages": {
                level.value: {name: self.days[level][name] for name in self.metrics} for level in self.reporting
            },
            "reporting": {level.value: way for level, way in self.reporting.items()},
            "populations": hashlib.sha256(populations.encode()).hexdigest()[:12],
        }

    def daily(self, totals: nwt.IntoFrameT, level: Level, metrics: Sequence[str]) -> nwt.IntoFrameT:
        """Return the new counts of a level's totals."""
        return daily(totals, metrics, covers_from=self.covers_from.get(level))

    def averages(
        self, totals: nwt.IntoFrameT, level: Level, metrics: Sequence[str], *, withheld: Any = None
    ) -> nwt.IntoFrameT:
        """Return the averages of a level's totals, with details."""
        return self.averages_of_new(self.daily(totals, level, metrics), level, metrics, withheld=withheld)

    def averages_of_new(
        self, counts: nwt.IntoFrameT, level: Level, metrics: Sequence[str], *, withheld: Any = None
    ) -> nwt.IntoFrameT:
        """Return the averages of a level's new counts, with details."""
        return rolling_average(
            counts,
            metrics,
            days=self.days[level],
            anomalies=self.register,
            reporting=self.reporting[level],
            withheld=withheld,
            details=True,
        )

    def of_level(self, level: Level, observed: Set[str]) -> tuple[str, ...]:
        """Return which of the metrics a level has: those of the published layout, if it has one, and those observed."""
        own = () if level is Level.TOWN else METRICS
        return tuple(metric for metric in self.metrics if metric in observed or metric in own)

    def columns(self, level: Level, observed: Set[str]) -> tuple[str, ...]:
        """Return the columns of a level's totals: its metrics; of towns everything observed, reported rates last."""
        if level is not Level.TOWN:
            return self.of_level(level, observed)
        ordered = dict.fromkeys(name for metric in COUNTS for name in (metric, *SUMS.get(metric, ())))
        return tuple(name for name in (*ordered, *RATES) if name in observed)


def first_covered(records: pl.DataFrame) -> dict[Level, date | None]:
    """Return the first day each level is known of; None where a file goes back to the beginning.

    Args:
        records: as ``Ledger.records`` returns them.
    """
    bounds = records.drop_nulls("level").group_by("level").agg(pl.col("first").has_nulls(), day=pl.col("first").min())
    return {Level(level): None if whole else day for level, whole, day in bounds.rows()}


def figures(observations: pl.DataFrame, *, levels: Sequence[Level], method: Method) -> list[Figures]:
    """Return the figures of each level that has observations, the widest first.

    Args:
        observations: as ``Ledger.as_of`` returns them.
        levels: the levels the book publishes.
        method: how the averages are made.
    """
    made: dict[Level, Figures] = {}
    secret = withheld_of(observations)
    for level in levels:
        observed = metrics_at(observations, level, method.places)
        metrics = method.of_level(level, observed)
        totals = totals_of(observations, level, method.places, metrics=method.columns(level, observed))
        if totals.height:
            averages = method.averages(totals, level, metrics, withheld=secret)
            made[level] = Figures(level, metrics, totals, averages)
    if Level.NATION in made and Level.STATE in made:
        nation, states = made[Level.NATION], made[Level.STATE]
        summed = national(nation.averages, states.averages, nation.metrics, withheld=secret)
        made[Level.NATION] = replace(nation, averages=summed)
    return [finished(made[level], method.places) for level in Level if level in made]


def totals_of(
    observations: pl.DataFrame, level: Level, places: Gazetteer, *, metrics: Sequence[str] = METRICS
) -> pl.DataFrame:
    """Return the totals of a level: ``geoid``, ``date`` and a column per metric; sorted, key (geoid, date).

    A place and day has a row where any of the metrics was observed, if only as not reported.
    """
    known = observations.filter(
        _at(level, places),
        pl.col("metric").is_in(metrics),
        pl.col("status") != Status.WITHDRAWN.value,
    )
    wide = _side_by_side(known, metrics)
    if wide is None:
        wide = known.pivot("metric", on_columns=metrics, index=["place", "date"], values="value", maintain_order=True)
        wide = wide.sort("place", "date")
    counts = [name for name in metrics if name not in RATES]
    return wide.rename({"place": "geoid"}).cast(dict.fromkeys(counts, pl.Int64))


def _side_by_side(known: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame | None:
    """Return the values of each metric as a column where all were observed on the same days, which is soon told."""
    each = [known.filter(pl.col("metric") == metric).select("place", "date", "value") for metric in metrics]
    keys = each[0].select("place", "date") if each else None
    if keys is None or not all(one.height == keys.height and one.select("place", "date").equals(keys) for one in each):
        return None
    return keys.with_columns(one["value"].alias(metric) for one, metric in zip(each, metrics, strict=True))


def metrics_at(observations: pl.DataFrame, level: Level, places: Gazetteer) -> set[str]:
    """Return what is observed at the places of a level."""
    return set(observations.filter(_at(level, places))["metric"].unique())


def _at(level: Level, places: Gazetteer) -> pl.Expr:
    return pl.col("place").is_in(places.frame.filter(level=level)["geoid"].implode())


def withheld_of(observations: pl.DataFrame) -> pl.DataFrame | None:
    """Return the counts that are withheld: ``geoid``, ``metric``, ``date``; None where none is."""
    secret = observations.filter(pl.col("status") == Status.WITHHELD.value)
    return secret.select(pl.col("place").alias("geoid"), "metric", "date") if secret.height else None


def national(
    nation: pl.DataFrame, states: pl.DataFrame, metrics: Sequence[str], *, withheld: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return the averages of the nation, each the sum of the states' unrounded ones.

    The window of a sum is the widest of its parts': the earliest start, the latest end, the longest divisor. No day of
    the nation is omitted from it, since its own counts do not enter. While the count of a state is withheld there is no
    sum: without it, the state would count as zero.

    Args:
        nation: the nation's own counts, with details.
        states: the averages of the states, with details.
        metrics: what is averaged.
        withheld: the counts that are withheld, as ``withheld_of`` returns them.
    """
    parts = calendar(states, place="geoid", date="date")
    sums = sum_over_places(parts, [f"{metric}_avg" for metric in metrics])
    windows = states.group_by("date").agg(
        *(pl.col(f"{metric}_window_start").min() for metric in metrics),
        *(pl.col(f"{metric}_window_end", f"{metric}_window_days").max() for metric in metrics),
    )
    own = nation.select("geoid", "date", *metrics, *(f"{metric}_anomaly" for metric in metrics))
    summed = (
        own.join(sums, on="date", how="left", maintain_order="left")
        .join(windows, on="date", how="left", maintain_order="left")
        .with_columns(pl.lit(value=False).alias(f"{metric}_omitted") for metric in metrics)
    )
    for metric in metrics:
        untold = untold_days(parts, metric, withheld)
        if untold is not None:
            told = ~pl.col("date").is_in(parts.frame["date"].filter(pl.Series(untold)).unique().implode())
            names = [f"{metric}_{part}" for part in ("avg", "window_start", "window_end", "window_days")]
            summed = summed.with_columns(pl.when(told).then(pl.col(names)))
    return summed


def finished(made: Figures, places: Gazetteer) -> Figures:
    """Return the figures with names, rates and whether each day was reported; rows by date, then name."""
    rates = [f"{metric}_avg" for metric in made.metrics]
    averages = per_100k(made.averages, rates, populations=places.frame).with_columns(
        pl.col(metric).is_not_null().alias(f"{metric}_reported") for metric in made.metrics
    )
    totals = made.totals
    if made.level is Level.TOWN:
        totals = per_100k(totals, made.metrics, populations=places.frame)
        averages = averages.with_columns(*_of_tests(made.metrics), _days_since_report(totals, averages))
    return Figures(
        made.level,
        made.metrics,
        in_order(totals, places),
        in_order(averages, places),
    )


def in_order(table: pl.DataFrame, places: Gazetteer) -> pl.DataFrame:
    """Return the rows of a table by date, then state and name, with the ``fips``, ``name`` and ``state`` of each."""
    names = places.named.select("geoid", "fips", "name", "state").sort("state", "name", "geoid").with_row_index("_rank")
    named = table.join(names, on="geoid", how="left", maintain_order="left")
    # One number sorts faster than a date and two texts.
    key = named["date"].to_physical().cast(pl.Int64) * names.height + named["_rank"]
    return named.drop("_rank")[key.arg_sort()]


def _of_tests(metrics: Sequence[str]) -> list[pl.Expr]:
    if not {Metric.TESTS, Metric.POSITIVE_TESTS} <= set(metrics):
        return []
    tests = pl.col("tests_avg")
    return [pl.when(tests > 0).then(pl.col("positive_tests_avg") * 100 / tests).alias(POSITIVITY)]


def _days_since_report(totals: pl.DataFrame, averages: pl.DataFrame) -> pl.Series:
    """Return per row of the averages the days since the place's report before, null on days without one."""
    reports = totals.select("geoid", "date").with_columns(
        pl.col("date").diff().over("geoid").dt.total_days().alias(DAYS_SINCE)
    )
    keys = averages.select("geoid", "date")
    return keys.join(reports, on=["geoid", "date"], how="left", maintain_order="left")[DAYS_SINCE]
