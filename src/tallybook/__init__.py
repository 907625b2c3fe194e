"""Tallybook: from agency counts of an outbreak to one public, citable dataset.

>>> import polars as pl
>>> from datetime import date
>>> from tallybook import rolling_average
>>> new = pl.DataFrame({"geoid": "USA-31", "date": [date(2020, 2, day) for day in (1, 2, 3)], "cases": [7, 0, 14]})
>>> rolling_average(new, ["cases"])["cases_avg"].to_list()
[1.0, 1.0, 3.0]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tallybook.anomalies import read_anomalies
    from tallybook.book import Book
    from tallybook.errors import TallybookError
    from tallybook.ledger import Ledger
    from tallybook.measures.alignment import day_of_outbreak
    from tallybook.measures.daily import daily
    from tallybook.measures.excess import excess_deaths
    from tallybook.measures.rates import per_100k
    from tallybook.measures.rolling import rolling_average
    from tallybook.model.metrics import Level, Metric
    from tallybook.model.places import Gazetteer, Place, gazetteer
    from tallybook.release.reading import read
    from tallybook.sources.simulated import Outbreak, simulate

__all__ = [
    "Book",
    "Gazetteer",
    "Ledger",
    "Level",
    "Metric",
    "Outbreak",
    "Place",
    "TallybookError",
    "daily",
    "day_of_outbreak",
    "excess_deaths",
    "gazetteer",
    "per_100k",
    "read",
    "read_anomalies",
    "rolling_average",
    "simulate",
]

# What is heavy comes when it is asked for, so that a script or a command waits only for what it uses.
_HOMES: Final = {
    "Book": "tallybook.book",
    "Gazetteer": "tallybook.model.places",
    "Ledger": "tallybook.ledger",
    "Level": "tallybook.model.metrics",
    "Metric": "tallybook.model.metrics",
    "Outbreak": "tallybook.sources.simulated",
    "Place": "tallybook.model.places",
    "TallybookError": "tallybook.errors",
    "daily": "tallybook.measures.daily",
    "day_of_outbreak": "tallybook.measures.alignment",
    "excess_deaths": "tallybook.measures.excess",
    "gazetteer": "tallybook.model.places",
    "per_100k": "tallybook.measures.rates",
    "read": "tallybook.release.reading",
    "read_anomalies": "tallybook.anomalies",
    "rolling_average": "tallybook.measures.rolling",
    "simulate": "tallybook.sources.simulated",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
