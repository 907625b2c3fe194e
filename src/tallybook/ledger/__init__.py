"""The ledger: what every agency said, and since when it is known. Append only; nothing in it is ever changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Final

import polars as pl

from tallybook.errors import ContractError
from tallybook.ledger.remote import Remote, place_of
from tallybook.ledger.states import absent, changes_of, held, of_all_sources, standing
from tallybook.ledger.store import Store
from tallybook.ledger.writer import Recorded, Writer
from tallybook.model.checksums import Checksums, Damage
from tallybook.model.reports import KEY, RECORD_SCHEMA, Reports

__all__ = ["Ledger", "Recorded"]

_BATCH: Final = 16
"""The files of one commit, where many are recorded."""


class Ledger:
    """The observations of a book, in a Delta table below a folder or an address.

    Args:
        location: the folder, which is made by the first record; or an address, ``file://``, or of an object store,
            ``s3://bucket/ledger`` (``gs://``, ``az://``), where it can only be read.
        table: the name of the table.
        storage_options: how to reach an object store, such as ``aws_region``; the environment says the rest.

    Raises:
        LedgerError: no ledger can be kept there.

    >>> import tempfile
    >>> from datetime import UTC, date
    >>> key = {"place": "USA-53", "metric": "cases", "date": date(2020, 1, 21)}
    >>> day = pl.DataFrame({**key, "value": 1.0, "status": "reported"})
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger")
    >>> first, second = (Reports(day.with_columns(value=pl.lit(n)), "nyt", "us.csv", "") for n in (1.0, 3.0))
    >>> ledger.record(first, as_of=datetime(2020, 1, 22, tzinfo=UTC)).added
    1
    >>> ledger.record(second, as_of=datetime(2020, 1, 23, tzinfo=UTC)).revised
    1
    >>> ledger.as_of(datetime(2020, 1, 22, 12, tzinfo=UTC))["value"].item(), ledger.as_of()["value"].item()
    (1.0, 3.0)
    >>> ledger.history("USA-53", "cases", date(2020, 1, 21))["value"].to_list()
    [1.0, 3.0]
    """

    def __init__(
        self,
        location: Path | str,
        *,
        table: str = "observations",
        storage_options: Mapping[str, str] | None = None,
    ) -> None:
        place = self._place = place_of(location)
        self._store: Store | Remote = (
            Store(place, table) if isinstance(place, Path) else Remote(place, table, storage_options)
        )

    def __repr__(self) -> str:
        return f"<Ledger in {self._place}{', read only' if self.read_only else ''}>"

    @property
    def read_only(self) -> bool:
        """Whether nothing can be recorded, because the ledger is in an object store."""
        return isinstance(self._store, Remote)

    @property
    def folder(self) -> Path:
        """The folder it is in.

        Raises:
            LedgerError: it is in none.
        """
        return self.writable().folder

    def writable(self) -> Store:
        """Return the store that rows can be appended to.

        Raises:
            LedgerError: there is none, for the ledger is in an object store.
        """
        if isinstance(self._store, Remote):
            raise self._store.read_only()
        return self._store

    def as_of(
        self,
        moment: datetime | None = None,
        *,
        place: str | None = None,
        where: pl.Expr | None = None,
        each_source: bool = False,
    ) -> pl.DataFrame:
        """Return what was known at a moment: the latest observation of each place, metric and date by then.

        Args:
            moment: with a time zone; None asks for all that is known.
            place: a geoid; None asks for all places.
            where: which keys, an expression of ``place``, ``metric`` and ``date``; None asks for all.
            each_source: the latest of each source, where several speak of the same key.

        Returns:
            Columns of STATE_SCHEMA, key (place, metric, date), sorted by it: ``as_of`` is the moment since which the
            value is known, ``revision`` how many others it had before. A null value has its reason in ``status``;
            'withdrawn' says that the source no longer has the key. Empty where nothing was known.

        Raises:
            ContractError: the moment has no time zone.
            LedgerError: the ledger cannot be read.
        """
        keys = [pl.col("place") == place] if place is not None else []
        keys += [where] if where is not None else []
        begun, wanted = None if moment is None else _aware(moment), pl.all_horizontal(keys) if keys else None
        each = self._store.told(lambda index: index.state(begun, wanted))
        return each if each_source else of_all_sources(each)

    def records(self, until: datetime | None = None) -> pl.DataFrame:
        """Return what was recorded, one row per file: the columns of RECORD_SCHEMA, key ``record``, by moment.

        Args:
            until: the files known by this moment, which has a time zone; None asks for all.
        """
        files = self._store.scan("record", RECORD_SCHEMA)
        known = files if until is None else files.filter(pl.col("as_of") <= _aware(until))
        return self._store.collect(known).sort("as_of", "record")

    def files(self) -> list[str]:
        """Return the Parquet files of the observations, as paths or addresses, for engines that read them.

        Their columns are those of OBSERVATION_SCHEMA.
        """
        return self._store.files("observation")

    def history(self, place: str, metric: str, day: date) -> pl.DataFrame:
        """Return every value a date ever had, and when: the first, then each that differed from the one before.

        Args:
            place: a geoid.
            metric: the metric.
            day: the date.

        Returns:
            ``as_of``, ``value``, ``status``, ``source``, ``record``, ``file``, ``sha256``, ``note``; by moment.
        """
        key = (pl.col("place") == place) & (pl.col("metric") == metric) & (pl.col("date") == day)
        told = self._told(key).select("as_of", "value", "status", "source", "record")
        return told.join(self._origins(), on="record", how="left", maintain_order="left").sort("as_of", "record")

    def values(self, *, until: datetime | None = None, places: Sequence[str] | None = None) -> pl.DataFrame:
        """Return every value every date ever had: one row per change.

        Args:
            until: those known by this moment, which has a time zone; None asks for all.
            places: geoids; None asks for all places.

        Returns:
            ``place``, ``metric``, ``date``, ``as_of``, ``value``, ``status``, ``source``; by key and moment.
        """
        wanted = pl.lit(value=True) if until is None else pl.col("as_of") <= _aware(until)
        if places is not None:
            wanted &= pl.col("place").is_in(list(places))
        return self._told(wanted).select(*KEY, "as_of", "value", "status", "source")

    def versions(self, where: pl.Expr | None = None) -> pl.DataFrame:
        """Return what held of every key, whoever said it: one row per moment at which something else came to hold.

        The rows of a key up to a moment end with what ``as_of`` returns of it, but for one case: where a later word is
        taken back and an older one holds again, ``as_of`` is the moment since when it does.

        Args:
            where: which keys, an expression of ``place``, ``metric`` and ``date``; None asks for all.

        Returns:
            ``place``, ``metric``, ``date``, ``as_of``, ``value``, ``status``, ``source``; by key and moment.
        """
        told = held(self._told(pl.lit(value=True) if where is None else where))
        return told.select(*KEY, "as_of", "value", "status", "source").sort(*KEY, "as_of")

    def verify(self) -> list[Damage]:
        """Return which files of the ledger's folder are not as they were written, and what is wrong with each.

        All tables of the folder are checked, their logs and indexes too; a writer should not be at work meanwhile.
        """
        return Checksums(self.folder).verify()

    def tend(self) -> None:
        """Give files their checksums that an interrupted run left without."""
        store = self.writable()
        if store.version() >= 0:
            with store.locked():
                store.tend()

    def locked(self) -> AbstractContextManager[None]:
        """Keep writers of any of the folder's tables out for the block.

        Raises:
            LedgerError: another process has been writing for a minute, or the folder cannot be written.
        """
        return self.writable().locked()

    def stamp(self) -> int:
        """Return a number that another takes the place of when something is recorded; 0 before anything is."""
        return self._store.stamp()

    def revisions(self, *, since: datetime | None = None, where: pl.Expr | None = None) -> pl.DataFrame:
        """Return every change of a value that was known, by moment, then place.

        Args:
            since: the moment after which; None asks for all.
            where: which keys, an expression of ``place``, ``metric`` and ``date``; None asks for all.

        Returns:
            ``place``, ``metric``, ``date``, ``as_of``, ``old``, ``new`` (null: none), ``old_status``, ``status``,
            ``source``, ``record``, ``file``, ``sha256``, ``note``.
        """
        told = self._told(pl.lit(value=True) if where is None else where).drop_nulls("old_status")
        wanted = told if since is None else told.filter(pl.col("as_of") > _aware(since))
        columns = (*KEY, "as_of", "old", pl.col("value").alias("new"), "old_status", "status", "source", "record")
        return (
            wanted.select(columns)
            .join(self._origins(), on="record", how="left", maintain_order="left")
            .sort("as_of", *KEY)
        )

    def record(self, reports: Reports, *, as_of: datetime) -> Recorded:
        """Store what a file says beyond what was known at its moment, and return how much that was.

        The observations are on the disk when this returns, all of the file or none. A file may be older than what is
        known: it takes its place in history.

        Args:
            reports: the reports of one file.
            as_of: the moment since which they are known, with a time zone.

        Raises:
            ContractError: the moment has no time zone, or one key stands in the reports twice.
            LedgerError: another process keeps the ledger locked, or it cannot be written.
        """
        return next(self.record_all([(reports, as_of)]))

    def would_withdraw(self, files: Sequence[Reports], *, as_of: datetime) -> list[tuple[int, int]]:
        """Return of how many keys within what each file covers it has no row, and how many are known there.

        Args:
            files: the reports of each file, of one source.
            as_of: the moment they would be recorded for, with a time zone.
        """
        if not any(reports.coverage for reports in files):
            return [(0, 0)] * len(files)
        each = self.as_of(as_of, each_source=True)
        counts = []
        for reports in files:
            known = standing(each.filter(source=reports.source), reports.coverage)
            counts.append((absent(known, reports.frame).height, known.height))
        return counts

    def record_all(self, files: Iterable[tuple[Reports, datetime]]) -> Iterator[Recorded]:
        """Store many files, each as ``record`` does, and yield how much each added; quickest in order of their moments.

        Several files are one commit. What was yielded is on the disk; what was taken before an error, too.

        Args:
            files: the reports of each file, and the moment since which they are known.

        Raises:
            ContractError: as for ``record``.
            LedgerError: as for ``record``.
        """
        store = self.writable()
        writer = Writer(store)
        waiting = iter(files)
        for first in waiting:
            with store.locked():
                writer.begin()
                done = []
                try:
                    for reports, moment in chain([first], islice(waiting, _BATCH - 1)):
                        done.append(writer.take(reports, _aware(moment)))
                finally:
                    writer.commit()
                store.tend()
            yield from done

    def _told(self, wanted: pl.Expr) -> pl.DataFrame:
        return changes_of(self._store.told(lambda index: index.observations(wanted)))

    def _origins(self) -> pl.DataFrame:
        return self.records().select("record", "file", "sha256", "note")


def _aware(moment: datetime) -> datetime:
    """Return the moment in UTC, the only zone the engine compares the ledger's moments with.

    Raises:
        ContractError: it has no time zone, or lies at the end of all time.
    """
    if moment.tzinfo is None:
        raise ContractError(f"the moment {moment} has no time zone", hint="write 2021-03-07T09:00-05:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ContractError(f"the moment {moment} cannot be told in UTC") from None
