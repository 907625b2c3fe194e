"""Checks of what should add up."""

from __future__ import annotations

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.findings import Severity
from tallybook.model.metrics import METRICS, SUMS, Level
from tallybook.model.places import NATION

_KEY = ["place", "metric", "date"]


def parts_and_sum(totals: pl.DataFrame, metric: str, *, code: str) -> pl.DataFrame:
    """Return where all parts of a metric are known and do not add up to it.

    Parts that only a live count told, before its day ended, are not held against a sum that was corrected since.

    Args:
        totals: ``place``, ``metric``, ``date``, ``total``, ``live`` (the last live count of a day); metrics include the
            parts.
        metric: a metric that has parts.
        code: the code of the check.
    """
    parts = SUMS[metric]
    order = pl.col("metric").cast(pl.Enum(parts))
    sums = (
        totals.filter(pl.col("metric").is_in(parts))
        .drop_nulls("total")
        .group_by("place", "date")
        .agg(
            pl.len(),
            sum=pl.col("total").sum(),
            live_parts=pl.col("live").any(),
            words=pl.format("{} {}", "total", _said("metric", metric)).sort_by(order).str.join(", "),
        )
        .filter(pl.col("len") == len(parts))
    )
    rows = totals.filter(metric=metric).join(sums, on=["place", "date"])
    of_one_moment = pl.col("live") | ~pl.col("live_parts")
    return found(
        rows.filter(of_one_moment, pl.col("sum") != pl.col("total")),
        code=code,
        severity=Severity.ERROR,
        seen=pl.format("{}: {} in all", "words", "sum"),
        expected=pl.format("{}", "total"),
        hint="one of the columns is wrong, or the parts leave some out",
    )


def _said(name: str, metric: str) -> pl.Expr:
    return pl.col(name).str.replace(f"_{metric}$", "")


def counties_and_state(totals: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the days on which the counties of a state, its "Unknown" among them, do not add up to it.

    Days on which a county does not report the metric say nothing.

    Args:
        totals: as for ``parts_and_sum``.
        places: ``geoid``, ``level``, ``parent``.
    """
    counties = places.filter(level=Level.COUNTY).select(place="geoid", state="parent")
    return _sums(
        totals.join(counties, on="place").drop("place").rename({"state": "place"}),
        totals,
        code="counties-state",
        severity=Severity.WARNING,
        parts="counties",
        hint="counts without a county belong to the state's Unknown",
    )


def states_and_nation(totals: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the days on which the states do not add up to the nation.

    Args:
        totals: as for ``parts_and_sum``.
        places: ``geoid``, ``level``.
    """
    states = places.filter(level=Level.STATE).select(place="geoid")
    return _sums(
        totals.join(states, on="place").with_columns(place=pl.lit(NATION)),
        totals,
        code="states-nation",
        severity=Severity.WARNING,
        parts="states",
        hint="is a state's file older than the nation's?",
    )


def _sums(
    parts_of: pl.DataFrame, totals: pl.DataFrame, *, code: str, severity: Severity, parts: str, hint: str
) -> pl.DataFrame:
    sums = (
        parts_of.filter(pl.col("metric").is_in(METRICS))
        .group_by(_KEY)
        .agg(sum=pl.col("total").sum(), unknown=pl.col("total").null_count())
        .filter(pl.col("unknown") == 0)
    )
    rows = totals.join(sums, on=_KEY).filter(pl.col("sum") != pl.col("total"))
    return found(
        rows.with_columns(difference=pl.col("sum") - pl.col("total")),
        code=code,
        severity=severity,
        seen=pl.format(f"{parts} add up to {{}}, {{}} off", "sum", "difference"),
        expected=pl.format("{}", "total"),
        hint=hint,
    )
