"""One at a time: recording, closing days and making a ledger anew, each as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from tallybook.errors import LedgerError

_WAIT_SECONDS: Final = 60


@contextmanager
def alone(ledger: Path) -> Iterator[None]:
    """Keep others out that change a book's ledger, and the files kept with it, for the block.

    What is kept of an act and what the act does stay together then, whoever else is at work. The lock is beside the
    ledger: its folder may be another one afterwards.

    Args:
        ledger: the ledger's folder.

    Raises:
        LedgerError: another process has been at work for a minute, or the folder cannot be written.
    """
    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(ledger.with_name(f".{ledger.name}.writing.lock"), timeout=_WAIT_SECONDS)
        lock.acquire()
    except Timeout:
        raise LedgerError(
            f"another process has been writing {ledger} for {_WAIT_SECONDS} seconds", hint="try again later"
        ) from None
    except OSError as error:
        raise LedgerError(f"cannot write {ledger.parent}: {error.strerror}", hint="nothing was recorded") from error
    try:
        yield
    finally:
        lock.release()
