"""Past versions of a file: a folder of them, or the history of a git repository."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import IO, Final, cast

from tallybook.errors import SourceError
from tallybook.model.files import MOST_BYTES, inside, read_file

_MOMENT: Final = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[T_ ](?P<hour>\d{2})(?P<sep>[:.-]?)(?P<minute>\d{2})"
    r"(?:(?P=sep)(?P<second>\d{2})(?!\d))?(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_FORMAT: Final = "%H%x00%cI%x00%s"


@dataclass(frozen=True)
class Vintage:
    """A version of a file.

    Attributes:
        moment: since when it is known, with a time zone.
        address: where it is; the name errors use.
        name: the name of the file, its folder before it: those of the current day lie in a folder of their own.
        note: what was said of it, such as the subject of a commit.
        read: returns its bytes.
    """

    moment: datetime
    address: str
    name: str
    note: str
    read: Callable[[], bytes]


class FolderHistory:
    """The files of a folder whose names tell their moments, the oldest first.

    Args:
        folder: the folder.
        pattern: how a name begins, in strftime's codes, such as ``%Y%m%d-%H%M``; by default names that hold a moment as
            2020-03-29T172209-0400 or 2020-03-29_17-22.
        zone: the time zone of moments that do not tell their own.

    Raises:
        SourceError: there is no such folder, or a name tells no moment.
    """

    def __init__(self, folder: Path, *, pattern: str | None = None, zone: tzinfo = UTC) -> None:
        if not folder.is_dir():
            raise SourceError(f"no folder {str(folder)!r}")
        files = [file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")]
        if not files:
            raise SourceError(f"nothing to record in {folder}", hint="it should hold files named by their moments")
        vintages = [_vintage(inside(file, folder), pattern, zone) for file in sorted(files)]
        self._vintages = sorted(vintages, key=lambda vintage: vintage.moment)

    def __len__(self) -> int:
        return len(self._vintages)

    def __iter__(self) -> Iterator[Vintage]:
        return iter(self._vintages)

    def close(self) -> None:
        """Do nothing: a folder needs no end."""


def _vintage(file: Path, pattern: str | None, zone: tzinfo) -> Vintage:
    moment = _by_pattern(file.name, pattern) if pattern else _moment(file.name)
    if moment is None:
        hint = f"names should begin as {pattern}" if pattern else "such as 2020-03-29T172209-0400_us-states.csv"
        raise SourceError(f"{file}: the name tells no moment", hint=hint)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    name = f"{file.resolve().parent.name}/{file.name}"
    return Vintage(aware, str(file), name, "", partial(read_file, file))


def _moment(name: str) -> datetime | None:
    found = _MOMENT.search(name)
    if found is None:
        return None
    zone = (found["zone"] or "").replace("Z", "+00:00")
    clock = f"{found['hour']}:{found['minute']}:{found['second'] or '00'}"
    try:
        return datetime.fromisoformat(f"{found['day']}T{clock}{zone}")
    except ValueError:
        return None


def _by_pattern(name: str, pattern: str) -> datetime | None:
    for end in range(len(name), 0, -1):
        try:
            return datetime.strptime(name[:end], pattern)
        except ValueError:
            continue
    return None


def commits(told: bytes) -> list[tuple[str, datetime, str]]:
    r"""Return the commits that git told of: each its hash, its moment and its subject.

    Args:
        told: what ``git log`` printed, a line each; in a subject anything but a line's end may stand.

    Raises:
        SourceError: a commit has no moment that could be.

    >>> commits(b"a1b2\x002020-03-29T17:22:09-04:00\0Update\n")[0][2]
    'Update'
    """
    lines = [line.split("\0", 2) for line in told.decode(errors="replace").split("\n") if line]
    return [
        (commit, _dated(commit, said[0] if said else ""), said[1] if len(said) > 1 else "") for commit, *said in lines
    ]


def _dated(commit: str, moment: str) -> datetime:
    try:
        dated = datetime.fromisoformat(moment)
        dated.astimezone(UTC)
    except (ValueError, OverflowError):
        dated = None
    if dated is None or dated.tzinfo is None:
        raise SourceError(f"commit {commit[:12]!r} has no moment: {moment[:40]!r}", hint="was its clock right?")
    return dated


def _only_reading() -> dict[str, str]:
    """Return the environment git runs in: a repository that came from others has settings that would run programs."""
    own = {
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
    }
    return {**os.environ, **own}


class GitHistory:
    """The versions a file had in a git repository, one per commit that touched it, the oldest first.

    Their bytes come through one ``git cat-file --batch``.

    Args:
        repository: a folder in the repository.
        path: the file, from the root of the repository.

    Raises:
        SourceError: there is no such repository or file, or git is not there.
    """

    def __init__(self, repository: Path, path: str) -> None:
        self._repository = repository
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None
        if "\n" in path:
            raise SourceError(f"{path!r} is no path git could be asked for")
        told = self._git("log", "--reverse", f"--format={_FORMAT}", "--diff-filter=AMR", "HEAD", "--", path)
        self._commits = commits(told)
        if not self._commits:
            raise SourceError(
                f"no commit of {repository} has {path!r}", hint="give its path from the repository's root"
            )

    def __len__(self) -> int:
        return len(self._commits)

    def __iter__(self) -> Iterator[Vintage]:
        for commit, moment, subject in self._commits:
            yield Vintage(
                moment,
                f"{self._repository}@{commit[:12]}:{self._path}",
                self._path,
                subject,
                partial(self._blob, commit),
            )

    def close(self) -> None:
        """End the process that gives the bytes."""
        if self._process is not None:
            for stream in self._streams():
                stream.close()
            self._process.wait()
            self._process = None

    def _blob(self, commit: str) -> bytes:
        asked, told = self._streams()
        asked.write(f"{commit}:{self._path}\n".encode())
        asked.flush()
        head = told.readline().split()
        if len(head) != 3:
            raise SourceError(f"git has no {self._path} in commit {commit[:12]}", hint="is the clone complete?")
        if int(head[2]) > MOST_BYTES:
            self.close()
            raise SourceError(
                f"{self._path} in commit {commit[:12]} has {int(head[2]):,} bytes", hint="is it the right file?"
            )
        data = told.read(int(head[2]))
        told.read(1)
        return data

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 (no shell)
                ["git", "-C", str(self._repository), "cat-file", "--batch"],  # noqa: S607 (git is where the user has it)
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_only_reading(),
            )
        return cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    def _git(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 (no shell)
                ["git", "-c", "log.showSignature=false", "-C", str(self._repository), *arguments],  # noqa: S607 (git is where the user has it)
                capture_output=True,
                check=True,
                env=_only_reading(),
            )
        except FileNotFoundError:
            raise SourceError("git is not installed", hint="install it, or record a folder of vintages") from None
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise SourceError(f"cannot read the repository {self._repository}: {''.join(said)}") from error
        return done.stdout
