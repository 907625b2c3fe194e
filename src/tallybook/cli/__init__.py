"""The command line.

Exit codes: 0 done; 1 refused, with one line that says what, where and what to do, or damage found by ``verify``;
2 wrong usage, or errors found by ``check --strict``; 130 interrupted; 141 nobody read on; 143 terminated.
"""

from __future__ import annotations

import gc
import io
import signal
import sys
from types import FrameType
from typing import Final, NoReturn

from rich.markup import escape

from tallybook.cli.commands import app
from tallybook.cli.memory import check_memory
from tallybook.cli.printing import err
from tallybook.errors import TallybookError

__all__ = ["main"]

_OBJECTS: Final = 50_000
"""How many objects are made before cycles are looked for: what a command imports makes none, and looking is a tenth of
the time of a short one."""

_SIGNALS: Final[dict[int, str]] = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(_OBJECTS)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A figure with a character the terminal does not know is better than none.
            stream.reconfigure(errors="replace")
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        check_memory()
        app()
    except TallybookError as error:
        _refuse(str(error))
    except _StoppedError as stopped:
        _refuse(f"{_SIGNALS[stopped.number]}; nothing is left half done: run it again", 128 + stopped.number)
    except MemoryError:
        _refuse("there is not enough memory; nothing is left half done: run it again where there is more")
    except OSError as error:
        # What no room foresaw: a folder without permission, a full disk, a name too long.
        _refuse(f"{error.filename or 'the system'}: {error.strerror or error}")


class _StoppedError(BaseException):
    """A signal asks to come to an end. It is no Exception, so that nothing takes it for a failure of its own."""

    def __init__(self, number: int) -> None:
        self.number = number


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise _StoppedError(number)


def _refuse(message: str, code: int = 1) -> NoReturn:
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in message)
    err.print(f"[bold red]error:[/] {escape(line)}")
    sys.exit(code)
