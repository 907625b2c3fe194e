"""Which releases there were, and what was published with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from tallybook.errors import BookError
from tallybook.model.checksums import Checksums
from tallybook.model.files import append_line, whole_lines

_WAIT_SECONDS: Final = 60


@dataclass(frozen=True)
class Published:
    """A release that was published.

    Attributes:
        as_of: the moment of the latest observation in it.
        register: the digest of the register it was made with.
        method: how its figures were made.
        changes: how many values are new, revised and withdrawn since the one before.
    """

    as_of: datetime
    register: str
    method: Mapping[str, Any]
    changes: Mapping[str, int]

    def same_state(self, other: Published) -> bool:
        """Return whether both are the same release."""
        return (self.as_of, self.register, self.method) == (other.as_of, other.register, other.method)


class ReleaseLog:
    """The releases of a book, one line each.

    Args:
        file: where the log is; it is made by the first release.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[Published]:
        """Return the releases, the oldest first.

        Raises:
            BookError: the log cannot be read.
        """
        try:
            lines = [json.loads(line) for line in whole_lines(self._file)]
            return [
                Published(
                    as_of=datetime.fromisoformat(line["as_of"]),
                    register=line["register"],
                    method=line["method"],
                    changes=line["changes"],
                )
                for line in lines
            ]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BookError(f"cannot read {self._file}: {error}", hint="restore it, or remove its last line") from error

    def before(self, state: Published) -> list[Published]:
        """Return the releases before one: all up to it where it was published, else those of earlier moments."""
        releases = self.read()
        places = [place for place, release in enumerate(releases) if release.same_state(state)]
        if places:
            return releases[: places[-1]]
        return [release for release in releases if release.as_of <= state.as_of]

    def add(self, release: Published) -> None:
        """Add a release, unless it is the last one already.

        Raises:
            BookError: the log cannot be written.
        """
        line = {**asdict(release), "as_of": release.as_of.isoformat()}
        sums = Checksums(self._file.parent)
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._file.with_name("lock"), timeout=_WAIT_SECONDS):
                releases = self.read()
                if releases and releases[-1].same_state(release):
                    sums.add([])  # those that an interrupted run left out
                    return
                append_line(self._file, json.dumps(line, sort_keys=True))
                sums.add([self._file])
        except Timeout:
            raise BookError(f"another process is writing {self._file}", hint="try again later") from None
        except OSError as error:
            raise BookError(f"cannot write {self._file}: {error.strerror}") from error
