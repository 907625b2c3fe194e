"""What is counted."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tallybook.errors import ContractError


class Metric(StrEnum):
    """A cumulative count of the published layout.

    >>> [metric.value for metric in Metric]
    ['cases', 'deaths']
    """

    CASES = "cases"
    DEATHS = "deaths"


METRICS: Final = tuple(metric.value for metric in Metric)
"""The metrics by name."""

PARTS: Final = ("confirmed_cases", "confirmed_deaths", "probable_cases", "probable_deaths")
"""What a metric is the sum of, where an agency tells confirmed from probable: cumulative counts, too."""


class Level(StrEnum):
    """The level of a place, the widest first.

    >>> list(Level)
    [<Level.NATION: 'nation'>, <Level.STATE: 'state'>, <Level.COUNTY: 'county'>]
    """

    NATION = "nation"
    STATE = "state"
    COUNTY = "county"


def level_of(name: str) -> Level:
    """Return the level of this name.

    Raises:
        ContractError: there is none.

    >>> level_of("state")
    <Level.STATE: 'state'>
    """
    if name not in list(Level):
        raise ContractError(f"no level {name!r}", hint=f"use one of {', '.join(Level)}")
    return Level(name)
