import json
import os
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest
from filelock import FileLock

from tallybook import Book
from tallybook.errors import BookError
from tallybook.release import swap
from tallybook.release.swap import replaced

COUNTIES = """date,county,state,fips,cases,deaths
2020-05-01,Adjuntas,Puerto Rico,72001,3,
2020-05-01,New York City,New York,,10,1
2020-05-02,Adjuntas,Puerto Rico,72001,5,
2020-05-02,Joplin,Missouri,,2,0
2020-05-02,New York City,New York,,12,1
"""


@pytest.fixture
def county_book(tmp_path: Path) -> Book:
    folder = Book.init(tmp_path / "book", template="nyt").folder
    config = (folder / "book.toml").read_text().replace('["nation", "state"]', '["county"]')
    (folder / "book.toml").write_text(config)
    (tmp_path / "us-counties.csv").write_text(COUNTIES)
    book = Book(folder)
    book.record("nyt", tmp_path / "us-counties.csv")
    return book


def test_counties_are_published_in_their_columns_blank_where_blank(county_book: Book) -> None:
    out = county_book.publish().folder
    # Rows by date, then state, then county.
    assert sorted((out / "us-counties.csv").read_text().splitlines()) == sorted(COUNTIES.splitlines())
    averages = (out / "rolling-averages/us-counties.csv").read_text().splitlines()
    assert averages[0] == (
        "date,geoid,county,state,cases,cases_avg,cases_avg_per_100k,deaths,deaths_avg,deaths_avg_per_100k"
    )
    assert "2020-05-02,USA-29997,Joplin,Missouri,2,0.29,,0,0," in averages
    assert "2020-05-02,USA-72001,Adjuntas,Puerto Rico,2,0.71,3.67,,," in averages
    assert not (out / "us.csv").exists()


def test_deaths_of_counties_are_averaged_over_thirty_days(county_book: Book) -> None:
    rows = pl.read_parquet(county_book.publish().folder / "rolling-averages/us-counties.parquet")
    city = rows.filter(geoid="USA-36998", date=pl.date(2020, 5, 1)).row(0, named=True)
    assert (city["cases_window_days"], city["deaths_window_days"]) == (7, 30)
    assert (city["cases_avg"], city["deaths_avg"]) == (10 / 7, 1 / 30)


def test_parquet_has_the_rows_of_the_csv_and_more(county_book: Book) -> None:
    out = county_book.publish().folder
    for parquet in out.rglob("us-*.parquet"):
        more = pl.read_parquet(parquet)
        plain = pl.read_csv(parquet.with_suffix(".csv"), infer_schema=False)
        assert set(plain.columns) < set(more.columns)
        assert more.height == plain.height
        assert more["date"].cast(pl.String).to_list() == plain["date"].to_list()
        for metric in ("cases", "deaths"):
            for name in ("reported", "omitted", "anomaly", "window_start", "window_days"):
                assert f"{metric}_{name}" in more.columns
            assert more[f"{metric}_reported"].to_list() == plain[metric].is_not_null().to_list()


def test_days_nobody_reported_are_blank_and_say_so(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-05-01,7,0\n2020-05-03,21,0\n")
    book.record("nyt", tmp_path / "us.csv")
    out = book.publish().folder
    assert (out / "us.csv").read_text() == (tmp_path / "us.csv").read_text()
    assert "2020-05-02,USA,,1,0,,0,0" in (out / "rolling-averages/us.csv").read_text()
    rows = pl.read_parquet(out / "rolling-averages/us.parquet")
    assert rows["cases_reported"].to_list() == [True, False, True]


def test_the_card_names_every_file_and_what_the_book_says_of_itself(county_book: Book) -> None:
    release = county_book.publish()
    card = json.loads((release.folder / "release.json").read_text())
    assert card["attribution"] == county_book.config.attribution
    assert [file["path"] for file in card["files"]] == [file.path for file in release.files]
    there = {path.relative_to(release.folder).as_posix() for path in release.folder.rglob("*.*")}
    assert there == {file.path for file in release.files} | {"release.json"}


def test_what_somebody_put_into_the_release_stays_there(county_book: Book) -> None:
    out = county_book.publish().folder
    (out / ".well-known").mkdir()
    (out / ".well-known/security.txt").write_text("Contact: desk@example.org")
    (out / "latest.csv").symlink_to("us-counties.csv")
    (out / "us-counties.csv").write_text("spoilt")
    card = (out / "release.json").read_bytes()
    county_book.publish()
    assert (out / ".well-known/security.txt").read_text() == "Contact: desk@example.org"
    assert (out / "latest.csv").is_symlink()
    assert (out / "latest.csv").read_text().startswith("date,county")
    assert (out / "release.json").read_bytes() == card


def test_a_folder_that_is_no_release_is_left_alone(county_book: Book, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    county_book.publish(tmp_path / "mine")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("years of work")
    with pytest.raises(BookError, match="is not empty and holds no release"):
        county_book.publish(tmp_path / "thesis")
    (tmp_path / "file").touch()
    with pytest.raises(BookError, match="is a file"):
        county_book.publish(tmp_path / "file")
    assert (tmp_path / "thesis/chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize("out", [".", "..", "ledger/x", "public/sub", "sources"])
def test_a_release_never_takes_the_place_of_the_book(county_book: Book, out: str) -> None:
    (county_book.folder.parent / "release.json").write_text('{"as_of": "", "files": []}')
    county_book.publish()
    with pytest.raises(BookError, match="the book is there"):
        county_book.publish(county_book.folder / out)
    assert Book(county_book.folder).totals("county").height


def test_a_file_called_release_json_does_not_make_a_release(county_book: Book, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/release.json").write_text('{"version": 3}')
    with pytest.raises(BookError, match="holds no release"):
        county_book.publish(tmp_path / "other")


def test_what_lies_in_the_way_of_the_swap_is_removed_before_it(county_book: Book) -> None:
    county_book.publish()
    previous = county_book.folder / ".public.previous"
    previous.write_text("in the way")
    county_book.publish()
    assert (previous / "release.json").is_file()


def test_two_that_publish_wait_for_one_another_but_not_for_ever(
    county_book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "_WAIT_SECONDS", 0)
    with FileLock(county_book.folder / ".public.lock"), pytest.raises(BookError, match="another process is publishing"):
        county_book.publish()


def test_a_book_whose_levels_have_no_data_is_not_published_empty(county_book: Book) -> None:
    config = county_book.folder / "book.toml"
    config.write_text(config.read_text().replace('["county"]', '["state"]'))
    with pytest.raises(BookError, match="nothing is recorded of state"):
        Book(county_book.folder).publish()


def test_where_a_link_leads_to_is_replaced_not_the_link(county_book: Book, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "www").symlink_to("disk")
    for _ in range(2):
        county_book.publish(tmp_path / "www")
    assert (tmp_path / "www").is_symlink()
    assert (tmp_path / "disk/us-counties.csv").exists()


def fill(folder: Path, text: str) -> None:
    for number in range(20):
        (folder / f"{number}.txt").write_text(text)


def test_a_reader_never_sees_half_of_a_release(tmp_path: Path) -> None:
    target = tmp_path / "public"
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            # The folder is opened once; what it was stays readable after it was replaced.
            seen.append(len(list(target.iterdir())))

    with replaced(target) as new:
        fill(new, "0")
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 60):
        with replaced(target) as new:
            fill(new, str(number))
        # One that began to read before the last two releases may lose what it reads: it stays for one more.
        read_before = len(seen)
        while len(seen) < read_before + 2 and reader.is_alive():
            time.sleep(0.001)
    stop.set()
    reader.join()
    assert set(seen) == {20}
    assert {path.read_text() for path in target.iterdir()} == {"59"}
    assert {path.read_text() for path in (tmp_path / ".public.previous").iterdir()} == {"58"}


def test_a_release_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    with replaced(tmp_path / "public") as new:
        fill(new, "old")

    def fail() -> None:
        with replaced(tmp_path / "public") as new:
            fill(new, "new")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert (tmp_path / "public/3.txt").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".public.lock", "public"]


def test_where_folders_cannot_change_places_they_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swap, "_exchanged", lambda _one, _other: False)
    for text in ("one", "two", "three"):
        with replaced(tmp_path / "public") as new:
            fill(new, text)
    assert (tmp_path / "public/3.txt").read_text() == "three"
    assert (tmp_path / ".public.previous/3.txt").read_text() == "two"


@pytest.mark.parametrize("call", ["renameat2", "renamex_np", "none of them"])
def test_with_the_calls_of_every_system_the_new_folder_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    calls = []

    def exchange(*arguments: int | bytes) -> int:
        one, other = (Path(os.fsdecode(path)) for path in arguments if isinstance(path, bytes))
        calls.append(arguments[-1])
        other.rename(tmp_path / "aside")
        one.rename(other)
        (tmp_path / "aside").rename(one)
        return 0

    # Linux says renameat2, macOS renamex_np; elsewhere the folders are renamed one after the other.
    monkeypatch.setattr("ctypes.CDLL", lambda _name, use_errno: SimpleNamespace(**{call: exchange}))
    for text in ("one", "two", "three"):
        with replaced(tmp_path / "public") as new:
            fill(new, text)
    assert (tmp_path / "public/3.txt").read_text() == "three"
    assert (tmp_path / ".public.previous/3.txt").read_text() == "two"
    assert calls == ([] if call == "none of them" else [2, 2])
