"""What is counted."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from tallybook.errors import ContractError
from tallybook.model.names import meant


class Metric(StrEnum):
    """A cumulative count that has averages and rates.

    >>> [metric.value for metric in Metric]
    ['cases', 'deaths', 'people_tested', 'tests', 'positive_tests']
    """

    CASES = "cases"
    DEATHS = "deaths"
    PEOPLE_TESTED = "people_tested"
    TESTS = "tests"
    POSITIVE_TESTS = "positive_tests"


METRICS: Final = (Metric.CASES.value, Metric.DEATHS.value)
"""The metrics of the published layout."""

PARTS: Final = ("confirmed_cases", "confirmed_deaths", "probable_cases", "probable_deaths")
"""What the published layout's metrics are sums of, where an agency tells confirmed from probable."""

SUMS: Final = {
    "cases": ("confirmed_cases", "probable_cases"),
    "deaths": ("confirmed_deaths", "probable_deaths"),
    "tests": ("positive_tests", "negative_tests", "indeterminate_tests"),
}
"""What a metric is the sum of, where an agency tells its parts apart: cumulative counts, too."""

RATES: Final = {
    "reported_cases_per_100k": "cases",
    "reported_people_tested_per_100k": "people_tested",
}
"""Rates that an agency computed itself, and the metric each is made of. They are kept as they came."""

COUNTS: Final = tuple(dict.fromkeys([*(metric.value for metric in Metric), *sum(SUMS.values(), ())]))
"""Everything that is counted."""


class Level(StrEnum):
    """The level of a place, the widest first.

    >>> list(Level)
    [<Level.NATION: 'nation'>, <Level.STATE: 'state'>, <Level.COUNTY: 'county'>, <Level.TOWN: 'town'>]
    """

    NATION = "nation"
    STATE = "state"
    COUNTY = "county"
    TOWN = "town"


PLURALS: Final = {Level.NATION: "the nation", Level.STATE: "states", Level.COUNTY: "counties", Level.TOWN: "towns"}
"""What the places of a level are called."""


def level_of(name: str) -> Level:
    """Return the level of this name.

    Raises:
        ContractError: there is none.

    >>> level_of("state")
    <Level.STATE: 'state'>
    """
    if name not in list(Level):
        raise ContractError(
            f"no level {name!r}", hint=meant(name, [level.value for level in Level], otherwise="use one of")
        )
    return Level(name)
