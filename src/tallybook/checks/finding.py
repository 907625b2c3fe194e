"""Making findings."""

from __future__ import annotations

import polars as pl

from tallybook.model.findings import FINDING_SCHEMA, Severity


def found(
    rows: pl.DataFrame, *, code: str, severity: Severity, seen: pl.Expr, expected: pl.Expr, hint: str
) -> pl.DataFrame:
    """Return a finding for each row.

    Args:
        rows: ``place``, ``metric``, ``date`` and what the expressions need.
        code: the code of the check.
        severity: how much it matters.
        seen: what was seen.
        expected: what was expected.
        hint: what to do about it.
    """
    said = {"code": code, "severity": severity.value, "hint": hint}
    return rows.with_columns(
        *(pl.lit(text).alias(name) for name, text in said.items()), seen=seen, expected=expected
    ).select(FINDING_SCHEMA.names())
