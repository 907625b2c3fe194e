"""Pages that are run: their files are written, their commands executed, what those print compared."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

from tallybook.cli import main
from tallybook.cli.printing import out

ARCHIVE: Final = "https://raw.githubusercontent.com/nytimes/covid-19-data/master"
"""Where pages fetch the New York Times' archive from; tests have it on this machine."""

_BLOCK: Final = re.compile(
    r"(?:^`(?P<file>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COMMAND: Final = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_OURS: Final = re.compile(r"tallybook [^|;&<>]*(?:> (?P<file>\S+))?")
_COLUMNS: Final = 200


@dataclass(frozen=True)
class Ran:
    """A command of a page: what it should print (nothing where the page does not say), and what it printed."""

    command: str
    said: list[str]
    shown: list[str]


def run_page(text: str, folder: Path, *, archive: str = "") -> Iterator[Ran]:
    """Write the files and run the commands of a page, in a folder, and yield each command.

    Args:
        text: the page.
        folder: where its files are written, and its commands run.
        archive: the address of the New York Times' archive, in place of the one on the web.
    """
    for block in _BLOCK.finditer(text):
        if block["file"]:
            (folder / block["file"]).write_text(block["text"])
        elif block["kind"] == "console":
            for command, said in _COMMAND.findall(block["text"]):
                shown = "".join(_ran(part, folder, archive) for part in _parts(command))
                yield Ran(command, _lines(said), _lines(shown))


def _parts(command: str) -> list[str]:
    """Return the commands of a line that begins with one of ours, each for itself."""
    return command.split(" && ") if command.startswith("tallybook ") else [command]


def _ran(command: str, folder: Path, archive: str) -> str:
    ours = _OURS.fullmatch(command)
    said = _in_here(command, folder, ours["file"]) if ours else _in_a_shell(command, folder)
    if archive:
        for card in folder.glob("*/sources/nyt.md"):
            _from_here(card, archive)
    return said


def _from_here(card: Path, archive: str) -> None:
    """Let a book fetch the archive from this machine."""
    told = card.read_text()
    if ARCHIVE in told:
        card.write_text(told.replace(ARCHIVE, archive))
        config = card.parents[1] / "book.toml"
        config.write_text(f'{config.read_text()}\n[fetch]\nprivate_hosts = ["127.0.0.1"]\n')


def _in_here(command: str, folder: Path, file: str | None) -> str:
    """Run our own command line without starting Python anew, which is most of what a short command takes."""
    words = shlex.split(command.partition(" > ")[0])
    shown, wrong = io.StringIO(), io.StringIO()
    out.width = _COLUMNS
    with chdir(folder), patch.object(sys, "argv", words), redirect_stdout(shown), redirect_stderr(wrong):
        code = _exit_code()
    assert (code, wrong.getvalue()) == (0, ""), f"{command}: {shown.getvalue()}{wrong.getvalue()}"
    if not file:
        return shown.getvalue()
    (folder / file).write_text(shown.getvalue())
    return ""


def _exit_code() -> int:
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _in_a_shell(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": str(_COLUMNS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def _lines(text: str) -> list[str]:
    """Return lines without the blanks at their ends, which nobody sees."""
    return [line.rstrip() for line in text.splitlines()]
