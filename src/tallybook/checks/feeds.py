"""Checks of one feed against another, and of feeds against the calendar."""

from __future__ import annotations

from datetime import date

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.findings import Severity
from tallybook.model.reports import is_live


def disagreements(by_source: pl.DataFrame) -> pl.DataFrame:
    """Return where the latest words of two sources on the same place, metric and date differ.

    A feed that corrects a live count when its day is over revises it, and disagrees with nobody.

    Args:
        by_source: ``place``, ``metric``, ``date``, ``source``, ``value``: the latest of each source.
    """
    key = ["place", "metric", "date"]
    said = (
        by_source.drop_nulls("value")
        .filter(~is_live())
        .sort(*key, "source")
        .group_by(key, maintain_order=True)
        .agg(
            values=pl.col("value").n_unique(),
            words=pl.format("{}: {}", "source", pl.col("value").cast(pl.String).str.strip_suffix(".0")).str.join("; "),
        )
    )
    return found(
        said.filter(pl.col("values") > 1),
        code="sources-disagree",
        severity=Severity.WARNING,
        seen=pl.col("words"),
        expected=pl.lit("sources agree"),
        hint="the one that changed last is published; keep the feed you trust",
    )


def withdrawn(by_source: pl.DataFrame) -> pl.DataFrame:
    """Return the runs of days a source had counts of and has no longer, each on its first day.

    Args:
        by_source: ``place``, ``metric``, ``date``, ``source``, ``status``: the latest of each source.
    """
    series = ["place", "metric", "source"]
    gone = by_source.filter(status="withdrawn").sort(*series, "date")
    day = pl.col("date").to_physical() - pl.int_range(pl.len(), dtype=pl.Int32).over(series)
    runs = (
        gone.with_columns(run=day)
        .group_by(*series, "run", maintain_order=True)
        .agg(pl.col("date").first(), days=pl.len())
    )
    return found(
        runs,
        code="withdrawn",
        severity=Severity.WARNING,
        seen=pl.format("{} days withdrawn by {}", "days", "source"),
        expected=pl.lit("what was published stays"),
        hint="was the file cut short, or the place renamed?",
    )


def too_early(totals: pl.DataFrame, *, first: date | None) -> pl.DataFrame:
    """Return the counts dated before the outbreak can have been counted.

    Args:
        totals: ``place``, ``metric``, ``date``, ``total``.
        first: the book's first date; None checks nothing.
    """
    early = totals.filter(pl.col("date") < first) if first else totals.clear()
    return found(
        early.filter(pl.col("total") > 0),
        code="too-early",
        severity=Severity.ERROR,
        seen=pl.format("{} on {}", "total", "date"),
        expected=pl.lit(f"nothing before {first}"),
        hint="is the year right? Or set first_date in book.toml",
    )
