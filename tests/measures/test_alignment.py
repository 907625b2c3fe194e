import datetime as dt

import duckdb
import pandas as pd
import polars as pl
import pytest

from tallybook.errors import ContractError
from tallybook.measures.alignment import day_of_outbreak
from tallybook.measures.rates import per_100k

DAYS = [dt.date(2020, 3, 6) + dt.timedelta(days=day) for day in range(5)]


def outbreak(cases: list[int | None], geoid: str = "USA-53") -> pl.DataFrame:
    return pl.DataFrame({"geoid": geoid, "date": DAYS[: len(cases)], "cases": cases})


def test_day_1_is_the_first_day_with_a_case() -> None:
    numbered = day_of_outbreak(outbreak([0, 0, 2, 2, 5]))
    assert numbered["day_of_outbreak"].to_list() == [None, None, 1, 2, 3]


def test_a_day_without_a_report_counts_as_a_day() -> None:
    rows = outbreak([1, None, 4, 6]).filter(pl.col("date") != DAYS[2])
    assert day_of_outbreak(rows)["day_of_outbreak"].to_list() == [1, 2, 4]


def test_an_outbreak_can_only_begin_since_a_date_or_from_so_many_cases() -> None:
    rows = outbreak([5, 50, 500, 5000, 50_000])
    assert day_of_outbreak(rows, since=DAYS[2])["day_of_outbreak"].to_list() == [None, None, 1, 2, 3]
    assert day_of_outbreak(rows, at_least=1000)["day_of_outbreak"].to_list() == [None, None, None, 1, 2]
    both = day_of_outbreak(rows, since=DAYS[1], at_least=500)
    assert both["day_of_outbreak"].to_list() == [None, None, 1, 2, 3]
    both = day_of_outbreak(rows, since=DAYS[3], at_least=500)
    assert both["day_of_outbreak"].to_list() == [None, None, None, 1, 2]
    # 7,614,893 people live in Washington: 0.66 of 100,000 are 50 of them.
    rates = day_of_outbreak(rows, at_least=0.6, per_100k=True)
    assert rates["day_of_outbreak"].to_list() == [None, 1, 2, 3, 4]


def test_a_place_where_it_never_began_has_no_day() -> None:
    both = pl.concat([outbreak([0, 0, 0]), outbreak([0, 1, 1], "USA-36")])
    numbered = day_of_outbreak(both)
    assert numbered.filter(geoid="USA-53")["day_of_outbreak"].null_count() == 3
    assert numbered.filter(geoid="USA-36")["day_of_outbreak"].to_list() == [None, 1, 2]


def test_days_are_whole_across_a_clock_change_in_the_frame_that_came() -> None:
    frame = outbreak([1, 2, 3, 4, 5]).to_pandas()
    numbered = day_of_outbreak(frame)
    assert isinstance(numbered, pd.DataFrame)
    assert numbered["day_of_outbreak"].tolist() == [1, 2, 3, 4, 5]


def test_a_relation_or_a_lazy_frame_that_came_is_one_again() -> None:
    frame = outbreak([0, 1, 2])
    lazy = day_of_outbreak(frame.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    relation = day_of_outbreak(duckdb.from_arrow(frame.to_arrow()))
    assert isinstance(relation, duckdb.DuckDBPyRelation)
    assert relation.order("date").pl().equals(lazy.collect())


def test_an_outbreak_cannot_begin_at_nothing() -> None:
    with pytest.raises(ContractError, match="cannot begin at 0"):
        day_of_outbreak(outbreak([1]), at_least=0)


def test_nothing_is_added_but_the_day() -> None:
    totals = pl.DataFrame({"geoid": "USA-53", "date": [dt.date(2020, 3, 1)], "cases": [9_000_000]})
    assert day_of_outbreak(totals, per_100k=True, at_least=1).columns == ["geoid", "date", "cases", "day_of_outbreak"]


def test_what_else_a_frame_holds_stays_as_it_was_brought() -> None:
    seen = dt.datetime(2020, 1, 1, 5)
    rows = {"geoid": "USA-53", "date": ["2020-03-01", "2020-03-02"], "cases": [0, 5], "on": seen.date(), "seen": seen}
    brought = pl.DataFrame(rows)
    assert day_of_outbreak(brought).drop("day_of_outbreak").equals(brought)
    zoned = brought.with_columns(pl.col("date").str.to_datetime().dt.replace_time_zone("America/New_York"))
    assert day_of_outbreak(zoned.lazy()).collect().drop("day_of_outbreak").equals(zoned)


def test_rows_of_pandas_keep_their_index() -> None:
    frame = pl.DataFrame({"geoid": "USA-53", "date": ["2020-03-01", "2020-03-02"], "cases": [0, 5]}).to_pandas()
    frame.index = [10, 20]
    assert day_of_outbreak(frame)["day_of_outbreak"].to_dict()[20] == 1
    assert list(per_100k(frame, ["cases"]).index) == [10, 20]
