"""The release made with Spark, of the whole real state record: every cell of the one made without."""

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typer.testing import CliRunner

from tallybook import Book, TallybookError
from tallybook.book.spark import spark_session
from tallybook.book.weekly import weekly_book
from tallybook.cli.commands import app
from tallybook.release.write import Release

DATASETS = ["us.parquet", "rolling-averages/us.parquet", "us-states.parquet", "rolling-averages/us-states.parquet"]
AMID = datetime(2020, 6, 1, tzinfo=UTC)

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")


@pytest.fixture(scope="module")
def sail() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        from pysail.spark import SparkConnectServer
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    host, port = server.listening_address
    yield f"sc://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def on_connect(sail: str) -> Iterator[Any]:
    with spark_session(sail) as session:
        yield session


def assert_same_cells(made: Release, ordinary: Path) -> None:
    for path in DATASETS:
        expected = pl.read_parquet(ordinary / path)
        rows = pl.read_parquet(made.folder / path, hive_partitioning=True)
        assert rows["year"].cast(pl.Int32).equals(rows["date"].dt.year())
        assert_frame_equal(rows.drop("year").sort("date", "geoid"), expected.sort("date", "geoid"), check_exact=True)
    for path in ("places.csv", "sources.json", "annotations.csv", "rolling-averages/anomalies.csv"):
        assert (made.folder / path).read_bytes() == (ordinary / path).read_bytes()
    ours, theirs = (json.loads((folder / "release.json").read_bytes()) for folder in (made.folder, ordinary))
    assert ours["datasets"] == DATASETS
    same = ("title", "licence", "as_of", "method")
    assert [ours[name] for name in same] == [theirs[name] for name in same]


def assert_tidy(made: Release) -> None:
    """One file per year, its rows in order, and nothing that the engine left."""
    files = [file for file in made.folder.rglob("*") if file.is_file()]
    named = {made.folder / file.path for file in made.files}
    assert set(files) == named | {made.folder / "release.json"}
    for path in DATASETS:
        parts = sorted(file.relative_to(made.folder / path).as_posix() for file in (made.folder / path).rglob("*.*"))
        assert parts == [f"year={year}/part-00000.parquet" for year in (2020, 2021, 2022, 2023)]
        for part in parts:
            rows = pl.read_parquet(made.folder / path / part, hive_partitioning=False)
            assert rows.equals(rows.sort("date", "geoid"))


def test_spark_on_several_cores_makes_the_release_to_the_cell(real_book: Book, tmp_path: Path) -> None:
    if shutil.which("java") is None:
        if os.environ.get("CI"):
            pytest.fail("no Java, which Spark needs")
        pytest.skip("skipped: no Java")
    # The gateway to Java never closes its sockets.
    with warnings.catch_warnings(), spark_session("local[4]") as session:
        made = real_book.publish_on_spark(tmp_path / "out", session=session)
    assert_same_cells(made, real_book.folder / "public")
    assert_tidy(made)


def test_spark_connect_makes_the_release_to_the_cell(real_book: Book, on_connect: Any, tmp_path: Path) -> None:
    made = real_book.publish_on_spark(tmp_path / "out", session=on_connect)
    assert_same_cells(made, real_book.folder / "public")
    assert_tidy(made)


def test_a_past_release_is_made_of_what_was_known_then(book: Book, on_connect: Any, tmp_path: Path) -> None:
    feed = tmp_path / "us-states.csv"
    for cases, moment in ((5, AMID), (7, datetime(2020, 7, 1, tzinfo=UTC))):
        feed.write_text(f"date,state,fips,cases,deaths\n2020-05-30,Washington,53,{cases},1\n")
        book.record("nyt", feed, as_of=moment)
    out = tmp_path / "out"
    for as_of, cases in ((AMID, 5), (None, 7)):  # the second takes the place of the first
        made = book.publish_on_spark(out, session=on_connect, as_of=as_of)
        assert pl.read_parquet(out / "us-states.parquet")["cases"].to_list() == [cases]
    assert made.as_of == datetime(2020, 7, 1, tzinfo=UTC)
    assert book.releases() == []


def test_weeks_and_what_is_withheld_are_those_of_the_release(on_connect: Any, tmp_path: Path) -> None:
    book = weekly_book(tmp_path / "book")
    ordinary = book.publish(site=False).folder
    made = book.publish_on_spark(tmp_path / "out", session=on_connect)
    for path in ("weeks.csv", "weeks.parquet"):
        assert (made.folder / path).read_bytes() == (ordinary / path).read_bytes()
    for path in DATASETS[2:]:
        expected = pl.read_parquet(ordinary / path)
        rows = pl.read_parquet(made.folder / path, hive_partitioning=True).drop("year")
        assert_frame_equal(rows.sort("date", "geoid"), expected.sort("date", "geoid"), check_exact=True)
        assert expected["cases_window_days"].null_count() > 100


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["publish", *words])
    return done.exit_code, str(done.exception)


def test_what_cannot_be_is_said_in_one_line(book: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at, out = ("--book", str(book.folder)), ("--out", str(tmp_path / "out"))
    on = ("--engine", "spark", "--master")
    assert "--master is of --engine spark" in run(*at, "--master", "local")[1]
    assert "give --master" in run(*at, *out, "--engine", "spark")[1]
    home = ("--out", str(book.folder))
    assert "a release cannot be put in" in run(*at, *home, *on, "sc://127.0.0.1:1")[1], "before Spark is started"
    for wrong in ("here", "local[0]", "local[all]", "local[]"):
        assert f"{wrong!r} is no Spark master" in run(*at, *out, *on, wrong)[1]
    assert "no Spark Connect server answers at sc://127.0.0.1:1" in run(*at, *out, *on, "sc://127.0.0.1:1")[1]
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert f"there is none in JAVA_HOME, {tmp_path}" in run(*at, *out, *on, "local")[1]
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "Spark needs Java" in run(*at, *out, *on, "local")[1]
    with monkeypatch.context() as without:
        without.setitem(__import__("sys").modules, "pyspark.sql", None)
        assert "pip install tallybook[spark]" in run(*at, *out, *on, "local")[1]


def test_spark_has_a_folder_of_its_own(book: Book, on_connect: Any) -> None:
    with pytest.raises(TallybookError, match="is for the release with CSV files"):
        book.publish_on_spark(book.folder / "public", session=on_connect)
    with pytest.raises(TallybookError, match="hdfs://there/out is an address"):
        book.publish_on_spark("hdfs://there/out", session=on_connect)


def test_the_command_says_what_it_published(book: Book, sail: str, tmp_path: Path) -> None:
    feed = tmp_path / "us-states.csv"
    feed.write_text("date,state,fips,cases,deaths\n2020-05-30,Washington,53,5,1\n")
    book.record("nyt", feed)
    words = [
        "publish",
        "--engine",
        "spark",
        "--master",
        sail,
        "--out",
        str(tmp_path / "out"),
        "--book",
        str(book.folder),
    ]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.exception) == (0, None)
    assert "us-states.parquet/year=2020/part-00000.parquet" in done.stdout
