"""A Parquet file of others is read in a process of its own first, for the engine may not survive it.

It reserves what a file says of its own size, and ends the process where there is not so much; a flipped byte is enough.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import suppress
from multiprocessing import spawn
from typing import Final

import polars as pl

from tallybook.errors import SourceError

_MOST_MEMORY: Final = 8 << 30
_MOST_SECONDS: Final = 600
_THREADS: Final = "2"
"""Each thread reserves memory, and a machine may have hundreds."""

_REFUSED: Final = 3
_READ: Final = b"the engine read it"
_PROGRAM: Final = "from tallybook.release.trial import main; main()"


def check_survivable(data: bytes, what: str) -> None:
    """Refuse a Parquet file that the engine refuses, or does not survive, in a process that may have 8 GiB.

    Args:
        data: the file.
        what: what it is, for messages.

    Raises:
        SourceError: it does.

    >>> check_survivable(b"PAR1", "us.parquet")
    Traceback (most recent call last):
    ...
    tallybook.errors.SourceError: cannot read us.parquet: it is no Parquet file; was it damaged?
    """
    try:
        tried = _tried(data)
    except OSError as error:
        raise SourceError(f"cannot read {what}: no process can be begun to try it: {error.strerror}") from error
    if tried.returncode == _REFUSED:
        raise SourceError(f"cannot read {what}: it is no Parquet file", hint="was it damaged?")
    if tried.stdout != _READ:
        raise SourceError(
            f"cannot read {what}: a process that reads it ends",
            hint="it was made to ask for more memory than there is, or is too large for this machine",
        )


def _tried(data: bytes) -> subprocess.CompletedProcess[bytes]:
    """Return what became of a process that reads the file."""
    # A program that Python is part of says to multiprocessing what to start.
    command = [os.fsdecode(spawn.get_executable() or sys.executable), "-P", "-c", _PROGRAM]
    # What can be imported here can be imported there, and nothing else.
    paths = os.pathsep.join(path for path in sys.path if isinstance(path, str))
    environment = {**os.environ, "PYTHONPATH": paths, "POLARS_MAX_THREADS": _THREADS}
    try:
        return subprocess.run(  # noqa: S603 (no shell)
            command, input=data, env=environment, capture_output=True, timeout=_MOST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, b"")


def main() -> None:
    """Read what comes in, in limited memory, and say that it was read; exit with 3 where the engine refuses it."""
    with suppress(ImportError, OSError, ValueError):  # Windows has no limits, and macOS may refuse them
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = _MOST_MEMORY if soft == resource.RLIM_INFINITY else min(soft, _MOST_MEMORY)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what ends it would be written to the disk
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        pl.read_parquet(io.BytesIO(sys.stdin.buffer.read()))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        sys.exit(_REFUSED)
    sys.stdout.buffer.write(_READ)
