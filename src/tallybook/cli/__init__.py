"""The command line.

Exit codes: 0 done; 1 refused, with one line that says what, where and what to do, or damage found by ``verify``;
2 wrong usage, or errors found by ``check --strict``; 130 interrupted; 141 nobody read on.
"""

from __future__ import annotations

import io
import sys
from typing import Final, NoReturn

from rich.markup import escape

from tallybook.cli.commands import app
from tallybook.cli.printing import err
from tallybook.errors import TallybookError

__all__ = ["main"]

INTERRUPTED: Final = 130


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A figure with a character the terminal does not know is better than none.
            stream.reconfigure(errors="replace")
    try:
        app()
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as done:
        if done.code == INTERRUPTED:
            _interrupted()
        raise
    except TallybookError as error:
        _refuse(str(error))
    except OSError as error:
        # What no room foresaw: a folder without permission, a full disk, a name too long.
        _refuse(f"{error.filename or 'the system'}: {error.strerror or error}")


def _interrupted() -> NoReturn:
    err.print("interrupted")
    sys.exit(INTERRUPTED)


def _refuse(message: str) -> NoReturn:
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in message)
    err.print(f"[bold red]error:[/] {escape(line)}")
    sys.exit(1)
