"""What a release says beside its figures: its places, its revisions, its columns, its sources."""

import datetime as dt
import json
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tallybook import Book
from tallybook.release.meanings import file_meaning, meaning_of
from tallybook.sources.vintages import FolderHistory

FIRST = "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n2020-05-02,Ohio,39,14,1\n"
MORNINGS = [dt.datetime(2020, 5, day, 9, tzinfo=dt.UTC) for day in (3, 4, 5)]


@pytest.fixture
def revised(book: Book, tmp_path: Path) -> Book:
    """A book whose only place revised one count twice, and took another back."""
    texts = (FIRST, FIRST.replace("39,7,0", "39,9,0"), FIRST.replace("39,7,0", "39,8,0").replace("39,14,1", "39,14,"))
    for morning, text in zip(MORNINGS, texts, strict=True):
        (tmp_path / "us-states.csv").write_text(text)
        book.record("nyt", tmp_path / "us-states.csv", as_of=morning)
    return book


def test_every_revision_is_published_with_both_values_and_both_moments(revised: Book) -> None:
    rows = pl.read_parquet(revised.publish().folder / "revisions.parquet")
    told = rows.select("geoid", "metric", pl.col("date").dt.day(), "revision", "old", "new", "difference").rows()
    assert told == [
        ("USA-39", "cases", 1, 1, 7.0, 9.0, 2.0),
        ("USA-39", "cases", 1, 2, 9.0, 8.0, -1.0),
        ("USA-39", "deaths", 2, 1, 1.0, None, None),
    ]
    assert rows["old_as_of"].to_list() == [MORNINGS[0], MORNINGS[1], MORNINGS[0]]
    assert rows["as_of"].to_list() == [MORNINGS[1], MORNINGS[2], MORNINGS[2]]
    summary = pl.read_csv(revised.folder / "public/revision-summary.csv").row(0, named=True)
    assert (summary["geoid"], summary["metric"], summary["revisions"], summary["most_revisions"]) == (
        "USA-39",
        "cases",
        2,
        2,
    )


def test_a_past_release_knows_no_later_revision(revised: Book, tmp_path: Path) -> None:
    out = revised.publish(tmp_path / "then", as_of=MORNINGS[1]).folder
    assert pl.read_parquet(out / "revisions.parquet")["new"].to_list() == [9.0]


def test_revisions_are_the_same_however_many_places_are_read_at_once(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Book.init(tmp_path / "many", template="nyt")
    list(made.record_vintages("nyt", FolderHistory(shared_data / "nyt-vintages", zone=ZoneInfo(made.config.time_zone))))
    names = ("revisions.parquet", "revision-summary.csv")
    whole = [(made.publish(tmp_path / "whole").folder / name).read_bytes() for name in names]
    monkeypatch.setattr("tallybook.book.publishing._PLACES_AT_ONCE", 7)
    assert [(made.publish(tmp_path / "parts").folder / name).read_bytes() for name in names] == whole
    rows = pl.read_parquet(tmp_path / "whole/revisions.parquet")
    assert rows.height == made.ledger.revisions().height == 2317


def test_the_places_of_a_release_are_those_with_figures(revised: Book) -> None:
    out = revised.publish().folder
    table = pl.read_parquet(out / "places.parquet")
    assert table.select("geoid", "level", "title", "population").rows() == [("USA-39", "state", "Ohio", 11689100)]
    plain = pl.read_csv(out / "places.csv", infer_schema=False)
    assert plain.columns == table.columns
    assert plain["fips"].to_list() == ["39"]


@pytest.mark.parametrize("template", ["nyt", "connecticut"])
def test_every_file_and_every_column_of_a_release_has_its_meaning(
    template: str, shared_data: Path, tmp_path: Path
) -> None:
    made = Book.init(tmp_path / template, template=template)
    config = made.folder / "book.toml"
    config.write_text(config.read_text().replace('"state"]', '"state", "county"]'))
    made = Book(made.folder)
    feed = {"nyt": shared_data / "nyt-2021-03-07", "connecticut": next((shared_data / "ct-towns").glob("*.csv"))}
    made.record({"nyt": "nyt", "connecticut": "ct-towns"}[template], feed[template])
    out = made.publish().folder
    said = pl.read_csv(out / "dictionary.csv", infer_schema=False)
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.suffix in (".csv", ".parquet")}
    assert set(said["file"]) == there
    assert said.filter(pl.col("meaning").is_null()).rows() == []
    card = json.loads((out / "release.json").read_text())
    assert [file["path"] for file in card["files"] if not file_meaning(file["path"])] == []


def test_columns_nobody_described_are_left_blank() -> None:
    assert meaning_of("temperature", "us.csv") is None
    assert file_meaning("robots.txt") == ""


def test_the_sources_say_what_they_are(revised: Book) -> None:
    said = json.loads((revised.publish().folder / "sources.json").read_text())
    assert [source["name"] for source in said] == ["nyt"]
    assert said[0]["levels"] == ["nation", "state"]
    assert said[0]["publisher"] == "The New York Times"
    assert "Joplin, Missouri" in said[0]["notes"]
