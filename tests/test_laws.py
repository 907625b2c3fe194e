"""Laws that hold for whatever is published, whoever reports it and however."""

import datetime as dt
import random
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from series import SERIES, frame_of, register_for
from tallybook import Book, Outbreak, gazetteer, rolling_average, simulate
from tallybook.sources.simulated import write_published

DAY = dt.timedelta(days=1)


@given(series=SERIES, days=st.integers(1, 30))
def test_windows_that_follow_one_another_have_all_that_was_counted(
    series: list[tuple[int | None, bool, int]], days: int
) -> None:
    register = register_for([series])
    frame = frame_of([count for count, _, _ in series])
    made = rolling_average(frame, ["cases"], days=days, anomalies=register, details=True)
    rows = {row["date"]: row for row in made.iter_rows(named=True) if row["cases_avg"] is not None}
    adjusted = {frame["date"][day]: adjust for day, (_, _, adjust) in enumerate(series)}
    last = max((day for day, row in rows.items() if row["cases_window_end"] == day), default=None)
    averaged, begins, end = 0.0, None, last
    while end in rows and rows[end]["cases_window_end"] == end:
        averaged += rows[end]["cases_avg"] * rows[end]["cases_window_days"]
        begins = rows[end]["cases_window_start"]
        end = begins - DAY
    if last is None or begins is None:
        return
    counted = made.filter(pl.col("date").is_between(begins, last) & ~pl.col("cases_omitted"))
    told = sum((row["cases"] or 0) + adjusted.get(row["date"], 0) for row in counted.iter_rows(named=True))
    assert averaged == pytest.approx(told)


@pytest.fixture(scope="module")
def outbreak() -> Outbreak:
    return simulate(days=150, seed=3)


def published(outbreak: Outbreak, states: set[str] | None, folder: Path) -> Path:
    """Record and publish what some states report; return the release."""
    reports = outbreak.reports
    kept = reports if states is None else reports.filter(pl.col("geoid").is_in(states) | (pl.col("geoid") == "USA"))
    write_published(replace(outbreak, reports=kept), folder / "feed")
    book = Book.init(folder / "book", template="simulated")
    book.record("simulated", folder / "feed")
    return book.publish(site=False).folder


def test_parts_of_a_book_have_the_rows_of_the_whole(outbreak: Outbreak, tmp_path: Path) -> None:
    states = outbreak.reports["geoid"].unique().sort().to_list()
    random.Random(0).shuffle(states)
    whole = published(outbreak, None, tmp_path / "whole")
    parts = [published(outbreak, set(states[start::2]), tmp_path / f"part-{start}") for start in (0, 1)]
    for file in ("us-states.parquet", "rolling-averages/us-states.parquet"):
        both = pl.concat([pl.read_parquet(part / file) for part in parts])
        key = ["date", "state"]
        assert_frame_equal(both.sort(key), pl.read_parquet(whole / file).sort(key), check_exact=True)


def test_rates_times_the_population_are_the_averages(outbreak: Outbreak, tmp_path: Path) -> None:
    averages = pl.read_csv(
        published(outbreak, None, tmp_path) / "rolling-averages" / "us-states.csv", infer_schema_length=None
    )
    people = averages.join(gazetteer().frame, on="geoid").drop_nulls(["cases_avg", "cases_avg_per_100k"])
    assert people.height > 5_000
    for metric in ("cases", "deaths"):
        # Both are published with two decimals, so that either is off by up to half a hundredth.
        again = pl.col(f"{metric}_avg_per_100k") * pl.col("population") / 100_000
        allowed = 0.005 + 0.005 * pl.col("population") / 100_000 + 1e-9
        off = people.filter((again - pl.col(f"{metric}_avg")).abs() > allowed)
        assert off.is_empty()
