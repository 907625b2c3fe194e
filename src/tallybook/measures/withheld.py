"""The days that nothing is known of because a count is withheld: their average is unknown, not the one before."""

from __future__ import annotations

from typing import Any, Final

import narwhals as nw
import numpy as np
import numpy.typing as npt
import polars as pl

from tallybook.measures.calendar import Calendar
from tallybook.measures.engines import OWN, Engine, LazyFrame
from tallybook.measures.frames import as_dates, is_text, places_like, require, take

UNTOLD: Final = f"{OWN}untold"
"""The column of an engine's frame that says it."""


def untold_days(days_of: Calendar, metric: str, withheld: Any) -> npt.NDArray[np.bool_] | None:
    """Return per row whether its day lies in a gap between two counts in which one is withheld; None: no day does.

    Args:
        days_of: new counts, one row per place and day; null = not reported.
        metric: the column meant.
        withheld: the counts that are withheld: the place column, ``metric`` and the date column; None: there are none.

    Raises:
        ContractError: ``withheld`` lacks a column.

    >>> from datetime import date
    >>> from tallybook.measures.calendar import calendar
    >>> days = [date(2025, 3, day) for day in range(1, 6)]
    >>> new = pl.DataFrame({"geoid": "USA-35", "date": days, "cases": [5, None, None, 9, None]})
    >>> secret = pl.DataFrame({"geoid": "USA-35", "metric": "cases", "date": days[2:3]})
    >>> untold_days(calendar(new, place="geoid", date="date"), "cases", secret).tolist()
    [False, True, True, False, False]
    """
    rows = None if withheld is None else _rows(days_of, metric, withheld)
    if rows is None or not len(rows):
        return None
    reported = days_of.frame[metric].is_not_null().to_numpy()
    begins = np.zeros(len(reported), dtype=np.bool_)
    begins[days_of.starts[:-1]] = True
    # The rows from one count to the next, and from a place's first row to its first count, are a gap each.
    gaps = np.cumsum(reported | begins)
    secret = np.zeros(gaps[-1] + 1, dtype=np.bool_)
    secret[gaps[rows]] = True
    return np.asarray(secret[gaps] & ~reported)


def with_untold(engine: Engine, frame: LazyFrame, metric: str, withheld: Any) -> LazyFrame:
    """Return an engine's frame with UNTOLD, what ``untold_days`` says of each row.

    Args:
        engine: the engine.
        frame: new counts, one row per place and day.
        metric: the column meant.
        withheld: as for ``untold_days``; a frame of the same engine is not moved.
    """
    if withheld is None:
        return frame.with_columns(nw.lit(value=False).alias(UNTOLD))
    secret, gap = f"{OWN}secret", f"{OWN}gap"
    keys = [engine.place, engine.date]
    rows = _held(engine, withheld).filter(nw.col("metric") == metric).select(keys).unique()
    frame = frame.join(rows.with_columns(nw.lit(1).alias(secret)), on=keys, how="left")
    frame = frame.with_columns((~nw.col(metric).is_null()).cast(nw.Int64).alias(gap))
    frame = frame.with_columns(nw.col(gap).cum_sum().over(engine.place, order_by=engine.date))
    frame = frame.with_columns(nw.col(secret).fill_null(0).max().over(engine.place, gap).alias(secret))
    return frame.with_columns((nw.col(metric).is_null() & (nw.col(secret) == 1)).alias(UNTOLD)).drop(secret, gap)


def _rows(days_of: Calendar, metric: str, withheld: Any) -> npt.NDArray[np.int64]:
    """Return the rows of the calendar whose counts are withheld; days outside it have none."""
    place, date = days_of.place, days_of.date
    told = take(withheld)[0]
    require(told, [place, "metric", date])
    told = places_like(told, place, text=is_text(days_of.frame.schema[place]), of="what is withheld")
    told = told.with_columns(as_dates(told[date])).filter(pl.col("metric").cast(pl.String) == metric)
    since = (pl.col(date) - pl.col("first_date")).dt.total_days()
    return (
        told.select(place, date)
        .join(days_of.spans, left_on=place, right_on="place")
        .filter(since.is_between(0, pl.col("rows") - 1))
        .select(pl.col("first_row") + since)
        .to_series()
        .to_numpy()
    )


def _held(engine: Engine, withheld: Any) -> LazyFrame:
    """Return what is withheld as a frame of the engine."""
    brought = nw.from_native(withheld, pass_through=True)
    if isinstance(brought, nw.LazyFrame) and brought.implementation is engine.frame.implementation:
        Engine(brought, engine.place, engine.date).require([engine.place, "metric", engine.date])
        return brought
    told = take(withheld)[0]
    require(told, [engine.place, "metric", engine.date])
    return engine.table(places_like(told, engine.place, text=engine.places_are_text, of="what is withheld"))
