"""The laws of history: every moment as it was, in whatever order its files came to be known."""

import datetime as dt
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook import Ledger, Level
from tallybook.ledger import store
from tallybook.model.reports import KEY, REPORT_SCHEMA, Coverage, Reports

START = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)
WHOLE = Coverage(Level.STATE, ("cases",))
FIRST_DAYS = Coverage(Level.STATE, ("cases",), dt.date(2020, 1, 1), dt.date(2020, 1, 2))
Values = dict[tuple[str, int], int | None]
File = tuple[Values, Coverage | None, str]

FILE = st.tuples(
    st.dictionaries(
        st.tuples(st.sampled_from(["USA-01", "USA-02"]), st.integers(1, 3)),
        st.one_of(st.none(), st.integers(0, 2)),
        max_size=6,
    ),
    st.sampled_from([WHOLE, FIRST_DAYS, None]),
    st.sampled_from(["nyt", "health"]),
)
FILES = st.lists(FILE, min_size=1, max_size=5)


def moment(number: int) -> dt.datetime:
    return START + dt.timedelta(hours=number)


def reports_of(file: File) -> Reports:
    values, coverage, source = file
    if coverage is FIRST_DAYS:
        values = {key: value for key, value in values.items() if key[1] <= 2}
    rows = [
        (place, "cases", dt.date(2020, 1, day), value, "not_reported" if value is None else "reported")
        for (place, day), value in values.items()
    ]
    return Reports(pl.DataFrame(rows, schema=REPORT_SCHEMA, orient="row"), source, "f.csv", "", coverage)


def plain_states(files: list[Any]) -> list[dict[str, Values]]:
    """What each source says after each file: the rules of coverage, one key at a time."""
    states: list[dict[str, Values]] = []
    now: dict[str, Values] = {"nyt": {}, "health": {}}
    for values, coverage, source in files:
        said = dict(now[source])
        if coverage is not None:
            said = {key: value for key, value in said.items() if coverage is FIRST_DAYS and key[1] > 2}
        new = {key: value for key, value in values.items() if coverage is not FIRST_DAYS or key[1] <= 2}
        now = {**now, source: {**said, **new}}
        states.append(now)
    return states


def standing(ledger: Ledger, number: int) -> dict[str, Values]:
    of_places = [ledger.as_of(moment(number), place=place) for place in ("USA-01", "USA-02")]
    assert pl.concat(of_places).equals(ledger.as_of(moment(number)))
    rows = ledger.as_of(moment(number), each_source=True).filter(pl.col("status") != "withdrawn")
    said: dict[str, Values] = {"nyt": {}, "health": {}}
    for place, day, value, source in rows.select("place", "date", "value", "source").rows():
        said[source][place, day.day] = value
    return said


def history(ledger: Ledger) -> list[Any]:
    places, days = ("USA-01", "USA-02"), (dt.date(2020, 1, day) for day in (1, 2, 3))
    return [
        ledger.history(place, "cases", day).select("as_of", "value", "status", "source").rows()
        for day in days
        for place in places
    ]


@pytest.fixture(autouse=True)
def _usual_tail() -> Iterator[None]:
    usual = store._TAIL_FILES
    yield
    store._TAIL_FILES = usual


SLOW = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(files=FILES, order=st.randoms(use_true_random=False), together=st.booleans())
@pytest.mark.parametrize("tail", [1, 2, 32], ids=["always indexed", "often indexed", "not indexed"])
def test_history_is_the_same_in_whatever_order_it_is_recorded(
    tmp_path_factory: pytest.TempPathFactory, files: list[Any], order: Any, together: bool, tail: int
) -> None:
    store._TAIL_FILES = tail  # put back by the fixture
    folder = tmp_path_factory.mktemp("ledger")
    dated = [(reports_of(file), moment(number)) for number, file in enumerate(files)]
    straight = Ledger(folder / "straight")
    list(straight.record_all(dated))
    states = plain_states(files)
    for number, state in enumerate(states):
        assert standing(straight, number) == state
    shuffled = list(dated)
    order.shuffle(shuffled)
    other = Ledger(folder / "other")
    if together:
        list(other.record_all(shuffled))
    else:
        for reports, at in shuffled:
            other.record(reports, as_of=at)
    for number, state in enumerate(states):
        assert standing(other, number) == state
    assert history(other) == history(straight)
    again = [other.record(reports, as_of=at) for reports, at in dated]
    assert [(file.added, file.revised, file.withdrawn) for file in again] == [(0, 0, 0)] * len(dated)


@SLOW
@given(files=FILES, later=FILE)
def test_what_was_known_at_a_moment_is_stable_under_later_records(
    tmp_path_factory: pytest.TempPathFactory, files: list[Any], later: Any
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger"))
    list(ledger.record_all((reports_of(file), moment(number)) for number, file in enumerate(files)))
    known = ledger.as_of(moment(len(files)))
    ledger.record(reports_of(later), as_of=moment(len(files) + 1))
    assert ledger.as_of(moment(len(files))).drop("record").equals(known.drop("record"))


def test_the_trap_of_a_file_that_repeated_what_was_known(tmp_path: Path) -> None:
    files: list[File] = [({("USA-01", 1): value}, WHOLE, "nyt") for value in (1, 2, 1)]
    for number, order in enumerate(permutations(range(3))):
        ledger = Ledger(tmp_path / str(number))
        for place in order:
            ledger.record(reports_of(files[place]), as_of=moment(place))
        values = ledger.history("USA-01", "cases", dt.date(2020, 1, 1))["value"].to_list()
        assert values == [1.0, 2.0, 1.0]


def test_a_key_that_disappears_is_withdrawn_and_comes_back(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    both: File = ({("USA-01", 1): 1, ("USA-02", 1): 2}, WHOLE, "nyt")
    one: File = ({("USA-01", 1): 1}, WHOLE, "nyt")
    counts = [ledger.record(reports_of(file), as_of=moment(number)) for number, file in enumerate([both, one, both])]
    assert [(file.added, file.revised, file.withdrawn, file.unchanged) for file in counts] == [
        (2, 0, 0, 0),
        (0, 0, 1, 1),
        (1, 0, 0, 1),
    ]
    told = ledger.history("USA-02", "cases", dt.date(2020, 1, 1))
    assert told.select("value", "status").rows() == [(2.0, "reported"), (None, "withdrawn"), (2.0, "reported")]
    assert ledger.as_of(moment(1)).filter(place="USA-02").select(*KEY, "value", "status").height == 1


def test_a_file_withdraws_only_within_what_it_covers(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(reports_of(({("USA-01", 1): 1, ("USA-01", 3): 3}, WHOLE, "nyt")), as_of=moment(0))
    assert ledger.record(reports_of(({}, FIRST_DAYS, "nyt")), as_of=moment(1)).withdrawn == 1
    assert ledger.record(reports_of(({}, None, "nyt")), as_of=moment(2)).withdrawn == 0
    assert ledger.record(reports_of(({}, WHOLE, "health")), as_of=moment(3)).withdrawn == 0
    assert standing(ledger, 9)["nyt"] == {("USA-01", 3): 3}


def test_what_one_source_withdraws_another_may_still_say(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record(reports_of(({("USA-01", 1): 1}, WHOLE, "health")), as_of=moment(0))
    ledger.record(reports_of(({("USA-01", 1): 2}, WHOLE, "nyt")), as_of=moment(1))
    ledger.record(reports_of(({}, WHOLE, "nyt")), as_of=moment(2))
    assert [ledger.as_of(moment(number))["value"].item() for number in range(3)] == [1.0, 2.0, 1.0]


def test_what_a_file_would_withdraw_is_counted_of_its_own_source(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for number, source in enumerate(("nyt", "health")):
        ledger.record(reports_of(({("USA-01", 1): 1, ("USA-01", 3): 3}, WHOLE, source)), as_of=moment(number))
    said: list[Values] = [{}, {("USA-01", 1): 1}]
    files = [reports_of((values, FIRST_DAYS, "nyt")) for values in said]
    assert ledger.would_withdraw(files, as_of=moment(2)) == [(1, 1), (0, 1)]


def test_records_and_revisions_say_where_a_value_came_from(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for number, value in enumerate((1, 1, 4)):
        reports = reports_of(({("USA-01", 1): value}, WHOLE, "nyt"))
        told = Reports(reports.frame, "nyt", f"{number}.csv", f"sha{number}", WHOLE, f"note {number}")
        ledger.record(told, as_of=moment(number))
    assert ledger.records().select("file", "level", "metrics").rows() == [
        (f"{n}.csv", "state", "cases") for n in range(3)
    ]
    revised = ledger.revisions().row(0, named=True)
    assert {
        "old": 1.0,
        "new": 4.0,
        "as_of": moment(2),
        "file": "2.csv",
        "sha256": "sha2",
        "note": "note 2",
    }.items() <= revised.items()
    assert ledger.revisions(since=moment(2)).is_empty()
    assert ledger.revisions(since=moment(1)).height == 1


def test_revisions_come_in_the_order_they_were_made(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    said: list[Values] = [
        {("USA-01", 1): 1, ("USA-02", 1): 1},
        {("USA-01", 1): 1, ("USA-02", 1): 2},
        {("USA-01", 1): 2, ("USA-02", 1): 2},
    ]
    for number, values in enumerate(said):
        ledger.record(reports_of((values, WHOLE, "nyt")), as_of=moment(number))
    assert ledger.revisions().select("place", "as_of").rows() == [("USA-02", moment(1)), ("USA-01", moment(2))]
