"""The Delta table a ledger is kept in: opened, appended to, on the disk when it says so."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from filelock import FileLock, Timeout

from tallybook.errors import LedgerError
from tallybook.ledger import index
from tallybook.ledger.index import INDEX_SCHEMA, Index
from tallybook.model.checksums import Checksums
from tallybook.model.reports import OBSERVATION_SCHEMA

Kind = Literal["observation", "record"]
"""The partitions of the table: what was observed, and the records that brought it."""

_WAIT_SECONDS: Final = 60
_NOT_IN_PATHS: Final = "%\\[]"
_TAIL_FILES: Final = 32
_TAIL_ROWS: Final = 500_000
_LOG: Final = logging.getLogger(__name__)
_KIND: Final = "kind"
_LAST_CHECKPOINT: Final = "_last_checkpoint"


class Store:
    """A table of a ledger; rows are only ever added.

    Args:
        folder: the ledger's folder; it is made by the first append.
        table: the name of the table.

    Raises:
        LedgerError: the engine cannot name a file there.
    """

    def __init__(self, folder: Path, table: str) -> None:
        self.folder = folder.resolve()
        self._table = self.folder / table
        self._index = self.folder / "index" / table
        self._sums = Checksums(self.folder)
        for character in _NOT_IN_PATHS:
            if character in str(self._table):
                raise LedgerError(
                    f"a ledger cannot be kept in {self.folder}", hint=f"the path must not have a {character} in it"
                )

    def indexed(self) -> Index:
        """Return the observations of the table as an index and what came since; all of them where there is none."""
        files = self.files("observation")
        found = index.read(self._index)
        if found is None or not found[1] <= {file.name for file in files}:
            return Index(pl.LazyFrame(schema=INDEX_SCHEMA), _scan(files, OBSERVATION_SCHEMA))
        rows, known = found
        return Index(rows, _scan([file for file in files if file.name not in known], OBSERVATION_SCHEMA))

    def tend(self) -> None:
        """Make the index anew where many files, or many rows, have come since. What goes wrong with it hurts nothing but speed."""
        files = self.files("observation")
        found = index.read(self._index)
        new = [file for file in files if found is None or file.name not in found[1]]
        tail = _scan(new, OBSERVATION_SCHEMA)
        if len(new) < _TAIL_FILES and self.collect(tail.select(pl.len())).item() < _TAIL_ROWS:
            return
        try:
            rows = index.build(self.collect(_scan(files, OBSERVATION_SCHEMA)))
            self._summed([index.write(self._index, rows, [file.name for file in files])])
        except (OSError, pl.exceptions.PolarsError) as error:
            _LOG.warning("the index of %s was not made: %s", self._table, _line(error))

    def version(self) -> int:
        """Return the number of the latest commit; -1 where there is none."""
        table = self._open()
        return -1 if table is None else int(table.version())

    def stamp(self) -> int:
        """Return when the table was last appended to, in nanoseconds; 0 where there is none. It opens nothing."""
        try:
            return (self._table / "_delta_log").stat().st_mtime_ns
        except OSError:
            return 0

    def scan(self, kind: Kind, schema: pl.Schema) -> pl.LazyFrame:
        """Return the rows of a kind, as they were appended."""
        return _scan(self.files(kind), schema)

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """Return the rows of a query over ``scan``.

        Raises:
            LedgerError: a file cannot be read.
        """
        with self.reading():
            return rows.collect()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Say what is wrong where the block cannot read the table.

        Raises:
            LedgerError: a file cannot be read.
        """
        try:
            yield
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise LedgerError(
                f"cannot read {self._table}: {_line(error)}", hint="a file of the ledger is damaged; restore it"
            ) from error

    def append(self, observations: pl.DataFrame, records: pl.DataFrame) -> None:
        """Append rows of both kinds in one commit; they are on the disk when this returns, all of them or none.

        Raises:
            LedgerError: the table cannot be written.
        """
        rows = pl.concat(
            [
                observations.with_columns(pl.lit("observation").alias(_KIND)),
                records.with_columns(pl.lit("record").alias(_KIND)),
            ],
            how="diagonal",
        )
        said = {"sources": records["source"].unique().sort().to_list(), "files": records["file"].to_list()}
        before = set(self._files())
        try:
            write_deltalake(
                self._open() or self._made(rows.clear()),
                rows,
                mode="append",
                partition_by=[_KIND],
                commit_properties=CommitProperties(custom_metadata={"tallybook": said}),
            )
            new = set(self._files()) - before
            self._sync(new)
        except (DeltaError, OSError) as error:
            self._sums = Checksums(self.folder)
            raise LedgerError(
                f"cannot write {self._table}: {_line(error)}", hint="nothing of this file was recorded"
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
            raise LedgerError(f"cannot write {self.folder}: {_line(error)}") from error

    def files(self, kind: Kind) -> list[Path]:
        """Return the files of a kind; the table's own list of them has every path as part of an address."""
        table = self._open()
        if table is None:
            return []
        actions = pl.DataFrame(table.get_add_actions(flatten=True)).filter(pl.col(f"partition.{_KIND}") == kind)
        return [self._table / unquote(path) for path in actions["path"]]

    def _summed(self, files: Iterable[Path]) -> None:
        """Keep the checksums of files. What goes wrong is made good by the next writer, for the files stand."""
        try:
            self._sums.add(files)
        except OSError as error:
            self._sums = Checksums(self.folder)
            _LOG.warning("checksums in %s were not written: %s; the next record does it", self.folder, _line(error))

    def _made(self, nothing: pl.DataFrame) -> DeltaTable:
        """Make the table before its first rows, so that files without a table are always a loss."""
        # Every commit is kept, however old: it says what was recorded with it.
        configuration = {"delta.appendOnly": "true", "delta.enableExpiredLogCleanup": "false"}
        write_deltalake(self._table, nothing, mode="append", partition_by=[_KIND], configuration=configuration)
        return DeltaTable(self._table)

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(self._table)
        except TableNotFoundError:
            if next(self._table.rglob("*.parquet"), None):
                raise LedgerError(f"{self._table} holds files but no ledger", hint="restore its _delta_log") from None
            return None
        except (DeltaError, OSError) as error:
            raise LedgerError(f"cannot open {self._table}: {_line(error)}") from error

    def _files(self) -> Iterator[Path]:
        return (path for path in self._table.rglob("*") if path.is_file())

    def _sync(self, files: set[Path]) -> None:
        """Force new files, and the folders that name them, onto the disk: the table's writer does not."""
        folders = {self._table, self._table / "_delta_log", self.folder, self.folder.parent}
        folders |= {file.parent for file in files}
        for path in (*sorted(files), *sorted(folders)):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _has_checkpoint(files: Iterable[Path]) -> bool:
    return any(file.name.endswith(".checkpoint.parquet") for file in files)


def _scan(files: list[Path], schema: pl.Schema) -> pl.LazyFrame:
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(files, glob=False, missing_columns="insert", extra_columns="ignore", schema=schema)


def _line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
