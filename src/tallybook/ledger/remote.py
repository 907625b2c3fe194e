"""A ledger in an object store, which is read there and written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

import polars as pl

from tallybook.errors import LedgerError
from tallybook.ledger.index import Index, Read, read_remote
from tallybook.ledger.table import Table

_STORES: Final = ("s3", "s3a", "gs", "az", "abfs", "abfss")
_NOT_IN_ADDRESSES: Final = "?#*"
_STAMP_SECONDS: Final = 5


class Remote(Table):
    """A table in an object store, for reading.

    The store's own settings in the environment hold where the options say nothing.

    Args:
        home: the ledger's address, such as ``s3://bucket/ledger``.
        name: the name of the table.
        options: how to reach the store, as object_store names it: ``aws_region``, ``aws_endpoint_url``.

    Raises:
        LedgerError: the engine cannot name a file there.
    """

    hint = "is the ledger there, whole, and may you read it?"

    def __init__(self, home: str, name: str, options: Mapping[str, str] | None = None) -> None:
        super().__init__(home, name, options)
        self._stamp, self._stamped = 0, -float(_STAMP_SECONDS)

    def stamp(self) -> int:
        """Return how many commits there are, as of a few seconds ago; 0 where there is none or none can be told.

        It is asked for with every answer of a server, and the store is far away.
        """
        now = monotonic()
        if now - self._stamped >= _STAMP_SECONDS:
            try:
                self._stamp = self.version() + 1
            except LedgerError:
                self._stamp = 0  # whoever reads next is told why
            self._stamped = now
        return self._stamp

    def told(self, ask: Callable[[Index], pl.DataFrame]) -> pl.DataFrame:
        """Return what the observations answer. Where another index took the place of the one being read, none is used.

        Raises:
            LedgerError: a file cannot be read.
        """
        with self.reading():
            index = self.indexed()
        try:
            with self.reading():
                answer = ask(index)
        except LedgerError:
            if self._stands(index):
                raise
        else:
            if self._stands(index):
                return answer
        with self.reading():
            return ask(self.unindexed(self.files("observation")))

    def _indexed(self) -> Read | None:
        return read_remote(f"{self.home}/index/{self._name}", self._options)

    def _stands(self, index: Index) -> bool:
        """Return whether an index was not replaced since it was opened: pieces of two would make neither's answer."""
        found = self._indexed()
        return not index.files or (found is not None and found[1] == index.files)

    def read_only(self) -> LedgerError:
        """Return what is said to who would write."""
        how = f": aws s3 sync ledger {self.home}" if str(self.home).startswith("s3://") else ""
        return LedgerError(
            f"the ledger at {self.home} is read-only here",
            hint=f"record on the machine that keeps it, and copy its folder{how}",
        )

    def _check_absent(self) -> None:
        try:
            if self._holds(self.address):
                raise LedgerError(f"{self.address} holds files but no ledger", hint="copy its _delta_log there, too")
            if not self._holds(str(self.home)):
                raise LedgerError(f"there is no ledger at {self.home}", hint="is the address right?")
        except OSError as error:
            raise LedgerError(f"cannot open {self.address}: {error}", hint=self.hint) from error

    def _holds(self, address: str) -> bool:
        """Return whether there are Parquet files below an address."""
        found = pl.scan_parquet(
            f"{address}/**/*.parquet",
            schema={},
            extra_columns="ignore",
            include_file_paths="file",
            storage_options=self._options,
        )
        try:
            return found.select("file").head(1).collect().height > 0
        except pl.exceptions.PolarsError:
            return True  # it cannot be read, so it is there


def place_of(location: Path | str) -> Path | str:
    """Return the folder a ledger is in, or its address without a slash at the end.

    Raises:
        LedgerError: it is an address that no ledger can be read from.

    >>> place_of("s3://health/ledger/"), place_of("file:///srv/our%20ledger").name
    ('s3://health/ledger', 'our ledger')
    >>> place_of("https://health.example/ledger")
    Traceback (most recent call last):
    ...
    tallybook.errors.LedgerError: a ledger cannot be read from https://health.example/ledger; give a folder, file://,
    s3://, s3a://, gs://, az://, abfs:// or abfss://
    """
    if isinstance(location, Path) or "://" not in location:
        return Path(location)
    parts = urlsplit(location)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        # It brings the whole of HTTP with it.
        from urllib.request import url2pathname

        return Path(url2pathname(parts.path))
    if parts.scheme not in _STORES or not parts.netloc:
        known = ", ".join(f"{scheme}://" for scheme in ("file", *_STORES[:-1]))
        raise LedgerError(
            f"a ledger cannot be read from {location}", hint=f"give a folder, {known} or {_STORES[-1]}://"
        )
    for character in _NOT_IN_ADDRESSES:
        if character in location:
            raise LedgerError(f"a ledger cannot be read from {location}", hint=f"there must be no {character} in it")
    return location.rstrip("/")
