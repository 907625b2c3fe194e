"""Disks, folders, memory and clocks that fail in the middle of what is done, and what is said of it."""

from __future__ import annotations

import errno
import random
import resource
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crash import Stage, Tally, check_between, expect, finished, told
from scenes import command_line, looked_done_looked
from watched import Ended, Fault, run

_MEGABYTE: Final = 1 << 20


@dataclass(frozen=True)
class Shortage:
    """Something that fails.

    Attributes:
        name: what it is called in the report.
        fault: the fault, given how many calls the scene makes and what chooses the point.
        codes: the exit codes that are right when it hits.
        words: what the line that is printed has in it, one of these.
    """

    name: str
    fault: Callable[[int, random.Random], Fault]
    codes: tuple[int, ...] = (1,)
    words: tuple[str, ...] = ("",)


def _failing(error: int, kind: str, *, first: bool = False) -> Callable[[int, random.Random], Fault]:
    return lambda calls, chance: Fault(at=1 if first else chance.randint(1, calls), error=error, kind=kind)


def _signalled(number: int) -> Callable[[int, random.Random], Fault]:
    return lambda calls, chance: Fault(at=chance.randint(1, calls), signal=number)


def _limited(which: int, least: int, most: int) -> Callable[[int, random.Random], Fault]:
    return lambda _calls, chance: Fault(limits={which: chance.randint(least, most)})


SHORTAGES: Final = (
    Shortage("disk full", _failing(errno.ENOSPC, "write"), words=("No space left",)),
    Shortage("quota", _failing(errno.EDQUOT, "write"), words=("quota exceeded",)),
    Shortage("no inodes", _failing(errno.ENOSPC, "make"), words=("No space left",)),
    Shortage("disk that fails", _failing(errno.EIO, "all"), words=("Input/output error",)),
    Shortage("read-only folder", _failing(errno.EROFS, "all", first=True), words=("Read-only file system",)),
    Shortage("file-size limit", _limited(resource.RLIMIT_FSIZE, 0, 20_000), words=("File too large",)),
    Shortage("SIGTERM", _signalled(signal.SIGTERM), codes=(143,), words=("terminated",)),
    Shortage("SIGINT", _signalled(signal.SIGINT), codes=(130,), words=("interrupted",)),
    Shortage(
        "memory limit (RLIMIT_AS)",
        _limited(resource.RLIMIT_AS, 0, 400 * _MEGABYTE),
        codes=(1, -signal.SIGABRT),
        words=("memory",),
    ),
)


def suffered(shortage: Shortage, stages: Sequence[Stage], points: int, chance: random.Random) -> Tally:
    """Let something fail at random points of scenes, in turn."""
    tally = Tally(shortage.name)
    for number in range(points):
        stage = stages[number % len(stages)]
        fault = shortage.fault(stage.calls, chance)
        tally.tries += 1
        try:
            with stage.copy() as home:
                tally.hit += _suffer(shortage, stage, home, fault)
            tally.survived += 1
        except AssertionError as error:
            tally.wrong.append(f"{stage.scene.name}, {fault}: {error}")
    return tally


def _suffer(shortage: Shortage, stage: Stage, home: Path, fault: Fault) -> bool:
    """Fail once, look at what was said and what there is, do it again, look again; return whether it hit.

    Raises:
        AssertionError: something is not as promised.
    """
    done = run(command_line, stage.scene, home, within=home, fault=fault)
    check_said(shortage, done)
    said = home.with_suffix(".said")
    found, after = told(run(looked_done_looked, stage.scene, home, said, within=home))
    check_between(stage, found, [] if done.code else ["done"])
    finished(stage, after, home)
    return bool(done.code)


def check_said(shortage: Shortage, done: Ended) -> None:
    """Check that a command said in one line what went wrong, with the right exit code."""
    expect(done.code in (0, *shortage.codes), f"exit code {done.code}: {done.err}")
    expect("Traceback" not in done.err, done.err)
    if done.code:
        lines = [line for line in done.err.splitlines() if line.strip()]
        expect(len(lines) == 1, f"{len(lines)} lines: {done.err}")
        expect(any(words in lines[0] for words in shortage.words), f"says nothing of it: {lines[0]}")
