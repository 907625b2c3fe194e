import datetime as dt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.measures.calendar import calendar
from tallybook.measures.rates import half_up, round_half_up, sum_over_places

START = dt.date(2020, 1, 21)


@settings(max_examples=50)
@given(
    places=st.lists(
        st.lists(st.one_of(st.none(), st.just(0.1), st.floats(0, 1e6)), min_size=6, max_size=6), min_size=1, max_size=4
    ),
    begins=st.lists(st.integers(0, 5), min_size=4, max_size=4),
)
def test_a_sum_adds_place_after_place_and_is_empty_where_all_are(
    places: list[list[float | None]], begins: list[int]
) -> None:
    rows = [
        (f"USA-{number:02}", START + dt.timedelta(days=day), values[day], 1.0)
        for number, values in enumerate(places)
        for day in range(begins[number], 6)
    ]
    schema = {"geoid": pl.String, "date": pl.Date, "cases_avg": pl.Float64, "places": pl.Float64}
    parts = calendar(pl.DataFrame(rows, schema=schema, orient="row"), place="geoid", date="date")
    made = sum_over_places(parts, ["cases_avg", "places"])
    first = min(begins[: len(places)])
    assert made["date"].to_list() == [START + dt.timedelta(days=day) for day in range(first, 6)]
    for day in range(first, 6):
        there = [values[day] for number, values in enumerate(places) if begins[number] <= day]
        known = [value for value in there if value is not None]
        assert made["cases_avg"][day - first] == (sum(known, start=0.0) if known else None)
        assert made["places"][day - first] == len(there)


def test_figures_are_published_at_two_decimals_halves_upwards() -> None:
    figures = {0.0: 0.0, 0.004: 0.0, 0.005: 0.01, 0.125: 0.13, 0.375: 0.38, 2.0: 2.0, -0.125: -0.12, 1234.567: 1234.57}
    assert [half_up(value) for value in figures] == [*figures.values()]
    made = pl.DataFrame({"avg": [*figures, None]}).select(round_half_up("avg"))
    assert made["avg"].to_list() == [pytest.approx(value, abs=1e-12) for value in figures.values()] + [None]
