"""Checks: pure functions from frames to findings.

They say what looks wrong; they change nothing. What is done about it is an editor's decision, in the register.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from tallybook.checks.feeds import disagreements, too_early
from tallybook.checks.series import declines, gaps, jumps
from tallybook.checks.sums import confirmed_and_probable, counties_and_state, states_and_nation
from tallybook.model.config import Cadence
from tallybook.model.findings import FINDING_SCHEMA

CODES: Final = (
    "decline",
    "jump",
    "gap",
    "confirmed-probable",
    "counties-state",
    "states-nation",
    "sources-disagree",
    "too-early",
)
"""The code of each check; each has a section in docs/checks.md."""


@dataclass(frozen=True)
class Evidence:
    """What is checked.

    Attributes:
        counts: ``place``, ``metric``, ``date``, ``total``, ``count`` (new; null = not reported); one row per place,
            metric and day of the calendar.
        totals: ``place``, ``metric``, ``date``, ``total``; the parts among the metrics.
        by_source: the latest observation of each source.
        places: the gazetteer's frame.
        cadence: how often the sources report.
        first: the first date that can have counts; None where it is not said.
    """

    counts: pl.DataFrame
    totals: pl.DataFrame
    by_source: pl.DataFrame
    places: pl.DataFrame
    cadence: Cadence
    first: date | None


def run_checks(evidence: Evidence) -> pl.DataFrame:
    """Return what all checks find: FINDING_SCHEMA, sorted by date, place, metric and code."""
    findings = [
        declines(evidence.counts),
        jumps(evidence.counts),
        gaps(evidence.counts, cadence=evidence.cadence),
        confirmed_and_probable(evidence.totals),
        counties_and_state(evidence.totals, evidence.places),
        states_and_nation(evidence.totals, evidence.places),
        disagreements(evidence.by_source),
        too_early(evidence.totals, first=evidence.first),
    ]
    return pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *findings]).sort("date", "place", "metric", "code")
