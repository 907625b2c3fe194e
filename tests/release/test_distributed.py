"""A release's tables computed where the ledger lies, tied to the release cell by cell."""

from pathlib import Path

import duckdb
import narwhals as nw
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tallybook import Book
from tallybook.ledger.portable import portable_state
from tallybook.release.distributed import datasets

TOWNS = "ct-towns/COVID-19_Tests__Cases__and_Deaths__By_Town_.csv"


@pytest.mark.parametrize(("template", "feed", "recorded"), [("nyt", "nyt", "nyt"), ("connecticut", "ct-towns", TOWNS)])
def test_an_engine_makes_the_tables_of_the_release(
    shared_data: Path, tmp_path: Path, template: str, feed: str, recorded: str
) -> None:
    book = Book.init(tmp_path / "book", template=template)
    book.record(feed, shared_data / recorded)
    release = book.publish()
    observations = duckdb.read_parquet([str(file) for file in book.ledger.files()])
    state = portable_state(nw.from_native(observations), None)
    made = list(datasets(state, levels=book.config.levels, method=book.method()))
    assert len(made) == 2 * len(book.config.levels)
    for table in made:
        expected = pl.read_parquet(release.folder / table.path)
        key = [name for name in ("date", "geoid") if name in expected.columns]
        rows = table.rows.collect("polars").to_polars()
        assert rows["year"].equals(rows["date"].dt.year())
        assert_frame_equal(rows.drop("year").sort(key), expected.sort(key), check_exact=True)


def test_towns_without_tests_have_no_positivity_whoever_computes(tmp_path: Path) -> None:
    folder = Book.init(tmp_path / "book").folder
    config = folder / "book.toml"
    config.write_text(config.read_text().replace('levels = ["nation", "state"]', 'levels = ["town"]'))
    (folder / "sources/agency.md").write_text(
        "---\ntitle: Cases by town\nlayout: table\nreporting: explicit\nlevel: town\nstate: CT\n"
        "date: {column: Date}\nplace: {name: Town}\nmetrics: {cases: Cases, deaths: Deaths}\n---\n"
    )
    (tmp_path / "towns.csv").write_text("Date,Town,Cases,Deaths\n2020-05-01,Sharon,3,0\n2020-05-03,Sharon,5,1\n")
    book = Book(folder)
    book.record("agency", tmp_path / "towns.csv")
    release = book.publish()
    observations = duckdb.read_parquet([str(file) for file in book.ledger.files()])
    state = portable_state(nw.from_native(observations), None)
    (averages,) = (
        table
        for table in datasets(state, levels=book.config.levels, method=book.method())
        if table.path.startswith("rolling-averages/")
    )
    expected = pl.read_parquet(release.folder / averages.path)
    assert "cases_avg" in expected.columns
    assert [name for name in expected.columns if "positiv" in name] == []
    rows = averages.rows.collect("polars").to_polars().drop("year")
    assert_frame_equal(rows.sort("date", "geoid"), expected.sort("date", "geoid"), check_exact=True)
