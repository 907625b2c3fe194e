"""What a file covers, beyond the rows it has."""

from __future__ import annotations

from dataclasses import replace

from tallybook.model.cards import Reach
from tallybook.model.metrics import Level
from tallybook.model.reports import Coverage, Reports


def covering(reports: Reports, level: Level, reach: Reach) -> Reports:
    """Return the reports of a file with what it covers.

    Args:
        reports: the reports.
        level: the level of their places.
        reach: 'whole': everything known by its moment; 'dates': the days from its first to its last; 'rows': its rows.
    """
    if reach == "rows" or reports.frame.is_empty():
        return reports
    metrics = tuple(reports.frame["metric"].unique(maintain_order=True))
    days = reports.frame["date"].sort()
    first, last = (days[0], days[-1]) if reach == "dates" else (None, None)
    return replace(reports, coverage=Coverage(level, metrics, first, last))
