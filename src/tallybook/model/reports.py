"""Reports: what an agency said, and observations: a report in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

import polars as pl

from tallybook.model.metrics import Level


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


STATE_SCHEMA: Final = pl.Schema({**OBSERVATION_SCHEMA, "revision": pl.Int64()})
"""What is known of a key: the observation that said it first, and how many other values it had before."""

LIVE: Final = " (live)"
"""How the source of live counts whose day ended is told from the feed they came with."""


def live_source(feed: str) -> str:
    """Return the source of the counts that became final because their day ended; no feed can be called so.

    A feed that later says what it has of other days does not take these back.

    >>> live_source("nyt")
    'nyt (live)'
    """
    return f"{feed}{LIVE}"


def is_live() -> pl.Expr:
    """Return whether an observation is a live count whose day ended."""
    return pl.col("source").str.ends_with(LIVE)


RECORD_SCHEMA: Final = pl.Schema(
    {
        "record": pl.Int64(),
        "as_of": pl.Datetime("us", "UTC"),
        "source": pl.String(),
        "file": pl.String(),
        "sha256": pl.String(),
        "note": pl.String(),
        "level": pl.String(),
        "metrics": pl.String(),
        "first": pl.Date(),
        "last": pl.Date(),
    }
)
"""A file that was recorded, and what it covers. Key ``record``; ``sha256`` of its bytes, in hex; ``level`` and
``metrics`` (separated by blanks) null where it says nothing beyond its rows; ``first`` and ``last`` null: no bound."""


@dataclass(frozen=True)
class Coverage:
    """What a file would say if its source knew of it: a key within that it does not have is not, or no longer, there.

    Attributes:
        level: the level of its places.
        metrics: its metrics.
        first: the first date; None where it goes back to the beginning.
        last: the last date; None where it has everything known by then.
    """

    level: Level
    metrics: tuple[str, ...]
    first: date | None = None
    last: date | None = None

    @classmethod
    def of_record(cls, row: Mapping[str, Any]) -> Coverage | None:
        """Return what a row of RECORD_SCHEMA covers; None where it says nothing beyond its rows."""
        if row["level"] is None:
            return None
        return cls(Level(row["level"]), tuple(row["metrics"].split()), row["first"], row["last"])


@dataclass(frozen=True)
class Reports:
    """The reports of one file.

    Attributes:
        frame: columns of REPORT_SCHEMA, one row per key.
        source: the feed's name.
        file: where the bytes came from.
        sha256: their digest, in hex.
        coverage: what the file covers, every row being within; None where it says nothing beyond its rows.
        note: what its source said of it, such as the subject of a commit.
    """

    frame: pl.DataFrame
    source: str
    file: str
    sha256: str
    coverage: Coverage | None = None
    note: str = ""
