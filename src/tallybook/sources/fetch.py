"""The bytes of a feed, from a folder, a file or an address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tallybook.errors import SourceError
from tallybook.model.files import read_file

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS = 60


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
    location: str, names: Sequence[str], *, progress: Callable[[str, int, int], None] = lambda _name, _done, _all: None
) -> list[Fetched]:
    """Return those of the named files that there are, in the order of the names.

    Args:
        location: a folder, a file, or the http(s) address of either. Files may be gzipped, with ``.gz`` at the end, and
            a single file may have anything before its name and an underscore (``2020-05-01_us-states.csv``).
        names: the files of the layout, below the folder.
        progress: called with a file's name, the bytes read and the bytes expected (0: not known).

    Raises:
        SourceError: there is no such place, none of the files is there, or one cannot be read.

    >>> fetch("/no/such/folder", ["us.csv"])
    Traceback (most recent call last):
    ...
    tallybook.errors.SourceError: no file or folder '/no/such/folder'
    """
    remote = urlsplit(location).scheme in ("http", "https")
    if not remote and not Path(location).exists():
        raise SourceError(f"no file or folder {location!r}")
    single = _named_by(PurePosixPath(urlsplit(location).path).name if remote else Path(location).name, names)
    if remote:
        found = list(_from_web(location, names, single, progress))
    elif Path(location).is_dir():
        found = list(_from_folder(Path(location), names))
    elif single is None:
        raise SourceError(f"{location} is no file of this feed", hint=f"it has {', '.join(names)}")
    else:
        found = [Fetched(single, location, read_file(Path(location)))]
    if not found:
        raise SourceError(f"nothing to record in {location}", hint=f"it should hold {', '.join(names)}")
    return found


def _named_by(name: str, names: Sequence[str]) -> str | None:
    """Return which of the layout's files a file of this name is."""
    plain = name.removesuffix(".gz")
    for known in names:
        own = PurePosixPath(known).name
        if plain == own or plain.endswith(f"_{own}"):
            return known
    return None


def _from_folder(folder: Path, names: Sequence[str]) -> Iterator[Fetched]:
    for name in names:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                yield Fetched(name, str(path), read_file(path))
                break


def _from_web(
    location: str, names: Sequence[str], single: str | None, progress: Callable[[str, int, int], None]
) -> Iterator[Fetched]:
    import httpx

    wanted = {single: location} if single else {name: f"{location.rstrip('/')}/{name}" for name in names}
    transport = httpx.HTTPTransport(retries=3)
    with httpx.Client(transport=transport, timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client:
        for name, address in wanted.items():
            try:
                data = _download(client, name, address, progress)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise SourceError(f"cannot read {address}: {error or type(error).__name__}") from error
            if data is not None:
                yield Fetched(name, address, data)
            elif single:
                raise SourceError(f"cannot read {address}: 404 Not Found")


def _download(client: httpx.Client, name: str, address: str, progress: Callable[[str, int, int], None]) -> bytes | None:
    """Return the bytes at an address; None where there is nothing (404)."""
    with client.stream("GET", address) as response:
        if response.status_code == 404:
            return None
        response.raise_for_status()
        expected = int(response.headers.get("content-length", 0))
        chunks = []
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            progress(name, response.num_bytes_downloaded, expected)
        return b"".join(chunks)
