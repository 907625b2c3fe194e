"""Making a ledger anew from the files that were recorded, by doing again what was done with them, in order."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.book.alone import alone
from tallybook.errors import DataRefusedError, LedgerError, TallybookError
from tallybook.ledger import Ledger
from tallybook.model.checksums import Damage
from tallybook.model.metrics import Level
from tallybook.model.places import Gazetteer
from tallybook.model.reports import Reports
from tallybook.release.live import close, in_time
from tallybook.release.swap import replaced
from tallybook.sources.archive import Act, Archive, Fetched, Progress, Used
from tallybook.sources.catalogue import Catalogue
from tallybook.sources.feeds import parse_source

RELEASES: Final = "releases.jsonl"
"""The file that says which releases there were; it cannot be made of anything else."""

FINAL: Final = "observations"
"""The table of the final counts."""

LIVE: Final = "live"
"""The table of the live counts."""

RAW: Final = "raw"
"""The folder of the recorded files."""

_SHOWN: Final = 5
_OF_RECORDS: Final = ("as_of", "source", "file", "sha256", "note")


@dataclass(frozen=True)
class Rebuilt:
    """What rebuilding a ledger did.

    Attributes:
        records: how many records the new ledger has.
        compared: whether the records of the old one could be read and were compared.
        lost: what the new one does not have, a line each.
        previous: where the old one is now.
    """

    records: int
    compared: bool
    lost: list[str]
    previous: Path


class _Again:
    """A table that is made anew, and what is known of the old one.

    Args:
        made: the new one.
        before: the records of the old one; None where they cannot be read.
    """

    def __init__(self, made: Ledger, before: pl.DataFrame | None) -> None:
        self.made, self.before = made, before
        self._said = set() if before is None else set(before.select(_OF_RECORDS).rows())
        self._files = set() if before is None else set(before.select("file", "sha256").rows())

    def recorded(self, reports: Reports, moment: datetime) -> bool:
        """Return whether a file was recorded for a moment, as far as is known."""
        said = (moment, reports.source, reports.file, reports.sha256, reports.note)
        return self.before is None or said in self._said

    def may_have(self, file: Used) -> bool:
        """Return whether a file was recorded, as far as is known."""
        return self.before is None or (file.address, file.sha256) in self._files

    def missing(self) -> list[str]:
        """Return what was recorded in the old table and is not in the new one, a line each."""
        if self.before is None:
            return []
        gone = self.before.join(self.made.records(), on=_OF_RECORDS, how="anti", nulls_equal=True)
        rows = gone.select("file", "as_of").sort(pl.all()).iter_rows(named=True)
        return [f"{row['file']} as of {row['as_of'].isoformat()} was recorded before and is not now" for row in rows]


@dataclass(frozen=True)
class Rebuilder:
    """What it takes to make a ledger anew.

    Attributes:
        old: the ledger as it is.
        sources: the sources of the book.
        places: its gazetteer.
        levels: its levels.
        time_zone: where it is.
        progress: called as the work goes on.
    """

    old: Ledger
    sources: Catalogue
    places: Gazetteer
    levels: tuple[Level, ...]
    time_zone: str
    progress: Progress
    _lost: list[str] = field(default_factory=list)

    def rebuild(self, *, allow_missing: bool) -> Rebuilt:
        """Make the ledger anew and put it in the place of the old one; see ``Book.rebuild``."""
        folder, raw = self.old.folder, Archive(self.old.folder / RAW)
        with alone(folder), self.old.locked(), replaced(folder) as new:
            acts, entries = raw.acts(), raw.entries()
            if not acts:
                hint = "restore raw/acts.jsonl" if entries else "record a feed first"
                raise LedgerError(f"{raw.folder} does not say what was recorded", hint=hint)
            damaged = self.old.verify()
            self._take_along(folder, new, raw.verify(), damaged)
            tables = [
                _Again(made, self._records(table, damaged))
                for table, made in ((FINAL, Ledger(new)), (LIVE, Ledger(new, table=LIVE)))
            ]
            for number, act in enumerate(acts):
                self.progress("recording again", number, len(acts))
                self._again(act, raw, *tables)
            for table in tables:
                self._lost.extend(table.missing())
            if self._lost and not allow_missing:
                raise LedgerError(
                    f"the ledger cannot be made anew: {_some(self._lost)}",
                    hint="restore the files, or do without them with --allow-missing",
                )
        records = Ledger(folder).records().height + Ledger(folder, table=LIVE).records().height
        compared = all(table.before is not None for table in tables)
        return Rebuilt(records, compared, self._lost, folder.with_name(f".{folder.name}.previous"))

    def _take_along(self, folder: Path, new: Path, of_raw: list[Damage], of_ledger: list[Damage]) -> None:
        """Take what cannot be made anew along, unless it is damaged."""
        bad = {damage.file: damage.what for damage in (*of_raw, *of_ledger) if not damage.untold}
        for file in (folder / RELEASES, *sorted((folder / RAW).glob("*"))):
            if file in bad:
                self._lost.append(f"{file.relative_to(folder)} {bad[file]}")
            elif file.is_file():
                _copied(file, new / file.relative_to(folder))
        self._lost.extend(
            f"{file.relative_to(folder)} {what}"
            for file, what in bad.items()
            if not file.exists() and file.parent in (folder, folder / RAW)
        )
        Archive(new / RAW).about_to(None)

    def _again(self, act: Act, raw: Archive, final: _Again, live: _Again) -> None:
        """Do an act again, but for what was kept as about to be done and, for the process was killed, never was."""
        if act.act == "close":
            counts = live.made.as_of()
            fresh = in_time(counts, self.time_zone) if act.in_time else counts
            days = [date.fromisoformat(day) for day in act.days]
            close(final.made, fresh, live.made.records(), days, time_zone=self.time_zone, only=final.recorded)
            return
        files = [file for file in act.files if any(table.may_have(file) for table in (final, live))]
        together = [act.files] if act.act == "record" else [(file,) for file in files]
        said = (reports for files in together for reports in self._said(act, files, raw, final, live))
        recorded = (one for one in said if one[0].recorded(*one[1:]))
        for table, reports in groupby(recorded, key=lambda one: one[0]):
            for _ in table.made.record_all((file, moment) for _, file, moment in reports):
                pass

    def _said(
        self, act: Act, files: tuple[Used, ...], raw: Archive, final: _Again, live: _Again
    ) -> Iterator[tuple[_Again, Reports, datetime]]:
        """Yield what files say, and the table it is for."""
        data = [(file, raw.read(file.sha256)) for file in files]
        gone = [file for file, kept in data if kept is None]
        self._lost.extend(f"{file.address} as of {file.as_of} is not kept whole" for file in gone)
        found = [Fetched(file.name, file.address, kept) for file, kept in data if kept is not None]
        if gone or not found:
            return
        moment = datetime.fromisoformat(files[0].as_of)
        today = moment.astimezone(ZoneInfo(self.time_zone)).date()
        try:
            feed = parse_source(self.sources[act.source], found, levels=self.levels, places=self.places, today=today)
        except TallybookError as error:
            # A version of the past that was left out when it was recorded is left out again.
            if act.act == "record" or not isinstance(error, DataRefusedError):
                self._lost.append(f"{files[0].address} as of {files[0].as_of} cannot be taken any more: {error}")
            return
        for table, told in ((final, feed.final), (live, feed.live)):
            for reports in told:
                yield table, replace(reports, note=files[0].note or reports.note), moment

    def _records(self, table: str, damaged: list[Damage]) -> pl.DataFrame | None:
        """Return the records of a table of the old ledger; None where they cannot be read."""
        of_records = [self.old.folder / table / part for part in ("_delta_log", "kind=record")]
        if any(damage.file.is_relative_to(part) for damage in damaged for part in of_records):
            return None
        try:
            return Ledger(self.old.folder, table=table).records()
        except LedgerError:
            return None


def _copied(file: Path, to: Path) -> None:
    """Copy a file; one that is never written again is only linked, where that can be done."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix != ".jsonl":
        try:
            os.link(file, to)
        except OSError:
            shutil.copy2(file, to)
        return
    shutil.copy2(file, to)


def _some(lines: list[str]) -> str:
    more = len(lines) - _SHOWN
    return "; ".join(lines[:_SHOWN]) + (f"; and {more:,} more" if more > 0 else "")
