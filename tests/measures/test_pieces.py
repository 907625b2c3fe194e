"""Lazy frames of polars that are too large for memory, tied to the kernel cell by cell."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from series import SERIES, entry, frame_of, register_for, register_of
from tallybook import daily, per_100k, rolling_average
from tallybook.errors import ContractError
from tallybook.measures import pieces


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pieces so small that short series take several."""
    monkeypatch.setattr(pieces, "ROWS", 40)


@pytest.mark.usefixtures("small_pieces")
def test_pieces_give_the_rows_of_the_whole_in_its_order() -> None:
    @settings(max_examples=40, deadline=None)
    @given(
        places=st.lists(SERIES, min_size=1, max_size=5),
        days=st.sampled_from([1, 3, 7]),
        absent=st.sets(st.integers(0, 200)),
        order=st.randoms(use_true_random=False),
        details=st.booleans(),
    )
    def tied(places: list[Any], days: int, absent: set[int], order: Any, details: bool) -> None:
        frame = frame_of(*([count for count, _, _ in series] for series in places))
        frame = frame.filter(~pl.int_range(pl.len()).is_in(list(absent)))
        frame = frame[order.sample(range(frame.height), frame.height)]
        register = register_for(places)
        metrics = ["cases"]
        options: dict[str, Any] = {"days": days, "anomalies": register, "details": details}
        new = daily(frame, metrics)
        assert_frame_equal(daily(frame.lazy(), metrics).collect(), new, check_exact=True)
        whole = rolling_average(new, metrics, **options)
        in_one_go = rolling_average(daily(frame.lazy(), metrics), metrics, **options)
        assert_frame_equal(in_one_go.collect(), whole, check_exact=True)
        counted_before = rolling_average(new[::-1].lazy(), metrics, **options)
        assert_frame_equal(counted_before.collect(), whole, check_exact=True)

    tied()


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("written", [pl.Categorical(), pl.Enum([f"USA-{n:02}" for n in range(9, 0, -1)])])
def test_files_by_date_are_read_and_a_file_is_written(written: Any, tmp_path: Path) -> None:
    totals = frame_of(*(range(start, start + 30) for start in range(9)))
    totals = totals.with_columns(pl.col("geoid").cast(written), date=pl.col("date").dt.to_string())
    for (day,), rows in totals.group_by("date"):
        rows.write_parquet(tmp_path / f"{day}.parquet")
    lazy = per_100k(rolling_average(daily(pl.scan_parquet(tmp_path), ["cases"]), ["cases"]), ["cases_avg"])
    lazy.sink_parquet(tmp_path / "out")
    expected = per_100k(rolling_average(daily(totals, ["cases"]), ["cases"]), ["cases_avg"])
    assert_frame_equal(pl.read_parquet(tmp_path / "out"), expected, check_exact=True)


@pytest.mark.usefixtures("small_pieces")
def test_what_is_asked_of_the_result_is_given() -> None:
    totals = frame_of(*(range(start, start + 30) for start in range(9)))
    lazy, whole = daily(totals.lazy(), ["cases"]), daily(totals, ["cases"])
    assert lazy.collect_schema() == whole.schema
    assert lazy.head(50).collect().equals(whole.head(50))
    asked = (pl.col("geoid") == "USA-05") & (pl.col("date") > dt.date(2020, 2, 1))
    assert lazy.filter(asked).select("cases").collect().equals(whole.filter(asked).select("cases"))
    assert lazy.head(50).filter(asked).collect().equals(whole.head(50).filter(asked))


@pytest.mark.usefixtures("small_pieces")
def test_a_register_need_not_name_a_place_of_every_piece() -> None:
    counts = frame_of(*[[7] * 30] * 4).with_columns(pl.col("geoid").replace({"USA-01": "CAN-01", "USA-02": "CAN-02"}))
    register = register_of(entry(3, geoid="USA-03", omit=True))
    made = rolling_average(counts.lazy(), ["cases"], anomalies=register).collect()
    assert_frame_equal(made, rolling_average(counts, ["cases"], anomalies=register), check_exact=True)


@pytest.mark.usefixtures("small_pieces")
def test_broken_contracts_of_rows_raise_when_they_are_read() -> None:
    rows = frame_of(*[[7] * 30] * 4)
    twice = daily(pl.concat([rows, rows.tail(1)]).lazy(), ["cases"])
    with pytest.raises(ContractError, match="'USA-04' has two rows for 2020-02-19"):
        twice.collect()
    nowhere = daily(rows.with_columns(pl.lit(None, pl.String).alias("geoid")).lazy(), ["cases"])
    with pytest.raises(ContractError, match="rows without a place"):
        nowhere.collect()
    with pytest.raises(ContractError, match="no column 'deaths'"):
        daily(rows.lazy())


@pytest.mark.usefixtures("small_pieces")
def test_pieces_are_whole_places_and_no_more_is_read_than_is_asked_for() -> None:
    totals = frame_of(*(range(start, start + 30) for start in range(9)))
    whole = daily(totals, ["cases"])
    made = getattr(daily(totals[::-1].lazy(), ["cases"]), pieces._MADE)
    parts = list(made.frames())
    assert [part["geoid"].unique().sort().to_list() for part in parts] == [
        ["USA-01"],
        ["USA-02"],
        ["USA-03"],
        ["USA-04", "USA-05"],
        ["USA-06"],
        ["USA-07"],
        ["USA-08", "USA-09"],
    ]
    assert_frame_equal(pl.concat(parts), whole)
    asked = pl.col("geoid") != "USA-02"
    read = list(pieces._read(made, ["cases"], asked, 70, None))
    assert [part.height for part in read] == [30, 0, 10]
    assert_frame_equal(pl.concat(read), whole.head(70).filter(asked).select("cases"))
    assert [part.height for part in pieces._read(made, None, None, None, None)] == [part.height for part in parts]


def test_few_rows_are_read_at_once_and_rows_without_a_place_are_refused_before_any_is_made() -> None:
    totals = frame_of(*(range(start, start + 30) for start in range(3)))
    (whole,) = getattr(daily(totals.lazy(), ["cases"]), pieces._MADE).frames()
    assert whole.equals(daily(totals, ["cases"]))
    nowhere = daily(totals.with_columns(geoid=pl.lit(None, pl.String)).lazy(), ["cases"])
    with pytest.raises(ContractError, match="column 'geoid' has rows without a place"):
        next(getattr(nowhere, pieces._MADE).frames())
