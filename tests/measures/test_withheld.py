"""Rule 8 of the averages: of days whose count is withheld nothing is known, in every form of the rules."""

import datetime as dt
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from plain import plain_averages
from series import SERIES, START, frame_of, register_for
from tallybook import daily, rolling_average
from tallybook.errors import ContractError
from tallybook.measures.calendar import calendar
from tallybook.measures.engines import Engine, collected
from tallybook.measures.explain import explain_days, explain_last
from tallybook.measures.portable import portable_averages
from tallybook.measures.rolling import averages
from tallybook.measures.withheld import untold_days

Place = list[tuple[int | None, bool, int]]
SECRET = st.sets(st.tuples(st.integers(1, 3), st.integers(0, 69)), max_size=12)


def secret_of(days: set[tuple[int, int]]) -> pl.DataFrame:
    """Return what is withheld: number of the place, number of the day; and all tests, which are of no concern."""
    rows = [("USA-01", "tests", START + dt.timedelta(days=day)) for day in range(70)]
    rows += [(f"USA-{place:02}", "cases", START + dt.timedelta(days=day)) for place, day in sorted(days)]
    return pl.DataFrame(rows, schema={"geoid": pl.String, "metric": pl.String, "date": pl.Date}, orient="row")


def untold(counts: list[int | None], secret: set[int], day: int) -> bool:
    """Say as a person would whether a day has no count, and one from the last count to the next is withheld."""
    if counts[day] is not None:
        return False
    first, last = day, day
    while first > 0 and counts[first - 1] is None:
        first -= 1
    while last + 1 < len(counts) and counts[last + 1] is None:
        last += 1
    return any(first <= other <= last for other in secret)


def without_counts(places: list[Place], secret: set[tuple[int, int]]) -> list[Place]:
    """Return series of the same length in which what is withheld has no count."""
    longest = max(map(len, places))
    padded = [[*series, *[(None, False, 0)] * (longest - len(series))] if series else [] for series in places]
    return [
        [(None if (number, day) in secret else count, omit, adjust) for day, (count, omit, adjust) in enumerate(series)]
        for number, series in enumerate(padded, start=1)
    ]


@settings(max_examples=60, deadline=None)
@given(places=st.lists(SERIES, min_size=1, max_size=3), secret=SECRET, days=st.sampled_from([1, 3, 7]))
def test_the_kernel_and_the_expressions_leave_blank_what_a_person_would(
    places: list[Place], secret: set[tuple[int, int]], days: int
) -> None:
    places = without_counts(places, secret)
    counts = [[count for count, _, _ in series] for series in places]
    frame, register = frame_of(*counts), register_for(places)
    options: dict[str, Any] = {"days": days, "reporting": "explicit", "details": True}
    made = rolling_average(frame, ["cases"], anomalies=register, withheld=secret_of(secret), **options)
    expected = [
        None if untold(own, {day for at, day in secret if at == number}, day) else plain.average
        for number, (series, own) in enumerate(zip(places, counts, strict=True), start=1)
        for day, plain in enumerate(
            plain_averages(
                own,
                days=days,
                omitted=[omit for _, omit, _ in series],
                adjustments=[adjust for _, _, adjust in series],
                explicit=True,
            )
        )
    ]
    assert made["cases_avg"].to_list() == expected
    blank = made.filter(pl.col("cases_avg").is_null())
    assert blank["cases_window_start"].null_count() == blank["cases_window_days"].null_count() == blank.height
    engine = Engine(nw.from_native(frame.lazy()), "geoid", "date")
    lazy = portable_averages(engine, ["cases"], register=register, withheld=secret_of(secret), **options)
    assert_frame_equal(collected(lazy).sort("geoid", "date"), made, check_exact=True)
    pieces = rolling_average(frame.lazy(), ["cases"], anomalies=register, withheld=secret_of(secret).lazy(), **options)
    assert_frame_equal(pieces.collect(), made, check_exact=True)


WEEKS = [5, *[None] * 6, 4, *[None] * 6, None, *[None] * 6, 9, *[None] * 6]
THIRD = secret_of({(1, 14)})


def test_duckdb_leaves_blank_the_same_days_whoever_holds_what_is_withheld() -> None:
    frame = frame_of(WEEKS)
    expected = rolling_average(frame, ["cases"], reporting="explicit", withheld=THIRD, details=True)
    relation = duckdb.from_arrow(frame.to_arrow())
    for withheld in (THIRD, duckdb.from_arrow(THIRD.to_arrow())):
        made = rolling_average(relation, ["cases"], reporting="explicit", withheld=withheld, details=True)
        assert_frame_equal(made.order("date").pl(), expected, check_exact=True)


def test_the_average_before_stands_for_no_count_that_is_withheld() -> None:
    made = rolling_average(frame_of(WEEKS), ["cases"], reporting="explicit", withheld=THIRD)["cases_avg"].to_list()
    # Days before a report carry the average before. The third week's count is withheld, so nothing is known of it nor
    # of what follows, until the fourth's, whose nine are of fourteen days.
    assert made[:8] == [5 / 7] * 7 + [4 / 7]
    assert made[8:21] == [None] * 13
    assert made[21:] == [9 / 14] * 7
    carried = rolling_average(frame_of(WEEKS), ["cases"], reporting="explicit")["cases_avg"]
    assert carried[8:21].to_list() == [4 / 7] * 13


def test_nothing_is_known_after_a_last_count_that_is_withheld_and_explanations_say_so() -> None:
    days = calendar(frame_of(WEEKS[:16]), place="geoid", date="date")
    made = averages(days, "cases", days=7, reporting="explicit", withheld=THIRD)
    assert made.average()[-1] is None
    assert explain_last(made).is_empty()
    with pytest.raises(ContractError, match="a count is withheld, and the next one that is known covers the day"):
        explain_days(made, START + dt.timedelta(days=15))
    assert explain_days(made, START + dt.timedelta(days=7))[-1].count == 4


def test_totals_that_are_withheld_are_of_the_places_as_they_are_called() -> None:
    totals = frame_of([1, None, None]).rename({"geoid": "state"})
    secret = THIRD.rename({"geoid": "state"}).with_columns(date=pl.lit("2020-01-22"))
    made = rolling_average(daily(totals, ["cases"], place="state"), ["cases"], place="state", withheld=secret)
    assert made["cases_avg"].to_list() == [1 / 7, None, None]
    with pytest.raises(ContractError, match="no column 'state'"):
        rolling_average(daily(totals, ["cases"], place="state"), ["cases"], place="state", withheld=THIRD)


def test_what_is_withheld_last_in_one_place_says_nothing_of_the_next() -> None:
    days = calendar(frame_of([7, None], [None, 3]), place="geoid", date="date")
    untold = untold_days(days, "cases", secret_of({(1, 1)}))
    assert untold is not None
    assert untold.tolist() == [False, True, False, False]


@pytest.mark.parametrize("brought", [pl.DataFrame.clone, lambda frame: duckdb.from_arrow(frame.to_arrow())])
def test_what_is_withheld_names_places_as_the_counts_do(brought: Any) -> None:
    counts = frame_of([1, None])
    secret = secret_of({(1, 1)})
    told = secret.with_columns(pl.col("geoid").cast(pl.Categorical))
    made = nw.from_native(rolling_average(brought(counts), ["cases"], withheld=told)).lazy().collect("polars")
    assert made.to_polars().sort("date")["cases_avg"][1] is None
    for wrong in (secret.with_columns(geoid=pl.lit(1)), secret.drop("metric")):
        with pytest.raises(ContractError, match=r"write places alike|no column 'metric'"):
            rolling_average(brought(counts), ["cases"], withheld=wrong)
