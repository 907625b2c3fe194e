"""A release as a workbook and as a database, read back by those who would read it."""

import datetime as dt
import html
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from polars.testing import assert_frame_equal

from tallybook import Book
from tallybook.book.weekly import weekly_book
from tallybook.errors import BookError

FORMULA = '=HYPERLINK("http://example.org","Measles")'


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Measles by state and week: withheld counts, two formats, and a title that a spreadsheet could run."""
    made = weekly_book(tmp_path_factory.mktemp("formats") / "book")
    config = made.folder / "book.toml"
    config.write_text(config.read_text().replace('"Measles in the United States (invented numbers)"', f"'{FORMULA}'"))
    return Book(made.folder)


@pytest.fixture(scope="module")
def release(book: Book) -> Path:
    return book.publish(site=False).folder


@pytest.fixture(scope="module")
def workbook(release: Path) -> Workbook:
    return load_workbook(release / "us-states.xlsx")


@pytest.fixture(scope="module")
def base(release: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{release / 'release.sqlite'}?mode=ro", uri=True)) as opened:
        yield opened


def rows(workbook: Workbook, sheet: str) -> list[tuple[Any, ...]]:
    return list(workbook[sheet].iter_rows(values_only=True))


def test_a_workbook_has_the_figures_of_the_states_as_dates_and_numbers(workbook: Workbook, release: Path) -> None:
    assert workbook.sheetnames == ["Notes", "Latest", "Totals", "Averages", "Columns"]
    for sheet, path in (("Totals", "us-states"), ("Averages", "rolling-averages/us-states")):
        header, *told = rows(workbook, sheet)
        columns = pl.scan_csv(release / f"{path}.csv").collect_schema().names()
        assert header == tuple(columns)
        expected = pl.read_parquet(release / f"{path}.parquet").select(columns)
        found = [(row[0].date(), *row[1:]) for row in told if isinstance(row[0], dt.datetime)]
        # A workbook has sixteen digits of a number.
        assert_frame_equal(pl.DataFrame(found, expected.schema, orient="row"), expected, rel_tol=1e-15, abs_tol=0)
    latest = rows(workbook, "Latest")[1:]
    assert {row[0] for row in latest} == {max(row[0] for row in rows(workbook, "Averages")[1:])}
    cell = workbook["Averages"]["E2"]
    assert (workbook["Averages"]["A2"].number_format, cell.number_format) == ("yyyy-mm-dd", "#,##0.00")


def test_what_is_withheld_is_a_blank_cell(workbook: Workbook, base: sqlite3.Connection) -> None:
    withheld = base.execute("SELECT count(*) FROM weeks WHERE status = 'withheld'").fetchone()[0]
    blanks = [row for row in rows(workbook, "Totals")[1:] if row[3] is None]
    assert len(blanks) == withheld > 100
    assert base.execute("SELECT count(*) FROM us_states WHERE cases IS NULL").fetchone()[0] == withheld


def test_its_headers_stay_in_sight_and_nothing_in_it_is_run(workbook: Workbook) -> None:
    assert [workbook[sheet].freeze_panes for sheet in workbook.sheetnames] == ["A2"] * 5
    cells = [cell for sheet in workbook for line in sheet.iter_rows() for cell in line]
    assert {cell.data_type for cell in cells} <= {"n", "s", "d"}
    assert workbook["Notes"]["B2"].value == FORMULA


def test_its_notes_say_licence_source_moment_and_what_blanks_mean(workbook: Workbook, release: Path) -> None:
    said, card = dict(rows(workbook, "Notes")[1:]), json.loads((release / "release.json").read_text())
    assert (said["Licence"], said["Source"]) == (card["licence"], card["attribution"])
    assert said["Warning"] == card["notice"]
    assert said["As of"][:10] in card["as_of"]
    assert said["Blank cells"].startswith("Not reported")
    told = {(row[0], row[1]) for row in rows(workbook, "Columns")[1:]}
    headers = {(sheet, name) for sheet in ("Totals", "Averages") for name in rows(workbook, sheet)[0]}
    assert told == headers


def test_what_is_longer_than_a_sheet_comes_by_year(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallybook.release.workbook.SPREADSHEET_ROWS", 2_000)
    out = book.publish(tmp_path / "out").folder
    assert [name for name in load_workbook(out / "us-states.xlsx", read_only=True).sheetnames if "20" in name] == [
        "Averages 2025"
    ]


def test_the_same_state_has_the_same_bytes_in_every_format_however_many_rows_are_read_at_once(
    book: Book, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.release.database._AT_ONCE", 700)
    again = book.publish(tmp_path / "again", site=False).folder
    files = {path.relative_to(again) for path in again.rglob("*") if path.is_file()}
    assert {Path("us-states.xlsx"), Path("release.sqlite"), Path("metadata.json")} < files
    assert [name for name in files if (again / name).read_bytes() != (release / name).read_bytes()] == []


def test_a_database_has_every_table_with_its_types_and_keys(base: sqlite3.Connection, release: Path) -> None:
    tables = {"us_states": "us-states", "us_states_averages": "rolling-averages/us-states", "weeks": "weeks"}
    for name, path in tables.items():
        frame = pl.read_parquet(release / f"{path}.parquet")
        info = base.execute(f"PRAGMA table_info({name})").fetchall()
        assert [row[1] for row in info] == frame.columns
        kinds = {row[1]: row[2] for row in info}
        assert (kinds["date"], kinds["geoid"]) == ("TEXT", "TEXT")
        assert {"cases": "INTEGER", "cases_avg": "REAL", "total": "INTEGER"}.items() >= {
            key: kinds[key] for key in ("cases", "cases_avg", "total") if key in kinds
        }.items()
        assert base.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == frame.height
        assert next(row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]) == "geoid"
    cases = base.execute("SELECT date, geoid, cases_avg FROM us_states_averages ORDER BY rowid").fetchall()
    assert cases == [
        (str(day), geoid, average)
        for day, geoid, average in pl.read_parquet(release / "rolling-averages/us-states.parquet")
        .select("date", "geoid", "cases_avg")
        .rows()
    ]
    assert base.execute("PRAGMA foreign_key_check").fetchall() == []
    assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    plan = base.execute("EXPLAIN QUERY PLAN SELECT * FROM us_states WHERE geoid = 'USA-39'").fetchall()
    assert "USING INDEX" in plan[0][3]


def test_a_database_says_what_it_is_and_shows_the_latest(base: sqlite3.Connection, release: Path) -> None:
    said, card = (
        dict(base.execute("SELECT key, value FROM release")),
        json.loads((release / "release.json").read_text()),
    )
    assert {key: said[key] for key in ("title", "as_of", "licence", "attribution", "notice")} == {
        key: card[key] for key in ("title", "as_of", "licence", "attribution", "notice")
    }
    for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name not in ("release", "columns", "sources"):
            told = {row[0] for row in base.execute('SELECT "column" FROM columns WHERE "table" = ?', (name,))}
            assert told == {row[1] for row in base.execute(f"PRAGMA table_info({name})")}
    latest = base.execute("SELECT title, date, total_cases, cases_avg FROM us_states_latest ORDER BY title").fetchall()
    assert len(latest) == base.execute("SELECT count(*) FROM places WHERE level = 'state'").fetchone()[0]
    assert {row[1] for row in latest} == {"2025-07-26"}


def test_datasette_serves_it_as_it_is(release: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "datasette", "serve", str(release / "release.sqlite"), "--port", str(port)]
    told = ["--metadata", str(release / "metadata.json"), "--host", "127.0.0.1"]
    with subprocess.Popen([*command, *told], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _until_it_answers(client, server)
                found = client.get("/release/us_states.json", params={"geoid": "USA-39", "_shape": "array"}).json()
                table = client.get("/release/us_states_averages")
                latest = client.get("/release/us_states_latest.json", params={"_shape": "array", "_size": "max"}).json()
        finally:
            server.terminate()
    expected = pl.read_parquet(release / "us-states.parquet").filter(geoid="USA-39").sort("date", descending=True)
    assert [(row["date"], row["cases"]) for row in found] == [
        (str(day), cases) for day, cases in expected.select("date", "cases").rows()
    ]
    assert len(latest) == pl.read_parquet(release / "places.parquet").filter(level="state").height
    assert table.status_code == 200
    card = json.loads((release / "release.json").read_text())
    for words in (card["licence"], card["attribution"], "rolling average of new cases (cases a day)"):
        assert words in html.unescape(table.text)


def _until_it_answers(client: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end and server.poll() is None:
        try:
            client.get("/-/versions.json").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    server.terminate()
    pytest.fail(f"datasette does not answer: {server.stderr.read().decode() if server.stderr else ''}")


def test_a_release_comes_in_no_format_nobody_asked_for(tmp_path: Path) -> None:
    made = Book.init(tmp_path / "book", template="nyt")
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-01-21,1,0\n")
    made.record("nyt", tmp_path / "us.csv")
    assert not [file.path for file in made.publish().files if file.path.endswith((".xlsx", ".sqlite"))]


def test_a_format_that_there_is_not_is_refused(tmp_path: Path) -> None:
    config = Book.init(tmp_path / "book", template="plain").folder / "book.toml"
    config.write_text(config.read_text().replace('"xlsx"', '"ods"'))
    with pytest.raises(BookError, match=r"formats: '\w+' is not 'xlsx' or 'sqlite'"):
        Book(config.parent)
