"""Disks, folders, memory and clocks that fail in the middle of what is done, and what is said of it."""

from __future__ import annotations

import errno
import random
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crash import Stage, Tally, check_between, expect, finished, told
from scenes import PUBLISH, command_line, looked_done_looked
from watched import Ended, Fault, run

_LATE: Final = re.compile(r"^thread '[^']+' \(\d+\) panicked at .*?^note: [^\n]*$", re.MULTILINE | re.DOTALL)
_MEGABYTE: Final = 1 << 20
_ENDS: Final = {
    0: "went on",
    -signal.SIGABRT: "aborted",
    -signal.SIGKILL: "hung and was killed",
    99: "an exception of the engine",
}


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
        _limited(resource.RLIMIT_AS, 0, 1_400 * _MEGABYTE),
        words=("not enough memory",),
    ),
)


SQUEEZED: Final = Shortage(
    "memory that runs out in the middle",
    lambda calls, chance: Fault(at=chance.randint(1, calls), squeezed=True),
    codes=tuple(range(-64, 256)),
)
"""What is said of it is the engine's; what is there afterwards is ours."""


def suffered(shortage: Shortage, stages: Sequence[Stage], points: int, chance: random.Random) -> Tally:
    """Let something fail at random points of scenes, in turn."""
    tally, ends = Tally(shortage.name), Counter[int]()
    for number in range(points):
        stage = stages[number % len(stages)]
        fault = shortage.fault(stage.calls, chance)
        tally.tries += 1
        try:
            with stage.copy() as home:
                code = _suffer(shortage, stage, home, fault)
                tally.hit += code != 0
                ends[code] += 1
            tally.survived += 1
        except AssertionError as error:
            tally.wrong.append(f"{stage.scene.name}, {fault}: {error}")
    tally.note = ", ".join(f"{_ENDS.get(code, f'exit code {code}')}: {times}" for code, times in sorted(ends.items()))
    return tally


def _suffer(shortage: Shortage, stage: Stage, home: Path, fault: Fault) -> int:
    """Fail once, look at what was said and what there is, do it again, look again; return the exit code.

    Raises:
        AssertionError: something is not as promised.
    """
    done = run(command_line, stage.scene, home, within=home, fault=fault)
    check_said(shortage, done)
    said = home.with_suffix(".said")
    found, after = told(run(looked_done_looked, stage.scene, home, said, within=home))
    check_between(stage, found, [] if done.code else ["done"])
    finished(stage, after, home)
    return done.code


def check_said(shortage: Shortage, done: Ended) -> None:
    """Check that a command said in one line what went wrong, with the right exit code."""
    expect(done.code in (0, *shortage.codes), f"exit code {done.code}: {done.err}")
    expect("Traceback" not in done.err or shortage is SQUEEZED, done.err)
    if done.code and shortage is not SQUEEZED:
        ours = [line for line in done.err.splitlines() if line.startswith("error: ")]
        expect(len(ours) == 1, f"{len(ours)} lines: {done.err}")
        # A thread of the engine may be late to say that it gives up, too.
        rest = [line for line in _LATE.sub("", done.err).splitlines() if line.strip()]
        expect(rest == ours, f"{len(rest)} lines: {done.err}")
        expect(any(words in ours[0] for words in shortage.words), f"says nothing of it: {ours[0]}")


BACK: Final = -72
"""The hour to which the clock is set back, counted from noon of the first day."""


def clock_back(stage: Stage, hours: Sequence[float] = (BACK, -1, -0.01)) -> Tally:
    """Record with a clock that was set back: it is refused, in one line, and nothing changes."""
    tally = Tally("clock set back")
    for hour in hours:
        tally.tries += 1
        with stage.copy() as home:
            try:
                done = run(command_line, stage.scene, home, hour, within=home)
                check_said(Shortage("clock", lambda _calls, _chance: Fault(), words=("clock",)), done)
                expect(done.code == 1, f"exit code {done.code}")
                found, after = told(run(looked_done_looked, stage.scene, home, home.with_suffix(".said"), within=home))
                check_between(stage, found, [])
                expect(found["records"] == stage.before["records"], "something was recorded")
                finished(stage, after, home)
                tally.hit += 1
                tally.survived += 1
            except AssertionError as error:
                tally.wrong.append(f"{hour} hours: {error}")
    return tally


@dataclass(frozen=True)
class Mount:
    """A file system of its own that is too small, or cannot be written.

    Attributes:
        name: what it is called in the report.
        options: how it is mounted, given a number of what it has room for.
        sizes: how much room, in turn.
        words: what the line that is printed has in it.
    """

    name: str
    options: str
    sizes: tuple[int, ...]
    words: str


MOUNTS: Final = (
    Mount("disk full (tmpfs)", "size={0}k", tuple(range(160, 480, 16)), "No space left"),
    Mount("no inodes (tmpfs)", "nr_inodes={0}", tuple(range(90, 150, 3)), "No space left"),
    Mount("read-only (tmpfs)", "ro", (0, 1), "Read-only file system"),
)


def mountable() -> bool:
    """Return whether file systems can be mounted here, which takes a superuser who may."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder)
        except (OSError, subprocess.CalledProcessError):
            return False
        subprocess.run(["umount", folder], check=True)
    return True


def mounted(mount: Mount, folder: Path) -> Tally:
    """Record and publish on a file system that has room for the beginning only."""
    tally = Tally(mount.name)
    stage = Stage(PUBLISH, folder / mount.name.split()[0])
    for size in mount.sizes:
        tally.tries += 1
        with stage.copy() as home:
            try:
                tally.hit += _on_mount(mount, size, stage, home)
                tally.survived += 1
            except AssertionError as error:
                tally.wrong.append(f"{mount.options.format(size)}: {error}")
    return tally


def _on_mount(mount: Mount, size: int, stage: Stage, home: Path) -> bool:
    """Do it on such a file system, then with more room; return whether the first was too small."""
    kept = home.with_suffix(".kept")
    home.rename(kept)
    home.mkdir()
    options = mount.options.format(size)
    _mount("-t", "tmpfs", "-o", options if options != "ro" else "size=64m", "tmpfs", str(home))
    try:
        try:
            shutil.copytree(kept, home, symlinks=True, dirs_exist_ok=True)
        except (OSError, shutil.Error):
            return False  # there is not even room for the book
        if options == "ro":
            _mount("-o", "remount,ro", str(home))
        done = run(command_line, stage.scene, home, within=home)
        _mount("-o", "remount,rw,size=64m,nr_inodes=9999", str(home))
        check_said(Shortage(mount.name, lambda _calls, _chance: Fault(), words=(mount.words,)), done)
        found, after = told(run(looked_done_looked, stage.scene, home, home.with_suffix(".said"), within=home))
        check_between(stage, found, [] if done.code else ["done"])
        finished(stage, after, home)
        return bool(done.code)
    finally:
        subprocess.run(["umount", str(home)], check=True)
        shutil.rmtree(kept)


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True, capture_output=True)
