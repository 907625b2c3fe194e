"""Checks of deaths from all causes: what their history allows to expect."""

from __future__ import annotations

import polars as pl

from tallybook.checks.finding import found
from tallybook.model.findings import FINDING_SCHEMA, Severity


def of_deaths(deaths: pl.DataFrame, estimates: pl.DataFrame) -> pl.DataFrame:
    """Return what all checks of deaths from all causes find: FINDING_SCHEMA.

    Args:
        deaths: ``place``, ``metric``, ``date``, ``deaths``; every row that was recorded.
        estimates: the same, ``frequency``, ``expected_deaths``, ``model``, ``baseline_years``, ``remark``; the rows
            that deaths are expected of.
    """
    findings = [short_histories(estimates), without_expected(estimates), unreported(deaths)]
    return pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *findings])


def short_histories(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return the places whose history is too short for a trend, each on its first period.

    Args:
        estimates: as for ``of_deaths``.
    """
    trend = pl.col("model").str.starts_with("year + ")
    first = (
        estimates.sort("date")
        .group_by("place", "frequency", maintain_order=True)
        .agg(pl.first("metric", "date", "remark"), trend.any(), span=pl.first("baseline_years"), how=_known("model"))
        .filter(~pl.col("model").fill_null(value=False))
    )
    return found(
        first,
        code="history-too-short",
        severity=Severity.WARNING,
        seen=pl.coalesce(pl.format("{}, {}", "how", "span"), "remark"),
        expected=pl.lit("four years or more, for a trend"),
        hint="add earlier years; without a trend, growth or decline counts as excess",
    )


def without_expected(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return the periods without expected deaths, of places that have them in others.

    Args:
        estimates: as for ``of_deaths``.
    """
    some = pl.col("expected_deaths").is_not_null().any().over("place", "frequency")
    return found(
        estimates.filter(pl.col("expected_deaths").is_null() & some),
        code="no-expected-deaths",
        severity=Severity.WARNING,
        seen=pl.col("remark"),
        expected=pl.lit("a history of every period"),
        hint="is the week or month right? Its excess is left blank",
    )


def unreported(deaths: pl.DataFrame) -> pl.DataFrame:
    """Return the periods whose deaths are blank.

    Args:
        deaths: as for ``of_deaths``.
    """
    return found(
        deaths.filter(pl.col("deaths").is_null()),
        code="deaths-not-reported",
        severity=Severity.INFO,
        seen=pl.lit("blank"),
        expected=pl.lit("deaths of every period"),
        hint="it is left out of what is fitted to; cumulative excess ends before it",
    )


def _known(column: str) -> pl.Expr:
    return pl.col(column).drop_nulls().first()
