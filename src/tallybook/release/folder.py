"""The folder a release is put in: what may be there, what makes it one, and what others put there."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl
from filelock import Timeout

from tallybook.errors import BookError
from tallybook.release.swap import replaced

CARD: Final = "release.json"
"""The file that makes a folder a release: what it is, as of when, and its files."""

PAGES: Final = "site.json"
"""The file that names what belongs to the release's site, where it has one."""


_OF_SYSTEM: Final = re.compile(r"([^:]+) \(os error \d+\)")


def check_target(out: Path, *, book: Path) -> None:
    """Refuse to put a release in the place of anything but a release or an empty folder.

    Args:
        out: where it is to go.
        book: the folder of the book, which would go with what it is replaced by.

    Raises:
        BookError: something else is there.
    """
    home, target = book.resolve(), out.resolve()
    taken = [home / name for name in ("ledger", "sources", "public")]
    within = target != home / "public" and any(target.is_relative_to(place) for place in taken)
    if within or home.is_relative_to(target):
        raise BookError(f"a release cannot be put in {out}", hint="the book is there; give --out a folder of its own")
    if out.exists() and not out.is_dir():
        raise BookError(f"{out} is a file", hint="give --out a folder")
    if out.exists() and any(out.iterdir()) and not _is_release(out / CARD):
        raise BookError(f"{out} is not empty and holds no release", hint="give --out a new folder, or move it away")


@contextmanager
def new_release(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of the release in ``out``, with what others put there taken along.

    Raises:
        BookError: ``out`` cannot be written.
    """
    try:
        # Where a link leads to is replaced, not the link.
        with replaced(out.resolve()) as new:
            yield new
            _take_along(out.resolve(), new)
    except Timeout:
        raise BookError(f"another process is publishing to {out}", hint="try again later") from None
    except OSError as error:
        raise BookError(
            f"cannot write {out}: {error.strerror or error}", hint="the old release still stands"
        ) from error
    except pl.exceptions.PolarsError as error:
        # So says the engine that a disk is full.
        said = _OF_SYSTEM.search(str(error))
        if said is None:
            raise
        raise BookError(f"cannot write {out}: {said[1].strip()}", hint="the old release still stands") from error


def _take_along(old: Path, new: Path) -> None:
    """Copy to the new release what lies in the old one's folder and is none of its files."""
    card = _card(old / CARD)
    if card is None:
        return
    own = {CARD, PAGES, *(file["path"] for file in card["files"]), *_pages(old / PAGES)}
    for path in old.rglob("*"):
        name = path.relative_to(old)
        if (path.is_symlink() or path.is_file()) and name.as_posix() not in own and not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, new / name, follow_symlinks=False)


def _is_release(card: Path) -> bool:
    return _card(card) is not None


def _card(file: Path) -> dict[str, Any] | None:
    """Return what a release's card says; None where there is none."""
    try:
        said = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and {"as_of", "files"} <= said.keys() else None


def _pages(file: Path) -> list[str]:
    """Return the paths of a release's pages; none where it has no site."""
    try:
        return [str(path) for path in json.loads(file.read_bytes())["files"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
