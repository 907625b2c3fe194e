"""Ledgers that a disk, a copy or a mistake damaged: every damage is named."""

import datetime as dt
import errno
import gzip
import hashlib
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from typer.testing import CliRunner

from tallybook import Book, Ledger
from tallybook.cli.commands import app
from tallybook.errors import LedgerError, TallybookError
from tallybook.ledger.index import write as write_index
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.sources.vintages import FolderHistory

HEADER = "date,state,fips,cases,deaths\n"
LIVE = "date,state,fips,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths\n"
NOON = dt.datetime(2020, 5, 3, 16, tzinfo=dt.UTC)


def at(folder: Path, hours: float) -> Book:
    return Book(folder, clock=lambda: NOON + dt.timedelta(hours=hours))


def ohio(*totals: int) -> str:
    return HEADER + "".join(f"2020-05-{day:02},Ohio,39,{total},0\n" for day, total in enumerate(totals, start=1))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with what a ledger can have: revisions, a withdrawal, live counts, a closed day, an index, a release."""
    folder = tmp_path_factory.mktemp("whole") / "book"
    Book.init(folder, template="nyt")
    feed = folder.parent / "feed"
    (feed / "live").mkdir(parents=True)
    (feed / "live/us-states.csv").write_text(LIVE + "2020-05-03,Ohio,39,30,0,25,0,5,0\n")
    for hours, totals in enumerate([(7, 9), (7, 10), (7,), (8, 11), (8, 11)]):
        (feed / "us-states.csv").write_text(ohio(*totals))
        at(folder, hours).record("nyt", feed, allow_withdrawals=True)
        (feed / "live/us-states.csv").write_text(LIVE + f"2020-05-03,Ohio,39,{30 + hours},0,25,0,5,0\n")
    at(folder, 13).publish(site=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tallybook.ledger.store._TAIL_FILES", 4)
        (feed / "us-states.csv").write_text(ohio(8, 11, 40))
        at(folder, 24).record("nyt", feed / "us-states.csv")
    (folder / "anomalies.csv").write_text(",".join(ANOMALY_COLUMNS) + "\n")
    at(folder, 30).publish(site=False)
    return folder


def files_of(book: Path) -> list[Path]:
    return sorted(path for path in (book / "ledger").rglob("*") if path.is_file() and path.name != "lock")


def damaged(data: bytes, how: str, chance: random.Random) -> bytes | None:
    place = chance.randrange(len(data))
    if how == "flip":
        return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
    return data[:place] if how == "truncate" else None


def test_an_intact_ledger_is_clean_and_has_a_file_of_every_kind(whole: Path) -> None:
    assert at(whole, 48).verify() == []
    names = {path.relative_to(whole / "ledger").parts[0] for path in files_of(whole)}
    assert names == {"observations", "live", "index", "raw", "releases.jsonl", "checksums"}
    assert {path.name for path in files_of(whole)} > {"log.jsonl", "acts.jsonl", "index.parquet", "sums.jsonl"}


@pytest.mark.parametrize("how", ["flip", "truncate", "delete"])
def test_every_flip_cut_and_deletion_is_named(whole: Path, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "book"
    shutil.copytree(whole, folder)
    chance = random.Random(how)
    for file in files_of(folder):
        data = file.read_bytes()
        for _ in range(1 if how == "delete" or file.suffix in {".parquet", ".json"} else 5):
            bad = damaged(data, how, chance)
            file.unlink() if bad is None else file.write_bytes(bad)
            found = at(folder, 48).verify()
            # Checksums that are cut between two lines leave files without one; those are named.
            assert file in {damage.file for damage in found} or (file.name == "sums.jsonl" and found), file
            file.write_bytes(data)
    assert at(folder, 48).verify() == []


@pytest.mark.parametrize("what", ["another value", "a flip", "deleted", "no checksums"])
def test_an_index_that_is_not_what_was_written_is_not_believed_and_made_anew(
    whole: Path, tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "book"
    shutil.copytree(whole, folder)
    before = Book(folder).ledger.as_of()
    index = folder / "ledger/index/observations/index.parquet"
    if what == "another value":  # of a table that is read without complaint
        files = json.loads(pl.read_parquet_metadata(index)["tallybook.files"])
        write_index(index.parent, pl.read_parquet(index).with_columns(pl.col("value") + 1), files)
    elif what == "a flip":
        index.write_bytes(bytes([index.read_bytes()[0] ^ 1]) + index.read_bytes()[1:])
    elif what == "deleted":
        index.unlink()
    else:  # of which it could be told what was written
        files = json.loads(pl.read_parquet_metadata(index)["tallybook.files"])
        write_index(index.parent, pl.read_parquet(index).with_columns(pl.col("value") + 1), files)
        (folder / "ledger/checksums/sums.jsonl").unlink()
    assert Book(folder).ledger.as_of().equals(before)
    was = index.read_bytes() if index.exists() else b""
    (tmp_path / "us-states.csv").write_text(ohio(8, 11, 90))
    at(folder, 48).record("nyt", tmp_path / "us-states.csv")
    assert index.read_bytes() != was
    assert at(folder, 48).verify() == []
    totals = Book(folder).ledger.as_of().filter(metric="cases", place="USA-39")
    assert totals["value"].drop_nulls().to_list() == [8, 11, 90]


def test_checksums_that_cannot_be_looked_at_keep_nothing_from_being_recorded(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(whole, folder)
    sums = folder / "ledger/checksums/sums.jsonl"
    sums.unlink()
    sums.mkdir()
    (tmp_path / "us-states.csv").write_text(ohio(8, 11, 90))
    (done,) = at(folder, 48).record("nyt", tmp_path / "us-states.csv")
    assert done.revised == 1
    assert Book(folder).ledger.as_of().filter(value=90).height == 1


def test_a_write_that_was_interrupted_before_its_checksums_is_said_and_made_good_by_the_next(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "book"
    shutil.copytree(whole, folder)
    for sums in (folder / "ledger/checksums/sums.jsonl", folder / "ledger/raw/checksums/sums.jsonl"):
        *lines, last = sums.read_text().splitlines(keepends=True)
        sums.write_text("".join(lines) + last[: len(last) // 2])
    said = {damage.what for damage in at(folder, 48).verify()}
    assert any("was interrupted" in what for what in said), said
    feed = tmp_path / "us-states.csv"
    feed.write_text(ohio(8, 11, 90))
    at(folder, 48).record("nyt", feed)
    at(folder, 48).publish(site=False)
    assert at(folder, 48).verify() == []


def tallybook(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "tallybook", *words], capture_output=True, text=True, check=False)


def test_the_command_names_the_file_and_exits_with_one(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(whole, folder)
    clean = tallybook("verify", "--book", str(folder))
    assert (clean.returncode, clean.stdout) == (0, "every file of the ledger is as it was written\n")
    (folder / "ledger/releases.jsonl").unlink()
    wrong = tallybook("verify", "--book", str(folder))
    assert (wrong.returncode, wrong.stdout) == (1, "releases.jsonl is missing\n")
    assert "1 of the ledger's files are damaged" in wrong.stderr


def content(folder: Path) -> list[pl.DataFrame]:
    book = at(folder, 48)
    return [frame for ledger in (book.ledger, book.live) for frame in (ledger.values(), ledger.records())]


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "book")
    return tmp_path / "book"


def test_a_ledger_made_anew_has_the_same_values_moments_and_records(copy: Path) -> None:
    before, releases = content(copy), at(copy, 48).releases()
    assert {"withdrawn", "reported"} <= set(before[0]["status"])
    assert any(note == "closed 2020-05-03" for note in before[1]["note"])
    done = at(copy, 48).rebuild()
    assert (done.records, done.compared, done.lost) == (before[1].height + before[3].height, True, [])
    for was, made in zip(before, content(copy), strict=True):
        assert made.equals(was)
    assert at(copy, 48).releases() == releases
    assert at(copy, 48).verify() == []
    assert Ledger(done.previous).records().equals(before[1])


def test_recorded_files_are_copied_where_a_disk_knows_no_links(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    before = content(copy)
    monkeypatch.setattr("os.link", refused)
    done = at(copy, 48).rebuild()
    assert done.lost == []
    assert all(made.equals(was) for was, made in zip(before, content(copy), strict=True))


def test_whatever_is_damaged_but_the_raw_files_is_whole_again(whole: Path, copy: Path) -> None:
    chance = random.Random(9)
    for folder in ("observations", "live", "index", "checksums"):
        for file in sorted((copy / "ledger" / folder).rglob("*")):
            if file.is_file() and file.name != "lock" and chance.random() < 0.5:
                file.write_bytes(damaged(file.read_bytes(), chance.choice(["flip", "truncate"]), chance) or b"")
    assert at(copy, 48).verify()
    shutil.rmtree(copy / "ledger/live/_delta_log")
    done = at(copy, 48).rebuild()
    assert (done.compared, done.lost) == (False, [])
    for was, made in zip(content(whole), content(copy), strict=True):
        assert made.equals(was)
    assert at(copy, 48).verify() == []
    feed = copy.parent / "us-states.csv"
    feed.write_text(ohio(8, 11, 40, 50))
    assert at(copy, 72).record("nyt", feed)[0].added == 2
    assert at(copy, 72).verify() == []


def test_where_a_raw_file_is_missing_the_ledger_stays_as_it_was_unless_that_is_allowed(copy: Path) -> None:
    kept = sorted((copy / "ledger/raw").glob("*.gz"))[0]
    kept.unlink()
    before = {path: path.read_bytes() for path in files_of(copy)}
    refused = tallybook("rebuild", "--book", str(copy))
    assert refused.returncode == 1
    assert f"raw/{kept.name} is missing" in refused.stderr
    assert "--allow-missing" in refused.stderr
    assert {path: path.read_bytes() for path in files_of(copy)} == before
    done = tallybook("rebuild", "--allow-missing", "--book", str(copy))
    assert done.returncode == 0, done.stderr
    assert f"not in the new ledger: raw/{kept.name} is missing" in done.stderr
    assert at(copy, 48).verify() == []


def test_past_versions_are_named_where_their_bytes_are_not_in_the_book(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    Book.init(folder, template="nyt")
    old = tmp_path / "old"
    old.mkdir()
    (old / "20200502-1200_us-states.csv").write_text(ohio(1, 2))
    (old / "20200503-1200_us-states.csv").write_text(ohio(1, 3))
    past = FolderHistory(old, pattern="%Y%m%d-%H%M", zone=ZoneInfo("UTC"))
    assert len(list(at(folder, 0).record_vintages("nyt", past))) == 2
    before = content(folder)
    with pytest.raises(LedgerError, match=r"cannot be made anew: .*20200502-1200_us-states\.csv as of .* is not kept"):
        at(folder, 1).rebuild()
    assert at(folder, 1).verify() == []
    assert at(folder, 1).rebuild(allow_missing=True).records == 0
    assert len(list(at(folder, 1).record_vintages("nyt", past))) == 2
    for was, made in zip(before, content(folder), strict=True):
        assert made.equals(was)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A book of one file, released."""
    Book.init(tmp_path / "book", template="nyt")
    (tmp_path / "us-states.csv").write_text(ohio(1, 2))
    at(tmp_path / "book", 0).record("nyt", tmp_path / "us-states.csv")
    at(tmp_path / "book", 0).publish(site=False)
    return tmp_path / "book"


def test_a_list_of_releases_that_is_damaged_is_not_taken_along_unseen(one: Path) -> None:
    file = one / "ledger/releases.jsonl"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(LedgerError, match=r"the ledger cannot be made anew: releases\.jsonl "):
        at(one, 1).rebuild()
    shutil.rmtree(one / "ledger/observations/_delta_log")
    done = CliRunner().invoke(app, ["rebuild", "--allow-missing", "--book", str(one)], env={"COLUMNS": "200"})
    assert done.exception is None, done.exception
    assert done.stderr.startswith("not in the new ledger: releases.jsonl ")
    assert "the records of the old ledger are damaged, so that the new ones were not compared with them" in done.stdout
    assert at(one, 1).releases() == []


def test_a_file_of_a_source_that_is_not_there_any_more_is_named(one: Path) -> None:
    (one / "sources/nyt.md").rename(one / "sources/times.md")
    with pytest.raises(LedgerError, match=r"us-states\.csv as of .* cannot be taken any more: no feed 'nyt'"):
        at(one, 1).rebuild()


def test_a_past_version_that_was_left_out_is_left_out_again(tmp_path: Path) -> None:
    Book.init(tmp_path / "book", template="nyt")
    (tmp_path / "old").mkdir()
    for day, more in (("02", ""), ("03", "2020-05-03,Ohi,39,3,0\n")):
        (tmp_path / f"old/202005{day}-1200_us-states.csv").write_text(ohio(1, 2) + more)
    past = FolderHistory(tmp_path / "old", pattern="%Y%m%d-%H%M", zone=ZoneInfo("UTC"))
    refused: list[TallybookError] = []
    list(at(tmp_path / "book", 0).record_vintages("nyt", past, refused=refused.append))
    before = content(tmp_path / "book")
    assert len(refused) == 1
    for vintage in past:  # their bytes are brought into the book
        data = vintage.read()
        (tmp_path / "book/ledger/raw" / f"{hashlib.sha256(data).hexdigest()}.gz").write_bytes(gzip.compress(data))
    # Without the old records nothing else tells that the second was not taken.
    shutil.rmtree(tmp_path / "book/ledger/observations/_delta_log")
    done = at(tmp_path / "book", 1).rebuild()
    assert (done.compared, done.lost) == (False, [])
    for was, made in zip(before, content(tmp_path / "book"), strict=True):
        assert made.equals(was)


def test_a_book_without_recorded_files_says_so(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    assert book.verify() == []
    with pytest.raises(LedgerError, match="does not say what was recorded; record a feed first"):
        book.rebuild()
