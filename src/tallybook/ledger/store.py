"""The Delta table a ledger is kept in, in a folder: appended to, on the disk when it says so."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from filelock import FileLock, Timeout

from tallybook.errors import LedgerError
from tallybook.ledger import index
from tallybook.ledger.index import Read
from tallybook.ledger.quiet import without_panics
from tallybook.ledger.table import KIND, Table, in_one_line, name_of
from tallybook.model.checksums import MADE, Checksums
from tallybook.model.files import synced
from tallybook.model.reports import OBSERVATION_SCHEMA

_WAIT_SECONDS: Final = 60
_TAIL_FILES = 32
_TAIL_ROWS: Final = 500_000
_LOG: Final = logging.getLogger(__name__)
_LAST_CHECKPOINT: Final = "_last_checkpoint"


class Store(Table):
    """A table in a folder; rows are only ever added.

    Args:
        folder: the ledger's folder; it is made by the first append.
        table: the name of the table.

    Raises:
        LedgerError: the engine cannot name a file there.
    """

    hint = "a file of the ledger is damaged; restore it"

    def __init__(self, folder: Path, table: str) -> None:
        self.folder = folder.resolve()
        super().__init__(self.folder, table)
        self._table = self.folder / table
        self._index = self.folder / MADE / table
        self._sums = Checksums(self.folder)

    def tend(self) -> None:
        """Make the index anew where much has come since, or it is not what was written; a failure costs only speed.

        Files that an interrupted run left without checksums get theirs.
        """
        found = self._indexed()
        lost = found is None and self._cleared()
        self._summed([])
        files = self.files("observation")
        new = [file for file in files if found is None or name_of(file) not in found[1]]
        if not lost and len(new) < _TAIL_FILES and self._rows(new) < _TAIL_ROWS:
            return
        try:
            rows = index.build(self.collect(self._scan(files, OBSERVATION_SCHEMA)))
            self._summed([index.write(self._index, rows, [name_of(file) for file in files])])
        except (OSError, pl.exceptions.PolarsError) as error:
            _LOG.info("the index of %s was not made: %s", self._table, in_one_line(error))

    def stamp(self) -> int:
        """Return when the table was last appended to, in nanoseconds; 0 where there is none. It opens nothing."""
        try:
            return (self._table / "_delta_log").stat().st_mtime_ns
        except OSError:
            return 0

    def append(self, observations: pl.DataFrame, records: pl.DataFrame) -> None:
        """Append rows of both kinds in one commit; they are on the disk when this returns, all of them or none.

        Raises:
            LedgerError: the table cannot be written.
        """
        rows = pl.concat(
            [
                observations.with_columns(pl.lit("observation").alias(KIND)),
                records.with_columns(pl.lit("record").alias(KIND)),
            ],
            how="diagonal",
        )
        said = {"sources": records["source"].unique().sort().to_list(), "files": records["file"].to_list()}
        before = set(self._files())
        try:
            with without_panics():
                write_deltalake(
                    self._open() or self._made(rows.clear()),
                    rows,
                    mode="append",
                    partition_by=[KIND],
                    commit_properties=CommitProperties(custom_metadata={"tallybook": said}),
                )
            new = set(self._files()) - before
            self._sync(new)
        except (DeltaError, OSError) as error:
            self._sums = Checksums(self.folder)
            raise LedgerError(
                f"cannot write {self._table}: {in_one_line(error)}", hint="nothing of this file was recorded"
            ) from error
        self._summed(new | {file for file in before if file.name == _LAST_CHECKPOINT and _has_checkpoint(new)})

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out for the block.

        Raises:
            LedgerError: another process has been writing for a minute, or the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock", timeout=_WAIT_SECONDS):
                yield
        except Timeout:
            raise LedgerError(
                f"another process has been writing {self.folder} for {_WAIT_SECONDS} seconds",
                hint="try again later",
            ) from None
        except OSError as error:
            raise LedgerError(f"cannot write {self.folder}: {in_one_line(error)}") from error

    def _cleared(self) -> bool:
        """Take away an index that is not what was written, and return whether there was ever one."""
        file = self._index / index.NAME
        try:
            there = file.exists()
            file.unlink(missing_ok=True)
            return there or self._sums.knows(file)
        except OSError as error:
            _LOG.info("the index of %s cannot be looked at: %s", self._table, in_one_line(error))
            return False

    def _rows(self, files: list[str]) -> int:
        return int(self.collect(self._scan(files, OBSERVATION_SCHEMA).select(pl.len())).item())

    def _indexed(self) -> Read | None:
        return index.read(self._index, as_written=self._sums.has)

    def _summed(self, files: Iterable[Path]) -> None:
        """Keep the checksums of files. What goes wrong is made good by the next writer, for the files stand."""
        try:
            self._sums.add(files)
        except OSError as error:
            self._sums = Checksums(self.folder)
            _LOG.info("checksums in %s were not written: %s; the next record does it", self.folder, in_one_line(error))

    def _made(self, nothing: pl.DataFrame) -> DeltaTable:
        """Make the table before its first rows, so that files without a table are always a loss."""
        # Every commit is kept, however old: it says what was recorded with it.
        configuration = {"delta.appendOnly": "true", "delta.enableExpiredLogCleanup": "false"}
        write_deltalake(self._table, nothing, mode="append", partition_by=[KIND], configuration=configuration)
        return DeltaTable(self._table)

    def _check_absent(self) -> None:
        if next(self._table.rglob("*.parquet"), None):
            raise LedgerError(f"{self._table} holds files but no ledger", hint="restore its _delta_log")

    def _files(self) -> Iterator[Path]:
        return (path for path in self._table.rglob("*") if path.is_file())

    def _sync(self, files: set[Path]) -> None:
        """Force new files, and the folders that name them, onto the disk: the table's writer does not."""
        folders = {self._table, self._table / "_delta_log", self.folder, self.folder.parent}
        folders |= {file.parent for file in files}
        for path in (*sorted(files), *sorted(folders)):
            synced(path)


def _has_checkpoint(files: Iterable[Path]) -> bool:
    return any(file.name.endswith(".checkpoint.parquet") for file in files)
