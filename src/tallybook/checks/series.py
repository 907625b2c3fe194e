"""Checks of one place's series by itself."""

from __future__ import annotations

from typing import Final

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.cards import Cadence
from tallybook.model.findings import Severity

RECENT: Final = 14
"""The days with new counts a jump is held against."""

_ENOUGH: Final = 7
_LEAST: Final = 20
_ALLOWED: Final[dict[Cadence, int]] = {"daily": 0, "weekdays": 2, "weekly": 6}


def declines(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the days on which a cumulative total fell.

    Args:
        counts: ``place``, ``metric``, ``date``, ``total``, ``count`` (new since the last total; null = not reported).

    Returns:
        Findings; see ``FINDING_SCHEMA``.
    """
    return found(
        counts.filter(pl.col("count") < 0),
        code="decline",
        severity=Severity.WARNING,
        seen=pl.format("the total fell by {} to {}", -pl.col("count"), "total"),
        expected=pl.lit("no decline"),
        hint="ask what was corrected; explain it in the register. The day is left out of the averages",
    )


def jumps(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the days with implausibly many new counts for their place.

    A day jumps if its new counts, divided by the days since the last ones, are more than twice the highest of the
    place's last 14 days with counts, and more than chance would add to those; under 20 counts nothing jumps.

    Args:
        counts: as for ``declines``.
    """
    series = ["place", "metric"]
    with_data = (
        counts.filter(pl.col("count") > 0)
        .sort(*series, "date")
        .with_columns(days=pl.col("date").diff().dt.total_days().over(series).fill_null(1))
        .with_columns(rate=pl.col("count") / pl.col("days"))
        .with_columns(top=pl.col("rate").rolling_max(RECENT, min_samples=_ENOUGH).shift(1).over(series))
    )
    by_chance = pl.col("top") + 6 * pl.col("top").sqrt()
    return found(
        with_data.filter(pl.col("count") >= _LEAST, pl.col("rate") > 2 * pl.col("top"), pl.col("rate") > by_chance),
        code="jump",
        severity=Severity.WARNING,
        seen=pl.when(pl.col("days") == 1)
        .then(pl.format("{} new", "count"))
        .otherwise(pl.format("{} new in {} days", "count", "days")),
        expected=pl.format("at most {} a day lately", pl.col("top").ceil().cast(pl.Int64)),
        hint="a backlog? Omit the day or adjust its count in the register",
    )


def gaps(counts: pl.DataFrame, *, cadence: Cadence) -> pl.DataFrame:
    """Return the first days of the runs without a report that are longer than the source's cadence allows.

    Args:
        counts: as for ``declines``.
        cadence: how often the source reports.
    """
    series = ["place", "metric"]
    missing = pl.col("count").is_null()
    runs = (
        counts.sort(*series, "date")
        .with_columns(begun=pl.col("count").is_not_null().cum_max().over(series), run=missing.rle_id().over(series))
        .filter(missing & pl.col("begun"))
        .group_by(*series, "run", maintain_order=True)
        .agg(pl.col("date").first(), days=pl.len())
    )
    return found(
        runs.filter(pl.col("days") > _ALLOWED[cadence]),
        code="gap",
        severity=Severity.INFO,
        seen=pl.when(pl.col("days") == 1)
        .then(pl.lit("no report"))
        .otherwise(pl.format("no report for {} days", "days")),
        expected=pl.lit(f"reports are {cadence}"),
        hint="is the source late, or has it changed its schedule?",
    )
