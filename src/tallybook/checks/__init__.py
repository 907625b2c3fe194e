"""Checks: pure functions from frames to findings.

They say what looks wrong; they change nothing. What is done about it is an editor's decision, in the register.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from tallybook.checks.columns import before_start, blank_after_start
from tallybook.checks.feeds import disagreements, too_early, withdrawn
from tallybook.checks.rates import rates_and_counts
from tallybook.checks.series import declines, gaps, jumps
from tallybook.checks.sums import counties_and_state, parts_and_sum, states_and_nation
from tallybook.model.cards import Cadence
from tallybook.model.findings import FINDING_SCHEMA
from tallybook.model.metrics import Level

CODES: Final = (
    "decline",
    "jump",
    "gap",
    "confirmed-probable",
    "test-results",
    "counties-state",
    "states-nation",
    "rate-count",
    "withdrawn",
    "sources-disagree",
    "blank-after-start",
    "filled-before-start",
    "too-early",
)
"""The code of each check; each has a section in docs/checks.md."""


@dataclass(frozen=True)
class Evidence:
    """What is checked.

    Attributes:
        counts: ``place``, ``level``, ``metric``, ``date``, ``total``, ``count`` (new; null = not reported); one row per
            place, metric and day of the calendar.
        totals: ``place``, ``metric``, ``date``, ``total``, ``live`` (the last live count of a day); the parts among
            the metrics.
        rates: ``place``, ``metric``, ``date``, ``rate``: those the sources computed, per 100,000 people.
        by_source: the latest observation of each source.
        places: the gazetteer's frame.
        since: ``source``, ``metric``, ``since``: the first day a source has a metric.
        cadence: how often the sources report, by level.
        first: the first date that can have counts; None where it is not said.
    """

    counts: pl.DataFrame
    totals: pl.DataFrame
    rates: pl.DataFrame
    by_source: pl.DataFrame
    places: pl.DataFrame
    since: pl.DataFrame
    cadence: Mapping[Level, Cadence]
    first: date | None


def run_checks(evidence: Evidence) -> pl.DataFrame:
    """Return what all checks find: FINDING_SCHEMA, sorted by date, place, metric and code."""
    findings = [
        declines(evidence.counts),
        jumps(evidence.counts),
        *(gaps(evidence.counts.filter(level=level), cadence=cadence) for level, cadence in evidence.cadence.items()),
        parts_and_sum(evidence.totals, "cases", code="confirmed-probable"),
        parts_and_sum(evidence.totals, "deaths", code="confirmed-probable"),
        parts_and_sum(evidence.totals, "tests", code="test-results"),
        counties_and_state(evidence.totals, evidence.places),
        states_and_nation(evidence.totals, evidence.places),
        rates_and_counts(evidence.rates, evidence.totals, evidence.places),
        withdrawn(evidence.by_source),
        disagreements(evidence.by_source),
        blank_after_start(evidence.by_source, evidence.since),
        before_start(evidence.by_source, evidence.since),
        too_early(evidence.totals, first=evidence.first),
    ]
    return pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *findings]).sort("date", "place", "metric", "code")
