import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from series import SERIES, START, entry, frame_of, register_of
from tallybook.errors import ContractError
from tallybook.measures.calendar import calendar
from tallybook.measures.explain import Role, explain_days, explain_last
from tallybook.measures.rolling import averages


@given(series=SERIES, days=st.sampled_from([1, 3, 7]))
def test_the_days_shown_add_up_to_the_average_on_every_day(
    series: list[tuple[int | None, bool, int]], days: int
) -> None:
    entries = [entry(day, omit=omit, adjust=adjust) for day, (_, omit, adjust) in enumerate(series) if omit or adjust]
    frame = calendar(frame_of([count for count, _, _ in series]), place="geoid", date="date")
    made = averages(frame, "cases", days=days, register=register_of(*entries) if entries else None)
    for day, average in enumerate(made.average()):
        if average is not None:
            shown = explain_days(made, START + dt.timedelta(days=day))
            assert sum(one.contribution for one in shown) / sum(one.in_divisor for one in shown) == average
            assert shown[-1].date == START + dt.timedelta(days=day)


def roles(counts: list[int | None], day: int, register: pl.DataFrame | None = None) -> list[Role]:
    made = averages(calendar(frame_of(counts), place="geoid", date="date"), "cases", days=2, register=register)
    return [shown.role for shown in explain_days(made, START + dt.timedelta(days=day))]


def test_every_day_says_what_it_does() -> None:
    assert roles([5, 0, 5], 0) == [Role.BEFORE_FIRST, Role.COUNTED]
    assert roles([5, 0, 5], 2) == [Role.NO_DATA, Role.COUNTED]
    assert roles([5, 5, 0, 0], 3) == [Role.COUNTED, Role.COUNTED, Role.WAITING, Role.WAITING]
    assert roles([5, 5, -1], 2) == [Role.COUNTED, Role.COUNTED, Role.NEGATIVE]
    assert roles([5, 0, 0, 0, 0], 4) == [Role.BELIEVED_ZERO, Role.BELIEVED_ZERO]
    assert roles([5, 9, 5], 2, register_of(entry(1, omit=True))) == [Role.COUNTED, Role.OMITTED, Role.COUNTED]


@given(series=st.lists(SERIES.filter(bool), min_size=1, max_size=3), days=st.sampled_from([1, 3, 7]))
def test_the_last_averages_of_all_places_are_made_of_the_same_days(
    series: list[list[tuple[int | None, bool, int]]], days: int
) -> None:
    entries = [
        entry(day, geoid=f"USA-{number:02}", omit=omit, adjust=adjust)
        for number, place in enumerate(series, start=1)
        for day, (_, omit, adjust) in enumerate(place)
        if omit or adjust
    ]
    length = max(map(len, series))
    counts = [[count for count, _, _ in place] + [None] * (length - len(place)) for place in series]
    register = register_of(*entries) if entries else None
    frame = calendar(frame_of(*counts), place="geoid", date="date")
    every = explain_last(averages(frame, "cases", days=days, register=register))
    for number, place in enumerate(counts, start=1):
        geoid = f"USA-{number:02}"
        own = calendar(frame_of(*counts).filter(geoid=geoid), place="geoid", date="date")
        made = averages(own, "cases", days=days, register=register)
        said = every.filter(place=geoid).select("date", "count", "adjustment", "role", "contribution").rows()
        if made.average()[len(place) - 1] is None:
            assert said == []
        else:
            shown = explain_days(made, START + dt.timedelta(days=length - 1))
            assert said == [
                (day.date, day.count, day.adjustment, day.role.value, day.contribution if day.in_divisor else None)
                for day in shown
            ]


def test_a_negative_day_is_told_from_one_that_the_register_omits() -> None:
    register = register_of(entry(1, omit=True), entry(2, adjust=-1))
    for entries, expected in ((None, ["counted", "negative", "negative"]), (register, ["omitted", "negative"])):
        frame = calendar(frame_of([5, -1, -2, 9]), place="geoid", date="date")
        told = explain_last(averages(frame, "cases", days=2, register=entries))
        assert told["role"].to_list()[-len(expected) - 1 :] == [*expected, "counted"]
        assert told["date"].max() == START + dt.timedelta(days=3)


@pytest.mark.parametrize(
    ("counts", "day", "says"),
    [
        ([None, 7, 7], -1, "there are reports of 2020-01-22 to 2020-01-23"),
        ([None, 7, 7], 0, "no average of cases on 2020-01-21; there are reports of 2020-01-22 to 2020-01-23"),
        ([7, 7], 2, "there are reports of 2020-01-21 to 2020-01-22"),
        ([None, None], 1, "nothing is reported"),
        ([], 0, "nothing is reported"),
        ([None, 7, 7], 1, "counts begin on 2020-01-22, and what was before is not known; the window is not whole yet"),
    ],
)
def test_a_day_without_an_average_says_why(counts: list[int | None], day: int, says: str) -> None:
    with pytest.raises(ContractError) as broken:
        roles(counts, day)
    assert says in str(broken.value)
