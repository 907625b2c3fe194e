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
