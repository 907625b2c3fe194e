"""A book's release, opened: every answer is made from one, the old or the new, whatever is published meanwhile."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, BinaryIO, Final, TypeVar

import polars as pl

from tallybook.model.metrics import Level
from tallybook.model.places import level_at
from tallybook.release.folder import CARD
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.server.refusals import NoSuchError, NotPublishedError, ReplacedError
from tallybook.server.served import ServedBook
from tallybook.server.table import Table

Identity = tuple[int, int, int, int]
"""What tells one release from another: device, number, time and size of its card."""

Made = TypeVar("Made")

_TRIES: Final = 8
_NOT_THERE: Final = (
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EACCES,
    errno.EINVAL,
)


class Opened:
    """One release. What was read of it stays; what was not can be read as long as it is in its place.

    Args:
        book: the book.
        identity: the identity of the release.

    Attributes:
        card: what its card says.
        digest: tells it from others on every machine that has the same files.
        modified: when it was put in place.
        paths: its own files.
    """

    def __init__(self, book: ServedBook, identity: Identity) -> None:
        self.book = book
        self.identity = identity
        self._lock = RLock()
        self._tables: dict[Level, Table] = {}
        self._known: dict[tuple[Level, str], pl.DataFrame] = {}
        self._once: dict[str, Any] = {}
        text = self._read((book.folder / CARD).read_bytes)
        self.card: dict[str, Any] = json.loads(text)
        self.digest = hashlib.sha256(text).hexdigest()[:16]
        self.modified = datetime.fromtimestamp(identity[2] // 10**9, UTC)
        self.paths = {file["path"] for file in self.card["files"]}
        rows = {file["path"]: file["rows"] for file in self.card["files"]}
        self._heights = {level: rows.get(f"{AVERAGES}/{STEMS[level]}.parquet") or 0 for level in Level}

    @property
    def as_of(self) -> datetime:
        """The moment of the latest observation in it."""
        return datetime.fromisoformat(self.card["as_of"])

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels it has figures of."""
        return tuple(level for level in Level if f"{AVERAGES}/{STEMS[level]}.parquet" in self.paths)

    @cached_property
    def anomalies(self) -> pl.DataFrame:
        """The register it was made with; columns of ANOMALY_SCHEMA."""
        return self._parquet(f"{AVERAGES}/anomalies.parquet")

    def height(self, level: Level) -> int:
        """Return the number of rows of a level; nothing is read for it."""
        return self._heights.get(level, 0)

    def table(self, level: Level) -> Table:
        """Return the figures of a level.

        Raises:
            NoSuchError: the release has none of it.
        """
        if level not in self.levels:
            raise NoSuchError(f"there is nothing of level {level.value!r}", hint=f"use {' or '.join(self.levels)}")
        with self._lock:
            if level not in self._tables:
                states = self.table(Level.STATE) if level is Level.NATION and Level.STATE in self.levels else None
                self._tables[level] = Table(_Files(self, level), self._lock, states=states)
            return self._tables[level]

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """Return what is made, once, from this release."""
        with self._lock:
            if name not in self._once:
                self._once[name] = make()
            made: Made = self._once[name]
            return made

    def known(self, level: Level, metric: str) -> pl.DataFrame:
        """Return since when the counts of a level are known: ``geoid``, ``date``, ``as_of``, ``status``; sorted."""
        with self._lock:
            if (level, metric) not in self._known:
                wanted = (pl.col("metric") == metric) & (level_at(pl.col("geoid")) == level)
                columns = ["geoid", "date", "as_of", "status", "source"]
                self._known[level, metric] = self._read(
                    lambda: (
                        pl.scan_parquet(self.book.folder / "provenance.parquet", glob=False)
                        .filter(wanted)
                        .select(columns)
                        .with_columns(pl.col("status", "source").cast(pl.Categorical))
                        .collect()
                    )
                )
            return self._known[level, metric]

    def columns(self, path: str, names: Sequence[str]) -> pl.DataFrame:
        """Return columns of one of its Parquet files."""
        return self._read(lambda: pl.read_parquet(self.book.folder / path, columns=list(names), glob=False))

    def open(self, path: str) -> tuple[BinaryIO, Path]:
        """Return one of the files in its folder, open, and where it is.

        Raises:
            NoSuchError: there is none.
        """
        try:
            file = self._file(path)
            return self._read(lambda: file.open("rb")), file
        except (OSError, RuntimeError) as error:
            if isinstance(error, OSError) and error.errno not in _NOT_THERE:
                raise
            raise NoSuchError(f"no file {path[:100]!r}", hint=f"{CARD} names those there are") from None

    def _file(self, path: str) -> Path:
        """Return where a file of the folder is: of a folder, its index; of what leads out, nowhere."""
        root = self.book.folder.resolve()
        target = (root / path).resolve()
        if target != root and not target.is_relative_to(root):
            raise FileNotFoundError(errno.ENOENT, "out of the release")
        return target / "index.html" if target.is_dir() or path.endswith("/") else target

    def _parquet(self, path: str) -> pl.DataFrame:
        return self._read(lambda: pl.read_parquet(self.book.folder / path, glob=False))

    def _read(self, read: Callable[[], Made]) -> Made:
        """Return what is read, if the release was in its place all the time."""
        try:
            made = read()
        except (OSError, pl.exceptions.PolarsError):
            if identity_of(self.book.folder) != self.identity:
                raise ReplacedError("the release was replaced") from None
            raise
        if identity_of(self.book.folder) != self.identity:
            raise ReplacedError("the release was replaced")
        return made


class _Files:
    """The figures of a level, from the files of a release."""

    def __init__(self, opened: Opened, level: Level) -> None:
        self._opened, self._level = opened, level

    def averages(self, names: Sequence[str]) -> pl.DataFrame:
        return self._opened.columns(f"{AVERAGES}/{STEMS[self._level]}.parquet", names)

    def totals(self, names: Sequence[str]) -> pl.DataFrame:
        return self._opened.columns(f"{STEMS[self._level]}.parquet", names)

    def known(self, metric: str) -> pl.DataFrame:
        return self._opened.known(self._level, metric)


class Shelf:
    """A served book, and the release of it that is open.

    Args:
        book: the book.
    """

    def __init__(self, book: ServedBook) -> None:
        self.book = book
        self._lock = RLock()
        self._opened: Opened | None = None

    def identity(self) -> Identity:
        """Return the identity of the release that is in place.

        Raises:
            NotPublishedError: there is none.
        """
        return identity_of(self.book.folder)

    def is_published(self) -> bool:
        """Return whether there is a release."""
        return (self.book.folder / CARD).is_file()

    def opened(self) -> Opened:
        """Return the release that is in place.

        Raises:
            NotPublishedError: there is none.
        """
        for _ in range(_TRIES):
            opened, identity = self._opened, self.identity()
            if opened is not None and opened.identity == identity:
                return opened
            try:
                self._opened = Opened(self.book, identity)
            except ReplacedError:
                continue
            return self._opened
        raise ReplacedError("the release is being replaced", hint="try again")

    def answer(self, make: Callable[[Opened], Made]) -> Made:
        """Return what is made from one release: again from the next, if it was replaced before all of it was read."""
        for _ in range(_TRIES):
            try:
                return make(self.opened())
            except ReplacedError:
                continue
        return make(self.opened())


def identity_of(folder: Path) -> Identity:
    """Return the identity of the release in a folder.

    Raises:
        NotPublishedError: there is none.
    """
    try:
        card = (folder / CARD).stat()
    except OSError:
        raise NotPublishedError("nothing is published yet", hint="run `tallybook publish`") from None
    return card.st_dev, card.st_ino, card.st_mtime_ns, card.st_size
