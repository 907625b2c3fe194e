"""The averages in expressions for every engine, tied to the kernel cell by cell."""

from collections.abc import Callable
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from series import SERIES, frame_of, register_for
from tallybook import daily, per_100k, rolling_average
from tallybook.errors import ContractError
from tallybook.measures.engines import Engine, collected
from tallybook.measures.portable import portable_averages, portable_daily

Brought = Callable[[pl.DataFrame], Any]


def duck(frame: pl.DataFrame) -> Any:
    return duckdb.from_arrow(frame.to_arrow())


def tied_to_the_kernel(frame: pl.DataFrame, brought: Brought, register: Any, **options: Any) -> None:
    engine = Engine(nw.from_native(brought(frame)), "geoid", "date")
    made = portable_averages(engine, ["cases"], register=register, details=True, **options)
    expected = rolling_average(frame, ["cases"], anomalies=register, details=True, **options)
    assert_frame_equal(collected(made).sort("geoid", "date"), expected, check_exact=True)
    new = collected(portable_daily(engine, ["cases"], covers_from=None)).sort("geoid", "date")
    assert_frame_equal(new, daily(frame, ["cases"]), check_exact=True)


@pytest.mark.parametrize(("brought", "examples"), [(pl.DataFrame.lazy, 150), (duck, 25)])
def test_the_expressions_give_the_cells_of_the_kernel(brought: Brought, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(
        places=st.lists(SERIES, min_size=1, max_size=3),
        days=st.sampled_from([1, 2, 3, 7]),
        explicit=st.booleans(),
        absent=st.sets(st.integers(0, 60)),
    )
    def tied(places: list[list[tuple[int | None, bool, int]]], days: int, explicit: bool, absent: set[int]) -> None:
        frame = frame_of(*([count for count, _, _ in series] for series in places))
        frame = frame.filter(~pl.int_range(pl.len()).is_in(list(absent)))
        register = register_for(places)
        reporting = "explicit" if explicit else "infer-from-zero"
        tied_to_the_kernel(frame, brought, register, days=days, reporting=reporting)

    tied()


def test_a_relation_is_computed_on_by_duckdb_and_stays_one() -> None:
    totals = frame_of([1, 2, 3, 3, 5]).with_columns(geoid=pl.lit("USA-53"), deaths=pl.lit(0, pl.Int64))
    made = per_100k(rolling_average(daily(duck(totals))))
    assert isinstance(made, duckdb.DuckDBPyRelation)
    assert_frame_equal(made.order("date").pl(), per_100k(rolling_average(daily(totals))), check_exact=True)


def test_counting_that_began_before_the_first_day_is_not_new() -> None:
    totals = frame_of([100, 103])
    first = totals["date"][0]
    made = daily(duck(totals), ["cases"], covers_from=first).order("date").pl()
    assert made["cases"].to_list() == daily(totals, ["cases"], covers_from=first)["cases"].to_list() == [None, 3]


@pytest.mark.parametrize(
    ("frame", "options", "says"),
    [
        (frame_of([1]), {"metrics": ["deaths"]}, "the frame has no column 'deaths'; it has geoid, date, cases"),
        (frame_of([1]), {"days": 0}, "a window of 0 days"),
        (frame_of([1]).with_columns(cases=0.5), {}, "column 'cases' holds fractions"),
        (frame_of([1]).with_columns(cases=pl.lit("1")), {}, "column 'cases' is String, not a count"),
        (frame_of([1]).with_columns(date=pl.lit("1 May")), {}, "column 'date' is String, not a date"),
        (pl.concat([frame_of([1]), frame_of([2])]), {}, "'USA-01' has two rows for 2020-01-21"),
        (frame_of([1]).with_columns(geoid=pl.lit(None, pl.String)), {}, "rows without a place"),
        (frame_of([1, 2]).with_columns(pl.col("date").replace(frame_of([1])["date"][0], None)), {}, "a missing date"),
    ],
)
def test_a_broken_contract_raises_as_in_memory(frame: pl.DataFrame, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ContractError) as broken:
        rolling_average(duck(frame), **({"metrics": ["cases"]} | options))
    assert says in str(broken.value)


@pytest.mark.parametrize("measure", [daily, rolling_average, per_100k])
@pytest.mark.parametrize("brought", [pl.DataFrame.clone, pl.DataFrame.lazy, duck, pl.DataFrame.to_pandas])
def test_a_metric_that_is_named_twice_is_refused(brought: Brought, measure: Any) -> None:
    with pytest.raises(ContractError, match="'cases' is named twice"):
        measure(brought(frame_of([1, 2])), ["cases", "cases"])
    with pytest.raises(ContractError, match="'geoid' is named twice; name each column once, and no place or date"):
        measure(brought(frame_of([1, 2])), ["geoid"])
    with pytest.raises(ContractError, match=r"'cases' is a text, not a list of columns; write \['cases'\]"):
        measure(brought(frame_of([1, 2])), "cases")


@pytest.mark.parametrize("day", ["infinity", "-infinity", "10000-01-01", "0044-03-15 (BC)"])
def test_days_without_end_are_refused(day: str) -> None:
    frame = duck(frame_of([1]))
    with pytest.raises(ContractError, match="column 'date' holds a day without end, or after the year 9999"):
        daily(frame.project(f"geoid, date '{day}' as date, cases"), ["cases"])
    for known in ("0001-01-01", "9999-12-31"):
        made = daily(frame.project(f"geoid, date '{known}' as date, cases"), ["cases"])
        assert made.pl()["cases"].to_list() == [1]


@pytest.mark.parametrize("brought", [pl.DataFrame.clone, pl.DataFrame.lazy, duck])
@pytest.mark.parametrize("sign", [1, -1])
def test_numbers_that_a_fraction_cannot_hold_are_refused(brought: Brought, sign: int) -> None:
    last = frame_of([sign * (2**53 - 1)])
    assert nw.from_native(daily(brought(last), ["cases"])).lazy().collect("polars")["cases"].to_list() == [
        sign * (2**53 - 1)
    ]
    with pytest.raises(ContractError, match="numbers of more than 53 bits"):
        nw.from_native(daily(brought(frame_of([sign * 2**53])), ["cases"])).lazy().collect("polars")


@pytest.mark.parametrize("brought", [pl.DataFrame.lazy, duck, pl.DataFrame.to_pandas, pl.DataFrame.to_arrow])
def test_a_count_of_32_bits_has_the_rate_of_one_of_64(brought: Brought) -> None:
    few = pl.DataFrame({"geoid": ["USA-06"], "cases": pl.Series([2_000_000], dtype=pl.Int32)})
    made = nw.from_native(per_100k(brought(few), ["cases"])).lazy().collect("polars").to_polars()
    assert made["cases_per_100k"].to_list() == [2_000_000 * 100_000 / 39_512_223]


@pytest.mark.parametrize("brought", [pl.DataFrame.clone, pl.DataFrame.lazy, duck])
@pytest.mark.parametrize(
    ("population", "says"),
    [
        ({"geoid": ["USA-01", "USA-01"], "population": [1, 2]}, "'USA-01' has two populations"),
        ({"geoid": [1], "population": [1]}, "column 'geoid' has text, that of the populations numbers"),
        ({"geoid": ["USA-01"], "population": ["1"]}, "column 'population' is String"),
    ],
)
def test_populations_that_would_double_rows_or_fit_no_place_are_refused(
    brought: Brought, population: dict[str, Any], says: str
) -> None:
    with pytest.raises(ContractError, match=says):
        per_100k(brought(frame_of([1])), ["cases"], populations=pl.DataFrame(population))


@pytest.mark.parametrize("brought", [pl.DataFrame.clone, pl.DataFrame.lazy, duck])
def test_every_metric_needs_its_days(brought: Brought) -> None:
    frame = frame_of([1]).with_columns(deaths=pl.lit(0, pl.Int64))
    with pytest.raises(ContractError, match="no days of a window are given for 'deaths'; they are for cases"):
        rolling_average(brought(frame), days={"cases": 7})


def test_what_is_no_number_is_missing_in_every_engine() -> None:
    frame = frame_of([1, 2]).with_columns(cases=pl.Series([4.0, float("nan")]))
    assert daily(duck(frame), ["cases"]).order("date").pl()["cases"].to_list() == [4, None]
    assert daily(frame, ["cases"])["cases"].to_list() == [4, None]


@pytest.mark.parametrize("brought", [pl.DataFrame.clone, duck])
@pytest.mark.parametrize("count", [1e19, float("inf")])
def test_a_count_that_no_integer_holds_is_refused(brought: Brought, count: float) -> None:
    with pytest.raises(ContractError, match="column 'cases' holds"):
        daily(brought(frame_of([1]).with_columns(cases=pl.lit(count))), ["cases"])
