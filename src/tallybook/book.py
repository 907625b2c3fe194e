"""A book: a folder with its configuration, its ledger and its release. The one place where the rooms meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.anomalies import read_anomalies
from tallybook.errors import BookError, ContractError
from tallybook.ledger import Ledger, Recorded
from tallybook.measures.explain import Explanation
from tallybook.model.anomalies import empty_register
from tallybook.model.config import BookConfig, read_config
from tallybook.model.files import read_file, read_text, replace_file
from tallybook.model.metrics import Level, level_of
from tallybook.model.places import Gazetteer, gazetteer, read_own_places
from tallybook.model.templates import copy_template
from tallybook.release.explain import explain
from tallybook.release.figures import Figures, Method, figures, first_covered, totals_of
from tallybook.release.findings import findings_of
from tallybook.release.live import close, in_time, live_tables, open_days
from tallybook.release.write import Release, check_target, write_release
from tallybook.sources.archive import Archive
from tallybook.sources.catalogue import Catalogue, read_catalogue
from tallybook.sources.feeds import fetch_source, parse_source
from tallybook.sources.simulated import simulate, write_published

SIMULATED: Final = "simulated"
"""The name of the simulator's template and feed."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0: not known)."""


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
        self.ledger = Ledger(self.folder / "ledger")
        self.live = Ledger(self.folder / "ledger", table="live")
        self.raw = Archive(self.folder / "ledger" / "raw")
        self._clock = clock

    @classmethod
    def init(cls, folder: str | Path, *, template: str = "plain") -> Book:
        """Make a book in a new or empty folder from a template, and return it.

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
        outbreak = simulate(days=days, seed=seed, counties_of=counties_of)
        book = cls.init(folder, template=SIMULATED)
        write_published(outbreak, book.folder / "feed")
        return book

    def __repr__(self) -> str:
        return f"<Book {self.config.title!r} in {self.folder}>"

    @cached_property
    def sources(self) -> Catalogue:
        """The sources, by name: the cards in the folder ``sources``."""
        return read_catalogue(self.folder / "sources")

    @cached_property
    def places(self) -> Gazetteer:
        """The gazetteer, with the populations of the book's ``places.csv``."""
        file = self.folder / "places.csv"
        if not file.exists():
            return gazetteer()
        return gazetteer().with_own(read_own_places(read_file(file), file=str(file), places=gazetteer()))

    @cached_property
    def register(self) -> pl.DataFrame:
        """The anomalies: the book's own ``anomalies.csv``, or else those that came with its feeds.

        Columns of ANOMALY_SCHEMA, key ``id``.
        """
        own = self.folder / "anomalies.csv"
        files = [own] if own.exists() else [self._feed_register(feed) for feed in self.sources]
        registers = [read_anomalies(file, places=self.places) for file in files if file.exists()]
        return pl.concat([empty_register(), *registers])

    def record(
        self,
        feed: str,
        location: str | Path | None = None,
        *,
        as_of: datetime | None = None,
        progress: Progress = _silent,
    ) -> list[Recorded]:
        """Record what a feed says, and return what each of its files added to the ledger.

        All files are read and checked before any is recorded; a register that comes with the feed is kept in the book.

        Args:
            feed: the name of one of the book's sources.
            location: a folder, a file or an address; by default the feed's ``url``.
            as_of: the moment since which this is known, with a time zone; by default now.
            progress: called as the work goes on.

        Raises:
            BookError: the book has no such feed, or the feed no address.
            SourceError: the location cannot be read.
            DataRefusedError: a file says something that cannot be taken; nothing was recorded.
            LedgerError: the ledger cannot be written.
            ContractError: the moment has no time zone or is in the future.
        """
        moment = as_of or self._clock()
        today = self._day_of(moment)
        source = self.sources[feed]
        where = str(location or source.card.location or "")
        if not where:
            raise BookError(f"feed {feed!r} has no url", hint="say what to record: a folder, a file or an address")
        levels = self.config.levels
        found = fetch_source(source, where, levels=levels, today=today, archive=self.raw, progress=progress)
        progress("checking", 0, 0)
        said = parse_source(source, found, levels=levels, places=self.places, today=today)
        if said.register:
            read_anomalies(said.register.data, file=said.register.address, places=self.places)
        for fetched in found:
            self.raw.keep(feed, fetched, self._clock())
        reports = [*((self.ledger, file) for file in said.final), *((self.live, file) for file in said.live)]
        recorded = []
        for number, (ledger, file) in enumerate(reports):
            progress(f"recording {file.file}", number, len(reports))
            recorded.append(ledger.record(file, as_of=moment))
        if said.register:
            replace_file(self._feed_register(feed), said.register.data)
            self.__dict__.pop("register", None)
        return recorded

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
        today = self._day_of(self._clock())
        if day is not None and day >= today:
            raise ContractError(f"{day} is not over yet", hint=f"it is {today} in {self.config.time_zone}")
        live = self.live.as_of()
        days = open_days(live, self.ledger.as_of(), today) if day is None else [day]
        return close(self.ledger, live, days, time_zone=self.config.time_zone)

    def totals(self, level: Level | str) -> pl.DataFrame:
        """Return what is known now of a level, one row per place and day.

        Columns ``geoid``, ``date`` and the book's metrics, cumulative; null: not reported.
        """
        return totals_of(self.ledger.as_of(), level_of(level), self.places, metrics=self.config.metrics)

    def averages(self, level: Level | str) -> pl.DataFrame:
        """Return the daily counts, averages and rates of a level, unrounded, with what each is made of.

        The columns of the release's ``rolling-averages`` Parquet file of that level, and the names of the places.

        Raises:
            BookError: nothing of that level is recorded.
            ContractError: there is no such level.
        """
        wanted = level_of(level)
        for made in self._figures(self.ledger.as_of()):
            if made.level is wanted:
                return made.averages
        raise BookError(f"nothing is recorded of level {str(level)!r}", hint="record a file of that level first")

    def publish(self, out: str | Path | None = None, *, progress: Progress = _silent) -> Release:
        """Write the release of what is known now, and put it in the place of the old one as a whole.

        Days that are over are closed first, if their live counts came in on the day or the day after; older ones wait
        for ``close_day``.

        Args:
            out: the folder; ``public`` in the book by default.
            progress: called as the work goes on.

        Raises:
            BookError: nothing is recorded yet, or the folder holds something else than a release.
            DataRefusedError: the register is wrong.
        """
        target = Path(out) if out else self.folder / "public"
        check_target(target, book=self.folder)
        progress("reading the ledger", 0, 3)
        known, live = self.ledger.as_of(), self.live.as_of()
        fresh = in_time(live, self.config.time_zone)
        ended = open_days(fresh, known, self._day_of(self._clock()))
        if close(self.ledger, fresh, ended, time_zone=self.config.time_zone):
            known = self.ledger.as_of()
        as_of = pl.concat([known["as_of"], live["as_of"]]).max()
        if not isinstance(as_of, datetime):
            raise BookError("there is nothing to publish", hint="record a feed first")
        progress("computing averages", 1, 3)
        levels = self._figures(known)
        tables = dict(live_tables(live, known, self.config.levels, self.places))
        if not levels and not tables:
            raise BookError(
                f"nothing is recorded of {', '.join(self.config.levels)}", hint="are the levels in book.toml right?"
            )
        progress("writing the release", 2, 3)
        return write_release(
            target,
            levels,
            tables=tables,
            annotations=self.sources.annotations(),
            register=self.register,
            as_of=as_of,
            about=self.config.model_dump(include={"title", "notice", "publisher", "licence", "attribution"}),
        )

    def explain(self, place: str, day: date, metric: str) -> Explanation:
        """Return what an average is made of: the days of its window, or for the nation the states it adds up.

        Args:
            place: an id, FIPS code, name or abbreviation.
            day: the day of the average.
            metric: one of the book's metrics.

        Raises:
            UnknownPlaceError: there is no such place.
            ContractError: there is no such metric, or no average of the place on that day.
        """
        found = self.places.find(place, among=self.config.levels)
        notes = self.sources.annotations().filter(
            pl.col("source").is_in([source.name for source in self.sources.of_level(found.level)])
        )
        return explain(self.ledger.as_of(), found, day, metric, method=self._method(), notes=notes)

    def check(self) -> pl.DataFrame:
        """Return what looks wrong in what is known: declines, jumps, gaps, sums that do not add up, and more.

        Columns of FINDING_SCHEMA, and ``anomaly``: the ids of the register's entries on that place, metric and day,
        null where nothing is explained. Sorted by date. Every code has a section in docs/checks.md.
        """
        return findings_of(
            self.ledger.as_of(),
            self.ledger.as_of(each_source=True),
            levels=self.config.levels,
            since=self.sources.since(),
            method=self._method(),
            cadence=self.sources.cadence(self.config.levels),
            first=self.config.first_date,
        )

    def _figures(self, known: pl.DataFrame) -> list[Figures]:
        return figures(known, levels=self.config.levels, method=self._method())

    def _method(self) -> Method:
        return Method(
            places=self.places,
            register=self.register,
            metrics=tuple(metric.value for metric in self.config.metrics),
            days=self.config.averages.by_level(),
            reporting=self.sources.reporting(self.config.levels),
            covers_from=first_covered(self.ledger.records()),
        )

    def _feed_register(self, feed: str) -> Path:
        return self.folder / "sources" / feed / "anomalies.csv"

    def _day_of(self, moment: datetime) -> date:
        """Return the day of a moment where the book is."""
        if moment.tzinfo is None:
            raise ContractError(f"the moment {moment} has no time zone", hint="write 2021-03-07T09:00-05:00")
        if moment > self._clock():
            raise ContractError(f"the moment {moment.isoformat()} is in the future", hint="nothing is known then yet")
        try:
            return moment.astimezone(ZoneInfo(self.config.time_zone)).date()
        except OverflowError:
            raise ContractError(f"the moment {moment} is before all time zones") from None
