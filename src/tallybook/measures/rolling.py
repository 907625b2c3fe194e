"""Averages that survive unreported days, omitted days and corrections.

The eight rules of the average (N = days, 7 unless told otherwise):

1. Adjust: the register's adjustments are added to the day's new count.
2. Omit: a day the register omits is taken out of the series, count and day.
3. A day that is negative after adjusting is omitted too.
4. Of what is left, a zero day has no data: it belongs to the next day that has some; both form one block. Where the
   source says on which days it reported (``reporting="explicit"``), only days without a report have no data.
5. A run of 2 N empty days is believed: they become ordinary days with a reported zero. A day without any report, not
   even of a zero, is never believed; counting starts again after it.
6. Before the first row of a place every day is a reported zero. Where a place's first rows say nothing of the metric,
   nobody knows what was before: there is no average until a window is whole.
7. The average on day t is taken over whole blocks, from the block of day e − N + 1 to e, the last day of the last
   complete block at or before t. Empty and omitted days after e carry the average forward.
8. Where a count is withheld on one of the days between two reports, or after the last, none of these days has an
   average: the one before, which may be 0, would stand for what is withheld.

Every day between the window's first day and e − N is empty, so the average is the sum of the last N counted days ending
at e, divided by (e − the last day with data at or before e − N), in numbers of counted days. No blocks are walked.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, cast

import narwhals.typing as nwt
import numpy as np
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.calendar import Calendar, calendar
from tallybook.measures.engines import engine_of, once
from tallybook.measures.frames import Keys, require, take, with_counts
from tallybook.measures.marks import day_marks
from tallybook.measures.pieces import Whole, in_pieces
from tallybook.measures.portable import portable_averages
from tallybook.measures.windows import BoolArray, IntArray, Windows, widths_of, windows
from tallybook.measures.withheld import untold_days
from tallybook.model.cards import Reporting
from tallybook.model.metrics import METRICS

_PIECE: Final = 1 << 18
"""The rows that are averaged in one go: few enough to stay in a processor's cache, which halves the time."""


def rolling_average(
    counts: nwt.IntoFrameT,
    metrics: Sequence[str] = METRICS,
    *,
    days: int | Mapping[str, int] = 7,
    anomalies: Any = None,
    reporting: Reporting = "infer-from-zero",
    withheld: Any = None,
    place: str = "geoid",
    date: str = "date",
    details: bool = False,
) -> nwt.IntoFrameT:
    """Return the rolling averages of new counts, unrounded, by the eight rules of this module.

    Args:
        counts: new counts as ``daily`` returns them; one row per place and day; null = not reported.
        metrics: the columns to average.
        days: the days of a window, for all metrics or one by one (``{"cases": 7, "deaths": 30}``).
        anomalies: the register, in the columns of ``anomalies.csv``; any kind of frame.
        reporting: 'infer-from-zero' takes a zero as a day without data (rule 4); 'explicit' believes every zero, null
            alone being without data.
        withheld: the counts that are withheld (rule 8): the place column, ``metric`` and the date column; any kind of
            frame.
        place: the name of the place column; geoids where there are anomalies.
        date: the name of the date column.
        details: add what the average of each day is made of.

    Returns:
        ``place``, ``date``, and per metric its counts and ``{metric}_avg``, a number per day; null before the first
        report, after rows without one until a window is whole, and where a count is withheld. One row per place and
        day, sorted by place, then date; the same kind of frame as came in. A frame of DuckDB, Spark or another lazy
        engine is computed on there, and its rows come in no order. A lazy frame of polars is computed when it is
        collected or sunk, in pieces of whole places, so that it may be larger than memory. With details also
        ``{metric}_omitted`` (by the register or for being negative), ``{metric}_anomaly`` (ids of the register; null
        where none), ``{metric}_window_start`` and ``{metric}_window_end`` (dates) and ``{metric}_window_days`` (the
        divisor: counted days, omitted ones left out).

    Raises:
        ContractError: a column is missing or named twice, a count is no whole number below 2⁵³, or ``days`` is less
            than one.

    Source: the published averages of the New York Times' Covid-19 dataset, all of which it reproduces.

    Nebraska's first days: 1 + 4 + 3 = 8 days, 3 cases.

    >>> from datetime import date
    >>> new = {17: 10, 20: 1, 24: 1, 25: 1}
    >>> february = [date(2020, 2, day) for day in range(17, 26)]
    >>> nebraska = pl.DataFrame({"geoid": "USA-31", "date": february, "cases": [new.get(d.day, 0) for d in february]})
    >>> rolling_average(nebraska, ["cases"])["cases_avg"][-1]
    0.375
    """
    once(metrics, place, date)
    register = None if anomalies is None else take(anomalies)[0]
    widths = widths_of(days, metrics)
    if engine := engine_of(counts, place, date):
        made = portable_averages(
            engine, metrics, days=widths, register=register, reporting=reporting, withheld=withheld, details=details
        )
        return cast("nwt.IntoFrameT", made.to_native())
    secret = None if withheld is None else take(withheld)[0]
    averaged = partial(
        _averaged, widths, register, secret, reporting=reporting, place=place, date=date, details=details
    )
    if isinstance(counts, pl.LazyFrame):
        return cast("nwt.IntoFrameT", in_pieces(counts, averaged, columns=metrics, place=place, date=date))
    frame, give = take(counts)
    return cast("nwt.IntoFrameT", give(averaged(frame, None)))


def _averaged(
    widths: Mapping[str, int],
    register: pl.DataFrame | None,
    withheld: pl.DataFrame | None,
    counts: pl.DataFrame,
    whole: Whole | None,
    *,
    reporting: Reporting,
    place: str,
    date: str,
    details: bool,
) -> pl.DataFrame:
    """Return the averages up to the last day of the whole frame, which by default is this one."""
    keys = Keys.of(counts, place, date)
    require(counts, [*widths])
    frame = with_counts(keys.read(counts.select(place, date, *widths)), [*widths])
    every = calendar(frame, place=place, date=date, last=whole.last if whole else None)
    among = whole.places if whole else None
    marks = {metric: _marked_rows(every, metric, register, among) for metric in widths}
    untold = {metric: untold_days(every, metric, withheld) for metric in widths}

    def averaged(piece: tuple[int, Calendar]) -> pl.DataFrame:
        first, part = piece
        columns = [part.frame[place], part.frame[date]]
        for metric, width in widths.items():
            own = (
                marks[metric]
                .with_columns(pl.col("row") - first)
                .filter(pl.col("row").is_between(0, part.frame.height - 1))
            )
            made = _averages(part, metric, own, days=width, reporting=reporting)
            if (hidden := untold[metric]) is not None:
                made = replace(made, untold=hidden[first : first + part.frame.height])
            columns += [part.frame[metric], made.average(), *(made.details() if details else ())]
        return pl.DataFrame(columns)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return keys.write(pl.concat(pool.map(averaged, every.pieces(_PIECE))))


@dataclass(frozen=True)
class Averages:
    """The averages of one metric, row by row of a calendar.

    Attributes:
        calendar: the days.
        metric: the column that is averaged.
        windows: where the window of each day lies.
        begins: the row at which the place first reports the metric; past its last row where it never does.
        omitted: whether the day is left out, by the register or for being negative.
        counts: the counts after adjusting, 0 where none was reported.
        has_data: whether the day has data (rule 4).
        marks: the register's days, with their ``row``.
        untold: whether nothing is known of the day because a count is withheld (rule 8); None: of no day.
    """

    calendar: Calendar
    metric: str
    windows: Windows
    begins: IntArray
    omitted: BoolArray
    counts: IntArray
    has_data: BoolArray
    marks: pl.DataFrame
    untold: BoolArray | None = None

    def average(self) -> pl.Series:
        """Return the averages, unrounded; null where there is none yet."""
        return self._begun(pl.Series(f"{self.metric}_avg", self.windows.averages()))

    def details(self) -> list[pl.Series]:
        """Return the columns that say what the average of each day is made of, named after the metric."""
        first, end = self.windows.spans()
        columns = {
            "omitted": pl.Series(self.omitted),
            "anomaly": self._anomalies(),
            "window_start": self._begun(self._dates(first)),
            "window_end": self._begun(self._dates(end)),
            "window_days": self._begun(pl.Series(end - first + 1, dtype=pl.Int32)),
        }
        return [series.alias(f"{self.metric}_{name}") for name, series in columns.items()]

    def row(self, day: dt.date) -> int:
        """Return the row of a day, of a calendar of one place."""
        return int((day - self.calendar.frame[self.calendar.date][0]).days)

    def window(self, row: int) -> tuple[dt.date, dt.date]:
        """Return the first and last date of the window of a row."""
        first, end = self.windows.spans()
        return self._dates(first)[row], self._dates(end)[row]

    def _begun(self, series: pl.Series) -> pl.Series:
        """Return the series without its values where there is no average: rules 6 and 8."""
        begun = np.arange(len(series)) >= self.begins
        if self.untold is not None:
            begun &= ~self.untold
        late = self.begins > np.repeat(self.calendar.starts[:-1], np.diff(self.calendar.starts))
        if late.any():
            begun &= ~late | (self.windows.spans()[0] > self.windows.base)
        return series if begun.all() else series.zip_with(pl.Series(begun), pl.Series([None], dtype=series.dtype))

    def _dates(self, positions: IntArray) -> pl.Series:
        dates = self.calendar.frame[self.calendar.date].to_physical().to_numpy()
        begins = dates[np.minimum(self.begins, len(dates) - 1)]
        return pl.Series(self.windows.dates(positions, dates, begins), dtype=pl.Int32).cast(pl.Date)

    def _anomalies(self) -> pl.Series:
        rows = pl.DataFrame({"row": pl.int_range(self.calendar.frame.height, dtype=pl.Int64, eager=True)})
        return rows.join(self.marks.select("row", "anomaly"), on="row", how="left", maintain_order="left")["anomaly"]


def averages(
    days_of: Calendar,
    metric: str,
    *,
    days: int,
    register: pl.DataFrame | None = None,
    reporting: Reporting = "infer-from-zero",
    withheld: Any = None,
) -> Averages:
    """Return the averages of one metric over a calendar of new counts, and what they are made of.

    Args:
        days_of: new counts, one row per place and day.
        metric: the column to average, Int64; null = not reported.
        days: the days of a window.
        register: the anomalies, or None.
        reporting: as for ``rolling_average``.
        withheld: as for ``rolling_average``.

    Raises:
        ContractError: ``days`` is less than one, or the register lacks a column.
    """
    made = _averages(days_of, metric, _marked_rows(days_of, metric, register), days=days, reporting=reporting)
    return replace(made, untold=untold_days(days_of, metric, withheld))


def _averages(days_of: Calendar, metric: str, marks: pl.DataFrame, *, days: int, reporting: Reporting) -> Averages:
    if days < 1:
        raise ContractError(f"a window of {days} days", hint="averages need at least one day")
    reported = days_of.frame[metric].is_not_null().to_numpy()
    counts = days_of.frame[metric].fill_null(0).to_numpy()
    omitted = np.zeros(len(counts), dtype=np.bool_)
    if marks.height:
        rows = marks["row"].to_numpy()
        counts = counts.copy()
        counts[rows] += marks["adjust"].to_numpy()
        omitted[rows] = marks["omit"].to_numpy()
    omitted |= counts < 0
    begins = _begins(reported, days_of.starts)
    kept = ~omitted & (np.arange(len(counts)) >= begins)
    said = reported if reporting == "explicit" else np.zeros_like(reported)
    has_data = said | (counts != 0)
    found = windows(counts, kept, has_data, reported & ~has_data, days_of.starts, days=days)
    return Averages(days_of, metric, found, begins, omitted, counts, has_data, marks)


def _marked_rows(
    days_of: Calendar, metric: str, register: pl.DataFrame | None, among: pl.Series | None = None
) -> pl.DataFrame:
    """Return the register's days with the ``row`` each has in the calendar; days outside it have none."""
    if register is None:
        return pl.DataFrame(
            schema={"row": pl.Int64, "omit": pl.Boolean, "adjust": pl.Int64, "anomaly": pl.List(pl.String)}
        )
    spans = days_of.spans
    since = (pl.col("date") - pl.col("first_date")).dt.total_days()
    return (
        day_marks(register, metric, spans["place"], among=among)
        .join(spans, on="place")
        .filter(since.is_between(0, pl.col("rows") - 1))
        .select((pl.col("first_row") + since).alias("row"), "omit", "adjust", "anomaly")
    )


def _begins(reported: BoolArray, starts: IntArray) -> IntArray:
    """Return per row the first row at which its place reports, or the row past its last one."""
    rows = np.flatnonzero(reported)
    found = np.append(rows, len(reported))[np.searchsorted(rows, starts[:-1])]
    return np.repeat(np.minimum(found, starts[1:]), np.diff(starts))
