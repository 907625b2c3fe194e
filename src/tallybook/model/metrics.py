"""What is counted."""

from __future__ import annotations

from enum import StrEnum


class Metric(StrEnum):
    """A cumulative count of the published layout.

    >>> [metric.value for metric in Metric]
    ['cases', 'deaths']
    """

    CASES = "cases"
    DEATHS = "deaths"


class Level(StrEnum):
    """The level of a place, the widest first.

    >>> list(Level)
    [<Level.NATION: 'nation'>, <Level.STATE: 'state'>, <Level.COUNTY: 'county'>]
    """

    NATION = "nation"
    STATE = "state"
    COUNTY = "county"
