"""The current day: its counts as they come in, and what becomes of them when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.ledger import Ledger, Recorded
from tallybook.model.metrics import Level
from tallybook.model.places import Gazetteer
from tallybook.model.reports import KEY, REPORT_SCHEMA, Reports, live_source
from tallybook.release.layout import STEMS, live_table, parts_table

FOLDER: Final = "live"
"""The folder of the live files."""


def live_tables(
    live: pl.DataFrame, observations: pl.DataFrame, levels: Sequence[Level], places: Gazetteer
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the live files, and the confirmed and probable counts of the days that are closed, by their paths.

    Args:
        live: the live observations.
        observations: the final ones.
        levels: the levels the book publishes.
        places: the gazetteer.
    """
    today = latest_day(live)
    for level in levels:
        counts = live_table(today, level, places)
        if counts.height:
            yield f"{FOLDER}/{STEMS[level]}.csv", counts
        parts = parts_table(observations, level, places) if level is not Level.TOWN else counts.clear()
        if parts.height:
            yield f"{STEMS[level]}-confirmed-probable.csv", parts


def latest_day(live: pl.DataFrame) -> pl.DataFrame:
    """Return the live observations of the latest day that has any: those that are published."""
    return live.filter(pl.col("date") == pl.col("date").max())


def open_days(live: pl.DataFrame, observations: pl.DataFrame, before: date) -> list[date]:
    """Return the days before a day whose live counts are not all final, the earliest first."""
    over = live.filter(pl.col("date") < before)
    waiting = over if over.is_empty() else over.join(observations, on=KEY, how="anti")
    return waiting["date"].unique().sort().to_list()


def in_time(live: pl.DataFrame, time_zone: str) -> pl.DataFrame:
    """Return the live counts that came in on their day or the day after.

    What comes later was not live: it is an old file of a day that ended long ago.

    Args:
        live: the live observations.
        time_zone: where the book is.
    """
    came = pl.col("as_of").dt.convert_time_zone(time_zone).dt.date()
    return live.filter(came <= pl.col("date") + pl.duration(days=1))


def close(
    ledger: Ledger,
    live: pl.DataFrame,
    records: pl.DataFrame,
    days: Sequence[date],
    *,
    time_zone: str,
    only: Callable[[Reports, datetime], bool] | None = None,
) -> list[Recorded]:
    """Record the last live counts of some days as final where there are none, and return what that added, by day.

    They are known since the midnight that ended the day, or since they came in if that was later, from a source of
    their own: what the feed itself says of the day, then or later, stands against them.

    Args:
        ledger: the final observations.
        live: the live ones.
        records: the live files, as ``Ledger.records`` returns them.
        days: the days to close.
        time_zone: where the book is.
        only: which of the counts to record; None: all of them.
    """
    if not days:
        return []
    known = ledger.as_of()
    closed = []
    for day in days:
        midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone))
        last = live.filter(date=day)["as_of"].max()
        moment = max(midnight, last) if isinstance(last, datetime) else midnight
        closing = _closing_reports(live.filter(date=day), known, records)
        reports = [replace(said, note=f"closed {day}") for said in closing]
        told = list(ledger.record_all((said, moment) for said in reports if only is None or only(said, moment)))
        if told:
            added = sum(file.added for file in told)
            closed.append(Recorded(f"{FOLDER} counts of {day}", added=added, revised=0, withdrawn=0, unchanged=0))
    return closed


def _closing_reports(live: pl.DataFrame, known: pl.DataFrame, records: pl.DataFrame) -> Iterator[Reports]:
    """Yield the last live count of each key of a day that has no final one, by the file that said it."""
    files = {record: (file, sha256) for record, file, sha256 in records.select("record", "file", "sha256").rows()}
    closing = live.join(known, on=KEY, how="anti").sort(*KEY)
    for (source, record), rows in closing.group_by("source", "record", maintain_order=True):
        yield Reports(rows.select(REPORT_SCHEMA.names()), live_source(str(source)), *files[record])
