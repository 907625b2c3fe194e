"""Checks of a source's columns against the day each of them starts."""

from __future__ import annotations

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.findings import Severity


def blank_after_start(by_source: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """Return the blank cells of columns that had started by then.

    Args:
        by_source: ``place``, ``metric``, ``date``, ``source``, ``value``: the latest of each source.
        since: ``source``, ``metric``, ``since``: the first day of each column.
    """
    rows = by_source.join(since, on=["source", "metric"])
    return found(
        rows.filter(pl.col("value").is_null(), pl.col("date") >= pl.col("since"), pl.col("status") == "not_reported"),
        code="blank-after-start",
        severity=Severity.WARNING,
        seen=pl.lit("blank"),
        expected=pl.format("a number since {}", "since"),
        hint="was the place left out that day, or does the column start later than the card says?",
    )


def before_start(by_source: pl.DataFrame, since: pl.DataFrame) -> pl.DataFrame:
    """Return the filled cells of columns that had not started yet.

    Args:
        by_source: as for ``blank_after_start``.
        since: the same.
    """
    rows = by_source.join(since, on=["source", "metric"])
    return found(
        rows.filter(pl.col("value").is_not_null(), pl.col("date") < pl.col("since")),
        code="filled-before-start",
        severity=Severity.WARNING,
        seen=pl.col("value").cast(pl.String).str.strip_suffix(".0"),
        expected=pl.format("nothing before {}", "since"),
        hint="has the source filled in its past? Then correct the card",
    )
