"""Keeping what the engine prints while it fails from those who are told in one line what is wrong."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

_LAST_WORDS_SECONDS: Final = 0.3
"""How long threads that give up may take to say so."""

_ONE_AT_A_TIME: Final = threading.RLock()


@contextmanager
def without_panics() -> Iterator[None]:
    """Let nothing be printed to the standard error while the block fails; print it afterwards where it does not.

    Where a disk is full, threads of the engine print that they give up, several lines each, before it says so itself.
    """
    # There is one standard error: of two threads, the later would put back what the earlier had put there.
    with _ONE_AT_A_TIME, _redirected():
        yield


@contextmanager
def _redirected() -> Iterator[None]:
    try:
        kept, said = os.dup(2), _memory()
    except OSError:  # there is no standard error, or no room for what would be kept
        yield
        return
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
    os.dup2(said.fileno(), 2)
    try:
        yield
    except Exception:
        time.sleep(_LAST_WORDS_SECONDS)
        said.truncate(0)
        raise
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        with said, suppress(OSError):
            said.seek(0)
            os.write(2, said.read())


def _memory() -> IO[bytes]:
    """Return a file that is nowhere, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("said"), "w+b")
    return tempfile.TemporaryFile()
