"""Findings: what a check saw."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import polars as pl


class Severity(StrEnum):
    """How much a finding matters, the least first.

    >>> [severity.value for severity in Severity]
    ['info', 'warning', 'error']
    """

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


FINDING_SCHEMA: Final = pl.Schema(
    {
        "code": pl.String(),
        "severity": pl.String(),
        "place": pl.String(),
        "metric": pl.String(),
        "date": pl.Date(),
        "seen": pl.String(),
        "expected": pl.String(),
        "hint": pl.String(),
    }
)
"""A finding: the check's code, where and when, what was seen, what was expected, and what to do."""
