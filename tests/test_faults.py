"""What goes wrong and must not hurt: processes that are killed, disks that are full, readers in between."""

import datetime as dt
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl
import pytest

from tallybook import Ledger
from tallybook.ledger.quiet import without_panics
from tallybook.model.reports import KEY, REPORT_SCHEMA, Reports

START = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)
KILLS = 50
KEYS = 20

RECORDING = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_faults import Ledger, files
ledger = Ledger(Path({folder!r}))
begin = ledger.records().height
print("ready", flush=True)
for done in ledger.record_all(files(begin, begin + 100_000)):
    print(done.file, flush=True)
"""


def file_of(number: int) -> Reports:
    """A file in which every value is the file's number, so that half of one shows."""
    rows = [("USA-53", "cases", dt.date(2020, 1, 1 + day), float(number), "reported") for day in range(KEYS)]
    return Reports(pl.DataFrame(rows, schema=REPORT_SCHEMA, orient="row"), "nyt", str(number), "")


def files(begin: int, end: int) -> Iterator[tuple[Reports, dt.datetime]]:
    for number in range(begin, end):
        yield file_of(number), START + dt.timedelta(minutes=number)


@contextmanager
def recording(folder: Path) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Record files in another process, one after the other, until it is killed."""
    script = RECORDING.format(tests=str(Path(__file__).parent), folder=str(folder))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process, process.stdout
        finally:
            process.kill()


def test_what_was_said_to_be_recorded_survives_fifty_kills(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    chance = random.Random(0)
    for _ in range(KILLS):
        with recording(folder) as (process, lines):
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            said = [int(line) for line in lines.read().splitlines(keepends=True) if line.endswith("\n")]
        ledger = Ledger(folder)
        height, state = ledger.records().height, ledger.as_of()
        assert height >= (max(said) + 1 if said else 0)
        assert state.height == (KEYS if height else 0)
        assert set(state["value"]) <= {height - 1}
    after_kills, total = Ledger(folder), Ledger(folder).records().height
    assert total > 100
    fresh = Ledger(tmp_path / "fresh")
    assert len(list(fresh.record_all(files(0, total)))) == total
    assert after_kills.values().equals(fresh.values())
    assert after_kills.records().drop("record").equals(fresh.records().drop("record"))


FULL = """
import resource, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_faults import START, Ledger, file_of
from tallybook.errors import LedgerError
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    Ledger(Path({folder!r})).record(file_of(1), as_of=START)
except LedgerError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 100, 3_000])
def test_a_disk_that_takes_no_more_is_said_and_the_ledger_is_as_it_was(tmp_path: Path, limit: int) -> None:
    """Where the room ends in the middle of a file: of the data, or of the log that makes it part of the table."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.record(file_of(0), as_of=START - dt.timedelta(days=1))
    before = ledger.as_of()
    assert limit < max(file.stat().st_size for file in ledger.folder.rglob("*.parquet")) or not limit
    script = FULL.format(tests=str(Path(__file__).parent), folder=str(ledger.folder), limit=limit)
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert said.stdout.count("\n") == 1, said
    assert "cannot write" in said.stdout
    assert "nothing of this file was recorded" in said.stdout
    assert Ledger(ledger.folder).as_of().equals(before)
    assert Ledger(ledger.folder).record(file_of(1), as_of=START).revised == KEYS


def test_a_reader_sees_the_state_before_or_after_a_write(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    seen: list[float] = []
    with recording(folder) as (process, _):
        while len(set(seen)) < 15:
            state = Ledger(folder).as_of()
            assert state.height in {0, KEYS}
            assert state["value"].n_unique() <= 1
            seen += state["value"].head(1).to_list()
        process.kill()
    assert seen == sorted(seen)
    assert state.select(pl.struct(KEY).n_unique()).item() == KEYS


def test_the_standard_error_is_what_it_was_after_two_threads_wrote_at_a_time() -> None:
    before, began = os.fstat(2), threading.Event()

    def write(seconds: float) -> None:
        with without_panics():
            began.set()
            time.sleep(seconds)

    # Who begins later ends later, and must not put back what it found meanwhile.
    first, second = (threading.Thread(target=write, args=(seconds,)) for seconds in (0.2, 0.4))
    first.start()
    assert began.wait(timeout=10)
    second.start()
    first.join()
    second.join()
    assert os.path.samestat(os.fstat(2), before)
