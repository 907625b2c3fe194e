"""Checks of what should add up."""

from __future__ import annotations

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.findings import Severity
from tallybook.model.metrics import METRICS, Level
from tallybook.model.places import NATION

_KEY = ["place", "metric", "date"]


def confirmed_and_probable(totals: pl.DataFrame) -> pl.DataFrame:
    """Return where confirmed and probable counts are both known and do not add up to the total.

    Args:
        totals: ``place``, ``metric``, ``date``, ``total``; metrics include the parts.
    """
    checked = []
    for metric in METRICS:
        parts = [totals.filter(metric=f"{part}_{metric}") for part in ("confirmed", "probable")]
        both = parts[0].join(parts[1], on=["place", "date"], suffix="_probable")
        checked.append(totals.filter(metric=metric).join(both, on=["place", "date"], suffix="_confirmed"))
    rows = pl.concat(checked)
    return found(
        rows.filter(pl.col("total_confirmed") + pl.col("total_probable") != pl.col("total")),
        code="confirmed-probable",
        severity=Severity.ERROR,
        seen=pl.format("{} confirmed and {} probable", "total_confirmed", "total_probable"),
        expected=pl.format("{} in all", "total"),
        hint="one of the three columns is wrong, or the split leaves some out",
    )


def counties_and_state(totals: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the days on which the counties of a state, its "Unknown" among them, do not add up to it.

    Days on which a county does not report the metric say nothing.

    Args:
        totals: as for ``confirmed_and_probable``.
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
        totals: as for ``confirmed_and_probable``.
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
