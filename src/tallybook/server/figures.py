"""Figures as they are asked for: columns named like signals, by place and day, from a release or from the past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

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
        return table_answer(desk, request, opened, page, lambda: _latest(opened, wanted), number=number)
    last = desk.past.last_by(moment)
    if last is None:
        raise NoSuchError(f"nothing was known at {moment.isoformat()}", hint=_since(desk))

    def rows() -> Iterator[pl.DataFrame]:
        return _past(desk, wanted, last)

    return table_answer(desk, request, opened, page, rows, number=number, past=True, as_of=last)


def metrics_table(desk: Desk, opened: Opened) -> pl.DataFrame:
    """Return what is served: one row per signal and level."""
    rows = []
    for level in opened.levels:
        days = opened.table(level).column("date")
        for name, signal in signals_of(desk.book.metrics).items():
            about = {"signal": name, "metric": signal.metric, "measure": signal.measure, "unit": UNITS[signal.measure]}
            rows.append({**about, "level": level.value, "first_date": days.min(), "last_date": days.max()})
    return pl.DataFrame(rows)


def _latest(opened: Opened, wanted: Wanted) -> Iterator[pl.DataFrame]:
    names = [signal.name for signal in wanted.signals]
    for level, geoids in wanted.geoids.items():
        yield _shown(opened.table(level).frame(["geoid", "date", *names], geoids), wanted)


def _past(desk: Desk, wanted: Wanted, moment: datetime) -> Iterator[pl.DataFrame]:
    for level, geoids in wanted.geoids.items():
        if all(signal.measure == "cumulative" for signal in wanted.signals):
            yield from _past_totals(desk, wanted, moment, level, geoids)
            continue
        names = [signal.name for signal in wanted.signals]
        metrics = list(dict.fromkeys(signal.metric for signal in wanted.signals))
        for table in desk.past.tables(moment, level, metrics, geoids):
            yield _shown(table.frame(["geoid", "date", *names], geoids), wanted)


def _past_totals(
    desk: Desk, wanted: Wanted, moment: datetime, level: Level, geoids: list[str] | None
) -> Iterator[pl.DataFrame]:
    metrics = [signal.metric for signal in wanted.signals]
    for known in desk.past.known(moment, level, metrics, geoids, wanted.days):
        totals = totals_of(known, level, desk.book.places, metrics=metrics)
        yield _shown(totals.rename({metric: f"{metric}_cumulative" for metric in metrics}), wanted)


def _shown(frame: pl.DataFrame, wanted: Wanted) -> pl.DataFrame:
    """Return the rows of the days that are asked for which have any of the figures."""
    names = [signal.name for signal in wanted.signals]
    some = pl.any_horizontal(pl.col(names).is_not_null())
    return frame.filter(wanted.days & some).select(pl.col("geoid").cast(pl.String), "date", *names)


def _since(desk: Desk) -> str | None:
    moments = desk.past.moments()
    return f"the first is of {moments[0].isoformat()}" if moments else None
