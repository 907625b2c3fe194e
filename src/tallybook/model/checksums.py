"""Checksums of the files of a folder, kept beside them: what was flipped, cut or deleted since is found and named.

They are a file of lines, only ever added to: the path of a file, its bytes and its SHA-256, and the SHA-256 of this and
all lines before, so that a line that is changed or taken out shows too. They tell of disks and copies that fail, and of
mistakes; who wants to deceive and may write the folder can write its checksums anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

from filelock import FileLock

from tallybook.model.files import append_line, synced

APART: Final = "raw"
"""A folder in the folder that has checksums of its own."""

MADE: Final = "index"
"""A folder of what can be made anew: its files have the checksums they are written with, and never get others."""

_FOLDER: Final = "checksums"
_NAME: Final = f"{_FOLDER}/sums.jsonl"
_WAIT_SECONDS: Final = 60
_NEVER_LONGER: Final = 65_536
_GROWS: Final = ".jsonl"
_NO_CHECKSUM: Final = "has no checksum: its writing was interrupted, or checksums were cut off"
_FIELDS: Final = ("path", "bytes", "sha256")


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file.

    Attributes:
        file: the file.
        what: what is wrong with it, in words that go on after its name.
        untold: whether it may yet be whole: nothing is known of it, or of its end.
    """

    file: Path
    what: str
    untold: bool = False


@dataclass(frozen=True)
class _Said:
    bytes: int
    sha256: str


class Checksums:
    """The checksums of the files below a folder.

    Args:
        folder: the folder; nothing is written before the first file is added.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> sums = Checksums(folder)
    >>> _ = (folder / "a.txt").write_text("seven")
    >>> sums.add([folder / "a.txt"])
    >>> sums.verify()
    []
    >>> _ = (folder / "a.txt").write_text("eleven")
    >>> [(damage.file.name, damage.what) for damage in sums.verify()]
    [('a.txt', 'has 6 bytes instead of 5')]
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / _NAME
        self._complete = False
        self._right: dict[str, tuple[_Said, tuple[int, ...]]] = {}

    def files(self) -> list[Path]:
        """Return the files there are, without what is still being written, locks and the checksums themselves."""
        return sorted(path for path in self._folder.rglob("*") if self._counts(path) and path.is_file())

    def add(self, files: Iterable[Path]) -> None:
        """Add the checksums of files that were written, as they are now; they are on the disk when this returns.

        The first time, those of files that an interrupted write left without are added, too.

        Raises:
            OSError: a file cannot be read, or the checksums cannot be written.
        """
        wanted = sorted({*files, *([] if self._complete else self._without())})
        if wanted:
            self._write(wanted)
        self._complete = True

    def _write(self, wanted: list[Path]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        new = not self._file.exists()
        with FileLock(self._file.with_name("lock"), timeout=_WAIT_SECONDS):
            lines, chain = [], self._whole_lines()
            for file in wanted:
                digest, size = _digest(file)
                said = {"path": file.relative_to(self._folder).as_posix(), "bytes": size, "sha256": digest}
                chain = _linked(chain, said)
                lines.append(json.dumps({**said, "chain": chain}) + "\n")
            # All lines or none: half of one would look like damage.
            append_line(self._file, "".join(lines).removesuffix("\n"))
            for folder in (self._file.parent, self._folder) if new else ():
                synced(folder)

    def verify(self) -> list[Damage]:
        """Return what is wrong with which file, by path; nothing where every file is as it was written."""
        there = {path.relative_to(self._folder).as_posix(): path for path in self.files()}
        if not self._file.exists():
            return [Damage(self._file, "is missing, and with it all checksums")] if there else []
        wrong, said = self._said()
        found = [_wrong(self._folder / name, known) for name, known in said.items()]
        found += [Damage(path, _NO_CHECKSUM, untold=True) for name, path in there.items() if name not in said]
        return sorted([*wrong, *(damage for damage in found if damage)], key=lambda damage: damage.file)

    def knows(self, file: Path) -> bool:
        """Return whether a file was ever written in this place, whatever became of it.

        Raises:
            OSError: the checksums cannot be read.
        """
        return self._said_of(file) is not None

    def has(self, opened: BufferedReader) -> bool:
        """Return whether an opened file is what was written last in its place; it stands at its beginning then.

        What was found right is not read again while it has not changed. The chain of the lines is not looked at.

        Args:
            opened: a file below the folder, at its beginning.

        Raises:
            OSError: it, or the checksums, cannot be read.

        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> sums, file = Checksums(folder), folder / "a.txt"
        >>> _ = file.write_text("seven")
        >>> sums.add([file])
        >>> _ = file.write_text("elven")
        >>> with file.open("rb") as opened:
        ...     sums.has(opened)
        False
        """
        name = opened.name
        said = self._said_of(Path(name))
        about = os.fstat(opened.fileno())
        if said is None or said.bytes != about.st_size:
            return False
        right = said, (about.st_dev, about.st_ino, about.st_mtime_ns, about.st_ctime_ns)
        if self._right.get(name) != right:
            if hashlib.file_digest(opened, "sha256").hexdigest() != said.sha256:
                return False
            opened.seek(0)
            self._right[name] = right
        return True

    def _said_of(self, file: Path) -> _Said | None:
        """Return what was said last of a file; None: nothing."""
        if not self._file.exists():
            return None
        lines = b"\n" + self._file.read_bytes()
        path = json.dumps({"path": file.relative_to(self._folder).as_posix()})
        at = lines.rfind(f"\n{path[:-1]},".encode())
        line = _read(lines[at + 1 :].partition(b"\n")[0]) if at >= 0 else None
        return None if line is None else _Said(line["bytes"], line["sha256"])

    def _without(self) -> Iterator[Path]:
        """Yield the files that have no checksum, and those that have grown since; others stay as they are."""
        _, said = self._said()
        for path in self.files():
            name = path.relative_to(self._folder)
            known = said.get(name.as_posix())
            if (known is None and name.parts[0] != MADE) or (known and _goes_on(path, known)):
                yield path

    def _counts(self, path: Path) -> bool:
        within = path.relative_to(self._folder).parts
        hidden = any(part.startswith((".", "_commit_")) for part in within)
        return not hidden and within[0] not in (_FOLDER, APART) and within[-1] != "lock"

    def _whole_lines(self) -> str:
        """Cut off a last line that was not written whole, and return the chain so far."""
        if not self._file.exists():
            return ""
        with self._file.open("r+b") as sums:
            size = sums.seek(0, os.SEEK_END)
            sums.seek(max(0, size - _NEVER_LONGER))
            lines = sums.read().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):
                sums.truncate(size - len(lines.pop()))
        line = _read(lines[-1]) if lines else None
        return "" if line is None else str(line["chain"])

    def _said(self) -> tuple[list[Damage], dict[str, _Said]]:
        """Return what is wrong with the checksums, and the last that was said of each file."""
        wrong: list[Damage] = []
        said: dict[str, _Said] = {}
        chain = ""
        for number, (line, whole) in enumerate(self._lines(), start=1):
            if not whole or line is None or line["chain"] != _linked(chain, {name: line[name] for name in _FIELDS}):
                wrong = wrong or [Damage(self._file, f"line {number}: is not what was written")]
            else:
                said[str(line["path"])] = _Said(line["bytes"], line["sha256"])
            chain = chain if line is None else str(line["chain"])
        return wrong, said

    def _lines(self) -> Iterator[tuple[dict[str, Any] | None, bool]]:
        """Yield each line, None where it cannot be read, and whether it ends."""
        if self._file.exists():
            with self._file.open("rb") as sums:
                for line in sums:
                    yield _read(line), line.endswith(b"\n")


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    known = isinstance(said, dict) and set(said) == {*_FIELDS, "chain"} and isinstance(said["bytes"], int)
    return said if known else None


def _linked(chain: str, said: dict[str, Any]) -> str:
    return hashlib.sha256(f"{chain}\n{json.dumps(said)}".encode()).hexdigest()


def _digest(file: Path, first: int | None = None) -> tuple[str, int]:
    """Return the SHA-256 of a file, or of its first bytes, and how many bytes that were."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as data:
        while part := data.read(1 << 20 if first is None else min(1 << 20, first - size)):
            digest.update(part)
            size += len(part)
    return digest.hexdigest(), size


def _goes_on(file: Path, said: _Said) -> bool:
    """Return whether a file of lines has what was written, and more."""
    grown = file.suffix == _GROWS and file.stat().st_size > said.bytes
    return grown and _digest(file, said.bytes)[0] == said.sha256


def _wrong(file: Path, said: _Said) -> Damage | None:
    """Return what is wrong with a file; None where nothing is."""
    try:
        size = file.stat().st_size
        if _goes_on(file, said):
            more = f"has {size - said.bytes:,} bytes without a checksum: their writing was interrupted"
            return Damage(file, more, untold=True)
        if size != said.bytes:
            return Damage(file, f"has {size:,} bytes instead of {said.bytes:,}")
        return None if _digest(file)[0] == said.sha256 else Damage(file, "is not what was written")
    except FileNotFoundError:
        return Damage(file, "is missing")
    except OSError as error:
        return Damage(file, f"cannot be read: {error.strerror}")
