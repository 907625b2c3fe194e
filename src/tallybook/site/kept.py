"""What takes long to make and depends on nothing but installed packages, kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path


def kept(name: str, made_of: Iterable[bytes], make: Callable[[], bytes]) -> bytes:
    """Return what was kept under this name, or make it and keep it; where nothing can be kept, it is made again.

    Args:
        name: of the file.
        made_of: everything that what is kept depends on: what was made of something else is not taken.
        make: makes it.
    """
    digest = hashlib.sha256()
    for part in made_of:
        digest.update(hashlib.sha256(part).digest())
    file = _folder() / f"{digest.hexdigest()[:24]}-{name}"
    try:
        return file.read_bytes()
    except OSError:
        made = make()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part_of = file.with_suffix(f".{os.getpid()}")
        part_of.write_bytes(made)
        part_of.replace(file)  # whole or not at all
    except OSError:
        pass
    return made


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tallybook"
