"""Publishing what is known, now or as it was at a past moment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.anomalies import read_anomalies, write_anomalies
from tallybook.book.recording import Progress
from tallybook.book.releasing import Published, ReleaseLog
from tallybook.errors import BookError
from tallybook.ledger import Ledger
from tallybook.model.anomalies import empty_register
from tallybook.model.config import BookConfig
from tallybook.model.files import read_file
from tallybook.model.places import Gazetteer
from tallybook.release.changes import CHANGE_SCHEMA, Changes, changed_anomalies, changed_method, changed_rows
from tallybook.release.figures import Method, figures, first_covered
from tallybook.release.live import FOLDER, close, in_time, latest_day, live_tables, open_days
from tallybook.release.write import PROVENANCE, History, Release, provenance, write_release
from tallybook.sources.archive import Archive, Fetched
from tallybook.sources.catalogue import Catalogue
from tallybook.sources.published import REGISTER

REGISTER_FILE: Final = "anomalies.csv"
"""The file of a book's own register."""

_OWN: Final = "book"


@dataclass(frozen=True)
class Publisher:
    """What it takes to publish a book.

    Attributes:
        config: its configuration.
        sources: its sources.
        places: its gazetteer.
        register: the anomalies of now.
        own_register: where its own register is, if it has one.
        ledger: the final observations.
        live: those of the current day.
        raw: the files that were recorded.
        releases: the releases so far.
        clock: tells the time.
    """

    config: BookConfig
    sources: Catalogue
    places: Gazetteer
    register: pl.DataFrame
    own_register: Path
    ledger: Ledger
    live: Ledger
    raw: Archive
    releases: ReleaseLog
    clock: Callable[[], datetime]

    def publish(self, target: Path, *, as_of: datetime | None, log: bool, progress: Progress) -> Release:
        """Write the release of now or of a past moment; see ``Book.publish``.

        Args:
            target: the folder.
            as_of: the moment; None: now.
            log: whether it is one of the book's releases.
            progress: called as the work goes on.
        """
        progress("reading the ledger", 0, 3)
        known, live = self._state(as_of)
        moment = pl.concat([known["as_of"], live["as_of"]]).max()
        if not isinstance(moment, datetime):
            raise BookError("there is nothing to publish", hint="record a feed first")
        progress("computing averages", 1, 3)
        method = self.method(as_of)
        levels = figures(known, levels=self.config.levels, method=method)
        tables = dict(live_tables(live, known, self.config.levels, self.places))
        if not levels and not tables:
            raise BookError(
                f"nothing is recorded of {', '.join(self.config.levels)}", hint="are the levels in book.toml right?"
            )
        progress("writing the release", 2, 3)
        history, state = self._history(known, moment, method)
        release = write_release(
            target,
            levels,
            lacking=[level for level in self.config.levels if level not in {made.level for made in levels}],
            tables=tables,
            annotations=self.sources.annotations(),
            register=method.register,
            provenance=self._provenance(known, live),
            history=history,
            about=self.config.model_dump(include={"title", "notice", "publisher", "licence", "attribution"}),
        )
        if log:
            self._keep_register(moment)
            self.releases.add(state)
        return release

    def method(self, as_of: datetime | None) -> Method:
        """Return how the averages are made, now or at a past moment."""
        return Method(
            places=self.places,
            register=self.register if as_of is None else self._register_at(as_of),
            metrics=tuple(metric.value for metric in self.config.metrics),
            days=self.config.averages.by_level(),
            reporting=self.sources.reporting(self.config.levels),
            covers_from=first_covered(self.ledger.records(as_of)),
        )

    def _state(self, as_of: datetime | None) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the final and the live observations; of now after closing the days that are over."""
        if as_of is not None:
            return self.ledger.as_of(as_of), self.live.as_of(as_of)
        known, live = self.ledger.as_of(), self.live.as_of()
        fresh = in_time(live, self.config.time_zone)
        today = self.clock().astimezone(ZoneInfo(self.config.time_zone)).date()
        waiting = open_days(fresh, known, today)
        if close(self.ledger, fresh, self.live.records(), waiting, time_zone=self.config.time_zone):
            known = self.ledger.as_of()
        return known, live

    def _provenance(self, known: pl.DataFrame, live: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Return where the values of the release come from, those of its live files by themselves, by path."""
        told = {PROVENANCE: provenance(known, self.ledger.records())}
        today = latest_day(live)
        return {**told, f"{FOLDER}/{PROVENANCE}": provenance(today, self.live.records())} if today.height else told

    def _history(self, known: pl.DataFrame, moment: datetime, method: Method) -> tuple[History, Published]:
        """Return what changed since the release before, and the state that is to be published."""
        told = method.described()
        register = hashlib.sha256(write_anomalies(method.register).encode()).hexdigest()
        state = Published(moment, register, told, {})
        before = self.releases.before(state) or self._recorded_before(state)
        changes = self._changes(before[-1], known, method, told) if before else _NOTHING
        state = replace(state, changes=changes.counts())
        return History([*before, state], changes, told, ZoneInfo(self.config.time_zone)), state

    def _recorded_before(self, state: Published) -> list[Published]:
        """Return the last state that was recorded before one, as if it had been published the same way."""
        moments = self.ledger.records(state.as_of)["as_of"]
        earlier = moments.filter(moments < state.as_of).max()
        return [replace(state, as_of=earlier)] if isinstance(earlier, datetime) else []

    def _changes(self, last: Published, known: pl.DataFrame, method: Method, told: dict[str, Any]) -> Changes:
        return Changes(
            changed_rows(self.ledger.as_of(last.as_of), known, self.places),
            changed_anomalies(self._register_at(last.as_of), method.register),
            changed_method(last.method, told),
        )

    def _register_at(self, moment: datetime) -> pl.DataFrame:
        """Return the register that was known at a moment."""
        own = self.raw.known(_OWN, REGISTER_FILE, moment)
        feeds = [self.raw.known(feed, REGISTER, moment) for feed in self.sources]
        files = [own] if own else [file for file in feeds if file]
        registers = [read_anomalies(file.data, file=file.address, places=self.places) for file in files]
        return pl.concat([empty_register(), *registers])

    def _keep_register(self, moment: datetime) -> None:
        """Keep the book's own register as it was published, to tell later what it said."""
        if self.own_register.exists():
            file = Fetched(REGISTER_FILE, REGISTER_FILE, read_file(self.own_register))
            self.raw.keep(_OWN, file, at=self.clock(), as_of=moment)


_NOTHING: Final = Changes(pl.DataFrame(schema=CHANGE_SCHEMA), changed_anomalies(empty_register(), empty_register()), ())
