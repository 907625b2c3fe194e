"""The bytes of a feed, from a folder, a file or an address."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tallybook.errors import SourceError
from tallybook.model.files import read_file

if TYPE_CHECKING:
    import httpx

Alternatives = Sequence[Sequence[str]]
"""The sets of files that hold a thing, the fullest first."""

_TIMEOUT_SECONDS = 60
_MOST_SECONDS = 1800
_MOST_BYTES = 2 * 1024**3
_SHOWN = 4


@dataclass(frozen=True)
class Fetched:
    """A file of a feed.

    Attributes:
        name: the name the feed's layout has for it, such as ``us-states.csv``.
        address: where it was found; the name errors use.
        data: its bytes.
    """

    name: str
    address: str
    data: bytes


def fetch(
    location: str,
    wanted: Sequence[Alternatives],
    *,
    progress: Callable[[str, int, int], None] = lambda _name, _done, _all: None,
) -> list[Fetched]:
    """Return the files that are wanted and there.

    Args:
        location: a folder, a file, or the http(s) address of either. Files may be gzipped, with ``.gz`` at the end, and
            a single file may have anything before its name and an underscore (``2020-05-01_us-states.csv``).
        wanted: of each thing wanted, the sets of files that hold it, below the folder; the first set of which there is
            any file is taken.
        progress: called with a file's name, the bytes read and the bytes expected (0: not known).

    Raises:
        SourceError: there is no such place, none of the files is there, or one cannot be read.

    >>> fetch("/no/such/folder", [[["us.csv"]]])
    Traceback (most recent call last):
    ...
    tallybook.errors.SourceError: no file or folder '/no/such/folder'
    """
    names = [name for alternatives in wanted for files in alternatives for name in files]
    try:
        address = urlsplit(location)
    except ValueError as error:
        raise SourceError(f"{location!r} is no address: {error}") from error
    remote = address.scheme in ("http", "https")
    if not remote and not Path(location).exists():
        raise SourceError(f"no file or folder {location!r}")
    single = _named_by(PurePosixPath(address.path if remote else Path(location).as_posix()), names)
    if remote:
        with _web(location, names, single, progress) as get:
            found = list(_first_of_each(wanted, get))
    elif Path(location).is_dir():
        found = list(_first_of_each(wanted, partial(_from_folder, Path(location), names)))
    elif single is None:
        raise SourceError(f"{location} is no file of this feed", hint=f"it has {_some(names)}")
    else:
        found = [Fetched(single, location, read_file(Path(location)))]
    if not found:
        raise SourceError(f"nothing to record in {location}", hint=f"it should hold {_some(names)}")
    return found


def _first_of_each(wanted: Sequence[Alternatives], get: Callable[[str], Fetched | None]) -> Iterator[Fetched]:
    for alternatives in wanted:
        for files in alternatives:
            found = [file for file in map(get, files) if file is not None]
            if found:
                yield from found
                break


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and so on"


def _named_by(path: PurePosixPath, names: Sequence[str]) -> str | None:
    """Return which of the layout's files a file at this path is, ``live/us.csv`` before ``us.csv``."""
    plain = path.as_posix().removesuffix(".gz")
    for known in sorted(names, key=len, reverse=True):
        own = PurePosixPath(known).name
        if f"/{plain}".endswith(f"/{known}") or ("/" not in known and plain.endswith(f"_{own}")):
            return known
    return None


def _below(folder: str, name: str, names: Sequence[str]) -> str | None:
    """Return where a file lies below a folder of this name; None where it cannot.

    A folder that has the name of one of the layout's own, such as ``live``, is that one, and not the feed's.
    """
    if not any(known.startswith(f"{folder}/") for known in names):
        return name
    return name.removeprefix(f"{folder}/") if name.startswith(f"{folder}/") else None


def _from_folder(folder: Path, names: Sequence[str], name: str) -> Fetched | None:
    below = _below(folder.resolve().name, name, names)
    if below is None:
        return None
    for path in (folder / below, folder / f"{below}.gz"):
        if path.exists():
            return Fetched(name, str(path), read_file(path))
    return None


@contextmanager
def _web(
    location: str, names: Sequence[str], single: str | None, progress: Callable[[str, int, int], None]
) -> Iterator[Callable[[str], Fetched | None]]:
    """Open a connection for the block; what it yields gets a file by its name, None where there is none."""
    import httpx

    with httpx.Client(
        transport=httpx.HTTPTransport(retries=3), timeout=_TIMEOUT_SECONDS, follow_redirects=True
    ) as client:

        def get(name: str) -> Fetched | None:
            below = _below(location.rstrip("/").rpartition("/")[2], name, names)
            if below is None or (single and name != single):
                return None
            address = location if single else f"{location.rstrip('/')}/{below}"
            try:
                data = _download(client, name, address, progress)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                said = str(error).split("\n", 1)[0] or type(error).__name__
                raise SourceError(f"cannot read {address}: {said}") from error
            if data is None and single:
                raise SourceError(f"cannot read {address}: 404 Not Found")
            return None if data is None else Fetched(name, address, data)

        yield get


def _download(client: httpx.Client, name: str, address: str, progress: Callable[[str, int, int], None]) -> bytes | None:
    """Return the bytes at an address; None where there is nothing (404)."""
    began = time.monotonic()
    with client.stream("GET", address) as response:
        if response.status_code == 404:
            return None
        response.raise_for_status()
        expected = int(response.headers.get("content-length", 0))
        chunks = []
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            if response.num_bytes_downloaded > _MOST_BYTES:
                raise SourceError(
                    f"cannot read {address}: more than {_MOST_BYTES:,} bytes", hint="is it the right file?"
                )
            if time.monotonic() - began > _MOST_SECONDS:
                raise SourceError(
                    f"cannot read {address}: not done after {_MOST_SECONDS} seconds", hint="try again later"
                )
            progress(name, response.num_bytes_downloaded, expected)
        return b"".join(chunks)
