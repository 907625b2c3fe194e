"""What charts show of a place: totals, new counts and averages, as they are and per head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.daily import daily
from tallybook.measures.frames import require, take
from tallybook.measures.rates import per_100k
from tallybook.model.metrics import COUNTS, METRICS
from tallybook.model.names import meant

Kind = Literal["total", "new", "average"]
"""A count so far, that of a day, or the rolling average of those."""

Unit = Literal["day", "week"]
"""What is counted by: single days, or MMWR weeks, whose counts stand on their last days."""


@dataclass(frozen=True)
class Measure:
    """What a chart shows of a place and day.

    Attributes:
        name: what it is called in Python, on the command line and in addresses.
        title: what people call it.
        metric: what is counted.
        kind: the count so far, that of a day, or the average of those.
        per: of how many people; None where it is not per head.
        log: whether it is drawn on a logarithmic scale unless the reader wants a linear one.
    """

    name: str
    title: str
    metric: str
    kind: Kind
    per: int | None = None
    log: bool = False

    def counted_by(self, unit: Unit) -> Measure:
        """Return the measure in the words of what is counted by day or week; an average is a number a day in either.

        >>> measure_of("new_cases").counted_by("week").title
        'New cases per week'
        """
        return replace(self, title=self.title.replace(" per day", f" per {unit}")) if self.kind == "new" else self


def measures_of(metrics: Iterable[str] = METRICS) -> tuple[Measure, ...]:
    """Return the measures of some metrics, those that charts start with first.

    >>> [measure.name for measure in measures_of(["deaths"])]
    ['deaths_per_1000', 'deaths', 'new_deaths', 'deaths_avg', 'deaths_avg_per_100k']
    """
    return tuple(measure for metric in metrics for measure in _of(metric))


def measure_of(name: str) -> Measure:
    """Return the measure of this name.

    Raises:
        ContractError: there is none.

    >>> measure_of("cases_per_1000").title
    'Cases per 1,000 people'
    """
    for measure in measures_of(COUNTS):
        if measure.name == name:
            return measure
    known = [measure.name for measure in measures_of()]
    raise ContractError(f"no measure {name!r}", hint=meant(name, known, otherwise="use one of"))


def values_of(totals: Any, measure: Measure, *, averages: Any = None, populations: Any = None) -> pl.DataFrame:
    """Return a measure of every place and day.

    Args:
        totals: ``geoid``, ``date`` and the metric, cumulative; as ``Book.totals`` returns them.
        measure: the measure.
        averages: as ``Book.averages`` returns them; needed for averages only.
        populations: ``geoid`` and ``population``; the gazetteer's by default.

    Returns:
        ``geoid``, ``date``, ``value``; sorted; null where it is not known. A place without population has no value
        per head.

    Raises:
        ContractError: a column is missing, or the averages.

    >>> from datetime import date
    >>> total = pl.DataFrame({"geoid": "USA-53", "date": [date(2020, 3, 1)], "cases": [15230]})
    >>> values_of(total, measure_of("cases_per_1000"))["value"].round(3).to_list()
    [2.0]
    """
    if measure.kind == "average":
        if averages is None:
            raise ContractError(f"{measure.name} is an average", hint="give averages=book.averages(level)")
        rows, _ = take(averages)
    else:
        rows, _ = take(totals)
    column = measure.name if measure.kind == "average" else measure.metric
    require(rows, ["geoid", "date", column])
    values = rows.select("geoid", "date", value=column).sort("geoid", "date")
    if measure.kind == "new":
        values = daily(values, ["value"])
    if measure.per and measure.kind == "total":
        rates = per_100k(values, ["value"], populations=populations)["value_per_100k"]
        values = values.with_columns(value=rates * measure.per / 100_000)
    return values.with_columns(pl.col("value").cast(pl.Float64))


def _of(metric: str) -> Iterable[Measure]:
    words = metric.replace("_", " ")
    name = words.capitalize()
    yield Measure(f"{metric}_per_1000", f"{name} per 1,000 people", metric, "total", per=1_000)
    yield Measure(metric, f"Total {words}", metric, "total", log=True)
    yield Measure(f"new_{metric}", f"New {words} per day", metric, "new")
    yield Measure(f"{metric}_avg", f"{name} per day, rolling average", metric, "average")
    yield Measure(
        f"{metric}_avg_per_100k", f"{name} per day and 100,000 people, rolling average", metric, "average", 100_000
    )


DEFAULT: Final = "cases_per_1000"
"""What charts show first."""
