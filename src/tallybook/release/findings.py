"""What the checks find in a book, and which of it an editor has explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from tallybook.checks import Evidence, run_checks
from tallybook.measures.marks import day_marks
from tallybook.model.cards import Cadence
from tallybook.model.metrics import RATES, Level
from tallybook.model.reports import is_live
from tallybook.release.figures import Method, totals_of

_KEY = ["place", "metric", "date"]


def findings_of(
    observations: pl.DataFrame,
    by_source: pl.DataFrame,
    *,
    levels: Sequence[Level],
    since: pl.DataFrame,
    method: Method,
    cadence: Mapping[Level, Cadence],
    first: date | None,
) -> pl.DataFrame:
    """Return the findings, with the ids of the register's anomalies on the same place, metric and day.

    Args:
        observations: as ``Ledger.as_of`` returns them.
        by_source: the same, the latest of each source.
        levels: the levels of the book.
        since: ``source``, ``metric``, ``since``: the first day a source has a metric.
        method: its gazetteer and register.
        cadence: how often its sources report, by level.
        first: the first date that can have counts.

    Returns:
        FINDING_SCHEMA and ``anomaly``, a list of ids, null where nothing is explained.
    """
    rates = pl.col("metric").is_in(list(RATES))
    totals = observations.filter(~rates).select(*_KEY, total=pl.col("value").cast(pl.Int64), live=is_live())
    counts = pl.concat([_counts(observations, level, method) for level in levels])
    evidence = Evidence(
        counts=counts.join(totals, on=_KEY, how="left", maintain_order="left"),
        totals=totals,
        rates=observations.filter(rates).select("place", "metric", "date", rate="value"),
        by_source=by_source,
        places=method.places.frame,
        since=since,
        cadence=cadence,
        first=first,
    )
    found = run_checks(evidence)
    marks = [
        day_marks(method.register, metric, found["place"].unique()).with_columns(metric=pl.lit(metric))
        for metric in method.metrics
    ]
    explained = pl.concat(marks).select(*_KEY, "anomaly")
    return found.join(explained, on=_KEY, how="left", maintain_order="left")


def _counts(observations: pl.DataFrame, level: Level, method: Method) -> pl.DataFrame:
    metrics = method.of_level(observations, level)
    return (
        method.daily(totals_of(observations, level, method.places, metrics=metrics), level, metrics)
        .unpivot(on=metrics, index=["geoid", "date"], variable_name="metric", value_name="count")
        .select("metric", "date", "count", pl.lit(level.value).alias("level"), place="geoid")
    )
