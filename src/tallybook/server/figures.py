"""Figures as they are asked for: columns named like signals, by place and day, from a release or from the past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import chain

import polars as pl
from fastapi import Request
from starlette.responses import Response

from tallybook.model.metrics import Level
from tallybook.release.figures import totals_of
from tallybook.server.answers import table_answer
from tallybook.server.asked import Page, Wanted
from tallybook.server.refusals import NoSuchError
from tallybook.server.respond import Desk
from tallybook.server.shelf import Opened
from tallybook.server.signals import UNITS, signals_of


def figures_answer(
    desk: Desk, request: Request, opened: Opened, page: Page, wanted: Wanted, moment: datetime | None
) -> Response:
    """Return figures: of the release, or as they were known at a moment.

    Raises:
        NoSuchError: nothing was known at that moment.
    """
    number = wanted.rows(opened)
    if moment is None:
        return table_answer(desk, request, opened, page, lambda: _latest(desk, opened, wanted), number=number)
    last = desk.past.last_by(moment)
    if last is None:
        raise NoSuchError(f"nothing was known at {moment.isoformat()}", hint=_since(desk))

    def rows() -> Iterator[pl.DataFrame]:
        found = _past(desk, wanted, last)
        first = next(found, None)
        # Of places that nobody counted yet there are no rows; the columns are those of today.
        nothing = replace(wanted, geoids={level: [] for level in wanted.geoids})
        return _latest(desk, opened, nothing) if first is None else chain([first], found)

    return table_answer(desk, request, opened, page, rows, number=number, past=True, as_of=last)


def told(desk: Desk, wanted: Wanted, status: bool | None) -> Wanted:
    """Return what is wanted, with whether to say why counts are missing: by default where the book has weeks."""
    return replace(wanted, status=bool(desk.book.weekly) if status is None else status)


def metrics_table(desk: Desk, opened: Opened) -> pl.DataFrame:
    """Return what is served: one row per signal and level."""
    rows = []
    for level in opened.levels:
        days = opened.table(level).column("date")
        for name, signal in signals_of(desk.book.metrics).items():
            about = {"signal": name, "metric": signal.metric, "measure": signal.measure, "unit": UNITS[signal.measure]}
            rows.append({**about, "level": level.value, "first_date": days.min(), "last_date": days.max()})
    return pl.DataFrame(rows)


def _latest(desk: Desk, opened: Opened, wanted: Wanted) -> Iterator[pl.DataFrame]:
    for level, geoids in wanted.geoids.items():
        table = opened.table(level)
        frame = table.frame(["geoid", "date", *_names(wanted)], geoids)
        known = {metric: table.known(metric) for metric in _metrics(wanted)} if wanted.status else {}
        yield _shown(frame, wanted, known, desk.book.weekly, pl.concat(known.values()) if known else None)


def _past(desk: Desk, wanted: Wanted, moment: datetime) -> Iterator[pl.DataFrame]:
    for level, geoids in wanted.geoids.items():
        every = _every(desk, wanted, moment, level)
        if all(signal.measure == "cumulative" for signal in wanted.signals):
            yield from _past_totals(desk, wanted, moment, level, geoids, every)
            continue
        for table in desk.past.tables(moment, level, _metrics(wanted), geoids):
            frame = table.frame(["geoid", "date", *_names(wanted)], geoids)
            known = {metric: table.known(metric) for metric in _metrics(wanted)} if wanted.status else {}
            yield _shown(frame, wanted, known, desk.book.weekly, every)


def _past_totals(
    desk: Desk,
    wanted: Wanted,
    moment: datetime,
    level: Level,
    geoids: list[str] | None,
    every: pl.DataFrame | None,
) -> Iterator[pl.DataFrame]:
    metrics = _metrics(wanted)
    for known in desk.past.known(moment, level, metrics, geoids, wanted.days):
        totals = totals_of(known, level, desk.book.places, metrics=metrics)
        said = known.rename({"place": "geoid"})
        of = {metric: said.filter(metric=metric) for metric in metrics} if wanted.status else {}
        frame = totals.rename({metric: f"{metric}_cumulative" for metric in metrics})
        yield _shown(frame, wanted, of, desk.book.weekly, every)


def _names(wanted: Wanted) -> list[str]:
    return [signal.name for signal in wanted.signals]


def _metrics(wanted: Wanted) -> list[str]:
    return list(dict.fromkeys(signal.metric for signal in wanted.signals))


def _every(desk: Desk, wanted: Wanted, moment: datetime, level: Level) -> pl.DataFrame | None:
    """Return the dates of all that was known of a level, and their sources, where a source may have latest weeks."""
    if not (wanted.status and desk.book.weekly):
        return None
    known = desk.past.known(moment, level, _metrics(wanted), None, pl.lit(value=True))
    return pl.concat(part.select("date", "source") for part in known)


def _shown(
    frame: pl.DataFrame,
    wanted: Wanted,
    known: Mapping[str, pl.DataFrame],
    weekly: Mapping[str, int],
    every: pl.DataFrame | None,
) -> pl.DataFrame:
    """Return the rows of the days that are asked for which have any of the figures, or say why they have none.

    Args:
        frame: the figures, by place and day.
        wanted: what is asked for.
        known: what is known of each metric, where its status is asked for.
        weekly: the sources by week, and of how many of the latest weeks each expects revisions.
        every: dates and sources of all that is known, to tell the latest weeks.
    """
    rows = frame.filter(wanted.days).with_columns(pl.col("geoid").cast(pl.String))
    since = _provisional_since(every, weekly)
    for metric, said in known.items():
        statuses = said.select(pl.col("geoid").cast(pl.String), "date", _status(since).alias(f"{metric}_status"))
        rows = rows.join(statuses, on=["geoid", "date"], how="left", maintain_order="left")
    names = [*_names(wanted), *(f"{metric}_status" for metric in known)]
    return rows.filter(pl.any_horizontal(pl.col(names).is_not_null())).select("geoid", "date", *names)


def _provisional_since(every: pl.DataFrame | None, weekly: Mapping[str, int]) -> dict[str, date]:
    """Return the day after which the counts of each weekly source are provisional."""
    if every is None:
        return {}
    last = every.group_by(pl.col("source").cast(pl.String)).agg(pl.col("date").max())
    return {
        source: day - timedelta(days=7 * weekly[source])
        for source, day in last.iter_rows()
        if source in weekly  # a book may count by day as well
    }


def _status(since: Mapping[str, date]) -> pl.Expr:
    """Return why a count is there or missing; 'provisional' of one that its source expects to revise."""
    status = pl.col("status").cast(pl.String)
    if not since:
        return status
    source = pl.col("source").cast(pl.String)
    after = source.replace_strict(dict(since), default=None, return_dtype=pl.Date)
    provisional = (pl.col("date") > after).fill_null(value=False) & (status == "reported")
    return pl.when(provisional).then(pl.lit("provisional")).otherwise(status)


def _since(desk: Desk) -> str | None:
    moments = desk.past.moments()
    return f"the first is of {moments[0].isoformat()}" if moments else None
