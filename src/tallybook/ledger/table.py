"""A Delta table of a ledger, as it is read, wherever it is kept."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from tallybook.errors import LedgerError
from tallybook.ledger.index import INDEX_SCHEMA, Index, Read
from tallybook.model.reports import OBSERVATION_SCHEMA

Kind = Literal["observation", "record"]
"""The partitions of the table: what was observed, and the records that brought it."""

KIND: Final = "kind"
"""The column the table is parted by."""

_NOT_IN_PATHS: Final = "%\\[]"
_COLOUR: Final = re.compile(r"\x1b\[[\d;]*m")
_TRACE: Final = re.compile(r"\n\s*\d+: ")
_REFUSED: Final = re.compile(r"<Code>(\w+)</Code>\s*<Message>([^<]*)")
_LONG: Final = 300


class Table(ABC):
    """A table of a ledger.

    Args:
        home: where the ledger is: a folder or an address.
        name: the name of the table.
        options: how to reach it; none for a folder.

    Attributes:
        home: where the ledger is.

    Raises:
        LedgerError: the engine cannot name a file there.
    """

    hint: str
    """What to do where the table cannot be read."""

    def __init__(self, home: Path | str, name: str, options: Mapping[str, str] | None = None) -> None:
        for character in _NOT_IN_PATHS:
            if character in f"{home}/{name}":
                raise LedgerError(
                    f"a ledger cannot be kept in {home}", hint=f"the path must not have a {character} in it"
                )
        self.home = home
        self._name = name
        self._options = dict(options) if options else None

    @property
    def address(self) -> str:
        """Where the table is."""
        return f"{self.home}/{self._name}"

    def indexed(self) -> Index:
        """Return the observations of the table as an index and what came since; all of them where there is none."""
        files = self.files("observation")
        found = self._indexed()
        if found is None or not found[1] <= {name_of(file) for file in files}:
            return self.unindexed(files)
        rows, known = found
        tail = self._scan([file for file in files if name_of(file) not in known], OBSERVATION_SCHEMA)
        return Index(rows, tail, known)

    def unindexed(self, files: list[str]) -> Index:
        """Return the observations of the table's files as what came since an index that is empty."""
        return Index(pl.LazyFrame(schema=INDEX_SCHEMA), self._scan(files, OBSERVATION_SCHEMA))

    def told(self, ask: Callable[[Index], pl.DataFrame]) -> pl.DataFrame:
        """Return what the observations answer.

        Raises:
            LedgerError: a file cannot be read.
        """
        with self.reading():
            return ask(self.indexed())

    def version(self) -> int:
        """Return the number of the latest commit; -1 where there is none."""
        table = self._open()
        return -1 if table is None else int(table.version())

    @abstractmethod
    def stamp(self) -> int:
        """Return a number that another takes the place of when the table is appended to; 0 where there is none."""

    def scan(self, kind: Kind, schema: pl.Schema) -> pl.LazyFrame:
        """Return the rows of a kind, as they were appended."""
        return self._scan(self.files(kind), schema)

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
            raise LedgerError(f"cannot read {self.address}: {in_one_line(error)}", hint=self.hint) from error

    def files(self, kind: Kind) -> list[str]:
        """Return the files of a kind; the table's own list of them has every path as part of an address."""
        table = self._open()
        if table is None:
            return []
        actions = pl.DataFrame(table.get_add_actions(flatten=True)).filter(pl.col(f"partition.{KIND}") == kind)
        return [f"{self.address}/{unquote(path)}" for path in actions["path"]]

    @abstractmethod
    def _indexed(self) -> Read | None:
        """Return the rows of the index and the names of the files in it; None where there is none to be believed."""

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(self.address, storage_options=self._options)
        except TableNotFoundError:
            self._check_absent()
            return None
        except (DeltaError, OSError) as error:
            raise LedgerError(f"cannot open {self.address}: {in_one_line(error)}") from error

    @abstractmethod
    def _check_absent(self) -> None:
        """Raise LedgerError where a table that is not there should be."""

    def _scan(self, files: list[str], schema: pl.Schema) -> pl.LazyFrame:
        if not files:
            return pl.LazyFrame(schema=schema)
        return pl.scan_parquet(
            files,
            glob=False,
            missing_columns="insert",
            extra_columns="ignore",
            schema=schema,
            storage_options=self._options,
        )


def name_of(file: str) -> str:
    """Return the last part of a file's path or address."""
    return file.rpartition("/")[2]


def in_one_line(error: Exception) -> str:
    r"""Return what the engine, or the store behind it, says is wrong.

    >>> in_one_line(OSError("Kernel error\n  \x1b[31m↳\x1b[0m Error performing GET\n  \x1b[31m↳\x1b[0m timed out\n"))
    'Kernel error: Error performing GET: timed out'
    >>> in_one_line(OSError("404: <Code>NoSuchBucket</Code><Message>There is no such bucket</Message>"))
    'NoSuchBucket: There is no such bucket'
    """
    said = _COLOUR.sub("", str(error))
    refused = _REFUSED.search(said)
    if refused:
        return ": ".join(refused.groups())
    causes = [line.strip() for line in _TRACE.split(said)[0].split("↳")]
    line = " ".join(": ".join(cause for cause in causes if cause).split())
    return line if len(line) <= _LONG else f"{line[:_LONG]}…"
