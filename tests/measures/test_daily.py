import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook import daily, per_100k
from tallybook.errors import ContractError

START = dt.date(2020, 1, 21)


@given(totals=st.lists(st.one_of(st.none(), st.integers(0, 1000)), min_size=1, max_size=30))
def test_new_counts_add_up_to_the_last_total(totals: list[int | None]) -> None:
    days = [START + dt.timedelta(days=day) for day in range(len(totals))]
    frame = pl.DataFrame({"geoid": "USA-53", "date": days, "cases": pl.Series(totals, dtype=pl.Int64)})
    new = daily(frame, ["cases"])["cases"]
    known = [total for total in totals if total is not None]
    # The first total after rows without one is where counting begins, and nothing new.
    late = totals[0] is None and bool(known)
    assert new.sum() == (known[-1] - (known[0] if late else 0) if known else 0)
    first = totals.index(known[0]) if late else None
    assert new.is_null().to_list() == [total is None or day == first for day, total in enumerate(totals)]


def test_a_decline_is_data() -> None:
    frame = pl.DataFrame({"geoid": "USA-53", "date": [START, START + dt.timedelta(days=1)], "cases": [10, 4]})
    assert daily(frame, ["cases"])["cases"].to_list() == [10, -6]


def test_places_do_not_leak_into_one_another_and_all_reach_the_last_day() -> None:
    frame = pl.DataFrame(
        {
            "geoid": ["USA-02", "USA-01", "USA-01"],
            "date": [START, START, START + dt.timedelta(days=2)],
            "cases": [5, 100, 120],
        }
    )
    assert daily(frame, ["cases"])["cases"].to_list() == [100, None, 20, 5, None, None]


def test_rates_are_empty_where_there_is_no_population() -> None:
    frame = pl.DataFrame({"geoid": ["USA-60030", "USA-53999", "nowhere", "USA-56"], "cases_avg": [1.0, 1.0, 1.0, None]})
    assert per_100k(frame, ["cases_avg"])["cases_avg_per_100k"].to_list() == [None] * 4


def test_rates_take_the_populations_they_are_given() -> None:
    frame = pl.DataFrame({"geoid": ["USA-13"], "cases_avg": [10_663_423 / 100_000]})
    people = pl.DataFrame({"geoid": ["USA-13"], "population": [10_663_423]})
    assert per_100k(frame, ["cases_avg"], populations=people)["cases_avg_per_100k"].item() == pytest.approx(1.0)
    with pytest.raises(ContractError, match="no column 'population'"):
        per_100k(frame, ["cases_avg"], populations=people.drop("population"))


def test_rates_are_looked_up_for_every_row_whatever_the_order_of_places() -> None:
    people = pl.DataFrame({"geoid": ["USA-02", "USA-01"], "population": [200_000, 400_000]})
    frame = pl.DataFrame(
        {"geoid": ["USA-01", "USA-01", "USA-02", None, "USA-01"], "cases_avg": [4.0, 8.0, 4.0, 1.0, 2.0]}
    )
    expected = [1.0, 2.0, 2.0, None, 0.5]
    for brought in (frame, frame.lazy(), frame.with_columns(pl.col("geoid").cast(pl.Categorical))):
        made = per_100k(brought, ["cases_avg"], populations=people).lazy().collect()
        assert made["cases_avg_per_100k"].to_list() == expected
        assert made.columns == ["geoid", "cases_avg", "cases_avg_per_100k"]
    assert made["geoid"].dtype == pl.Categorical()
