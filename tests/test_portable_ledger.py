"""What is known, in expressions for every engine, tied to what the ledger itself says."""

import datetime as dt
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tallybook.ledger.portable import portable_state
from tallybook.ledger.states import current, of_all_sources
from tallybook.model.reports import KEY, OBSERVATION_SCHEMA, Status, live_source

BEGIN = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)
OBSERVATION = st.tuples(
    st.sampled_from(["USA-01", "USA-02"]),
    st.integers(0, 1),
    st.sampled_from([1.0, 1.0, 2.0, None]),
    st.sampled_from([Status.NOT_REPORTED, Status.WITHDRAWN]),
    st.integers(0, 5),
    st.sampled_from(["nyt", "agency", live_source("nyt")]),
)


def observations(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "place": place,
                "metric": "cases",
                "date": dt.date(2020, 2, 1 + day),
                "value": value,
                "status": (Status.REPORTED if value is not None else reason).value,
                "as_of": BEGIN + dt.timedelta(days=moment),
                "source": source,
                "record": number,
            }
            for number, (place, day, value, reason, moment, source) in enumerate(rows)
        ],
        schema=OBSERVATION_SCHEMA,
    )


def duck(frame: pl.DataFrame) -> Any:
    return duckdb.from_arrow(frame.to_arrow())


@pytest.mark.parametrize(("brought", "examples"), [(pl.DataFrame.lazy, 200), (duck, 40)])
def test_an_engine_knows_what_the_ledger_knows_at_any_moment(brought: Any, examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(rows=st.lists(OBSERVATION, max_size=25), moment=st.one_of(st.none(), st.integers(0, 6)))
    def tied(rows: list[tuple[Any, ...]], moment: int | None) -> None:
        frame = observations(rows)
        asked = None if moment is None else BEGIN + dt.timedelta(days=moment)
        known = frame if asked is None else frame.filter(pl.col("as_of") <= asked)
        expected = of_all_sources(current(known)).select(*KEY, "value", "status", "as_of", "source")
        made = portable_state(nw.from_native(brought(frame)), asked).collect("polars").to_polars()
        made = made.with_columns(pl.col("as_of").dt.convert_time_zone("UTC"))  # DuckDB tells its own zone
        assert_frame_equal(made.sort(KEY), expected)

    tied()
