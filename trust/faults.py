"""Faults, and what became of them: ``python trust/faults.py [WORD …]`` tries all, or the parts with such words in them.

Every part is kept in ``build/trust`` when it is done, with the commit it was measured on; the report,
``docs/explanation/faults.md``, is written of all parts that are there.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from crash import Stage, Tally, killed
from crowd import crowd, publishing_crowd
from defects import DEFECTS, seeded
from scenes import CLOSE, IMPORT, PUBLISH, RECORD, SCENES
from shortage import MOUNTS, SHORTAGES, SQUEEZED, clock_back, mountable, mounted, suffered
from written import REPORT, write_report

HERE: Final = Path(__file__).resolve().parents[1]
KEPT: Final = HERE / "build" / "trust"
POINTS: Final = 200
OF_SHORTAGES: Final = 40
SECONDS: Final = 60


def main(words: list[str]) -> None:
    """Run the parts that are asked for, keep what came of them, and write the report."""
    commit = _commit()
    KEPT.mkdir(parents=True, exist_ok=True)
    # A kill leaves what is in memory as it is on a disk, and memory is faster.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        for number, (name, work) in enumerate(_parts()):
            if words and not any(word in name for word in words):
                continue
            began = time.monotonic()
            tallies = work(Path(folder) / str(number))
            said = {"name": name, "commit": commit, "seconds": time.monotonic() - began, "tallies": tallies}
            (KEPT / f"{name.replace(' ', '-')}.json").write_text(json.dumps(said, indent=1), encoding="utf-8")
            for tally in tallies:
                print(
                    f"{tally['fault']}: {tally['tries']} tries, {tally['survived']} survived",
                    *tally["wrong"],
                    sep="\n  ",
                )
    write_report([json.loads(file.read_text(encoding="utf-8")) for file in sorted(KEPT.glob("*.json"))])


def _commit() -> str:
    """Return the commit that is tried, marked where something but the report was changed since."""

    def said(*words: str) -> str:
        command = ["git", "-C", str(HERE), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    changed = said("status", "--porcelain", "--untracked-files=no", "--", ".", f":(exclude){REPORT.relative_to(HERE)}")
    return said("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")


def _parts() -> Iterator[tuple[str, Callable[[Path], list[dict[str, Any]]]]]:
    for scene in SCENES:
        yield f"crash {scene.name}", partial(_crash, scene)
    yield "shortage", _shortages
    if mountable():
        yield "mounted", lambda folder: [asdict(mounted(one, folder)) for one in MOUNTS]
    else:
        print("no file system can be mounted here: quotas and lost inodes are tried by calls to the kernel only")
    yield "crowd ledger", lambda folder: [asdict(crowd(folder, writers=8, readers=8, seconds=SECONDS))]
    yield "crowd public", lambda folder: [asdict(publishing_crowd(folder, readers=8, seconds=SECONDS))]
    yield "defects", lambda _folder: [asdict(seeded(defect)) for defect in DEFECTS]


def _crash(scene: Any, folder: Path) -> list[dict[str, Any]]:
    return [asdict(killed(Stage(scene, folder), POINTS, _chance(scene.name), again=10))]


def _shortages(folder: Path) -> list[dict[str, Any]]:
    stages = [Stage(scene, folder / scene.name) for scene in (RECORD, CLOSE, PUBLISH, IMPORT)]
    done: list[Tally] = [suffered(one, stages, OF_SHORTAGES, _chance(one.name)) for one in (*SHORTAGES, SQUEEZED)]
    return [asdict(tally) for tally in [*done, clock_back(stages[0])]]


def _chance(name: str) -> random.Random:
    return random.Random(name)


if __name__ == "__main__":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    main(sys.argv[1:])
