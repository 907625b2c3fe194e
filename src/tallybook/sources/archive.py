"""The files that were recorded, as they came: their bytes, where and when they were found."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from tallybook.errors import BookError, LedgerError
from tallybook.model.checksums import Checksums, Damage
from tallybook.model.files import append_line, replace_file, whole_lines

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0: not known)."""

_GZIP: Final = b"\x1f\x8b"
_WAIT_SECONDS: Final = 60

LOG: Final = "log.jsonl"
"""The file that says what came from where and when, a line each."""

ACTS: Final = "acts.jsonl"
"""The file that says what was recorded and closed, in order, a line each."""


@dataclass(frozen=True)
class Fetched:
    """A file of a feed.

    Attributes:
        name: the name the feed's layout has for it, such as ``us-states.csv``.
        address: where it was found; the name errors use.
        data: its bytes.
        etag: the entity tag its server gave it.
        last_modified: when it was last changed, in its server's words.
    """

    name: str
    address: str
    data: bytes
    etag: str | None = None
    last_modified: str | None = None

    @property
    def sha256(self) -> str:
        """The digest of the bytes, in hex."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Entry:
    """A line of the log.

    Attributes:
        source: the source it is of.
        name: the name the source's layout has for it.
        address: where it was found.
        fetched: when, in UTC.
        as_of: since when what it says is known, in UTC.
        sha256: the digest of its bytes, in hex; the name it is kept under.
        bytes: how many there are.
        etag: the entity tag its server gave it.
        last_modified: when it was last changed, in its server's words.
    """

    source: str
    name: str
    address: str
    fetched: str
    as_of: str
    sha256: str
    bytes: int
    etag: str | None
    last_modified: str | None


@dataclass(frozen=True)
class Used:
    """A file that was recorded.

    Attributes:
        name: the name the source's layout has for it.
        address: where it was found.
        sha256: the digest of its bytes, in hex.
        as_of: since when what it says is known, in UTC.
        note: what is said of it.
    """

    name: str
    address: str
    sha256: str
    as_of: str
    note: str = ""


@dataclass(frozen=True)
class Act:
    """Something that was done with the files. What the ledger holds is what all acts make of them, one by one.

    Attributes:
        act: ``record``: the files of a source together; ``vintages``: each by itself; ``close``: days were closed.
        source: the source that was recorded; empty where days were closed.
        files: the files that were recorded.
        days: the days that were closed, YYYY-MM-DD.
        in_time: whether only counts that came in in time were closed.
    """

    act: Literal["record", "vintages", "close"]
    source: str = ""
    files: tuple[Used, ...] = ()
    days: tuple[str, ...] = ()
    in_time: bool = False

    @classmethod
    def read(cls, line: dict[str, Any]) -> Act:
        """Return the act of a line."""
        files = tuple(Used(**file) for file in line.pop("files"))
        return cls(**{**line, "files": files, "days": tuple(line["days"])})


def without_password(address: str) -> str:
    """Return an address without the user and password it may have, as it is kept and shown.

    >>> without_password("https://me:secret@agency.example/us.csv")
    'https://agency.example/us.csv'
    """
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class Archive:
    """A folder of recorded files, each kept once, gzipped under its digest.

    Args:
        folder: the folder; it is made when the first file is kept.

    >>> import tempfile
    >>> from datetime import UTC
    >>> archive = Archive(Path(tempfile.mkdtemp()) / "raw")
    >>> now = datetime.now(UTC)
    >>> archive.keep("nyt", Fetched("us.csv", "https://example.org/us.csv", b"date", etag='"1"'), at=now, as_of=now)
    >>> archive.last("https://example.org/us.csv").data
    b'date'
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sums = Checksums(folder)

    def verify(self) -> list[Damage]:
        """Return which files are not as they were written, and what is wrong with each."""
        return Checksums(self.folder).verify()

    def entries(self) -> list[Entry]:
        """Return the log, the oldest first."""
        try:
            return [Entry(**json.loads(line)) for line in whole_lines(self.folder / LOG)]
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise LedgerError(f"cannot read {self.folder / LOG}: {error}", hint="restore it") from error

    def last(self, address: str) -> Fetched | None:
        """Return the latest file kept from this address; None where there is none, or it is no longer whole."""
        for entry in reversed(self.entries()):
            if entry.address == address:
                file = Fetched(entry.name, address, b"", entry.etag, entry.last_modified)
                data = self.read(entry.sha256)
                return None if data is None else replace(file, data=data)
        return None

    def known(self, source: str, name: str, moment: datetime) -> Fetched | None:
        """Return the latest file of a source and name that was known at a moment; None where there is none.

        Raises:
            LedgerError: it is no longer whole.
        """
        found = self.entry(source, name, moment)
        if found is None:
            return None
        data = self.read(found.sha256)
        if data is None:
            raise LedgerError(f"{self.folder / found.sha256} is missing or damaged", hint=f"it is {found.address}")
        return Fetched(found.name, found.address, data, found.etag, found.last_modified)

    def entry(self, source: str, name: str, moment: datetime) -> Entry | None:
        """Return the line of the log about the latest file of a source and name that was known at a moment."""
        asked = moment.astimezone(UTC).isoformat()
        entries = [entry for entry in self.entries() if (entry.source, entry.name) == (source, name)]
        return _latest(entries, asked)

    def read(self, sha256: str) -> bytes | None:
        """Return the bytes with this digest; None where they are not kept, or no longer whole."""
        for kept in self._places(sha256):
            try:
                data = kept.read_bytes() if kept.suffix == ".raw" else gzip.decompress(kept.read_bytes())
            except (OSError, EOFError, zlib.error):
                continue
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
        return None

    def _places(self, sha256: str) -> tuple[Path, Path]:
        """Return where bytes may be kept: gzipped by us, or as they came, gzipped by others."""
        return self.folder / f"{sha256}.gz", self.folder / f"{sha256}.raw"

    def keep(self, source: str, file: Fetched, *, at: datetime, as_of: datetime) -> None:
        """Keep a file, unless the one known from its address at that moment was the same.

        Args:
            source: the source it is of.
            file: the file.
            at: when it was found, with a time zone.
            as_of: since when what it says is known, with a time zone.

        Raises:
            BookError: it cannot be written.
        """
        with self._locked():
            self._keep(source, file, at, as_of)

    def _keep(self, source: str, file: Fetched, at: datetime, as_of: datetime) -> None:
        digest = file.sha256
        zipped, raw = self._places(digest)
        if not (zipped.exists() or raw.exists()):
            new = raw if file.data.startswith(_GZIP) else zipped
            replace_file(new, file.data if new is raw else gzip.compress(file.data, compresslevel=6, mtime=0))
            self._sums.add([new])
        earlier = [entry for entry in self.entries() if entry.address == file.address and entry.source == source]
        known = _latest(earlier, as_of.astimezone(UTC).isoformat())
        if known and known.sha256 == digest:
            return
        said = Entry(
            source=source,
            name=file.name,
            address=file.address,
            fetched=at.astimezone(UTC).isoformat(timespec="seconds"),
            as_of=as_of.astimezone(UTC).isoformat(),
            sha256=digest,
            bytes=len(file.data),
            etag=file.etag,
            last_modified=file.last_modified,
        )
        append_line(self.folder / LOG, json.dumps(asdict(said), ensure_ascii=False))
        self._sums.add([self.folder / LOG])

    def acts(self) -> list[Act]:
        """Return what was done with the files, in order.

        Raises:
            LedgerError: it cannot be read.
        """
        try:
            return [Act.read(json.loads(line)) for line in whole_lines(self.folder / ACTS)]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise LedgerError(f"cannot read {self.folder / ACTS}: {error}", hint="restore it") from error

    def about_to(self, act: Act | None) -> None:
        """Keep what is about to be done with the files, so that it can be done again; None: nothing.

        It is kept before it is done: what was done and not kept could not be made anew. What was kept and not done, for
        the process was killed, the records tell. Files without checksums, as an interrupted run or somebody's
        hand left them, get theirs.

        Raises:
            BookError: it cannot be written.
        """
        if act is None and not self.folder.exists():
            return
        with self._locked():
            if act is not None:
                append_line(self.folder / ACTS, json.dumps(asdict(act), ensure_ascii=False))
            self._sums.add([] if act is None else [self.folder / ACTS])

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out for the block, and say what cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock", timeout=_WAIT_SECONDS):
                yield
        except Timeout:
            raise BookError(f"another process is writing {self.folder}", hint="try again later") from None
        except OSError as error:
            raise BookError(
                f"cannot write {error.filename or self.folder}: {error.strerror}", hint="nothing of this was recorded"
            ) from error


def _latest(entries: Sequence[Entry], asked: str) -> Entry | None:
    """Return the latest of the entries that was known at a moment; of two of one moment, the one recorded last."""
    known = [entry for entry in reversed(entries) if entry.as_of <= asked]
    return max(known, key=lambda entry: entry.as_of, default=None)
