"""Tallybook: from agency counts of an outbreak to one public, citable dataset.

>>> import polars as pl
>>> from datetime import date
>>> new = pl.DataFrame({"geoid": "USA-31", "date": [date(2020, 2, day) for day in (1, 2, 3)], "cases": [7, 0, 14]})
>>> rolling_average(new, ["cases"])["cases_avg"].to_list()
[1.0, 1.0, 3.0]
"""

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
