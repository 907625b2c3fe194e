"""Publishing what is known, now or as it was at a past moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from tallybook.anomalies import read_anomalies, write_anomalies
from tallybook.book.alone import alone
from tallybook.book.mortality import (
    SourceDeaths,
    deaths_before,
    estimated,
    how_expected,
    known_deaths,
    moments_of,
    rows_of,
    sources_of,
)
from tallybook.book.releasing import Published, ReleaseLog
from tallybook.errors import BookError, DataRefusedError, LedgerError
from tallybook.ledger import Ledger
from tallybook.measures.revisions import revision_summary, revisions
from tallybook.model.anomalies import empty_register
from tallybook.model.config import BookConfig
from tallybook.model.files import read_file
from tallybook.model.licences import licence
from tallybook.model.mortality import DEATHS_SCHEMA
from tallybook.model.places import Gazetteer
from tallybook.release.changes import (
    CHANGE_SCHEMA,
    DEATH_CHANGE_SCHEMA,
    Changes,
    changed_anomalies,
    changed_deaths,
    changed_method,
    changed_rows,
)
from tallybook.release.dictionary import SOURCES
from tallybook.release.excess import excess_tables, missing
from tallybook.release.figures import Method, figures, first_covered
from tallybook.release.layout import places_table, plain_numbers, published_numbers
from tallybook.release.live import FOLDER, close, in_time, latest_day, live_tables, open_days
from tallybook.release.weeks import WEEKS, weeks_table
from tallybook.release.write import PROVENANCE, History, Release, lacks, provenance, write_release
from tallybook.sources.archive import Act, Archive, Fetched, Progress
from tallybook.sources.catalogue import Catalogue
from tallybook.sources.published import REGISTER
from tallybook.sources.terms import non_commercial, stated_attribution, stated_licence

REGISTER_FILE: Final = "anomalies.csv"
"""The file of a book's own register."""

_OWN: Final = "book"
_ABOUT: Final = {
    *("id", "title", "description", "keywords", "notice", "publisher", "contact", "address", "licence", "licence_url"),
    *("attribution", "time_zone", "community_spread_from", "formats"),
}
_PLACES_AT_ONCE: Final = 500


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

    def publish(self, target: Path, *, as_of: datetime | None, log: bool, site: bool, progress: Progress) -> Release:
        """Write the release of now or of a past moment; see ``Book.publish``.

        Args:
            target: the folder.
            as_of: the moment; None: now.
            log: whether it is one of the book's releases.
            site: whether it has pages, too.
            progress: called as the work goes on.
        """
        progress("reading the ledger", 0, 3)
        deaths = self.deaths(as_of)
        with ThreadPoolExecutor(1) as aside:
            # Estimates load what they are made with while the ledger is read and averages are computed.
            estimates = aside.submit(self.excess, deaths)
            known, live, left_open = self._state(as_of)
            since = pl.Series([one.as_of for one in deaths], dtype=known.schema["as_of"])
            moment = pl.concat([known["as_of"], live["as_of"], since]).max()
            if not isinstance(moment, datetime):
                raise BookError("there is nothing to publish", hint="record a feed first")
            progress("computing averages", 1, 3)
            method = self.method(as_of)
            levels = figures(known, levels=self.config.levels, method=method)
            tables = dict(live_tables(live, known, self.config.levels, self.places)) | self.of_weeks(known, method)
            geoids = pl.concat([made.averages["geoid"] for made in levels] or [self.places.frame["geoid"].clear()])
            told = self.of_sources() | self.of_places(geoids) | self._of_revisions(known, as_of)
            history, state, untold = self._history(known, moment, method, deaths)
            origins = self._provenance(known, live)
            excess, notes = estimates.result()
        if not levels and not tables and not excess:
            raise BookError(
                f"nothing is recorded of {', '.join(self.config.levels)}", hint="are the levels in book.toml right?"
            )
        progress("writing the release", 2, 3)
        release = write_release(
            target,
            levels,
            notes=[
                *(lacks(level) for level in self.config.levels if level not in {made.level for made in levels}),
                *notes,
                *left_open,
                *untold,
            ],
            tables={**tables, **excess, **told},
            register=method.register,
            provenance=origins,
            history=history,
            about=self.about(),
            site=build_pages if site else None,
        )
        if log:
            self._keep_register(moment)
            self.raw.about_to(None)
            self.releases.add(state)
        return release

    def of_sources(self) -> dict[str, pl.DataFrame | str]:
        """Return what the sources say of themselves, and of single days."""
        said = json.dumps(self.sources.described(self.config.levels), indent=2, ensure_ascii=False)
        return {SOURCES: f"{said}\n", "annotations.csv": self.sources.annotations()}

    def of_places(self, geoids: pl.Series) -> dict[str, pl.DataFrame | str]:
        """Return the places that have figures."""
        there = places_table(geoids, self.places)
        return {"places.csv": plain_numbers(there), "places.parquet": there}

    def of_weeks(self, known: pl.DataFrame, method: Method) -> dict[str, pl.DataFrame]:
        """Return what sources by MMWR week say of each week; nothing where there are none."""
        sources = self.sources.weekly()
        if not sources:
            return {}
        table = weeks_table(known, self.config.levels, sources=sources, method=method)
        return {f"{WEEKS}.csv": table, f"{WEEKS}.parquet": table}

    def _of_revisions(self, known: pl.DataFrame, as_of: datetime | None) -> dict[str, pl.DataFrame | str]:
        """Return every revision and their summary; read some places at a time, for all values ever said are many."""
        places = known["place"].unique().sort()
        parts = [places[first : first + _PLACES_AT_ONCE] for first in range(0, max(len(places), 1), _PLACES_AT_ONCE)]
        values = (self.ledger.values(until=as_of, places=part.to_list()) for part in parts)
        told, sums = zip(*((revisions(part), revision_summary(part)) for part in values), strict=True)
        every, summary = (pl.concat(frames).rename({"place": "geoid"}) for frames in (told, sums))
        return {"revisions.parquet": every, "revision-summary.csv": published_numbers(summary)}

    def about(self) -> dict[str, Any]:
        """Return what a release says of itself; its licence and attribution with what the sources ask for."""
        said = self.config.model_dump(mode="json", include=_ABOUT, exclude_none=True) | terms(self.config, self.sources)
        if said["licence"] != self.config.licence:
            said.pop("licence_url", None)  # there only the half of it can be read
        return said

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

    def _state(self, as_of: datetime | None) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
        """Return the final and the live observations; of now after closing the days that are over.

        The last are notes on the days that could not be closed.
        """
        if as_of is not None:
            return self.ledger.as_of(as_of), self.live.as_of(as_of), []
        known, live = self.ledger.as_of(), self.live.as_of()
        closed, left_open = self.close_days(live, known)
        return (self.ledger.as_of() if closed else known), live, left_open

    def close_days(self, live: pl.DataFrame, known: pl.DataFrame) -> tuple[bool, list[str]]:
        """Close the days that are over; return whether that added anything, and notes on the days it cannot close."""
        fresh = in_time(live, self.config.time_zone)
        today = self.clock().astimezone(self.config.zone).date()
        waiting = open_days(fresh, known, today)
        if self.ledger.read_only:
            notes = [f"the live counts of {day} are not final: the ledger is read-only" for day in waiting]
            return False, notes
        if not waiting:  # nothing is written then: the ledger may be one that cannot be
            return False, []
        with alone(self.ledger.folder):
            self.raw.about_to(Act("close", days=tuple(map(str, waiting)), in_time=True))
            closed = close(self.ledger, fresh, self.live.records(), waiting, time_zone=self.config.time_zone)
        return bool(closed), []

    def deaths(self, as_of: datetime | None) -> list[SourceDeaths]:
        """Return what the sources say of deaths from all causes, now or as known at a past moment."""
        zone = self.config.zone
        return known_deaths(self.sources.values(), self.raw, as_of or self.clock(), zone)

    def _provenance(self, known: pl.DataFrame, live: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Return where the values of the release come from, those of its live files by themselves, by path."""
        told = {PROVENANCE: provenance(known, self.ledger.records())}
        today = latest_day(live)
        return {**told, f"{FOLDER}/{PROVENANCE}": provenance(today, self.live.records())} if today.height else told

    def described(self, method: Method, deaths: Sequence[SourceDeaths]) -> dict[str, Any]:
        """Return how the figures are made."""
        return method.described() | ({"excess_deaths": how_expected(deaths, self.config.excess)} if deaths else {})

    def excess(self, deaths: Sequence[SourceDeaths]) -> tuple[dict[str, pl.DataFrame], list[str]]:
        """Return the files of excess deaths, and what a reader has to know about them."""
        if not deaths:
            return {}, []
        estimates = estimated(deaths, self.config.excess)
        rows = pl.concat(one.rows.select(DEATHS_SCHEMA.names()) for one in deaths)
        notes = [*missing(rows, estimates), *(note for one in deaths for note in one.unused())]
        return excess_tables(rows, estimates), notes

    def _history(
        self, known: pl.DataFrame, moment: datetime, method: Method, deaths: Sequence[SourceDeaths]
    ) -> tuple[History, Published, list[str]]:
        """Return what changed since the release before, the state that is to be published, and notes."""
        told = self.described(method, deaths)
        register = hashlib.sha256(write_anomalies(method.register).encode()).hexdigest()
        state = Published(moment, register, told, {})
        before = self.releases.before(state) or self._recorded_before(state)
        of_deaths, notes = self._changed_deaths(before[-1] if before else None, deaths)
        changes = replace(self._changes(before[-1], known, method, told) if before else _no_changes(), deaths=of_deaths)
        state = replace(state, changes=changes.counts())
        return History([*before, state], changes, told, self.config.zone), state, notes

    def _recorded_before(self, state: Published) -> list[Published]:
        """Return the last state that was recorded before one, as if it had been published the same way."""
        moments = [*self.ledger.records(state.as_of)["as_of"], *moments_of(self.sources, self.raw)]
        earlier = max((moment for moment in moments if moment < state.as_of), default=None)
        return [] if earlier is None else [replace(state, as_of=earlier)]

    def _changes(self, last: Published, known: pl.DataFrame, method: Method, told: dict[str, Any]) -> Changes:
        return Changes(
            changed_rows(self.ledger.as_of(last.as_of), known, self.places),
            changed_anomalies(self._register_at(last.as_of), method.register),
            changed_method(last.method, told),
        )

    def _changed_deaths(
        self, last: Published | None, deaths: Sequence[SourceDeaths]
    ) -> tuple[pl.DataFrame | None, list[str]]:
        """Return which deaths from all causes changed, None where there are none; a note where it cannot be told."""
        names = sources_of(last.method) if last else set()
        if not deaths and not names:
            return None, []
        nothing = pl.DataFrame(schema=DEATH_CHANGE_SCHEMA)
        if last is None or (names == {one.source for one in deaths} and all(one.as_of <= last.as_of for one in deaths)):
            return nothing, []
        try:
            were = deaths_before(names, self.raw, last.as_of, self.config.zone)
        except (DataRefusedError, LedgerError) as error:
            return None, [f"which deaths from all causes changed cannot be told: {error}"]
        return changed_deaths(rows_of(were), rows_of(deaths)), []

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


def terms(config: BookConfig, sources: Catalogue) -> dict[str, Any]:
    """Return the ``licence`` and ``attribution`` of a book's release, and whether it is ``non_commercial``."""
    said = list(sources.values())
    return {
        "licence": stated_licence(config.licence, said),
        "attribution": stated_attribution(config.attribution, said),
        "non_commercial": licence(config.licence).non_commercial or bool(non_commercial(said)),
    }


def build_pages(folder: Path, old: Path) -> None:
    """Add its pages to a release that is being written."""
    from tallybook.site.build import build_site  # templates and charts take a while to load

    build_site(folder, old)


def _no_changes() -> Changes:
    """Return the changes of a first release. Made when it is asked for: comparing starts the threads of polars."""
    return Changes(pl.DataFrame(schema=CHANGE_SCHEMA), changed_anomalies(empty_register(), empty_register()), ())
