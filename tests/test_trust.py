"""A few of each fault that `make trust` tries hundreds of; see docs/explanation/faults.md."""

import errno
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import HERE
from crash import Stage, Tally, killed
from crowd import crowd, publishing_crowd
from defects import DEFECTS
from scenes import CLOSE, IMPORT, PUBLISH, RECORD, Scene, command_line, feed, held, public
from shortage import SHORTAGES, SQUEEZED, Shortage, clock_back, suffered
from tallybook import Book
from tallybook.book.alone import alone
from tallybook.errors import BookError, LedgerError
from tallybook.model.files import append_line, whole_lines
from tallybook.sources.archive import Act, Archive, Used
from watched import Fault, run


@pytest.fixture(scope="module")
def stages() -> Iterator[dict[str, Stage]]:
    memory = Path("/dev/shm")  # what is killed leaves there what it leaves on a disk, and sooner
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield {scene.name: Stage(scene, Path(folder) / scene.name) for scene in (RECORD, CLOSE, PUBLISH, IMPORT)}


def all_survived(tally: Tally) -> None:
    assert tally.wrong == []
    assert tally.survived == tally.tries > 0


@pytest.mark.parametrize("scene", [RECORD, CLOSE, PUBLISH, IMPORT], ids=lambda scene: scene.name)
def test_a_kill_at_any_moment_leaves_what_was_recorded_and_a_whole_release(
    stages: dict[str, Stage], scene: Scene
) -> None:
    tally = killed(stages[scene.name], 3, random.Random(), again=3)
    all_survived(tally)
    assert tally.hit


@pytest.mark.parametrize("shortage", [*SHORTAGES, SQUEEZED], ids=lambda shortage: shortage.name)
def test_what_fails_in_the_middle_is_said_in_one_line_and_loses_nothing(
    stages: dict[str, Stage], shortage: Shortage
) -> None:
    all_survived(suffered(shortage, [stages[RECORD.name]], 1, random.Random()))


def test_a_clock_that_was_set_back_is_said_and_nothing_is_recorded(stages: dict[str, Stage]) -> None:
    all_survived(clock_back(stages[RECORD.name], hours=(-0.01,)))


def test_writers_and_readers_at_the_same_time_lose_and_tear_nothing(tmp_path: Path) -> None:
    all_survived(crowd(tmp_path, writers=2, readers=2, seconds=3))


def test_readers_of_the_public_folder_see_whole_releases_while_others_are_published(tmp_path: Path) -> None:
    all_survived(publishing_crowd(tmp_path, readers=2, seconds=2))


@pytest.fixture
def staged(stages: dict[str, Stage]) -> Iterator[Path]:
    with stages[RECORD.name].copy() as home:
        yield home


def test_a_line_that_was_cut_off_while_it_was_written_is_no_line(tmp_path: Path) -> None:
    file = tmp_path / "acts.jsonl"
    assert whole_lines(file) == []
    append_line(file, "one\N{LINE SEPARATOR}line")
    file.write_bytes(file.read_bytes() + b"half of ano")
    assert whole_lines(file) == ["one\N{LINE SEPARATOR}line"]
    append_line(file, "two")
    assert file.read_text() == "one\N{LINE SEPARATOR}line\ntwo\n"


def test_a_line_for_which_there_is_no_room_leaves_what_was_there(staged: Path) -> None:
    file = staged / "sums.jsonl"
    file.write_text("one\n")
    done = run(append_line, file, "x" * 100, within=staged, fault=Fault(limits={resource.RLIMIT_FSIZE: 50}))
    assert done.code  # what it prints has no room, either
    assert file.read_text() == "one\n"


def test_a_log_whose_last_line_was_cut_off_is_read_and_gone_on_with(staged: Path) -> None:
    book = Book(staged / "book")
    releases, acts = book.releases(), book.raw.acts()
    for log in (book.ledger.folder / "releases.jsonl", book.raw.folder / "acts.jsonl", book.raw.folder / "log.jsonl"):
        log.write_bytes(log.read_bytes() + b'{"half')
    assert (book.releases(), book.raw.acts()) == (releases, acts)
    book.record("nyt", feed(staged, 7, 10, 41))
    book.publish(site=False)
    assert len(Book(staged / "book").releases()) == len(releases) + 1
    assert book.verify() == []


def test_what_was_about_to_be_recorded_and_never_was_is_not_made_anew(staged: Path) -> None:
    """As when a process is killed between the two; what was recorded before and after it is."""
    before = run(held, staged, within=staged).told
    book = Book(staged / "book")
    bytes_kept = {entry.name: entry for entry in book.raw.entries()}["us-states.csv"]
    never = Used("us-states.csv", bytes_kept.address, bytes_kept.sha256, "2020-05-03T16:30:00+00:00")
    Archive(book.ledger.folder / "raw").about_to(Act("record", "nyt", (never,)))
    Archive(book.ledger.folder / "raw").about_to(Act("vintages", "nyt", (never,)))
    Archive(book.ledger.folder / "raw").about_to(Act("close", days=("2020-05-03",)))
    done = Book(staged / "book").rebuild()
    assert (done.compared, done.lost) == (True, [])
    after = run(held, staged, within=staged).told
    for what in ("records", "observed", "known"):
        assert after[what] == before[what]


def test_what_cannot_be_kept_is_not_recorded(staged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger never has what could not be made anew."""
    book = Book(staged / "book")
    before = book.ledger.records()

    def full(_file: Path, _line: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tallybook.sources.archive.append_line", full)
    with pytest.raises(BookError, match="No space left on device; nothing of this was recorded"):
        book.record("nyt", feed(staged, 7, 10, 41))
    with pytest.raises(BookError, match="No space left on device"):
        book.close_day()
    assert Book(staged / "book").ledger.records().equals(before)


def test_whoever_verifies_or_rebuilds_waits_for_who_writes(staged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallybook.book.alone._WAIT_SECONDS", 0)
    book = Book(staged / "book")
    with alone(book.ledger.folder):
        for work in (book.verify, book.rebuild, book.close_day):
            with pytest.raises(LedgerError, match="another process has been writing"):
                work()
    assert book.verify() == []


def test_what_cannot_be_written_can_be_published_elsewhere(staged: Path) -> None:
    elsewhere = replace(RECORD, hours=2, command=("publish", "--no-site", "--out", "{home}/public"))
    only_read = Fault(at=1, error=errno.EROFS)
    done = run(command_line, elsewhere, staged, within=staged / "book", fault=only_read)
    assert (done.code, done.err) == (0, "")
    assert public(staged / "public")


def test_importing_all_of_it_starts_no_thread_that_works() -> None:
    """So that processes can be forked from one that has imported it, as servers do."""
    code = """
import json, pathlib
import tallybook.book, tallybook.cli.commands, tallybook.site.build
print(json.dumps([file.read_text().strip() for file in pathlib.Path("/proc/self/task").glob("*/comm")]))
"""
    names = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert not [name for name in names if name.startswith(("polars-0", "tokio-rt"))]


def test_the_report_tells_of_nothing_that_was_lost() -> None:
    """Of everything that was tried; and kills, crowds and what fails are among it."""
    lines = (HERE / "docs/explanation/faults.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if re.match(r"\|.*\| [\d,]+ \|", line)]
    assert {"`kill -9` of record", "`kill -9` of publish", "disk full", "SIGTERM"} <= {row[0] for row in rows}
    for _fault, tries, _hit, survived, lost, *_ in rows:
        assert survived == tries
        assert lost == "0"


def test_every_seeded_defect_stands_where_the_code_is() -> None:
    for defect in DEFECTS:
        assert (HERE / "src/tallybook" / defect.file).read_text().count(defect.right) == 1, defect
