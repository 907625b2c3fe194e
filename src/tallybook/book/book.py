"""A book: a folder with its configuration, its ledger and its release. The one place where the rooms meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from tallybook.anomalies import read_anomalies
from tallybook.book.alone import alone, undisturbed
from tallybook.book.mortality import SourceDeaths, coverage, estimated, rows_of
from tallybook.book.publishing import REGISTER_FILE, Publisher, terms
from tallybook.book.rebuilding import RAW, Rebuilder, Rebuilt
from tallybook.book.recording import Recorder, Refused, Vintages, day_of
from tallybook.book.releasing import Published, ReleaseLog
from tallybook.errors import BookError, ContractError
from tallybook.ledger import Ledger, Recorded
from tallybook.measures.explain import Explanation
from tallybook.model.anomalies import empty_register
from tallybook.model.checksums import Damage
from tallybook.model.config import BookConfig, ExcessConfig, read_config
from tallybook.model.files import read_file, read_text
from tallybook.model.metrics import Level, level_of
from tallybook.model.places import Gazetteer, gazetteer, level_at, read_own_places
from tallybook.model.shown import as_html
from tallybook.model.templates import copy_template
from tallybook.release.changes import changed_rows
from tallybook.release.explain import explain
from tallybook.release.figures import Method, figures, totals_of
from tallybook.release.findings import findings_of, findings_of_deaths
from tallybook.release.folder import check_target
from tallybook.release.live import close, open_days
from tallybook.release.write import Release
from tallybook.sources.archive import Act, Archive, Progress
from tallybook.sources.cards import Source
from tallybook.sources.catalogue import Catalogue, read_catalogue

SIMULATED: Final = "simulated"
"""The name of the simulator's template and feed."""


def _silent(_step: str, _done: int, _all: int) -> None:
    return None


def _now() -> datetime:
    return datetime.now(UTC)


class Book:
    """An outbreak's dataset in a folder: what is known, and what is published of it.

    Args:
        folder: a folder made by ``Book.init``.
        clock: tells the time; for tests and replays.

    Raises:
        BookError: there is no book in the folder, or its ``book.toml`` is wrong.
        LedgerError: no ledger can be where ``book.toml`` says it is.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = pl.DataFrame({"date": ["2020-01-21"], "cases": [1], "deaths": [0]}).write_csv(folder / "us.csv")
    >>> book = Book.init(folder / "book", template="nyt")
    >>> book.record("nyt", folder / "us.csv")[0].added
    2
    >>> [file.path for file in book.publish().files if file.path.endswith("us.csv")]
    ['rolling-averages/us.csv', 'us.csv']
    """

    def __init__(self, folder: str | Path, *, clock: Callable[[], datetime] = _now) -> None:
        self.folder = Path(folder)
        file = self.folder / "book.toml"
        if not file.is_file():
            raise BookError(f"no book in {self.folder}", hint="make one with `tallybook init DIR`, or give --book DIR")
        self.config: BookConfig = read_config(read_text(file), file=str(file))
        said, options = self.config.ledger, self.config.storage
        place = said if "://" in said else self.folder / said
        self.ledger = Ledger(place, storage_options=options)
        self.live = Ledger(place, table="live", storage_options=options)
        # What goes with a ledger that is only read here is kept in the book.
        self._kept = self.folder / "ledger" if self.ledger.read_only else self.ledger.folder
        self.raw = Archive(self._kept / "raw")
        self._clock = clock

    @classmethod
    def init(cls, folder: str | Path, *, template: str = "plain") -> Book:
        """Make a book in a new or empty folder from a template, and return it.

        Args:
            folder: a new or empty folder.
            template: what it starts as: plain, nyt, connecticut, measles or simulated.

        Raises:
            BookError: there is no such template, or the folder is not empty.
        """
        target = Path(folder)
        copy_template(template, target)
        return cls(target)

    @classmethod
    def simulated(
        cls, folder: str | Path, *, days: int = 400, seed: int = 0, counties_of: Sequence[str] = ("USA-53",)
    ) -> Book:
        """Return a book of invented numbers with its feed in ``feed``, not recorded yet; the one there already, if any.

        Args:
            folder: a new or empty folder, or a simulated book.
            days: how long the outbreak lasts.
            seed: the seed of chance.
            counties_of: the geoids of the states whose counties are simulated too.

        Raises:
            BookError: the folder holds something else.
        """
        if (Path(folder) / "book.toml").is_file():
            book = cls(folder)
            if SIMULATED not in book.sources:
                raise BookError(f"{folder} holds another book", hint="give a new folder")
            return book
        # What simulates takes a while to import, and no other book needs it.
        from tallybook.sources.simulated import simulate, write_published

        outbreak = simulate(days=days, seed=seed, counties_of=counties_of)
        book = cls.init(folder, template=SIMULATED)
        write_published(outbreak, book.folder / "feed")
        return book

    def __repr__(self) -> str:
        return f"<Book {self.config.title!r} in {self.folder}>"

    def _repr_html_(self) -> str:
        config, published = self.config, self.releases()
        said = {
            "publisher": config.publisher,
            "licence": config.licence,
            "levels": ", ".join(config.levels),
            "metrics": ", ".join(config.metrics),
            "sources": ", ".join(self.sources),
            "folder": self.folder,
            "last release": f"as of {published[-1].as_of:%Y-%m-%d %H:%M %Z}" if published else "none yet",
        }
        return as_html(config.title, said.items(), notes=[config.notice] if config.notice else ())

    @cached_property
    def sources(self) -> Catalogue:
        """The sources, by name: the cards in the folder ``sources``."""
        return read_catalogue(self.folder / "sources")

    @property
    def terms(self) -> dict[str, Any]:
        """The ``licence`` and ``attribution`` of its releases, with what sources ask for; ``non_commercial`` or not."""
        return terms(self.config, self.sources)

    @cached_property
    def places(self) -> Gazetteer:
        """The gazetteer, with the populations of the book's ``places.csv``."""
        file = self.folder / "places.csv"
        if not file.exists():
            return gazetteer()
        return gazetteer().with_own(read_own_places(read_file(file), file=str(file), places=gazetteer()))

    @property
    def register(self) -> pl.DataFrame:
        """The anomalies: the book's own ``anomalies.csv``, or else those that came with its feeds.

        Columns of ANOMALY_SCHEMA, key ``id``.
        """
        own = self.folder / REGISTER_FILE
        files = [own] if own.exists() else [self._feed_register(feed) for feed in self.sources]
        registers = [read_anomalies(file, places=self.places) for file in files if file.exists()]
        return pl.concat([empty_register(), *registers])

    def record(
        self,
        feed: str,
        location: str | Path | None = None,
        *,
        as_of: datetime | None = None,
        allow_withdrawals: bool = False,
        progress: Progress = _silent,
    ) -> list[Recorded]:
        """Record what a feed says, and return what each of its files added to the ledger.

        All files are read and checked before any is recorded; a register that comes with the feed is kept in the book.

        Args:
            feed: the name of one of the book's sources.
            location: a folder, a file or an address; by default the feed's ``url``.
            as_of: the moment since which this is known, with a time zone; by default now.
            allow_withdrawals: take files that no longer have more than a twentieth of the counts they cover; by default
                such a file is taken for one that was cut short.
            progress: called as the work goes on.

        Raises:
            BookError: the book has no such feed, or the feed no address.
            SourceError: the location cannot be read.
            DataRefusedError: a file says something that cannot be taken; nothing was recorded.
            LedgerError: the ledger cannot be written.
            ContractError: the moment has no time zone or is in the future.
        """
        source = self.sources[feed]
        where = str(location or source.card.location or "")
        if not where:
            raise BookError(f"feed {feed!r} has no url", hint="say what to record: a folder, a file or an address")
        moment = as_of or self._now(source)
        return self._recorder(source, progress).record(where, moment, allow_withdrawals=allow_withdrawals)

    def record_vintages(
        self, feed: str, vintages: Vintages, *, refused: Refused | None = None, progress: Progress = _silent
    ) -> Iterator[Recorded]:
        """Record past versions of one of a feed's files, each since its moment, and yield what each added.

        Versions that were recorded before are left out, so that an import that was interrupted goes on.

        Args:
            feed: the name of one of the book's sources.
            vintages: as ``FolderHistory`` and ``GitHistory`` give them.
            refused: called with why a version cannot be taken, which is then left out; None stops at the first.
            progress: called as the work goes on.

        Raises:
            BookError: the book has no such feed.
            SourceError: a version cannot be read, or is none of the feed's files.
            DataRefusedError: a version says something that cannot be taken; earlier ones are recorded.
            LedgerError: the ledger cannot be written.
            ContractError: a moment is in the future.
        """
        yield from self._recorder(self.sources[feed], progress).record_vintages(vintages, refused)

    def close_day(self, day: date | None = None) -> list[Recorded]:
        """Make the last live counts of a day final where no final ones were recorded; return what that added.

        They are known since the midnight that ended the day, or since they came in if that was later. Closing a day
        again changes nothing.

        Args:
            day: the day; every day that is over and still open by default.

        Raises:
            ContractError: the day is not over where the book is.
            LedgerError: the ledger cannot be written.
        """
        folder = self.ledger.folder
        today = self._today()
        if isinstance(day, datetime) or not isinstance(day, date | None):
            raise ContractError(f"{day!r} is no day", hint="give a datetime.date")
        if day is not None and day >= today:
            raise ContractError(f"{day} is not over yet", hint=f"it is {today} in {self.config.time_zone}")
        with alone(folder):
            live = self.live.as_of()
            waiting = open_days(live, self.ledger.as_of(), today)
            days = waiting if day is None else [one for one in waiting if one == day]
            self.raw.about_to(Act("close", days=tuple(map(str, days))) if days else None)
            self.ledger.tend()
            return close(self.ledger, live, self.live.records(), days, time_zone=self.config.time_zone)

    def totals(self, level: Level | str, *, as_of: datetime | None = None) -> pl.DataFrame:
        """Return what is known of a level, one row per place and day.

        Columns ``geoid``, ``date`` and the book's metrics, cumulative; null: not reported.

        Args:
            level: the level.
            as_of: what was known at this moment, which has a time zone; now by default.

        Raises:
            BookError: the book does not have the level.
            ContractError: there is no such level, or the moment has no time zone or is in the future.
        """
        wanted = level_of(level)
        if wanted not in self.config.levels:
            has = ", ".join(self.config.levels)
            raise BookError(f"the book has no level {wanted.value!r}", hint=f"it has {has}; book.toml says which")
        return totals_of(self._known(as_of), wanted, self.places, metrics=self.config.metrics)

    def averages(self, level: Level | str, *, as_of: datetime | None = None) -> pl.DataFrame:
        """Return the daily counts, averages and rates of a level, unrounded, with what each is made of.

        The columns of the release's ``rolling-averages`` Parquet file of that level, and the names of the places.

        Args:
            level: the level.
            as_of: as they were at this moment, which has a time zone; now by default.

        Raises:
            BookError: nothing of that level is recorded.
            ContractError: there is no such level, or the moment has no time zone or is in the future.
        """
        wanted = level_of(level)
        for made in figures(self._known(as_of), levels=self.config.levels, method=self.method(as_of)):
            if made.level is wanted:
                return made.averages
        raise BookError(f"nothing is recorded of level {str(level)!r}", hint="record a file of that level first")

    def publish(
        self,
        out: str | Path | None = None,
        *,
        as_of: datetime | None = None,
        site: bool | None = None,
        progress: Progress = _silent,
    ) -> Release:
        """Write the release of what is known, and put it in the place of the old one as a whole.

        Days that are over are closed first, if their live counts came in on the day or the day after; older ones wait
        for ``close_day``. Where the ledger can only be read none is closed, and the release says so.

        Args:
            out: the folder; ``public`` in the book by default.
            as_of: the release as it would have been at this moment, which has a time zone; needs ``out``.
            site: whether to make the pages to read it, too; by default as ``book.toml`` says.
            progress: called as the work goes on.

        Raises:
            BookError: nothing is recorded yet, or the folder holds something else than a release.
            DataRefusedError: the register is wrong.
            ContractError: a past release was asked for without ``out``, or of the future.
        """
        if as_of is not None and out is None:
            raise ContractError("a past release needs a folder of its own", hint="say where to: --out DIR")
        target = Path(out) if out else self.folder / "public"
        check_target(target, book=self.folder)
        self._check_past(as_of)
        pages = self.config.site if site is None else site
        return self._publisher().publish(target, as_of=as_of, log=out is None, site=pages, progress=progress)

    def publish_on_spark(self, out: str | Path, *, session: Any, as_of: datetime | None = None) -> Release:
        """Write the figures of the release with Spark, as datasets of Parquet files, a folder per year.

        The same cells as ``publish`` writes to the Parquet files of that name. Spark's machines have to see the book
        and ``out`` under the same paths as this one. Days that are over are closed first, as ``publish`` does.

        Args:
            out: a folder of its own; it is replaced as a whole.
            session: a Spark session, classic or Connect.
            as_of: the release as it would have been at this moment, which has a time zone.

        Raises:
            BookError: nothing is recorded yet, or the folder is an address, not seen by Spark or holds something else.
            ContractError: a release of the future was asked for.
        """
        from tallybook.book.spark import publish_with, shared_target

        target = shared_target(out, book=self.folder)
        self._check_past(as_of)
        return publish_with(session, self._publisher(), target, as_of=as_of)

    def changes(self, since: datetime, until: datetime | None = None) -> pl.DataFrame:
        """Return the values that differ between what was known at two moments.

        Args:
            since: the earlier moment, with a time zone.
            until: the later one; now by default.

        Returns:
            ``change`` (new, revised or withdrawn), ``date``, ``geoid``, ``place``, ``metric``, ``old``, ``new``,
            ``difference``, ``as_of``, ``source``; by date.

        Raises:
            ContractError: a moment has no time zone or is in the future.
        """
        return changed_rows(self._known(since), self._known(until), self.places)

    def explain(self, place: str, day: date, metric: str, *, as_of: datetime | None = None) -> Explanation:
        """Return what an average is made of: the days of its window, or for the nation the states it adds up.

        Args:
            place: an id, FIPS code, name or abbreviation.
            day: the day of the average.
            metric: one of the book's metrics.
            as_of: as it was at this moment, which has a time zone; now by default.

        Raises:
            UnknownPlaceError: there is no such place.
            ContractError: there is no such metric, or no average of the place on that day.
        """
        found = self.places.find(place, among=self.config.levels)
        notes = self.sources.annotations().filter(
            pl.col("source").is_in([source.name for source in self.sources.of_level(found.level)])
        )
        level = level_at(pl.col("place"))
        parts = level == Level.STATE if found.level is Level.NATION else pl.lit(value=False)
        known = self._known(as_of, where=(pl.col("place") == found.geoid) | parts)
        records = self.ledger.records(as_of)
        return explain(known, found, day, metric, method=self.method(as_of), notes=notes, records=records)

    def check(self, *, progress: Progress = _silent) -> pl.DataFrame:
        """Return what looks wrong in what is known: declines, jumps, gaps, sums that do not add up, and more.

        Columns of FINDING_SCHEMA, and ``anomaly``: the ids of the register's entries on that place, metric and day,
        null where nothing is explained. Sorted by date. Every code has a section in docs/checks.md.

        Args:
            progress: called as the work goes on.

        Raises:
            BookError: nothing is recorded yet.
        """
        progress("reading the ledger", 0, 3)
        known, deaths = self.ledger.as_of(), self.all_cause_deaths()
        if known.is_empty() and deaths.is_empty():
            raise BookError("there is nothing to check", hint="record a feed first")
        progress("reading the sources", 1, 3)
        by_source = self.ledger.as_of(each_source=True)
        progress("checking", 2, 3)
        of_deaths = findings_of_deaths(deaths, self.excess()) if deaths.height else None
        if known.is_empty() and of_deaths is not None:
            return of_deaths.sort("date", "place", "code")
        found = findings_of(
            known,
            by_source,
            levels=self.config.levels,
            since=self.sources.since(),
            method=self.method(),
            cadence=self.sources.cadence(self.config.levels),
            first=self.config.first_date,
        )
        return found if of_deaths is None else pl.concat([found, of_deaths]).sort("date", "place", "metric", "code")

    def all_cause_deaths(self, *, as_of: datetime | None = None) -> pl.DataFrame:
        """Return what is known of deaths from all causes, as the sources say it.

        Columns of DEATHS_SCHEMA, ``published_expected_deaths`` (what a source expected, null where it does not say),
        ``source`` and ``as_of``; a row per place and period. Empty where nothing is recorded.

        Args:
            as_of: what was known at this moment, which has a time zone; now by default.
        """
        return rows_of(self._publisher().deaths(as_of))

    def excess(self, *, as_of: datetime | None = None, baseline: tuple[int, int] | None = None) -> pl.DataFrame:
        """Return expected and excess deaths, unrounded; see ``excess_deaths``.

        The columns of the release's ``excess-deaths/extended.parquet``.

        Args:
            as_of: as they were at this moment, which has a time zone; now by default.
            baseline: the first and last year that is fitted to, instead of what ``book.toml`` says.

        Raises:
            BookError: no deaths from all causes are recorded.
            ContractError: what is particular in a place cannot be made.
        """
        config = ExcessConfig(baseline=baseline) if baseline else self.config.excess
        return estimated(self._recorded_deaths(as_of), config)

    def interval_coverage(self, until: int) -> pl.DataFrame:
        """Return how often the intervals of expected deaths held what happened, in years that are known.

        The columns of ``measures.coverage.interval_coverage``: a row per place.

        Args:
            until: the last year that is held back; the last before the outbreak.

        Raises:
            BookError: no deaths from all causes are recorded.
            ContractError: no year can be held back.
        """
        return coverage(self._recorded_deaths(None), until)

    def _recorded_deaths(self, as_of: datetime | None) -> list[SourceDeaths]:
        deaths = self._publisher().deaths(as_of)
        if not deaths:
            raise BookError("no deaths from all causes are recorded", hint="record excess-deaths/deaths.csv of a feed")
        return deaths

    def _check_past(self, as_of: datetime | None) -> None:
        """Refuse a moment that is still to come: what will be known is not known yet."""
        if as_of is not None:
            day_of(as_of, self._clock(), self.config.zone)

    def _known(self, as_of: datetime | None, *, where: pl.Expr | None = None) -> pl.DataFrame:
        """Return what was known of some keys at a moment, or is now."""
        self._check_past(as_of)
        return self.ledger.as_of(as_of, where=where)

    def method(self, as_of: datetime | None = None) -> Method:
        """Return how the averages are made: days, populations, and the register of now or as it was at a moment."""
        return self._publisher().method(as_of)

    def verify(self) -> list[Damage]:
        """Return which files of the ledger are not as they were written, by path; nothing where all of them are.

        All files in the folder ``ledger`` are checked against the checksums kept with them: what was observed and
        recorded, the log of the table, its index, the recorded files, and the log of releases. What is recorded
        meanwhile waits; a history that is being imported should be waited for.

        Raises:
            LedgerError: another process has been writing for a minute.
        """
        with undisturbed(self.ledger):
            return self.ledger.verify() + Archive(self.ledger.folder / RAW).verify()

    def rebuild(self, *, allow_missing: bool = False, progress: Progress = _silent) -> Rebuilt:
        """Make the ledger anew from the recorded files, and put it in the place of the old one as a whole.

        What was recorded and closed is done again in the same order, with the sources' cards as they are now; the
        result is compared with the records of the old ledger where they are whole. The old one stays beside it, as
        ``.ledger.previous``, until the next time. What is recorded meanwhile waits; no history should be imported.

        Args:
            allow_missing: do without what is not there or damaged: recorded files, past versions that were imported
                from elsewhere, the log of releases. By default the ledger stays as it is then.
            progress: called as the work goes on.

        Raises:
            LedgerError: something is missing; or nothing was recorded.
        """
        return Rebuilder(
            self.ledger, self.sources, self.places, self.config.levels, self.config.time_zone, progress
        ).rebuild(allow_missing=allow_missing)

    def releases(self) -> list[Published]:
        """Return the releases so far, the oldest first: the moment of each, and how many rows it changed."""
        return self._releases.read()

    @property
    def _releases(self) -> ReleaseLog:
        return ReleaseLog(self._kept / "releases.jsonl")

    def _publisher(self) -> Publisher:
        return Publisher(
            config=self.config,
            sources=self.sources,
            places=self.places,
            register=self.register,
            own_register=self.folder / REGISTER_FILE,
            ledger=self.ledger,
            live=self.live,
            raw=self.raw,
            releases=self._releases,
            clock=self._clock,
        )

    def _recorder(self, source: Source, progress: Progress) -> Recorder:
        self.ledger.writable()  # before anything is fetched
        return Recorder(
            source=source,
            ledger=self.ledger,
            live=self.live,
            raw=self.raw,
            places=self.places,
            levels=self.config.levels,
            zone=self.config.zone,
            clock=self._clock,
            register=self._feed_register(source.name),
            progress=progress,
            private_hosts=self.config.fetch.private_hosts,
        )

    def _now(self, source: Source) -> datetime:
        """Return what the clock says.

        Raises:
            ContractError: it was set back: the source was recorded later than that already.
        """
        now = self._clock()
        records = pl.concat([self.ledger.records(), self.live.records()]).filter(source=source.name)
        latest = records["as_of"].max()
        if isinstance(latest, datetime) and latest > now:
            raise ContractError(
                f"by the clock it is {now.isoformat()}, and {source.name} was recorded at {latest.isoformat()} already",
                hint="set the clock right, or say since when this is known: --as-of MOMENT",
            )
        return now

    def _today(self) -> date:
        return self._clock().astimezone(self.config.zone).date()

    def _feed_register(self, feed: str) -> Path:
        return self.folder / "sources" / feed / "anomalies.csv"
