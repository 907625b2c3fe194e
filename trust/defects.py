"""Whether tests can fail: a defect is put into every room, one at a time, and its tests have to see it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crash import Tally

HERE: Final = Path(__file__).resolve().parents[1]
_SECONDS: Final = 900


@dataclass(frozen=True)
class Defect:
    """A defect of one line.

    Attributes:
        room: the room it is in.
        file: the file, below the package.
        right: what stands there once.
        wrong: what is put in its place.
        tests: the tests of the room.
    """

    room: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


_LEDGER: Final = ("tests/test_ledger.py", "tests/test_history.py", "tests/test_damage.py", "tests/test_faults.py")
_SERVER: Final = ("tests/server/test_safety.py", "tests/server/test_api.py", "tests/server/test_files.py")
_BOOK: Final = ("tests/test_damage.py", "tests/test_book.py", "tests/release/test_live.py", "tests/test_vintages.py")
_SITE: Final = ("src/tallybook/site", "tests/site/test_build.py")

DEFECTS: Final = (
    Defect("errors", "errors.py", 'else f"{self.message}; {self.hint}"', "else self.message", ("src/tallybook/errors.py",)),
    Defect("errors", "errors.py", 'where.append(f"line {line}")', "pass", ("src/tallybook/errors.py",)),
    Defect("model", "model/weeks.py", "days=(13 - date.dt.weekday()) % 7", "days=(12 - date.dt.weekday()) % 7", ("src/tallybook/model", "tests/model")),
    Defect("model", "model/checksums.py", 'line["chain"] != _linked(chain, {name: line[name] for name in _FIELDS})', "False", ("tests/test_damage.py", "tests/model")),
    Defect("model", "model/files.py", 'split("\\n")[:-1]', 'split("\\n")', ("src/tallybook/model", "tests/test_trust.py")),
    Defect("measures", "measures/windows.py", "before = end - days\n", "before = end - days + 1\n", ("tests/measures/test_rolling.py",)),
    Defect("measures", "measures/rates.py", "return math.floor(value * 100 + 0.5) / 100", "return math.floor(value * 100) / 100", ("src/tallybook/measures",)),
    Defect("measures", "measures/daily.py", "new[firsts] = totals.to_numpy()[firsts]", "pass", ("src/tallybook/measures/daily.py", "tests/measures/test_daily.py")),
    Defect("checks", "checks/series.py", 'counts.filter(pl.col("count") < 0)', 'counts.filter(pl.col("count") < -1)', ("src/tallybook/checks", "tests/checks")),
    Defect("checks", "checks/sums.py", '.filter(pl.col("len") == len(parts))', '.filter(pl.col("len") > 9)', ("src/tallybook/checks", "tests/checks")),
    Defect("anomalies", "anomalies.py", "pl.when(number == 1).then(base)", "pl.when(number >= 1).then(base)", ("src/tallybook/anomalies.py", "tests/test_anomalies.py")),
    Defect("anomalies", "anomalies.py", "id=_ids())", "id=pl.lit(''))", ("src/tallybook/anomalies.py", "tests/test_anomalies.py")),
    Defect("ledger", "ledger/store.py", "self._sync(new)", "pass", _LEDGER),
    Defect("ledger", "ledger/states.py", "if each[\"source\"].n_unique() <= 1:", "if True:", _LEDGER),
    Defect("ledger", "ledger/store.py", '"delta.appendOnly": "true"', '"delta.appendOnly": "false"', _LEDGER),
    Defect("sources", "sources/archive.py", "if hashlib.sha256(data).hexdigest() == sha256:", "if data:", ("src/tallybook/sources", "tests/sources", "tests/test_damage.py")),
    Defect("sources", "sources/table.py", '.str.replace(_ENDINGS, "")', "", ("src/tallybook/sources", "tests/sources")),
    Defect("release", "release/swap.py", "elif _exchanged(new, target):", "elif False:", ("tests/release/test_release.py", "tests/server/test_swap.py")),
    Defect("release", "release/folder.py", "_take_along(out.resolve(), new)", "pass", ("tests/release/test_release.py",)),
    Defect("charts", "charts/ticks.py", "return [1, *(day", "return [0, *(day", ("src/tallybook/charts", "tests/charts")),
    Defect("charts", "charts/ticks.py", "steps[steps >= most", "steps[steps <= most", ("src/tallybook/charts", "tests/charts")),
    Defect("site", "site/formats.py", 'return NONE if value is None else "0"', 'return "0"', _SITE),
    Defect("site", "site/formats.py", '"a.m." if local.hour < 12', '"a.m." if local.hour <= 12', _SITE),
    Defect("server", "server/guard.py", "if _CONTROL.search(text):", "if False:", _SERVER),
    Defect("server", "server/respond.py", 'return "*" in tags or', "return False and", _SERVER),
    Defect("book", "book/rebuilding.py", "return self.before is None or said in self._said", "return True", ("tests/test_trust.py::test_what_was_about_to_be_recorded_and_never_was_is_not_made_anew",)),
    Defect("book", "book/recording.py", "if gone > _FEW_GONE and", "if False and", ("tests/test_history.py", "tests/test_cli.py", *_BOOK)),
    Defect("cli", "cli/__init__.py", "sys.exit(code)", "sys.exit(0)", ("tests/test_cli.py",)),
    Defect("cli", "cli/findings.py", "raise typer.Exit(2)", "pass", ("tests/test_cli.py", "tests/test_book.py")),
)  # fmt: skip
"""At least two of every room."""


def seeded(defect: Defect) -> Tally:
    """Put a defect into a copy of the package, and return whether the tests of its room see it."""
    wrong = f"`{defect.wrong.strip()}`" if defect.wrong else "nothing"
    tally = Tally(f"{defect.room}: `{defect.right.strip()}` → {wrong}", tries=1, hit=1)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tallybook"
        shutil.copytree(HERE, copy, ignore=shutil.ignore_patterns(".git", ".venv", "build", "demo", "*cache*"))
        file = copy / "src/tallybook" / defect.file
        text = file.read_text(encoding="utf-8")
        if text.count(defect.right) != 1:
            tally.wrong.append(f"{defect.file} has it {text.count(defect.right)} times")
            return tally
        file.write_text(text.replace(defect.right, defect.wrong), encoding="utf-8")
        red, said = _red(copy, defect.tests)
    tally.survived = int(red)
    if not red:
        tally.wrong.append("no test fails")
    tally.note = said
    return tally


def _red(house: Path, tests: tuple[str, ...]) -> tuple[bool, str]:
    """Run tests; return whether one failed, and which."""
    shared = {"TALLYBOOK_SHARED_DATA": os.environ.get("TALLYBOOK_SHARED_DATA", str(HERE.parent / "shared/data"))}
    environment = {**os.environ, **shared, "PYTHONPATH": str(house / "src")}
    there = [test for test in tests if (house / test.partition("::")[0]).exists()]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *there]
    try:
        done = subprocess.run(
            command, cwd=house, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True, "does not come to an end"
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    # 1: a test failed; what cannot even be read is no test that failed.
    return done.returncode == 1, failed[0].split(" - ")[0].removeprefix("FAILED ") if failed else ""


if __name__ == "__main__":
    for one in DEFECTS:
        if not sys.argv[1:] or one.room in sys.argv[1:]:
            made = seeded(one)
            print("red  " if made.survived else "GREEN", made.fault, made.note, *made.wrong, flush=True)
