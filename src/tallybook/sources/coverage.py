"""What a file covers, beyond the rows it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tallybook.model.cards import Reach
from tallybook.model.metrics import Level
from tallybook.model.reports import Coverage, Reports


def covering(reports: Reports, level: Level, metrics: Sequence[str], reach: Reach) -> Reports:
    """Return the reports of a file with what it covers. A file without rows may cover much: it has lost all of it.

    Args:
        reports: the reports.
        level: the level of their places.
        metrics: the metrics the file has columns of.
        reach: 'whole': everything known by its moment; 'dates': the days from its first to its last; 'rows': its rows.
    """
    days = reports.frame["date"].sort()
    if reach == "rows" or (reach == "dates" and days.is_empty()):
        return reports
    first, last = (days[0], days[-1]) if reach == "dates" else (None, None)
    return replace(reports, coverage=Coverage(level, tuple(metrics), first, last))
