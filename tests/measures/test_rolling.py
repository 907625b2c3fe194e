import datetime as dt
import io
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain import plain_averages
from series import SERIES, START, entry, frame_of, register_of
from tallybook import daily, read_anomalies, rolling_average
from tallybook.errors import ContractError
from tallybook.measures import rolling
from tallybook.model.anomalies import ANOMALY_COLUMNS


def averages(counts: Sequence[int | None], register: pl.DataFrame | None = None, **options: Any) -> list[float | None]:
    return rolling_average(frame_of(counts), ["cases"], anomalies=register, **options)["cases_avg"].to_list()


@settings(max_examples=400)
@given(
    places=st.lists(SERIES, min_size=1, max_size=3),
    days=st.sampled_from([1, 2, 3, 7]),
    explicit=st.booleans(),
    piece=st.sampled_from([1, 40, 100, 1 << 18]),
)
def test_the_kernel_is_the_plain_walk_over_blocks_cell_by_cell(
    places: list[list[tuple[int | None, bool, int]]], days: int, explicit: bool, piece: int
) -> None:
    longest = max(map(len, places))
    padded = [[*series, *[(None, False, 0)] * (longest - len(series))] if series else [] for series in places]
    entries = [
        entry(day, geoid=f"USA-{number:02}", omit=omit, adjust=adjust)
        for number, series in enumerate(padded, start=1)
        for day, (_, omit, adjust) in enumerate(series)
        if omit or adjust
    ]
    with patch.object(rolling, "_PIECE", piece):
        made = rolling_average(
            frame_of(*([count for count, _, _ in series] for series in padded)),
            ["cases"],
            days=days,
            anomalies=register_of(*entries) if entries else None,
            reporting="explicit" if explicit else "infer-from-zero",
            details=True,
        )
    expected = [
        plain
        for series in padded
        for plain in plain_averages(
            [count for count, _, _ in series],
            days=days,
            omitted=[omit for _, omit, _ in series],
            adjustments=[adjust for _, _, adjust in series],
            explicit=explicit,
        )
    ]
    assert made["cases_avg"].to_list() == [plain.average for plain in expected]
    assert made["cases_window_days"].fill_null(0).to_list() == [plain.days for plain in expected]


def test_rule_1_an_adjustment_is_added_to_the_count() -> None:
    register = register_of(entry(1, adjust=-700), entry(1, adjust=70))
    assert averages([7, 707, 7], register) == [1.0, 12.0, 13.0]


def test_rule_2_an_omitted_day_leaves_with_its_count() -> None:
    register = register_of(entry(1, end=2, omit=True))
    assert averages([7, 700, 700, 7, 7], register) == [1.0, 1.0, 1.0, 2.0, 3.0]


def test_rule_2_any_omission_of_several_anomalies_omits() -> None:
    register = register_of(entry(1, omit=True), entry(1, adjust=5))
    assert averages([7, 700], register) == [1.0, 1.0]


def test_rule_2_a_state_can_omit_a_day_of_its_counties_and_not_its_own() -> None:
    counts = [
        (geoid, START + dt.timedelta(days=day), count)
        for geoid in ("USA-53", "USA-53061", "USA-54001")
        for day, count in enumerate((7, 700))
    ]
    frame = pl.DataFrame(counts, schema=["geoid", "date", "cases"], orient="row")
    below = {"omit_from_rolling_average_on_subgeographies": "yes"}
    made = rolling_average(frame, ["cases"], anomalies=register_of({**entry(1, geoid="USA-53"), **below}))
    assert made.filter(date=START + dt.timedelta(days=1))["cases_avg"].to_list() == [101.0, 1.0, 101.0]


def test_rule_2_an_anomaly_of_deaths_leaves_cases_alone() -> None:
    assert averages([7, 700], register_of(entry(1, omit=True, type="deaths"))) == [1.0, 101.0]
    assert averages([7, 700], register_of(entry(1, omit=True, type="both"))) == [1.0, 1.0]


def test_rule_3_a_negative_day_is_omitted_too() -> None:
    assert averages([7, -3, 7]) == [1.0, 1.0, 2.0]


def test_rule_4_empty_days_belong_to_the_next_day_with_data() -> None:
    assert averages([7, 7, 7, 7, 7, 0, 0, 0, 28])[-1] == 7.0
    weekly = [0, 0, 0, 0, 0, 0, 70]
    assert averages(weekly * 4)[7:] == [10.0] * 21


def test_rule_5_a_long_run_of_empty_days_is_believed_when_its_last_is_reached() -> None:
    made = averages([7] * 7 + [0] * 14 + [7])
    assert made[6:-2] == [7.0] * 14
    assert made[-2:] == [0.0, 1.0]


def test_rule_5_what_nobody_reported_is_never_believed_to_be_zero() -> None:
    assert averages([7] * 7 + [None] * 40)[-1] == 7.0
    assert averages([7] * 7 + [0] * 13 + [None] * 7 + [0] * 13)[-1] == 7.0
    assert averages([7] * 7 + [None] * 5 + [0] * 14)[-1] == 0.0


def test_rule_6_before_the_first_row_every_day_is_a_zero() -> None:
    assert averages([7, 7]) == [1.0, 2.0]


def test_every_day_names_the_entries_that_concern_it() -> None:
    entries = [entry(1, omit=True, id="a"), entry(1, end=2, adjust=3, id="b"), entry(2, omit=True)]
    made = rolling_average(frame_of([7, 7, 7]), ["cases"], anomalies=register_of(*entries), details=True)
    assert made["cases_anomaly"].to_list() == [None, ["a", "b"], ["b"]]
    assert made["cases_omitted"].to_list() == [False, True, True]


def test_rule_7_a_window_has_counted_days_only() -> None:
    register = register_of(entry(3, end=5, omit=True))
    made = rolling_average(frame_of([7] * 12), ["cases"], anomalies=register, details=True).row(-1, named=True)
    assert (made["cases_avg"], made["cases_window_days"]) == (7.0, 7)
    assert made["cases_window_start"] == START + dt.timedelta(days=2)


def test_explicit_zeros_are_zeros_from_the_first_day() -> None:
    assert averages([7, 0, 0], reporting="explicit") == [1.0, 1.0, 1.0]
    assert averages([7] * 7 + [0], reporting="explicit")[-1] == 6.0
    assert averages([7] * 7 + [None], reporting="explicit")[-1] == 7.0


def test_what_was_never_reported_has_no_average() -> None:
    made = rolling_average(frame_of([7], [None]), ["cases"])
    assert made["cases_avg"].to_list() == [1.0, None]


def test_after_rows_without_a_report_the_window_has_to_be_whole() -> None:
    made = rolling_average(frame_of([None, None, 7, 7, 7, 7]), ["cases"], days=3, details=True)
    # Nobody knows how many of the first seven are of the days before.
    assert made["cases_avg"].to_list() == [None] * 5 + [7.0]
    assert made["cases_window_start"].to_list() == [None] * 5 + [START + dt.timedelta(days=3)]


@given(series=SERIES, day=st.integers(0, 69))
def test_omitting_a_day_never_changes_the_days_before_it(series: list[tuple[int | None, bool, int]], day: int) -> None:
    counts = [count for count, _, _ in series]
    assert averages(counts)[:day] == averages(counts, register_of(entry(day, omit=True)))[:day]


@given(series=st.lists(SERIES, min_size=1, max_size=3), order=st.randoms())
def test_the_order_of_rows_does_not_matter(series: list[list[tuple[int | None, bool, int]]], order: Any) -> None:
    frame = frame_of(*([count for count, _, _ in one] for one in series))
    rows = frame.rows()
    order.shuffle(rows)
    shuffled = pl.DataFrame(rows, schema=frame.schema, orient="row")
    assert rolling_average(frame, ["cases"], details=True).equals(rolling_average(shuffled, ["cases"], details=True))


def test_a_day_without_a_row_is_a_day_without_a_report() -> None:
    frame = frame_of([7, 7, 7, 7, 7, 7, 7, 7, 7])
    made = rolling_average(frame[[0, 1, 2, 3, 4, 5, 6, 8]], ["cases"])
    assert made.height == 9
    assert made["cases"].to_list()[-2:] == [None, 7]
    assert made["cases_avg"].to_list()[-3:] == [7.0, 7.0, 6.0]


KINDS: dict[str, Any] = {
    "polars": lambda frame: frame,
    "polars lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pandas with pyarrow": lambda frame: frame.to_pandas(use_pyarrow_extension_array=True),
    "pyarrow": lambda frame: frame.to_arrow(),
    "duckdb": lambda frame: duckdb.from_arrow(frame.to_arrow()),
}
BACK: dict[type, Any] = {
    pl.DataFrame: lambda made: made,
    pl.LazyFrame: lambda made: made.collect(),
    pd.DataFrame: pl.from_pandas,
    pa.Table: pl.from_arrow,
    duckdb.DuckDBPyRelation: lambda made: made.pl(),
}


@pytest.mark.parametrize("kind", KINDS)
def test_frames_come_back_as_the_kind_they_came_as(kind: str) -> None:
    totals = frame_of([1, 2, 3, 3, 5]).with_columns(deaths=pl.lit(0, pl.Int64))
    register = register_of(entry(1, omit=True))
    expected = rolling_average(daily(totals), anomalies=register)
    brought = KINDS[kind](totals)
    made = rolling_average(daily(brought), anomalies=KINDS[kind](register))
    assert type(made) is type(brought)
    back = BACK[type(made)](made)
    assert back.with_columns(pl.col("date").cast(pl.Date)).sort("geoid", "date").equals(expected)


def test_pandas_dates_and_missing_counts_are_understood() -> None:
    frame = pd.DataFrame(
        {
            "state": "WA",
            "date": pd.to_datetime(["2020-01-21", "2020-01-22", "2020-01-23"]),
            "cases": [1.0, float("nan"), 15.0],
        }
    )
    made = rolling_average(daily(frame, ["cases"], place="state"), ["cases"], place="state")
    assert str(made["date"].dtype).startswith("datetime64")
    assert made["cases_avg"].tolist() == [pytest.approx(1 / 7), pytest.approx(1 / 7), pytest.approx(15 / 7)]


REGISTER_CSV = (
    ",".join(ANOMALY_COLUMNS)
    + "\n2020-01-22,,,Alabama,USA-01,cases,yes,,0,\n2020-02-01,,,Alabama,USA-01,both,,,-3,Why\n"
)


@pytest.mark.parametrize(
    "read",
    [
        lambda text: pd.read_csv(io.StringIO(text)),
        lambda text: pd.read_csv(io.StringIO(text), parse_dates=["date", "end_date"]),
        lambda text: pl.read_csv(io.StringIO(text)),
        lambda text: pl.read_csv(io.StringIO(text), try_parse_dates=True),
        lambda text: pl.read_csv(io.StringIO(text), infer_schema=False),
        lambda text: read_anomalies(text.encode()),
    ],
)
def test_a_register_may_be_read_by_whatever_reads_csv(read: Any) -> None:
    assert averages([7, 700, 7], read(REGISTER_CSV)) == [1.0, 1.0, 2.0]


@pytest.mark.parametrize("blank", [None, float("nan")])
def test_a_column_of_end_dates_may_be_blank_in_any_type(blank: float | None) -> None:
    register = register_of(entry(1, omit=True)).with_columns(end_date=pl.lit(blank))
    assert averages([7, 700, 7], register) == [1.0, 1.0, 2.0]


@pytest.mark.parametrize("dtype", [pl.Categorical(), pl.Enum(["USA-01"])])
def test_categories_stay_categories(dtype: Any) -> None:
    frame = frame_of([7, 7]).with_columns(pl.col("geoid").cast(dtype))
    made = rolling_average(frame, ["cases"], anomalies=register_of(entry(1, omit=True)))
    assert made["geoid"].dtype == dtype
    assert made["cases_avg"].to_list() == [1.0, 1.0]


def test_dates_as_text_stay_text() -> None:
    frame = pl.DataFrame({"geoid": "USA-53", "date": ["2020-01-21", "2020-01-22"], "cases": [7, 7]})
    assert rolling_average(frame, ["cases"])["date"].to_list() == ["2020-01-21", "2020-01-22"]


@pytest.mark.parametrize(
    ("frame", "options", "says"),
    [
        (frame_of([1]), {"metrics": ["deaths"]}, "the frame has no column 'deaths'; it has geoid, date, cases"),
        (frame_of([1]), {"days": 0}, "a window of 0 days"),
        (frame_of([1]).with_columns(cases=0.5), {}, "column 'cases' holds fractions"),
        (frame_of([1]).with_columns(cases=pl.lit("1")), {}, "column 'cases' is String, not a count"),
        (
            frame_of([1]).with_columns(date=pl.lit("1 May")),
            {},
            "text that is no date; write dates as YYYY-MM-DD",
        ),
        (frame_of([1]).with_columns(date=pl.lit(1)), {}, "column 'date' is Int32, not a date"),
        (pl.concat([frame_of([1]), frame_of([2])]), {}, "'USA-01' has two rows for 2020-01-21"),
        (frame_of([1]).with_columns(geoid=pl.lit(None, pl.String)), {}, "rows without a place"),
        (frame_of([1]).with_columns(geoid=pl.lit("WA")), {"anomalies": register_of(entry(0))}, "names places by geoid"),
        (frame_of([1]), {"anomalies": pl.DataFrame({"date": []})}, "the frame has no column 'end_date'"),
        (frame_of([1]).with_columns(date=pl.lit(None, pl.Date)), {}, "column 'date' has a missing date"),
        (frame_of([1]).with_columns(date=pl.lit(dt.datetime(2020, 1, 1, 9))), {}, "has times of day"),
        (frame_of([1]).with_columns(cases=pl.lit(value=True)), {}, "column 'cases' is Boolean, not a count"),
        (frame_of([1]).with_columns(geoid=pl.lit(53)), {"anomalies": register_of(entry(0))}, "names places by geoid"),
        (frame_of([1]), {"anomalies": register_of(entry(0)).with_columns(date=pl.lit("May"))}, "text that is no date"),
        (frame_of([1]), {"anomalies": register_of(entry(0)).with_columns(date=None)}, "has a row without a date"),
        ([1, 2], {}, "list is no frame"),
    ],
)
def test_a_broken_contract_raises(frame: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError) as broken:
        rolling_average(frame, **({"metrics": ["cases"]} | options))
    assert says in str(broken.value)


def test_nothing_gives_nothing() -> None:
    made = rolling_average(frame_of(), ["cases"], details=True)
    assert made.height == 0
    assert "cases_window_start" in made.columns


@pytest.mark.parametrize("places", ["object", "category", "string"])
def test_pandas_has_the_details_too(places: str) -> None:
    frame = frame_of([1, 2, 0])
    made = rolling_average(frame.to_pandas().astype({"geoid": places}), ["cases"], details=True)
    expected = rolling_average(frame, ["cases"], details=True)
    assert made["cases_avg"].to_list() == expected["cases_avg"].to_list()
    assert made["cases_window_days"].to_list() == expected["cases_window_days"].to_list()


def test_a_metric_that_nothing_was_ever_said_of_has_no_average() -> None:
    silent = frame_of([1, 2]).with_columns(cases=pl.lit(None))
    assert rolling_average(silent, ["cases"])["cases_avg"].to_list() == [None, None]


def test_a_time_zone_where_a_day_has_no_midnight_is_said_so() -> None:
    # In Havana clocks went from 2020-03-07, 24:00, to 1:00 of the next day.
    days = [dt.datetime(2020, 3, day) for day in (5, 12)]
    counts = pl.DataFrame({"geoid": "HAV", "date": days, "cases": [1, 2]})
    zoned = counts.with_columns(pl.col("date").dt.replace_time_zone("America/Havana"))
    with pytest.raises(ContractError, match="America/Havana: a day there has no midnight"):
        rolling_average(zoned, ["cases"])
