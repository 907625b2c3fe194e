"""New counts of each day, from cumulative ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import cast

import narwhals.typing as nwt
import numpy as np
import polars as pl

from tallybook.measures.calendar import Calendar, calendar
from tallybook.measures.engines import engine_of, once
from tallybook.measures.frames import Keys, require, take, with_counts
from tallybook.measures.pieces import Whole, in_pieces
from tallybook.measures.portable import portable_daily
from tallybook.model.metrics import METRICS


def daily(
    totals: nwt.IntoFrameT,
    metrics: Sequence[str] = METRICS,
    *,
    place: str = "geoid",
    date: str = "date",
    covers_from: dt.date | None = None,
) -> nwt.IntoFrameT:
    """Return the new counts of every place and day: ``new(t) = total(t) − last total before t``.

    Args:
        totals: one row per place and reported day with cumulative counts; in any order; null = not reported.
        metrics: the columns to count.
        place: the name of the place column.
        date: the name of the date column.
        covers_from: the first day that is covered, where counting began before it: totals of that day are not new.

    Returns:
        ``place``, ``date`` and the metrics, one row per place and day from the place's first row to the last day of
        the frame, sorted by place, then date; the same kind of frame as came in. A frame of DuckDB, Spark or another
        lazy engine is computed on there, and its rows come in no order. A lazy frame of polars is computed when it is
        collected or sunk, in pieces of whole places, so that it may be larger than memory. Counts may be negative: a
        decline is a correction. Null: no total was reported that day, and the next report carries what is between; or
        it is the first total after rows without one: how much of it is new nobody knows. The total of a place's first
        row is new.

    Raises:
        ContractError: a column is missing or named twice, two rows are for one place and day, or a total is no
            whole number below 2⁵³.

    Source: the daily counts of the New York Times' Covid-19 dataset.

    >>> from datetime import date
    >>> days = [date(2020, 1, day) for day in (21, 22, 24)]
    >>> daily(pl.DataFrame({"geoid": "USA-53", "date": days, "cases": [1, 4, 3]}), ["cases"])["cases"].to_list()
    [1, 3, None, -1]
    """
    once(metrics, place, date)
    if engine := engine_of(totals, place, date):
        return cast("nwt.IntoFrameT", portable_daily(engine, metrics, covers_from=covers_from).to_native())
    counted = partial(_counted, metrics=metrics, place=place, date=date, covers_from=covers_from)
    if isinstance(totals, pl.LazyFrame):
        return cast("nwt.IntoFrameT", in_pieces(totals, counted, columns=metrics, place=place, date=date))
    frame, give = take(totals)
    return cast("nwt.IntoFrameT", give(counted(frame, None)))


def _counted(
    totals: pl.DataFrame,
    whole: Whole | None,
    *,
    metrics: Sequence[str],
    place: str,
    date: str,
    covers_from: dt.date | None,
) -> pl.DataFrame:
    """Return the new counts up to the last day of the whole frame, which by default is this one."""
    keys = Keys.of(totals, place, date)
    require(totals, metrics)
    frame = with_counts(keys.read(totals.select(place, date, *metrics)), metrics)
    days = calendar(frame, place=place, date=date, last=whole.last if whole else None)
    return keys.write(days.frame.with_columns(_new(days, metric, covers_from) for metric in metrics))


def _new(days: Calendar, metric: str, covers_from: dt.date | None) -> pl.Series:
    totals = days.frame[metric]
    known = totals.is_not_null()
    if known.all() and covers_from is None:
        new = np.diff(totals.to_numpy(), prepend=0)
        firsts = days.starts[:-1]
        new[firsts] = totals.to_numpy()[firsts]
        return pl.Series(metric, new)
    firsts = np.zeros(len(totals), dtype=np.bool_)
    firsts[days.starts[:-1]] = True
    last = pl.col(metric).forward_fill().shift(1).over(days.place)
    from_nothing = pl.Series(firsts) if covers_from is None else pl.Series(firsts) & (pl.col(days.date) > covers_from)
    before = pl.when(from_nothing).then(pl.lit(0, pl.Int64)).otherwise(last)
    return days.frame.select((pl.col(metric) - before).alias(metric)).to_series()
