"""Reports: what an agency said, and observations: a report in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import polars as pl


class Status(StrEnum):
    """Why an observation has the value it has, or none.

    >>> [status.value for status in Status]
    ['reported', 'not_reported', 'not_collected', 'withheld', 'withdrawn']
    """

    REPORTED = "reported"
    NOT_REPORTED = "not_reported"
    NOT_COLLECTED = "not_collected"
    WITHHELD = "withheld"
    WITHDRAWN = "withdrawn"


KEY: Final = ("place", "metric", "date")
"""What one value belongs to."""

REPORT_SCHEMA: Final = pl.Schema(
    {
        "place": pl.String(),
        "metric": pl.String(),
        "date": pl.Date(),
        "value": pl.Float64(),
        "status": pl.String(),
    }
)
"""A report: ``value`` of ``metric`` at ``place`` on ``date``; null where ``status`` is not 'reported'.

Counts are whole numbers that a Float64 holds exactly; rates are fractions."""

OBSERVATION_SCHEMA: Final = pl.Schema(
    {
        **REPORT_SCHEMA,
        "as_of": pl.Datetime("us", "UTC"),
        "source": pl.String(),
        "record": pl.Int64(),
    }
)
"""A report, the moment since which it is known, its feed, and the number of the record that brought it."""


@dataclass(frozen=True)
class Reports:
    """The reports of one file.

    Attributes:
        frame: columns of REPORT_SCHEMA, one row per key.
        source: the feed's name.
        file: where the bytes came from.
        sha256: their digest, in hex.
    """

    frame: pl.DataFrame
    source: str
    file: str
    sha256: str
