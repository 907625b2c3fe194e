"""Reading a release: from its folder, from any server that has its files, or from Tallybook's own."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from tallybook.errors import BookError, SourceError
from tallybook.model.files import MOST_BYTES, read_file
from tallybook.model.metrics import Level, level_of
from tallybook.model.shown import as_html
from tallybook.release.folder import CARD
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.release.trial import check_survivable

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS: Final = 60


class PublishedRelease:
    """A release somebody published; its files are read when they are asked for, and once.

    Args:
        where: its folder, or its address.

    Attributes:
        card: what the release says of itself; see ``release.json``.
    """

    def __init__(self, where: str | Path) -> None:
        self.where = str(where)
        self._kept: dict[str, pl.DataFrame] = {}
        self.card: dict[str, Any] = _card(self._bytes(CARD), self.where)
        self._files: Mapping[str, Mapping[str, Any]] = {file["path"]: file for file in self.card["files"]}

    def __repr__(self) -> str:
        return f"<Release of {self.title!r} as of {self.as_of.isoformat()} in {self.where}>"

    def _repr_html_(self) -> str:
        files = ((path, file.get("rows"), file.get("bytes")) for path, file in sorted(self._files.items()))
        heading = f"{self.title}, as of {self.as_of:%Y-%m-%d %H:%M %Z}"
        notes = (f"{self.attribution.rstrip('.')}. Licence: {self.licence}", *self.card.get("notes", ()))
        return as_html(heading, files, columns=("file", "rows", "bytes"), notes=notes)

    @property
    def title(self) -> str:
        """What the dataset is called."""
        return str(self.card["title"])

    @property
    def licence(self) -> str:
        """Its licence, by name."""
        return str(self.card["licence"])

    @property
    def attribution(self) -> str:
        """How to name its source."""
        return str(self.card["attribution"])

    @property
    def as_of(self) -> datetime:
        """The moment of the latest observation in it."""
        return datetime.fromisoformat(self.card["as_of"])

    @property
    def files(self) -> list[str]:
        """The paths of its files."""
        return sorted(self._files)

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels it has figures of, the widest first."""
        return tuple(level for level in Level if f"{AVERAGES}/{STEMS[level]}.parquet" in self._files)

    def totals(self, level: Level | str) -> pl.DataFrame:
        """Return the cumulative counts of a level, one row per place and day, with what stands behind each.

        The columns of the release's Parquet file: ``date``, names, ``fips``, ``geoid``, the metrics (null: not
        reported) and per metric what its average is made of.

        Raises:
            ContractError: there is no such level.
            BookError: the release has nothing of it.
            SourceError: the file cannot be read.
        """
        return self.table(f"{STEMS[level_of(level)]}.parquet")

    def averages(self, level: Level | str) -> pl.DataFrame:
        """Return the daily counts, averages and rates of a level, unrounded, one row per place and day.

        Raises:
            ContractError: there is no such level.
            BookError: the release has nothing of it.
            SourceError: the file cannot be read.
        """
        return self.table(f"{AVERAGES}/{STEMS[level_of(level)]}.parquet")

    @property
    def anomalies(self) -> pl.DataFrame:
        """The register it was made with; key ``id``."""
        return self.table(f"{AVERAGES}/anomalies.parquet")

    @property
    def provenance(self) -> pl.DataFrame:
        """Where each value comes from; key (geoid, metric, date)."""
        return self.table("provenance.parquet")

    def table(self, path: str) -> pl.DataFrame:
        """Return one of its Parquet files.

        Args:
            path: as ``files`` has it.

        Raises:
            BookError: it has no such file.
            SourceError: the file cannot be read, or is not the one the release described.
        """
        if path not in self._files or not path.endswith(".parquet"):
            tables = [name for name in self.files if name.endswith(".parquet")]
            raise BookError(f"{self.where} has no table {path!r}", hint=f"it has {', '.join(tables)}")
        if path not in self._kept:
            data = self._bytes(path)
            if hashlib.sha256(data).hexdigest() != self._files[path]["sha256"]:
                raise SourceError(
                    f"{path} of {self.where} is not what the release says", hint="was another published? read it again"
                )
            check_survivable(data, f"{path} of {self.where}")
            self._kept[path] = pl.read_parquet(io.BytesIO(data))
        return self._kept[path]

    def _bytes(self, path: str) -> bytes:
        if self.where.startswith(("http://", "https://")):
            return _downloaded(f"{self.where.rstrip('/')}/{path}")
        if "://" in self.where:
            raise SourceError(f"cannot read {self.where}", hint="give a folder, or an http or https address")
        return read_file(Path(self.where) / path)


def read(where: str | Path) -> PublishedRelease:
    """Return the release in a folder or at an address: of a server, or of any host that has its files.

    Args:
        where: ``covid/public``, ``https://example.org/covid`` or ``http://127.0.0.1:8000/b/nyt``.

    Raises:
        SourceError: there is none, or it cannot be read.

    >>> import tempfile
    >>> from tallybook import Book
    >>> book = Book.simulated(tempfile.mkdtemp(), days=60, counties_of=[])
    >>> _ = book.record("simulated", book.folder / "feed")
    >>> release = read(book.publish().folder)
    >>> release.levels[1].value, release.totals("state").columns[:4]
    ('state', ['date', 'state', 'fips', 'cases'])
    """
    return PublishedRelease(where)


def _card(data: bytes, where: str) -> dict[str, Any]:
    try:
        said = json.loads(data)
        datetime.fromisoformat(said["as_of"])
        known = {"title", "licence", "attribution"} <= said.keys() and all(map(_describes_a_file, said["files"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        known = False
    if not known:
        raise SourceError(f"{where} holds no release", hint=f"its {CARD} is not one of a release")
    return dict(said)


def _describes_a_file(file: Mapping[str, Any]) -> bool:
    """Return whether this names a file in the release's own folder."""
    path = PurePosixPath(file["path"])
    inside = not path.is_absolute() and ".." not in path.parts and not {":", "\\", "\0"} & set(file["path"])
    return inside and isinstance(file["sha256"], str)


def _downloaded(address: str) -> bytes:
    import httpx

    from tallybook.sources.guard import Guarded

    try:
        # Who gives an address means its host, wherever that is; a redirect may not lead to another that is private.
        way = Guarded([httpx.URL(address).host])
        with httpx.Client(transport=way, timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client:
            return b"".join(_pieces(client.stream("GET", address), address))
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = str(error).split("\n", 1)[0] or type(error).__name__
        raise SourceError(f"cannot read {address}: {said}") from error


def _pieces(asked: AbstractContextManager[httpx.Response], address: str) -> Iterator[bytes]:
    left = MOST_BYTES
    with asked as response:
        for piece in response.raise_for_status().iter_bytes():
            left -= len(piece)
            if left < 0:
                raise SourceError(f"cannot read {address}: more than {MOST_BYTES:,} bytes", hint="is it a release's?")
            yield piece
