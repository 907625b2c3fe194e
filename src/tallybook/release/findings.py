"""What the checks find in a book, and which of it an editor has explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from tallybook.checks import Evidence, run_checks
from tallybook.measures.daily import daily
from tallybook.measures.marks import day_marks
from tallybook.model.config import Cadence
from tallybook.model.metrics import METRICS, Level
from tallybook.release.figures import Method, totals_of

_KEY = ["place", "metric", "date"]


def findings_of(
    observations: pl.DataFrame,
    by_source: pl.DataFrame,
    *,
    levels: Sequence[Level],
    method: Method,
    cadence: Cadence,
    first: date | None,
) -> pl.DataFrame:
    """Return the findings, with the ids of the register's anomalies on the same place, metric and day.

    Args:
        observations: as ``Ledger.as_of`` returns them.
        by_source: the same, the latest of each source.
        levels: the levels of the book.
        method: its gazetteer and register.
        cadence: how often its sources report.
        first: the first date that can have counts.

    Returns:
        FINDING_SCHEMA and ``anomaly``, a list of ids, null where nothing is explained.
    """
    totals = observations.select("place", "metric", "date", total="value")
    counts = pl.concat([_counts(observations, level, method) for level in levels])
    evidence = Evidence(
        counts=counts.join(totals, on=_KEY, how="left", maintain_order="left"),
        totals=totals,
        by_source=by_source,
        places=method.places.frame,
        cadence=cadence,
        first=first,
    )
    found = run_checks(evidence)
    marks = [
        day_marks(method.register, metric, found["place"].unique()).with_columns(metric=pl.lit(metric))
        for metric in METRICS
    ]
    explained = pl.concat(marks).select(*_KEY, "anomaly")
    return found.join(explained, on=_KEY, how="left", maintain_order="left")


def _counts(observations: pl.DataFrame, level: Level, method: Method) -> pl.DataFrame:
    return (
        daily(totals_of(observations, level, method.places))
        .unpivot(on=METRICS, index=["geoid", "date"], variable_name="metric", value_name="count")
        .select("metric", "date", "count", place="geoid")
    )
