"""Past versions of the real record: every one comes back as it was, and every release can be made again."""

import datetime as dt
import gzip
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tallybook import Book
from tallybook.errors import ContractError, DataRefusedError, SourceError
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.release.changes import compare_releases
from tallybook.release.layout import known_table
from tallybook.sources.vintages import FolderHistory, GitHistory

NOW = dt.datetime(2021, 4, 1, tzinfo=dt.UTC)
FILES = 32
FIRST_HALF = 14


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def vintages(shared_data: Path) -> FolderHistory:
    return FolderHistory(shared_data / "nyt-vintages")


@pytest.fixture(scope="module")
def past(vintages: FolderHistory, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book of all versions; nobody may change it."""
    book = Book.init(tmp_path_factory.mktemp("past") / "book", template="nyt")
    assert len(list(book.record_vintages("nyt", vintages))) == FILES
    return book


def test_every_version_comes_back_byte_for_byte(past: Book, vintages: FolderHistory) -> None:
    for vintage in vintages:
        told = known_table(past.totals("state", as_of=vintage.moment), "state", past.places).write_csv()
        assert told.encode().rstrip(b"\n") == gzip.decompress(vintage.read()).rstrip(b"\n"), vintage.name


def test_recording_them_again_adds_nothing(past: Book, vintages: FolderHistory) -> None:
    before = past.ledger.records()
    assert list(past.record_vintages("nyt", vintages)) == []
    assert past.ledger.records().equals(before)


def test_the_release_of_a_past_moment_is_the_one_that_was_made_then(vintages: FolderHistory, tmp_path: Path) -> None:
    """Including what it says changed, and whatever was recorded, published and closed later."""
    clock = [NOW]
    book = Book(Book.init(tmp_path / "book", template="nyt").folder, clock=lambda: clock[0])
    made: list[tuple[dt.datetime, dict[str, bytes]]] = []
    for number, vintage in enumerate(vintages):
        if number in (2, 3, 20, 31):
            clock[0] = vintage.moment
            book.record("nyt", tmp_path / _unpacked(vintage.read(), tmp_path), as_of=vintage.moment)
            made.append((vintage.moment, files_of(book.publish().folder)))
    for moment, then in made:
        again = book.publish(tmp_path / "again", as_of=moment).folder
        assert files_of(again) == then
    assert len({files["us-states.csv"] for _, files in made}) == len(made)


def _unpacked(data: bytes, folder: Path) -> str:
    (folder / "us-states.csv").write_bytes(gzip.decompress(data))
    return "us-states.csv"


def test_two_releases_of_one_state_have_the_same_bytes(past: Book, vintages: FolderHistory, tmp_path: Path) -> None:
    """Whatever the order the files came in, and wherever and whenever the release is made."""
    other = Book.init(tmp_path / "other", template="nyt")
    backwards = sorted(vintages, key=lambda vintage: vintage.name, reverse=True)
    list(other.record_vintages("nyt", backwards))
    releases = [book.publish(tmp_path / name).folder for book, name in ((past, "a"), (past, "b"), (other, "c"))]
    first, *others = [files_of(folder) for folder in releases]
    assert others == [first, first]


@pytest.fixture(scope="module")
def released(vintages: FolderHistory, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Return releases after some of the versions, one after the other, of one book."""
    folder = tmp_path_factory.mktemp("released")
    book = Book(Book.init(folder / "book", template="nyt").folder, clock=lambda: NOW)
    rest = list(vintages)
    kept: dict[int, Path] = {}

    def after(number: int) -> Path:
        if number not in kept:
            list(book.record_vintages("nyt", rest[: number + 1]))
            (book.folder / "anomalies.csv").write_text(REGISTER if number > FIRST_HALF else REGISTER.split("\n", 1)[0])
            kept[number] = book.publish().folder.rename(folder / str(number))
        return kept[number]

    return after


REGISTER = f"""{",".join(ANOMALY_COLUMNS)}
2020-05-01,,,Washington,USA-53,cases,yes,,0,A | bar and a <tag>.
"""


def test_a_release_says_what_it_changed(released: Callable[[int], Path], vintages: FolderHistory) -> None:
    before, after = released(FIRST_HALF), released(FIRST_HALF + 1)
    changes = pl.read_csv(after / "changes.csv", try_parse_dates=True)
    old, new = (pl.read_csv(folder / "us-states.csv") for folder in (before, after))
    kinds = dict(changes.group_by("change").len().rows())
    key = ["date", "fips"]
    added = new.join(old, on=key, how="anti").height
    both = new.join(old, on=key, suffix="_old")
    revised = sum(int((both[metric] != both[f"{metric}_old"]).sum()) for metric in ("cases", "deaths"))
    assert (kinds["new"], kinds["revised"]) == (2 * added, revised)
    card = json.loads((after / "release.json").read_text())
    assert card["changes"]["revised"] == revised
    assert dt.datetime.fromisoformat(card["previous"]) == list(vintages)[FIRST_HALF].moment


def test_changes_are_told_to_people_and_to_feed_readers(released: Callable[[int], Path]) -> None:
    after = released(FIRST_HALF + 1)
    text = (after / "CHANGES.md").read_text()
    counts = json.loads((after / "release.json").read_text())["changes"]
    assert f"{counts['new']:,} new values, {counts['revised']} revised" in text
    assert r"- new: USA-53, 2020-05-01, cases: A \| bar and a &lt;tag>." in text
    feed = ET.parse(after / "changes.atom").getroot()
    spaces = {"a": "http://www.w3.org/2005/Atom"}
    entries = feed.findall("a:entry", spaces)
    assert [entry.findtext("a:summary", None, spaces) for entry in entries] == [
        f"{counts['new']:,} new values, {counts['revised']} revised, {counts['withdrawn']} withdrawn",
        "The first release",
    ]
    assert len({entry.findtext("a:id", None, spaces) for entry in entries}) == len(entries)


def test_folders_differ_by_what_the_moments_differ(
    released: Callable[[int], Path], past: Book, vintages: FolderHistory
) -> None:
    folders = compare_releases(released(FIRST_HALF), released(FIRST_HALF + 1))
    moments = past.changes(*(vintage.moment for vintage in list(vintages)[FIRST_HALF : FIRST_HALF + 2]))
    values = ["change", "date", "geoid", "metric", "old", "new", "difference"]
    states = moments.filter(pl.col("geoid") != "USA")
    assert folders.filter(pl.col("geoid") != "USA").select(values).equals(states.select(values))
    assert set(states["source"]) == {"nyt"}


def test_every_cell_has_its_source_file_moment_and_revision(past: Book, tmp_path: Path) -> None:
    release = past.publish(tmp_path / "public").folder
    origin = pl.read_parquet(release / "provenance.parquet")
    totals = pl.read_csv(release / "us-states.csv", schema_overrides={"fips": pl.String}, try_parse_dates=True)
    cells = totals.with_columns(geoid="USA-" + pl.col("fips")).unpivot(
        on=["cases", "deaths"], index=["geoid", "date"], variable_name="metric"
    )
    assert cells.join(origin, on=["geoid", "date", "metric"], how="anti").height == 0
    revisions = past.ledger.revisions().group_by("place", "metric", "date").len("revisions")
    told = origin.join(
        revisions, left_on=["geoid", "metric", "date"], right_on=["place", "metric", "date"], how="left"
    ).filter(pl.col("geoid") != "USA")
    assert (told["revision"] == told["revisions"].fill_null(0)).all()
    assert {file for (file,) in origin.select("sha256").unique().rows()} <= set(past.ledger.records()["sha256"])


def test_an_explanation_says_where_the_total_came_from(past: Book) -> None:
    revised = past.ledger.revisions().filter(metric="cases").row(-1, named=True)
    why = past.explain(revised["place"], revised["date"], "cases")
    origin = why.origin
    assert origin is not None
    assert (origin.source, origin.as_of, origin.sha256) == ("nyt", revised["as_of"], revised["sha256"])
    assert origin.revision >= 1


def git(repository: Path, *arguments: str, when: dt.datetime) -> None:
    stamps = dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), when.isoformat())
    who = {f"GIT_{role}_{key}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    subprocess.run(
        ["git", "-C", str(repository), *arguments], check=True, capture_output=True, env={**os.environ, **stamps, **who}
    )


@pytest.fixture(scope="module")
def repository(vintages: FolderHistory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with five versions, one of them broken, and commits that touch another file."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet", when=NOW)
    for number, vintage in enumerate(list(vintages)[:5]):
        data = gzip.decompress(vintage.read())
        (folder / "us-states.csv").write_bytes(data.replace(b"Washington,53", b"Washinton,53") if number == 3 else data)
        git(folder, "add", ".", when=vintage.moment)
        git(folder, "commit", "--quiet", "-m", f"Update {number}", when=vintage.moment)
        (folder / "README.md").write_text(str(number))
        git(folder, "add", ".", when=vintage.moment)
        git(folder, "commit", "--quiet", "-m", "Write", when=vintage.moment + dt.timedelta(hours=1))
    return folder


def test_a_repositorys_history_is_recorded_and_an_interrupted_import_goes_on(
    book: Book, repository: Path, vintages: FolderHistory
) -> None:
    history = GitHistory(repository, "us-states.csv")
    assert len(history) == 5
    history.close()  # nothing was read yet
    with pytest.raises(DataRefusedError, match=r"@[0-9a-f]{12}:us-states.csv, line \d+, column state: .*'Washinton'"):
        list(book.record_vintages("nyt", history))
    refused: list[DataRefusedError] = []
    went_on = list(book.record_vintages("nyt", history, refused=refused.append))
    history.close()
    assert len(went_on) < 5
    assert len(refused) == 1
    kept = [vintage for number, vintage in enumerate(list(vintages)[:5]) if number != 3]
    for number, vintage in zip((0, 1, 2, 4), kept, strict=True):
        told = known_table(book.totals("state", as_of=vintage.moment), "state", book.places).write_csv()
        assert told.encode().rstrip(b"\n") == gzip.decompress(vintage.read()).rstrip(b"\n")
        assert f"Update {number}" in set(book.ledger.records(vintage.moment)["note"])


def test_a_version_that_came_by_another_name_is_known_already_and_one_of_another_feed_is_refused(
    book: Book, tmp_path: Path
) -> None:
    name = "2020-05-02T0900-0400_us-states.csv"
    for folder in ("one", "two", "other"):
        (_folder(tmp_path / folder) / name).write_text("date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n")
    assert [file.added for file in book.record_vintages("nyt", FolderHistory(tmp_path / "one"))] == [2]
    assert list(book.record_vintages("nyt", FolderHistory(tmp_path / "two"))) == []
    (tmp_path / "other" / name).rename(tmp_path / "other/2020-05-02T0900-0400_towns.csv")
    with pytest.raises(SourceError, match=r"towns\.csv is no file of nyt"):
        list(book.record_vintages("nyt", FolderHistory(tmp_path / "other")))


def test_a_version_too_large_to_be_read_is_refused_before_it_is(
    book: Book, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.sources.vintages.MOST_BYTES", 100)
    history = GitHistory(repository, "us-states.csv")
    with pytest.raises(SourceError, match=r"us-states\.csv in commit \w{12} has [\d,]+ bytes; is it the right file\?"):
        list(book.record_vintages("nyt", history))
    history.close()


def test_a_clone_that_lacks_a_version_is_said_to_be_incomplete(book: Book, repository: Path, tmp_path: Path) -> None:
    partial = shutil.copytree(repository, tmp_path / "partial")
    first = GitHistory(partial, "us-states.csv")
    commit = next(iter(first)).address.split("@")[1].split(":")[0]
    told = subprocess.run(
        ["git", "-C", str(partial), "rev-parse", f"{commit}:us-states.csv"], check=True, capture_output=True, text=True
    )
    (partial / ".git/objects" / told.stdout[:2] / told.stdout[2:].strip()).unlink()
    with pytest.raises(SourceError, match=rf"git has no us-states\.csv in commit {commit}; is the clone complete\?"):
        list(book.record_vintages("nyt", first))
    first.close()


def test_what_is_no_history_is_said(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no commit of .* has 'nothing.csv'"):
        GitHistory(repository, "nothing.csv")
    with pytest.raises(SourceError, match="cannot read the repository"):
        GitHistory(tmp_path, "us-states.csv")
    with pytest.raises(SourceError, match="nothing to record"):
        FolderHistory(_folder(tmp_path / "empty"))
    (_folder(tmp_path / "names") / "us-states.csv").write_text("date,state,fips,cases,deaths\n")
    with pytest.raises(SourceError, match="the name tells no moment"):
        FolderHistory(tmp_path / "names")
    with pytest.raises(SourceError, match="names should begin as %Y"):
        FolderHistory(tmp_path / "names", pattern="%Y")


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("name", "pattern", "moment"),
    [
        ("2020-03-29_17-22_us-states.csv", None, "2020-03-29T17:22:00+00:00"),
        ("2020-03-29T172209-0400_us-states.csv", None, "2020-03-29T17:22:09-04:00"),
        ("2020-03-29T1722-0400_us-states.csv", None, "2020-03-29T17:22:00-04:00"),
        ("2020-03-29T17:22:09-04:00 us-states.csv", None, "2020-03-29T17:22:09-04:00"),
        ("2020-03-29 17-22-09 us-states.csv", None, "2020-03-29T17:22:09+00:00"),
        ("us-states 2020-03-29T17:22Z.csv", None, "2020-03-29T17:22:00+00:00"),
        ("20200329-us-states.csv", "%Y%m%d", "2020-03-29T00:00:00+00:00"),
    ],
)
def test_names_tell_moments(tmp_path: Path, name: str, pattern: str | None, moment: str) -> None:
    (tmp_path / name).write_text("date,state,fips,cases,deaths\n")
    assert next(iter(FolderHistory(tmp_path, pattern=pattern))).moment == dt.datetime.fromisoformat(moment)


def test_moments_of_the_future_and_without_a_zone_are_refused(book: Book, vintages: FolderHistory) -> None:
    early = Book(book.folder, clock=lambda: dt.datetime(2020, 4, 1, tzinfo=dt.UTC))
    with pytest.raises(ContractError, match="is in the future"):
        list(early.record_vintages("nyt", vintages))
    assert early.ledger.records().height <= 1
    list(early.record_vintages("nyt", list(vintages)[:1]))
    with pytest.raises(ContractError, match="is in the future"):
        early.publish(book.folder / "later", as_of=NOW)
    with pytest.raises(ContractError, match="has no time zone"):
        early.publish(book.folder / "naive", as_of=dt.datetime(2020, 3, 30))
    with pytest.raises(ContractError, match="needs a folder of its own"):
        early.publish(as_of=dt.datetime(2020, 3, 30, tzinfo=dt.UTC))


def test_past_versions_of_the_current_day_reach_no_historical_file(tmp_path: Path) -> None:
    """Neither from a repository nor from folders, and however the folder's name is kept: they are closed day by day."""
    header = "date,state,fips,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths"
    repository = _folder(tmp_path / "repository")
    git(repository, "init", "--quiet", when=NOW)
    (repository / "live").mkdir()
    days = [dt.datetime(2021, 3, day, 20, tzinfo=ZoneInfo("America/New_York")) for day in (5, 6)]
    for moment in days:
        row = f"{moment:%Y-%m-%d},Washington,53,{moment.day},1,{moment.day},1,0,0"
        (repository / "live/us-states.csv").write_text(f"{header}\n{row}\n")
        git(repository, "add", ".", when=moment)
        git(repository, "commit", "--quiet", "-m", f"Live {moment.day}", when=moment)
    (_folder(tmp_path / "live") / "2021-03-06T2000-0500_us-states.csv").write_text(f"{header}\n{row}\n")
    (_folder(tmp_path / "flat") / "2021-03-06T2000-0500_live_us-states.csv").write_text(f"{header}\n{row}\n")
    histories: list[GitHistory | FolderHistory] = [
        GitHistory(repository, "live/us-states.csv"),
        *(FolderHistory(tmp_path / name) for name in ("live", "flat")),
    ]
    for number, history in enumerate(histories):
        book = Book(Book.init(tmp_path / f"book{number}", template="nyt").folder, clock=lambda: NOW)
        (tmp_path / "us-states.csv").write_text("date,state,fips,cases,deaths\n2021-03-04,Washington,53,4,1\n")
        book.record("nyt", tmp_path / "us-states.csv", as_of=days[0].replace(hour=9))
        assert [file.withdrawn for file in book.record_vintages("nyt", history)] == [0] * len(history)
        assert list(book.record_vintages("nyt", history)) == []
        assert book.totals("state")["cases"].to_list() == [4]
        parts = book.publish().folder / "us-states-confirmed-probable.csv"
        history.close()
        assert len(parts.read_text().splitlines()) == 1 + len(history)
        assert book.totals("state")["cases"].to_list() == [4, *(5, 6)[-len(history) :]]
