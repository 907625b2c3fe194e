"""Putting a new folder in the place of an old one so that a reader sees one or the other, never half of each."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from tallybook.model.files import synced

_HERE = -100  # AT_FDCWD: paths are relative to the current folder
_WAIT_SECONDS = 60
_EXCHANGE = 2  # RENAME_EXCHANGE on Linux, RENAME_SWAP on macOS


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that takes its place when the block ends without an exception.

    The folder that was there stays beside it as ``.{name}.previous`` until the next time, for readers that have it
    open. On Linux and macOS the two change places in one step; elsewhere there is a moment without either.

    Args:
        target: the folder to replace; it need not exist.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    new, previous = (target.with_name(f".{target.name}.{which}") for which in ("next", "previous"))
    with FileLock(target.with_name(f".{target.name}.lock"), timeout=_WAIT_SECONDS):
        _remove(new)
        new.mkdir()
        try:
            yield new
            _sync(new)
            # Before the exchange, so that nothing can fail between it and the end.
            _remove(previous)
            if not target.exists():
                new.rename(target)
            elif _exchanged(new, target):
                new.rename(previous)
            else:
                target.rename(previous)
                new.rename(target)
            synced(target.parent)
        finally:
            _remove(new)


def _remove(path: Path) -> None:
    """Remove a folder with all in it, or whatever else has its name."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; return whether this system and its file system can."""
    system = ctypes.CDLL(None, use_errno=True)
    names = os.fsencode(one), os.fsencode(other)
    if hasattr(system, "renameat2"):
        return bool(system.renameat2(_HERE, names[0], _HERE, names[1], _EXCHANGE) == 0)
    if hasattr(system, "renamex_np"):
        return bool(system.renamex_np(*names, _EXCHANGE) == 0)
    return False


def _sync(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        synced(path)
    synced(folder)
