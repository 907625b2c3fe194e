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
