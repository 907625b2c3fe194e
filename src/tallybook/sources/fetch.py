"""The bytes of a feed, from a folder, a file or an address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, urlsplit

from tallybook.errors import SourceError
from tallybook.model.files import inside, read_file
from tallybook.sources.archive import Archive, Fetched, Progress, without_password

Alternatives = Sequence[Sequence[str]]
"""The sets of files that hold a thing, the fullest first."""

Get = Callable[[str, str], Fetched | None]
"""Called with an address and the name of its file; returns the file, None where there is none."""

_SHOWN = 4


def fetch_file(location: str, *, archive: Archive, progress: Progress, private_hosts: Sequence[str] = ()) -> Fetched:
    """Return a single file.

    Args:
        location: its path or address.
        archive: what was fetched before.
        progress: called with the file's name, the bytes read and the bytes expected (0: not known).
        private_hosts: hosts that are not on the internet and may be fetched from.

    Raises:
        SourceError: there is none, or it cannot be read.
    """
    name = PurePosixPath(_address(location).path or location).name
    if not _is_remote(location):
        return Fetched(name, location, read_file(Path(location)))
    with _web(archive, progress, private_hosts) as get:
        found = get(location, name)
    if found is None:
        raise SourceError(f"cannot read {without_password(location)}: 404 Not Found")
    return found


def fetch(
    location: str,
    wanted: Sequence[Alternatives],
    *,
    archive: Archive,
    progress: Progress,
    private_hosts: Sequence[str] = (),
) -> list[Fetched]:
    """Return the files that are wanted and there.

    Args:
        location: a folder, a file, or the http(s) address of either. Files may be gzipped, with ``.gz`` at the end, and
            a single file may have anything before its name and an underscore (``2020-05-01_us-states.csv``).
        wanted: of each thing wanted, the sets of files that hold it, below the folder; the first set of which there is
            any file is taken.
        archive: what was fetched before.
        progress: called with a file's name, the bytes read and the bytes expected (0: not known).
        private_hosts: hosts that are not on the internet and may be fetched from.

    Raises:
        SourceError: there is no such place, none of the files is there, or one cannot be read.

    >>> fetch("/no/such/folder", [[["us.csv"]]], archive=Archive(Path("raw")), progress=lambda _name, _done, _all: None)
    Traceback (most recent call last):
    ...
    tallybook.errors.SourceError: no file or folder '/no/such/folder'
    """
    names = [name for alternatives in wanted for files in alternatives for name in files]
    remote = _is_remote(location)
    if not remote and not Path(location).exists():
        raise SourceError(f"no file or folder {location!r}")
    path = _address(location).path if remote else Path(location).as_posix()
    single = named_by(PurePosixPath(path), names)
    if remote and single:
        found = [
            replace(fetch_file(location, archive=archive, progress=progress, private_hosts=private_hosts), name=single)
        ]
    elif remote:
        with _web(archive, progress, private_hosts) as get:
            found = list(_first_of_each(wanted, partial(_from_web, get, location.rstrip("/"), names)))
    elif Path(location).is_dir():
        found = list(_first_of_each(wanted, partial(_from_folder, Path(location), names)))
    elif single is None:
        raise SourceError(f"{location} is no file of this feed", hint=f"it has {_some(names)}")
    else:
        found = [Fetched(single, location, read_file(Path(location)))]
    if not found:
        raise SourceError(f"nothing to record in {without_password(location)}", hint=f"it should hold {_some(names)}")
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


def named_by(path: PurePosixPath, names: Sequence[str]) -> str | None:
    """Return which of the layout's files a file at this path is, ``live/us.csv`` before ``us.csv``.

    >>> [named_by(PurePosixPath(path), ["us.csv", "live/us.csv"]) for path in ("old/1_us.csv", "live/1_us.csv.gz")]
    ['us.csv', 'live/us.csv']
    """
    plain = PurePosixPath(path.as_posix().removesuffix(".gz"))
    for known in sorted(names, key=len, reverse=True):
        folder, own = PurePosixPath(known).parent.name, PurePosixPath(known).name
        if f"/{plain}".endswith((f"/{known}", f"_{known.replace('/', '_')}")):
            return known
        if folder in ("", plain.parent.name) and plain.name.endswith(f"_{own}"):
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
            return Fetched(name, str(path), read_file(inside(path, folder)))
    return None


def _from_web(get: Get, location: str, names: Sequence[str], name: str) -> Fetched | None:
    below = _below(location.rpartition("/")[2], name, names)
    return None if below is None else get(f"{location}/{below}", name)


def _address(location: str) -> SplitResult:
    try:
        return urlsplit(location)
    except ValueError as error:
        raise SourceError(f"{location!r} is no address: {error}") from error


def _is_remote(location: str) -> bool:
    scheme = _address(location).scheme
    if scheme not in ("http", "https") and "://" in location:
        hint = "give the path of a file or folder on this machine as it is"
        raise SourceError(f"cannot fetch {location}: only http and https addresses are fetched", hint=hint)
    return scheme in ("http", "https")


@contextmanager
def _web(archive: Archive, progress: Progress, private_hosts: Sequence[str]) -> Iterator[Get]:
    """Connect for the block; what is yielded gets the file at an address, None where there is none."""
    # It takes a quarter of a second, and most books are recorded from folders.
    from tallybook.sources.web import connected

    with connected(archive, progress, private_hosts) as web:
        yield web.get
