"""What is said of revisions, tied to a plain walk over the values of each date."""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tallybook.errors import ContractError
from tallybook.measures.revisions import revision_summary, revisions

Key = tuple[str, str, dt.date, str]
Said = list[tuple[dt.datetime, float | None]]

MIDNIGHT = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)
SCHEMA: dict[str, Any] = {
    "place": pl.String,
    "metric": pl.String,
    "date": pl.Date,
    "source": pl.String,
    "as_of": pl.Datetime("us", "UTC"),
    "value": pl.Float64,
}
KEYS = st.tuples(
    st.sampled_from(["USA-01", "USA-02"]),
    st.sampled_from(["cases", "deaths"]),
    st.sampled_from([dt.date(2020, 3, 1), dt.date(2020, 3, 2)]),
    st.sampled_from(["health", "nyt"]),
)
VALUE = st.one_of(st.none(), st.sampled_from([-200.0, 0.0, 95.0, 99.0, 100.0, 101.0, 105.0, 106.0]))
SAID = st.dictionaries(st.integers(30, 300).map(lambda hours: MIDNIGHT + dt.timedelta(hours=hours)), VALUE, min_size=1)
TOLD = st.dictionaries(KEYS, SAID.map(lambda said: sorted(said.items())), min_size=1, max_size=8)


def history_of(told: dict[Key, Said]) -> pl.DataFrame:
    rows = [(*key, as_of, value) for key, said in sorted(told.items()) for as_of, value in said]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def days_between(first: dt.datetime, last: dt.datetime) -> float:
    return (last - first) / dt.timedelta(days=1)


def wait(key: Key, said: Said, percent: int) -> float | None:
    """Walk back from the final value as long as values are near it."""
    final, since = said[-1][1], None
    for as_of, value in reversed(said):
        if not final or value is None or abs(value - final) * 100 > abs(final) * percent:
            break
        since = days_between(dt.datetime.combine(key[2], dt.time(), dt.UTC), as_of)
    return since


def middle(values: Sequence[float | None]) -> Any:
    known = [value for value in values if value is not None]
    return pytest.approx(median(known)) if known else None


def plain_summary(told: dict[Key, Said]) -> list[dict[str, Any]]:
    rows = []
    for place, metric in sorted({key[:2] for key in told}):
        here = {key: said for key, said in told.items() if key[:2] == (place, metric)}
        revised = [said for said in here.values() if len(said) > 1]
        lags = [days_between(said[0][0], said[-1][0]) for said in revised]
        spreads = [
            (max(known) - min(known)) * 100 / abs(said[-1][1])
            for said in revised
            if said[-1][1] and (known := [value for _, value in said if value is not None])
        ]
        near = {percent: [wait(key, said, percent) for key, said in here.items()] for percent in (1, 5)}
        rows.append(
            {
                "place": place,
                "metric": metric,
                "values": len(here),
                "revised_percent": pytest.approx(100 * len(revised) / len(here)),
                "revisions": sum(len(said) - 1 for said in revised),
                "most_revisions": max(len(said) - 1 for said in here.values()),
                "median_lag_days": middle(lags),
                "longest_lag_days": pytest.approx(max(lags)) if lags else None,
                "median_change_percent": middle(spreads),
                "largest_change_percent": pytest.approx(max(spreads)) if spreads else None,
                **{f"median_days_to_{percent}_percent": middle(waits) for percent, waits in near.items()},
            }
        )
    return rows


@settings(max_examples=60)
@given(told=TOLD)
def test_the_summary_is_that_of_a_walk_over_every_date(told: dict[Key, Said]) -> None:
    assert revision_summary(history_of(told)).to_dicts() == plain_summary(told)


@settings(max_examples=30)
@given(told=TOLD)
def test_every_change_is_one_row_in_the_order_of_keys_and_moments(told: dict[Key, Said]) -> None:
    expected = [
        (*key[:3], number, old, new, None if old is None or new is None else new - old, since, as_of, key[3])
        for key, said in sorted(told.items())
        for number, ((since, old), (as_of, new)) in enumerate(pairwise(said), start=1)
    ]
    made = revisions(history_of(told))
    assert made.columns == [
        *("place", "metric", "date", "revision", "old", "new", "difference", "old_as_of", "as_of", "source")
    ]
    assert made.rows() == expected


@settings(max_examples=30)
@given(told=TOLD, order=st.randoms())
def test_the_order_of_rows_does_not_matter(told: dict[Key, Said], order: Any) -> None:
    history = history_of(told)
    shuffled = history[order.sample(range(history.height), history.height)]
    assert_frame_equal(revisions(shuffled), revisions(history))
    assert_frame_equal(revision_summary(shuffled), revision_summary(history))


def test_a_history_needs_its_columns() -> None:
    history = history_of({("USA-01", "cases", dt.date(2020, 3, 1), "nyt"): [(MIDNIGHT, 1.0)]})
    for column in SCHEMA:
        with pytest.raises(ContractError, match=f"no column '{column}'"):
            revisions(history.drop(column))
