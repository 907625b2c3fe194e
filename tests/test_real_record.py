"""The numbers of the real record: every published figure, to the last digit."""

from pathlib import Path

import polars as pl
import pytest

from tallybook import Book

FIGURES = [f"{metric}{kind}" for metric in ("cases", "deaths") for kind in ("", "_avg", "_avg_per_100k")]


def published(file: Path) -> pl.DataFrame:
    return pl.read_csv(file, infer_schema=False)


@pytest.mark.parametrize("name", ["us.csv", "us-states.csv", "rolling-averages/anomalies.csv"])
def test_what_went_in_comes_out_byte_for_byte(real_book: Book, shared_data: Path, name: str) -> None:
    made = (real_book.folder / "public" / name).read_bytes()
    assert made.removesuffix(b"\n") == (shared_data / "nyt" / name).read_bytes().removesuffix(b"\n")


@pytest.mark.parametrize("figure", FIGURES)
def test_every_published_state_figure_is_equal(real_book: Book, shared_data: Path, figure: str) -> None:
    """As text: number format and all."""
    name = "rolling-averages/us-states.csv"
    theirs, ours = published(shared_data / "nyt" / name), published(real_book.folder / "public" / name)
    assert ours.columns == theirs.columns
    both = theirs.join(ours, on=["date", "geoid", "state"])
    assert both.height == theirs.height == 30_737
    assert both.filter(pl.col(figure) != pl.col(f"{figure}_right")).rows() == []


@pytest.mark.parametrize("figure", FIGURES)
def test_every_published_national_figure_is_equal(real_book: Book, shared_data: Path, figure: str) -> None:
    name = "rolling-averages/us.csv"
    theirs, ours = published(shared_data / "nyt" / name), published(real_book.folder / "public" / name)
    assert ours.columns == theirs.columns
    assert ours["date"].to_list() == theirs["date"].to_list()
    assert ours.filter(ours[figure] != theirs[figure]).rows() == []


def test_publishing_again_gives_the_same_bytes(real_book: Book, tmp_path: Path) -> None:
    first, second = (real_book.publish(tmp_path / name) for name in ("first", "second"))
    assert first.files == second.files


def test_every_row_says_what_its_average_is_made_of(real_book: Book) -> None:
    rows = pl.read_parquet(real_book.folder / "public/rolling-averages/us-states.parquet")
    texas = rows.filter(geoid="USA-48", date=pl.date(2022, 1, 14)).row(0, named=True)
    assert texas["cases_anomaly"] == ["USA-48-2022-01-14-cases", "USA-48-2022-01-14-cases-2"]
    assert (texas["cases_reported"], texas["cases_omitted"], texas["cases_window_days"]) == (True, False, 7)
    register = pl.read_parquet(real_book.folder / "public/rolling-averages/anomalies.parquet")
    named = rows["cases_anomaly"].drop_nulls().explode().unique()
    assert named.is_in(register["id"].implode()).all()
    assert register["id"].is_unique().all()
    complete = [f"cases_{name}" for name in ("reported", "omitted", "window_start", "window_days")]
    assert rows.select(pl.col(complete).null_count()).row(0) == (0, 0, 0, 0)


def test_the_sum_of_a_window_divided_by_its_days_is_the_average(real_book: Book) -> None:
    """Read off the published file alone: no omission or adjustment within the window, so its counts are all there."""
    rows = pl.read_parquet(real_book.folder / "public/rolling-averages/us-states.parquet")
    days = rows.filter(geoid="USA-31").sort("date")
    plain = days.filter(
        days["cases_window_days"] == (days["cases_window_end"] - days["cases_window_start"]).dt.total_days() + 1
    )
    counts = dict(days.select("date", "cases").rows())
    checked = 0
    for start, end, length, average in plain.select(
        "cases_window_start", "cases_window_end", "cases_window_days", "cases_avg"
    ).rows():
        window = [day for day in counts if start <= day <= end]
        if not days.filter(pl.col("date").is_in(window))["cases_anomaly"].drop_nulls().len():
            assert average == sum(counts[day] for day in window) / length
            checked += 1
    assert checked > 900


def test_the_worked_example_of_nebraska(real_book: Book) -> None:
    from datetime import date

    made = real_book.explain("USA-31", date(2020, 2, 25), "cases")
    assert (made.total, made.window_days, made.average) == (3, 8, 0.375)
    assert [day.count for day in made.days] == [0, 0, 1, 0, 0, 0, 1, 1]
