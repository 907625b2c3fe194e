"""Checks of rates that a source computed itself."""

from __future__ import annotations

from typing import Final

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.findings import Severity
from tallybook.model.metrics import RATES

_ROUNDED: Final = 0.5


def rates_and_counts(rates: pl.DataFrame, totals: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the rates that are not what count and population make, more than half a case per 100,000 off.

    Args:
        rates: ``place``, ``metric``, ``date``, ``rate`` per 100,000 people.
        totals: ``place``, ``metric``, ``date``, ``total``.
        places: ``geoid``, ``population``.
    """
    known = (
        rates.drop_nulls("rate")
        .with_columns(of=pl.col("metric").replace_strict(RATES, return_dtype=pl.String))
        .join(totals.rename({"metric": "of"}), on=["place", "of", "date"])
        .join(places.select(place="geoid", population="population"), on="place")
        .with_columns(computed=pl.col("total") * 100_000 / pl.col("population"))
    )
    # A rate that is exactly half way may be rounded either way.
    off = (pl.col("rate") - pl.col("computed")).abs() > _ROUNDED + 1e-9
    return found(
        known.filter(off),
        code="rate-count",
        severity=Severity.WARNING,
        seen=pl.format("{} per 100,000", "rate"),
        expected=pl.format("{} from {} and {} people", pl.col("computed").round(1), "total", "population"),
        hint="does the source divide by another population, or is the rate older than the count?",
    )
