"""The report: what was done to Tallybook, and what became of it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

REPORT: Final = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "faults.md"
_ORDER: Final = ("crash", "shortage", "mounted", "crowd")
_ABOUT: Final = """# Faults, and what became of them

Written by `make trust`, which does to small books what disks, machines and people do to real ones. `make test` does a few of each
every time; what is promised stands in [promises](../promises.md).

A try **survived** if, after it, the ledger opens and has exactly what was recorded, of the file that was being recorded all or
nothing; the public folder is one whole release, the old or the new, also for a reader that had its files open; the next run ends in
the same state as one that nothing disturbed, to the byte of every published file; and `tallybook verify` finds nothing. After some of
the tries the ledger was also made anew by `tallybook rebuild`, and was the same. **Hit** are the tries in which the fault came before
the end. **Lost** are the tries after which anything of this was not so.

Every part is kept with the commit it was measured on. A full run makes 200 kills of each kind and 40 tries of whatever else fails; rows
with fewer are of a run that was cut short.
"""
_HOW: Final = """## How

Half of the kills are at calls to the kernel that change files, chosen among all that the work makes (so that a kill falls before any
of them, in any thread), the other half at moments. Disks that are full, quotas and the like fail at such a call and at all after it;
"tmpfs" are real file systems of that size. Where a signal ends the work, the exit code is 130 (SIGINT) or 143 (SIGTERM); where
something cannot be written, 1; always with one line that says why. A memory limit is refused before anything is begun where it
leaves less than the smallest book needs (1.5 GiB of addresses).

"Compaction" is what keeps a ledger quick: Delta's checkpoint of its log, every hundred commits, and the index, made anew after every
32; both add files and take nothing away.

## What was found

Every fault that lost or broke something was mended, and is held by a test: acts that a kill left done but not noted, so that the ledger
could not be made anew; lines of logs cut off in the middle; files without checksums; an index that was replaced between two looks of a
slow reader among many writers, who failed on pieces of two (the crowd of `7de3d7f`); seeded defects that no test of their room saw.

## What is not promised

- Where memory runs out in the middle of the work, the engines end the process themselves: it aborts (exit code 134), with a line of
  theirs, or waits for a thread that cannot be started, and has to be killed. Nothing is lost then, either.
- Where writing a table fails, a thread of the engine now and then is late to say that it gives up, too: its lines stand beside ours.
- A kill leaves what is in memory to the disk; a power cut does not. What was said to be recorded was forced onto the disk before
  (`tests/test_ledger.py::test_what_record_returned_from_is_on_the_disk`); disks that lie about that are not tried here.
- Past versions that are imported from a git repository stay there: `tallybook rebuild` cannot make them anew, and says so.
"""


def write_report(parts: Sequence[dict[str, Any]]) -> None:
    """Write the report of all parts that are there."""
    faults = [part for kind in _ORDER for part in parts if part["name"].split()[0] == kind]
    defects = [part for part in parts if part["name"] == "defects"]
    REPORT.write_text("\n".join([_ABOUT, *_faults(faults), _HOW, *_defects(defects)]).rstrip() + "\n", encoding="utf-8")


def _faults(parts: Sequence[dict[str, Any]]) -> Iterable[str]:
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    yield f"{machine}, deltalake {version('deltalake')}, polars {version('polars')}.\n"
    yield "| fault | tries | hit | survived | lost | | commit |\n|---|---|---|---|---|---|---|"
    for part in parts:
        for tally in part["tallies"]:
            numbers = (f"{tally[name]:,}" for name in ("tries", "hit", "survived"))
            lost = tally["tries"] - tally["survived"]
            yield f"| {tally['fault']} | {' | '.join(numbers)} | {lost:,} | {tally['note']} | {part['commit']} |"
    yield ""


def _defects(parts: Sequence[dict[str, Any]]) -> Iterable[str]:
    for part in parts:
        yield (
            "## Tests that can fail\n\nInto every room one defect at a time was put, and the tests of the room had to see it "
            f"(commit {part['commit']}).\n\n| room | defect | seen by |\n|---|---|---|"
        )
        for tally in part["tallies"]:
            room, _, defect = tally["fault"].partition(": ")
            seen = f"`{tally['note']}`" if tally["survived"] else f"**not seen**: {'; '.join(tally['wrong'])}"
            yield f"| {room} | {defect.replace('|', chr(92) + '|')} | {seen} |"
