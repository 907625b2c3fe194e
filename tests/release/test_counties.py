"""The real county files: what goes in comes out, and more of it."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tallybook import Book, Level
from tallybook.release import layout
from tallybook.release.layout import csv_files


def county_book(folder: Path) -> Book:
    made = Book.init(folder, template="nyt").folder / "book.toml"
    made.write_text(made.read_text().replace('"state"]', '"state", "county"]'))
    return Book(folder)


@pytest.mark.parametrize(
    ("source", "published"),
    [
        ("nyt-2020-05-02/us-counties.csv", ["us-counties.csv", "us-counties-2020.csv"]),
        (
            "nyt-2021-03-07/us-counties-recent.csv",
            ["us-counties.csv", "us-counties-2021.csv", "us-counties-recent.csv"],
        ),
    ],
)
def test_real_counties_come_out_byte_for_byte(
    shared_data: Path, tmp_path: Path, source: str, published: list[str]
) -> None:
    book = county_book(tmp_path / "book")
    assert book.record("nyt", shared_data / source)[0].added == 2 * ((shared_data / source).read_bytes().count(b"\n"))
    out = book.publish().folder
    for name in published:
        assert (out / name).read_bytes().removesuffix(b"\n") == (shared_data / source).read_bytes()


def test_a_recent_file_holds_the_last_thirty_days(shared_data: Path, tmp_path: Path) -> None:
    book = county_book(tmp_path / "book")
    book.record("nyt", shared_data / "nyt-2020-05-02")
    recent = pl.read_csv(book.publish().folder / "us-counties-recent.csv", try_parse_dates=True)["date"]
    assert (str(recent.min()), str(recent.max()), recent.n_unique()) == ("2020-04-02", "2020-05-01", 30)


def test_places_without_population_have_empty_rates_never_zero(shared_data: Path, tmp_path: Path) -> None:
    book = county_book(tmp_path / "book")
    book.record("nyt", shared_data / "nyt-2021-03-07/us-counties-recent.csv")
    rows = pl.read_parquet(book.publish().folder / "rolling-averages/us-counties.parquet")
    homeless = pl.col("geoid").str.ends_with("999") | (pl.col("geoid") == "USA-29997")
    # What was counted before the file's first day is not known: averages begin when a window is whole.
    first = rows["date"].sort()[0]
    assert rows.filter(homeless, date=rows["date"].max())["cases_avg"].null_count() == 0
    assert rows.filter(date=first)["cases"].drop_nulls().is_empty()
    assert rows.filter(homeless)["cases_avg_per_100k"].null_count() == rows.filter(homeless).height > 700
    municipios = rows.filter(pl.col("geoid").str.starts_with("USA-72"), pl.col("geoid") != "USA-72999")
    assert municipios["deaths_avg"].null_count() == municipios["deaths"].null_count() == municipios.height


def test_a_table_too_long_for_a_spreadsheet_comes_by_year(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    rows = "date,cases,deaths\n2020-12-31,1,0\n2021-01-01,2,0\n"
    (tmp_path / "us.csv").write_text(rows)
    book.record("nyt", tmp_path / "us.csv")
    monkeypatch.setattr(layout, "SPREADSHEET_ROWS", 1)
    release = book.publish()
    assert (release.folder / "us-2020.csv").read_text() == "date,cases,deaths\n2020-12-31,1,0\n"
    assert not (release.folder / "us.csv").exists()
    assert pl.read_parquet(release.folder / "us.parquet").height == 2
    assert release.notes[0] == "nothing is recorded of level 'state': there is no us-states.csv"
    assert release.notes[1].startswith("us.csv would have 2 rows, more than a spreadsheet holds")
    assert "rolling-averages/us.csv would have" in (release.folder / "release.json").read_text()


def test_changes_and_parts_too_long_for_a_spreadsheet_come_by_year_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    columns = "date,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths"
    (tmp_path / "live").mkdir()
    for day in (date(2020, 12, 31), date(2021, 1, 1), date(2021, 1, 2)):
        (tmp_path / "live/us.csv").write_text(f"{columns}\n{day},2,1,1,1,1,0\n")
        book.record("nyt", tmp_path / "live/us.csv")
        book.close_day(day)
    monkeypatch.setattr(layout, "SPREADSHEET_ROWS", 2)
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-12-31,5,1\n2021-01-01,6,1\n2021-01-02,7,1\n")
    book.record("nyt", tmp_path / "us.csv")
    release = book.publish()
    for stem in ("us-confirmed-probable", "changes"):
        assert not (release.folder / f"{stem}.csv").exists()
        assert any(note.startswith(f"{stem}.csv would have 3 rows") for note in release.notes)
    assert (release.folder / "us-confirmed-probable-2020.csv").read_text().splitlines()[1:] == ["2020-12-31,1,1,1,0"]
    assert pl.read_csv(release.folder / "changes-2021.csv")["date"].to_list() == ["2021-01-01", "2021-01-02"]
    assert (release.folder / "changes-2020.csv").read_text().splitlines()[0].startswith("change,date,geoid")


def test_only_counties_come_by_year_by_default() -> None:
    table = pl.DataFrame({"date": [date(2020, 1, 1)]})
    assert [sheet.name for sheet in csv_files(table, Level.STATE)] == ["us-states.csv"]


def test_a_year_too_long_for_a_spreadsheet_comes_by_half_year_and_month(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "SPREADSHEET_ROWS", 2)
    days = [date(2021, 1, 1), date(2021, 2, 1), date(2021, 2, 2), date(2021, 7, 1)]
    sheets = list(csv_files(pl.DataFrame({"date": days}), Level.COUNTY))
    assert [(sheet.name, sheet.rows is not None, sheet.height) for sheet in sheets] == [
        ("us-counties.csv", False, 4),
        ("us-counties-2021.csv", False, 4),
        ("us-counties-2021-h1.csv", False, 3),
        ("us-counties-2021-h1-01.csv", True, 1),
        ("us-counties-2021-h1-02.csv", True, 2),
        ("us-counties-2021-h2.csv", True, 1),
        ("us-counties-recent.csv", True, 1),
    ]
