"""Recording what a source says, now or in its past versions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.anomalies import read_anomalies
from tallybook.book.alone import alone
from tallybook.book.mortality import compared
from tallybook.errors import ContractError, DataRefusedError, SourceError
from tallybook.ledger import Ledger, Recorded
from tallybook.model.files import replace_file
from tallybook.model.metrics import Level
from tallybook.model.places import Gazetteer
from tallybook.model.reports import Reports
from tallybook.sources.all_cause import FILE
from tallybook.sources.archive import Act, Archive, Fetched, Progress, Used
from tallybook.sources.cards import Source
from tallybook.sources.feeds import fetch_source, name_in_feed, parse_source
from tallybook.sources.published import Feed
from tallybook.sources.vintages import Vintage

Refused = Callable[[DataRefusedError], None]
"""Called with why a version of a file was refused."""

_AT_ONCE: Final = 2
_FEW_GONE: Final = 10
_SMALL_SHARE_GONE: Final = 0.05
_PARTIAL: Final = "if the file has only its own days, say `coverage: dates` in the source's card"


class Vintages(Protocol):
    """Past versions of a file, the oldest first."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __iter__(self) -> Iterator[Vintage]:
        """Return them."""


@dataclass(frozen=True)
class Recorder:
    """What it takes to record a source.

    Attributes:
        source: the source.
        ledger: the final observations.
        live: those of the current day.
        raw: the files that were recorded.
        places: the gazetteer.
        levels: the levels of the book.
        zone: where the book is.
        clock: tells the time.
        register: where the register that comes with the source is kept.
        progress: called as the work goes on.
        private_hosts: hosts that are not on the internet and may be fetched from.
    """

    source: Source
    ledger: Ledger
    live: Ledger
    raw: Archive
    places: Gazetteer
    levels: tuple[Level, ...]
    zone: ZoneInfo
    clock: Callable[[], datetime]
    register: Path
    progress: Progress
    private_hosts: tuple[str, ...] = ()

    def record(self, location: str, moment: datetime, *, allow_withdrawals: bool) -> list[Recorded]:
        """Record the files at a location; see ``Book.record``."""
        today = self.day_of(moment)
        found = fetch_source(
            self.source,
            location,
            levels=self.levels,
            today=today,
            archive=self.raw,
            progress=self.progress,
            private_hosts=self.private_hosts,
        )
        self.progress("checking", 0, 0)
        said = parse_source(self.source, found, levels=self.levels, places=self.places, today=today)
        if said.register:
            read_anomalies(said.register.data, file=said.register.address, places=self.places)
        deaths = [compared(self.source, said.deaths, self.raw, moment, today)] if said.deaths else []
        if not allow_withdrawals:
            absent = self.ledger.would_withdraw(said.final, as_of=moment)
            for final, (gone, known) in zip(said.final, absent, strict=True):
                self._refuse_cut_short(final.file, gone, known, _PARTIAL)
            for told in deaths:
                known = told.withdrawn + told.revised + told.unchanged
                self._refuse_cut_short(
                    told.file, told.withdrawn, known, "a file of all-cause deaths is taken as a whole"
                )
        with alone(self.ledger.folder):
            return [*self._taken(found, said, moment), *deaths]

    def _taken(self, found: Sequence[Fetched], said: Feed, moment: datetime) -> list[Recorded]:
        """Keep the files and record what they say."""
        for fetched in found:
            self.raw.keep(self.source.name, fetched, at=self.clock(), as_of=moment)
        self.raw.about_to(Act("record", self.source.name, tuple(used(fetched, moment) for fetched in found)))
        reports = [*((self.ledger, file) for file in said.final), *((self.live, file) for file in said.live)]
        recorded = []
        for number, (ledger, file) in enumerate(reports):
            self.progress(f"recording {file.file}", number, len(reports))
            recorded.append(ledger.record(file, as_of=moment))
        if said.register:
            replace_file(self.register, said.register.data)
        return recorded

    def record_vintages(self, vintages: Vintages, refused: Refused | None) -> Iterator[Recorded]:
        """Record past versions of a file; see ``Book.record_vintages``."""
        records = pl.concat([self.ledger.records(), self.live.records()]).filter(source=self.source.name)
        done = set(records.select("as_of", "file").rows()) | set(records.select("as_of", "sha256").rows())
        new = (vintage for vintage in vintages if (vintage.moment, vintage.address) not in done)
        read = self._counted(new, len(vintages))
        deaths: list[Recorded] = []
        parsed = self._parsed(read, done, refused, deaths)
        for ledger, files in groupby(parsed, key=lambda said: said[0]):
            yield from ledger.record_all((reports, moment) for _, reports, moment in files)
        self.raw.about_to(None)
        self.ledger.tend()
        yield from deaths

    def _counted(self, vintages: Iterator[Vintage], number: int) -> Iterator[tuple[Vintage, Fetched]]:
        for place, vintage in enumerate(vintages):
            self.progress(f"recording {vintage.address}", place, number)
            self.day_of(vintage.moment)
            name = name_in_feed(self.source, vintage.name, levels=self.levels, today=vintage.moment.date())
            if name is None:
                raise SourceError(f"{vintage.address} is no file of {self.source.name}")
            yield vintage, Fetched(name, vintage.address, vintage.read())

    def _parsed(
        self,
        read: Iterator[tuple[Vintage, Fetched]],
        done: set[tuple[datetime, str]],
        refused: Refused | None,
        deaths: list[Recorded],
    ) -> Iterator[tuple[Ledger, Reports, datetime]]:
        """Yield what each version says, and the ledger it is for; the next ones are read meanwhile.

        Deaths from all causes are kept at once.
        """
        taken: list[Used] = []
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            ahead: deque[Future[tuple[Vintage, Feed]]] = deque()
            for vintage, file in read:
                if file.name == FILE:
                    deaths += self._kept(vintage, file, refused)
                elif (vintage.moment, file.sha256) not in done:
                    taken.append(used(file, vintage.moment, vintage.note))
                    ahead.append(pool.submit(self._parse, vintage, file, refused))
                if len(ahead) > 2 * _AT_ONCE:
                    self._note(taken, len(ahead))
                    yield from self._dated(*ahead.popleft().result())
            while ahead:
                self._note(taken, len(ahead))
                yield from self._dated(*ahead.popleft().result())

    def _note(self, taken: list[Used], waiting: int) -> None:
        """Keep what is about to be recorded, several versions at a time: whenever the first that waits is not kept."""
        if len(taken) == waiting:
            self.raw.about_to(Act("vintages", self.source.name, tuple(taken)))
            taken.clear()

    def _dated(self, vintage: Vintage, said: Feed) -> Iterator[tuple[Ledger, Reports, datetime]]:
        for ledger, files in ((self.ledger, said.final), (self.live, said.live)):
            for reports in files:
                yield ledger, replace(reports, note=vintage.note), vintage.moment

    def _parse(self, vintage: Vintage, file: Fetched, refused: Refused | None) -> tuple[Vintage, Feed]:
        today = self.day_of(vintage.moment)
        try:
            said = parse_source(self.source, [file], levels=self.levels, places=self.places, today=today)
        except DataRefusedError as error:
            if refused is None:
                raise
            refused(error)
            return vintage, Feed([], [], None)
        return vintage, said

    def _refuse_cut_short(self, file: str, gone: int, known: int, else_do: str) -> None:
        """Refuse a file that lacks so much of what it covers that it is more likely cut short than corrected."""
        if gone > _FEW_GONE and gone > _SMALL_SHARE_GONE * known:
            raise DataRefusedError(
                f"{gone:,} of the {known:,} counts known of {self.source.name} are not in the file any more",
                file=file,
                hint=f"was it cut short? If they were taken back, use --allow-withdrawals; {else_do}",
            )

    def _kept(self, vintage: Vintage, file: Fetched, refused: Refused | None) -> Iterator[Recorded]:
        """Keep a version of a file of deaths from all causes, and yield what it says otherwise than the one before."""
        try:
            told = compared(self.source, file, self.raw, vintage.moment, self.day_of(vintage.moment))
        except DataRefusedError as error:
            if refused is None:
                raise
            refused(error)
            return
        self.raw.keep(self.source.name, file, at=self.clock(), as_of=vintage.moment)
        yield told

    def day_of(self, moment: datetime) -> date:
        """Return the day of a moment where the book is."""
        return day_of(moment, self.clock(), self.zone)


def used(file: Fetched, moment: datetime, note: str = "") -> Used:
    """Return what is kept of a file that is recorded for a moment."""
    return Used(file.name, file.address, file.sha256, moment.astimezone(UTC).isoformat(), note)


def day_of(moment: datetime, now: datetime, zone: ZoneInfo) -> date:
    """Return the day of a moment in a time zone.

    Raises:
        ContractError: it has no time zone, is in the future, or before all time zones.
    """
    if moment.tzinfo is None:
        raise ContractError(f"the moment {moment} has no time zone", hint="write 2021-03-07T09:00-05:00")
    if moment > now:
        raise ContractError(f"the moment {moment.isoformat()} is in the future", hint="nothing is known then yet")
    try:
        return moment.astimezone(zone).date()
    except OverflowError:
        raise ContractError(f"the moment {moment} is before all time zones") from None
