"""Processes that are killed at any moment of what they do, and what there is then."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scenes import IMPORT, Scene, do, held, looked_done_looked, rebuilt
from watched import Ended, Fault, run

ORDER: Final = ("records", "observed", "known", "release", "releases")
"""What a book holds that has to be the same after the next run as without the kill."""


@dataclass
class Tally:
    """What came of the tries.

    Attributes:
        fault: what was done.
        tries: how often.
        hit: how often the process was at work when it happened.
        survived: how often all was as promised.
        wrong: what was not, a line each.
        note: what else is to be said.
    """

    fault: str
    tries: int = 0
    hit: int = 0
    survived: int = 0
    wrong: list[str] = field(default_factory=list)
    note: str = ""


class Stage:
    """A scene set up once, and copied for every try.

    Attributes:
        scene: the scene.
        before: what the book holds before.
        after: what it holds when nothing disturbs it.
        calls: how many calls that change files it takes.
        seconds: how long it takes.
    """

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self._folder = folder
        self._made = folder / "made"
        self._made.mkdir(parents=True)
        told(run(scene.stage, self._made, within=self._made))
        self.before = told(run(held, self._made, within=self._made))
        with self.copy() as home:
            done = run(do, scene, home, home.with_suffix(".said"), within=home, fault=Fault())
            if done.code:
                raise RuntimeError(f"{scene.name}: {done.err}")
            self.calls, self.seconds = done.calls, done.seconds
            self.after = told(run(held, home, within=home))

    @contextmanager
    def copy(self) -> Iterator[Path]:
        """Yield a copy of the scene for the block."""
        home = self._folder / "try"  # always the same, for records say where files came from
        shutil.copytree(self._made, home, symlinks=True)
        try:
            yield home
        finally:
            shutil.rmtree(home)
            home.with_suffix(".said").unlink(missing_ok=True)


def told(done: Ended) -> Any:
    """Return what a process returned that nothing disturbed."""
    if done.code:
        raise AssertionError(done.err.strip().splitlines()[-1] if done.err.strip() else f"exit code {done.code}")
    return done.told


def killed(stage: Stage, points: int, chance: random.Random, *, again: int = 4) -> Tally:
    """Kill a scene at random points: one half at calls that change files, the other at moments.

    Args:
        stage: the scene.
        points: how often.
        chance: chooses the points.
        again: the ledger is made anew after every so-manieth try.
    """
    tally = Tally(f"`kill -9` of {stage.scene.name}", note=f"{stage.calls:,} calls that change files")
    half = points - points // 2
    calls = chance.sample(range(1, stage.calls + 1), k=min(half, stage.calls))
    calls += chance.choices(range(1, stage.calls + 1), k=half - len(calls))
    faults = [Fault(at=call, signal=signal.SIGKILL) for call in calls]
    faults += [Fault(after=chance.uniform(0, stage.seconds)) for _ in range(points // 2)]
    for number, fault in enumerate(faults):
        tally.tries += 1
        try:
            with stage.copy() as home:
                tally.hit += _kill(stage, home, fault, anew=number % again == 0)
            tally.survived += 1
        except AssertionError as error:
            tally.wrong.append(f"{fault}: {error}")
    return tally


def _kill(stage: Stage, home: Path, fault: Fault, *, anew: bool) -> bool:
    """Kill once, look, do it again, look again; return whether it was at work.

    Raises:
        AssertionError: something is not as promised.
    """
    said = home.with_suffix(".said")
    with _readers(home / "book/public") as whole:
        done = run(do, stage.scene, home, said, within=home, fault=fault)
        ends(done)
        whole()
        done_by_then = said.read_text().splitlines() if said.exists() else []
        found, after = told(run(looked_done_looked, stage.scene, home, said, within=home))
        whole()
    check_between(stage, found, done_by_then)
    finished(stage, after, home)
    if anew and stage.scene is not IMPORT and "compaction" not in stage.scene.name:
        made = told(run(rebuilt, home, within=home))
        for what in ("records", "observed", "known"):
            expect(made[what] == stage.after[what], f"made anew, it has other {what}")
    return done.code == -signal.SIGKILL


def ends(done: Ended) -> None:
    """Check that a process was killed or came to its end."""
    expect(done.code in (0, -signal.SIGKILL), f"exit code {done.code}: {done.err}")


def expect(right: bool, what: str) -> None:
    """Say what is wrong where it is.

    Raises:
        AssertionError: it is wrong.
    """
    if not right:
        raise AssertionError(what)


def check_between(stage: Stage, found: dict[str, Any], said: list[str]) -> None:
    """Check what there is after a kill: what was recorded before, and of what was being recorded all or nothing."""
    before, after = stage.before, stage.after
    for table in ("observations", "live"):
        old, all_of_it, there = before["records"][table], after["records"][table], found["records"][table]
        expect(len(old) <= len(there) <= len(all_of_it), f"{table}: {len(there)} records")
        expect(there == all_of_it[: len(there)], f"{table}: other records than were recorded")
        numbers = {row[0] for row in there}
        whole = {record: rows for record, rows in after["observed"][table].items() if record in numbers}
        expect(found["observed"][table] == whole, f"{table}: records without all their observations")
    expect(found["release"] in (before["release"], after["release"]), "the release is neither the old nor the new")
    if said:
        least = len(before["records"]["observations"]) + int(said[-1]) + 1 if said[-1] != "done" else None
        recorded = len(found["records"]["observations"])
        expect(
            recorded == len(after["records"]["observations"]) if least is None else recorded >= least,
            "a record is lost",
        )
    expect(found["untold"], f"damage: {found['damage']}")


def finished(stage: Stage, found: dict[str, Any], home: Path) -> None:
    """Check that all is as if nothing had happened."""
    for what in ORDER:
        expect(found[what] == stage.after[what], f"after the next run, there are other {what}")
    expect(not found["damage"], f"damage after the next run: {found['damage']}")
    expect(not found["left"], f"left behind in {home.name}: {found['left']}")


@contextmanager
def _readers(folder: Path) -> Iterator[Any]:
    """Hold the files of a public folder open, and yield what checks that they stay what they were."""
    if not folder.exists():
        yield lambda: None
        return
    card = json.loads((folder / "release.json").read_text())
    opened = [((folder / file["path"]).open("rb"), file["sha256"]) for file in card["files"]]

    def whole() -> None:
        for handle, digest in opened:
            handle.seek(0)
            expect(hashlib.sha256(handle.read()).hexdigest() == digest, f"{handle.name} changed under a reader")

    try:
        yield whole
    finally:
        for handle, _ in opened:
            handle.close()
