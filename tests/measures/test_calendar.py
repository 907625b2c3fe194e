import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook.errors import ContractError
from tallybook.measures.calendar import Calendar, calendar, runs

START = dt.date(2020, 1, 21)
REPORTED = st.dictionaries(
    st.tuples(st.sampled_from(["USA-01", "USA-02", "USA-03"]), st.integers(0, 12)), st.integers(0, 9), max_size=20
)


def frame_of(rows: Sequence[tuple[str | None, int, int]]) -> pl.DataFrame:
    said = [(place, START + dt.timedelta(days=day), count) for place, day, count in rows]
    return pl.DataFrame(said, schema={"geoid": pl.String, "date": pl.Date, "cases": pl.Int64}, orient="row")


def days_of(made: Calendar) -> list[tuple[str, int, int | None]]:
    return [(place, (date - START).days, count) for place, date, count in made.frame.rows()]


@settings(max_examples=80)
@given(reported=REPORTED, later=st.none() | st.integers(0, 3), order=st.randoms(), ordered=st.booleans())
def test_every_place_has_every_day_from_its_first_to_the_last(
    reported: dict[tuple[str, int], int], later: int | None, order: Any, ordered: bool
) -> None:
    rows = [(*key, count) for key, count in sorted(reported.items())]
    if not ordered:
        order.shuffle(rows)
    end = max((day for _, day in reported), default=0) + (later or 0)
    last = None if later is None else START + dt.timedelta(days=end)
    made = calendar(frame_of(rows), place="geoid", date="date", last=last)
    firsts = {place: min(day for at, day in reported if at == place) for place, _ in sorted(reported)}
    expected = [(place, day, reported.get((place, day))) for place in firsts for day in range(firsts[place], end + 1)]
    assert days_of(made) == expected
    assert made.frame.columns == ["geoid", "date", "cases"]
    lengths = [end + 1 - first for first in firsts.values()]
    assert made.starts.tolist() == [sum(lengths[:number]) for number in range(len(lengths) + 1)]
    assert made.spans.rows() == [
        (place, sum(lengths[:number]), lengths[number], START + dt.timedelta(days=firsts[place]))
        for number, place in enumerate(firsts)
    ]


def test_what_is_complete_is_not_copied() -> None:
    whole = frame_of([("USA-01", 0, 1), ("USA-01", 1, 2), ("USA-02", 1, 3)])
    assert calendar(whole, place="geoid", date="date").frame is whole
    assert calendar(whole, place="geoid", date="date", last=START + dt.timedelta(days=1)).frame is whole
    assert calendar(whole.clear(), place="geoid", date="date").frame.is_empty()


@pytest.mark.parametrize(
    "rows",
    [
        # Each is complete but for one thing.
        [("USA-02", 0, 1), ("USA-02", 1, 2), ("USA-01", 0, 3), ("USA-01", 1, 4)],
        [("USA-01", 0, 1), ("USA-01", 1, 2), ("USA-02", 0, 3)],
        [("USA-01", 0, 1), ("USA-02", 0, 3), ("USA-02", 1, 4)],
        [("USA-01", 0, 1), ("USA-01", 2, 2), ("USA-02", 0, 3), ("USA-02", 1, 3), ("USA-02", 2, 3)],
        [("USA-01", 1, 1), ("USA-01", 0, 2)],
        [("USA-01", 0, 1), ("USA-02", 0, 3), ("USA-01", 1, 4), ("USA-02", 1, 4)],
        [("USA-01", 1, 1), ("USA-02", 1, 3), ("USA-01", 0, 4)],
    ],
)
def test_what_lacks_one_thing_to_be_complete_gets_it(rows: list[tuple[str | None, int, int]]) -> None:
    said = {(place, day): count for place, day, count in rows}
    end = max(day for _, day, _ in rows)
    made = calendar(frame_of(rows), place="geoid", date="date")
    places = sorted({str(place) for place, _, _ in rows})
    firsts = {place: min(day for at, day, _ in rows if at == place) for place in places}
    assert days_of(made) == [
        (place, day, said.get((place, day))) for place in places for day in range(firsts[place], end + 1)
    ]


def test_a_last_day_before_or_after_the_frames_own_is_where_every_place_ends() -> None:
    whole = frame_of([("USA-01", 0, 1), ("USA-01", 1, 2)])
    made = calendar(whole, place="geoid", date="date", last=START + dt.timedelta(days=3))
    assert days_of(made) == [("USA-01", 0, 1), ("USA-01", 1, 2), ("USA-01", 2, None), ("USA-01", 3, None)]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([(None, 0, 1)], "column 'geoid' has rows without a place"),
        ([("USA-01", 0, 1), (None, 0, 1)], "column 'geoid' has rows without a place"),
        ([("USA-01", 0, 1), (None, 0, 1), (None, 1, 1)], "column 'geoid' has rows without a place"),
        ([("USA-01", 0, 1), ("USA-01", 0, 2)], "'USA-01' has two rows for 2020-01-21"),
        ([("USA-01", 0, 1), ("USA-02", 1, 1), ("USA-01", 1, 2), ("USA-02", 1, 1)], "'USA-02' has two rows for 2020-01"),
    ],
)
def test_a_row_without_a_place_or_a_second_one_for_a_day_is_refused(
    rows: list[tuple[str | None, int, int]], says: str
) -> None:
    with pytest.raises(ContractError) as broken:
        calendar(frame_of(rows), place="geoid", date="date")
    assert says in str(broken.value)


@given(lengths=st.lists(st.integers(1, 9), max_size=6), rows=st.integers(1, 12))
def test_pieces_are_whole_places_one_after_the_other(lengths: list[int], rows: int) -> None:
    said = [(f"USA-{place:02}", day, 0) for place, length in enumerate(lengths) for day in range(9 - length, 9)]
    whole = calendar(frame_of(said), place="geoid", date="date")
    pieces = list(whole.pieces(rows))
    assert pl.concat([piece.frame for _, piece in pieces]).equals(whole.frame)
    # Each begins with the first place at or after a multiple of so many rows.
    cuts = {min(at for at in whole.starts.tolist() if at >= cut) for cut in range(0, whole.frame.height, rows)}
    assert [first for first, _ in pieces] == sorted(cuts - {whole.frame.height} or {0})
    assert [first + piece.frame.height for first, piece in pieces][:-1] == [first for first, _ in pieces][1:]


@pytest.mark.parametrize(
    ("places", "bounds"),
    [
        ([], [0]),
        (["USA-01"], [0, 1]),
        (["USA-01", "USA-01", "USA-02", "USA-01"], [0, 2, 3, 4]),
        ([None, None, "USA-01", None], [0, 2, 3, 4]),
    ],
)
def test_runs_are_rows_of_one_place_one_after_the_other(places: list[str | None], bounds: list[int]) -> None:
    assert runs(pl.Series(places, dtype=pl.String)).tolist() == bounds
