"""What observations amount to, tied to a plain walk over them, one key at a time."""

import datetime as dt
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook import Level
from tallybook.ledger import known
from tallybook.ledger.index import Index, build, read, read_remote, write
from tallybook.ledger.known import STATE, Known
from tallybook.ledger.states import changes_of, current, differences, held, in_order, merged, of_all_sources, standing
from tallybook.model.reports import KEY, OBSERVATION_SCHEMA, REPORT_SCHEMA, STATE_SCHEMA, Coverage

START = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)
FIRST, SECOND = dt.date(1969, 12, 31), dt.date(2020, 1, 2)
Row = dict[str, Any]

SAID = st.sampled_from([(1.0, "reported"), (2.0, "reported"), (None, "not_reported"), (None, "withdrawn")])
KEYS = st.tuples(
    st.sampled_from(["USA-01", "USA-01001"]), st.sampled_from(["cases", "deaths"]), st.sampled_from([FIRST, SECOND])
)
FEW = st.one_of(st.just(("USA-01", "cases", FIRST)), KEYS)
OBSERVATIONS = st.lists(
    st.tuples(FEW, st.sampled_from(["health", "nyt", "nyt (live)"]), st.integers(0, 4), SAID), max_size=24
)


def rows_of(observations: list[Any]) -> list[Row]:
    return [
        dict(zip(KEY, key, strict=True))
        | {"value": value, "status": status, "source": source, "record": record}
        | {"as_of": START + dt.timedelta(hours=hour)}
        for record, (key, source, hour, (value, status)) in enumerate(observations)
    ]


def frame_of(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=OBSERVATION_SCHEMA)


def key_of(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def place_in_time(row: Row) -> tuple[Any, ...]:
    return (*key_of(row), row["source"], row["as_of"], row["record"])


def told(rows: list[Row]) -> Iterator[list[Row]]:
    """Yield of each key and source what it said otherwise than just before."""
    for _, group in groupby(sorted(rows, key=place_in_time), lambda row: (*key_of(row), row["source"])):
        said = list(group)
        new = [now for was, now in pairwise(said) if (was["value"], was["status"]) != (now["value"], now["status"])]
        yield [said[0], *new]


def rank(row: Row) -> tuple[Any, ...]:
    """Say how much an observation counts beside those of other sources."""
    standing, number = row["status"] != "withdrawn", row["value"] is not None
    return standing, not row["source"].endswith(" (live)"), number, row["as_of"], row["record"]


@settings(max_examples=100)
@given(observations=OBSERVATIONS)
def test_the_state_is_the_last_word_of_each_source_and_how_many_it_had_before(observations: list[Any]) -> None:
    rows = rows_of(observations)
    expected = [said[-1] | {"revision": len(said) - 1} for said in told(rows)]
    made = current(frame_of(rows))
    assert made.schema == STATE_SCHEMA
    assert made.to_dicts() == [{name: row[name] for name in STATE_SCHEMA} for row in expected]
    best: dict[tuple[Any, ...], Row] = {}
    for row in sorted(expected, key=rank):
        best[key_of(row)] = row
    counts = of_all_sources(made)
    assert counts.to_dicts() == [{name: best[key][name] for name in STATE_SCHEMA} for key in sorted(best)]


@settings(max_examples=100)
@given(observations=OBSERVATIONS)
def test_changes_are_told_with_what_was_known_before(observations: list[Any]) -> None:
    rows = rows_of(observations)
    expected = [
        now | {"old": was and was["value"], "old_status": was and was["status"]}
        for said in told(rows)
        for was, now in zip([None, *said], said, strict=False)
    ]
    made = changes_of(frame_of(rows))
    assert made.to_dicts() == [{name: row[name] for name in made.columns} for row in expected]


@settings(max_examples=100)
@given(observations=OBSERVATIONS)
def test_what_held_of_a_key_is_the_best_word_at_every_moment(observations: list[Any]) -> None:
    rows = rows_of(observations)
    expected: list[Row] = []
    for _, group in groupby(told(rows), lambda said: key_of(said[0])):
        sources = list(group)
        if len(sources) == 1:
            expected += sources[0]
            continue
        last = None
        for moment in sorted({row["as_of"] for said in sources for row in said}):
            by_then = [[row for row in said if row["as_of"] <= moment] for said in sources]
            best = max((said[-1] for said in by_then if said), key=rank)
            if best is not last:
                expected.append(best | {"as_of": moment})
            last = best
    made = held(changes_of(frame_of(rows))).sort(*KEY, "as_of", "record")
    in_time = sorted(expected, key=lambda row: (*key_of(row), row["as_of"], row["record"]))
    assert made.to_dicts() == [{name: row[name] for name in OBSERVATION_SCHEMA} for row in in_time]


@given(observations=OBSERVATIONS, order=st.randoms())
def test_the_order_is_that_of_keys_sources_moments_and_records(observations: list[Any], order: Any) -> None:
    rows = rows_of(observations)
    order.shuffle(rows)
    made = in_order(frame_of(rows))
    assert made.columns == OBSERVATION_SCHEMA.names()
    expected = sorted(rows, key=place_in_time)
    assert made.to_dicts() == [{name: row[name] for name in OBSERVATION_SCHEMA} for row in expected]


@settings(max_examples=100)
@given(
    observations=OBSERVATIONS,
    indexed=st.integers(0, 24),
    hour=st.none() | st.integers(-1, 5),
    day=st.none() | st.just(FIRST),
)
def test_an_index_and_what_came_since_know_every_state(
    observations: list[Any], indexed: int, hour: int | None, day: dt.date | None
) -> None:
    rows = rows_of(observations)
    index = Index(build(frame_of(rows[:indexed])).lazy(), frame_of(rows[indexed:]).lazy())
    moment = None if hour is None else START + dt.timedelta(hours=hour)
    where = None if day is None else pl.col("date") == day
    wanted = [row for row in rows if (moment is None or row["as_of"] <= moment) and (day is None or row["date"] == day)]
    assert index.state(moment, where).equals(current(frame_of(wanted)))
    every = index.observations(pl.lit(value=True) if where is None else where)
    assert in_order(every).equals(in_order(frame_of([row for row in rows if day is None or row["date"] == day])))


DAYS = st.tuples(
    st.sampled_from(["USA-01", "USA-02", "USA-03"]), st.sampled_from(["cases", "deaths"]), st.integers(0, 9)
)


@settings(max_examples=100)
@given(there=st.sets(DAYS, max_size=60), new=st.sets(DAYS, min_size=1, max_size=12), gone=st.sets(DAYS, max_size=9))
def test_what_is_new_takes_its_place_among_what_stays(there: set[Any], new: set[Any], gone: set[Any]) -> None:
    def sorted_frame(keys: set[Any]) -> pl.DataFrame:
        days = [(place, metric, FIRST + dt.timedelta(days=day)) for place, metric, day in keys]
        return in_order(frame_of(rows_of([(key, "nyt", 0, (1.0, "reported")) for key in days])))

    rows, more = sorted_frame(there), sorted_frame(new)
    leaves = [(place, metric, (date - FIRST).days) in new | gone for place, metric, date in rows.select(KEY).rows()]
    stays = ~pl.Series(leaves, dtype=pl.Boolean)
    assert merged(rows, stays, more).equals(in_order(pl.concat([rows.filter(stays), more])))


COVERAGES = st.sampled_from(
    [
        None,
        Coverage(Level.STATE, ("cases",)),
        Coverage(Level.STATE, ("cases", "deaths"), first=SECOND),
        Coverage(Level.COUNTY, ("cases",), last=FIRST),
        Coverage(Level.STATE, ("cases",), FIRST, SECOND),
    ]
)


def covers(coverage: Coverage, key: tuple[str, str, dt.date]) -> bool:
    level = Level.STATE if len(key[0]) == 6 else Level.COUNTY
    after = coverage.first is None or key[2] >= coverage.first
    return level == coverage.level and key[1] in coverage.metrics and after and (coverage.last or key[2]) >= key[2]


@settings(max_examples=150)
@given(
    known=st.dictionaries(KEYS, SAID),
    said=st.dictionaries(KEYS, SAID.filter(lambda said: said[1] != "withdrawn")),
    coverage=COVERAGES,
)
def test_a_file_tells_what_differs_and_withdraws_what_it_covers_and_lacks(
    known: dict[Any, Any], said: dict[Any, Any], coverage: Coverage | None
) -> None:
    if coverage is not None:
        said = {key: what for key, what in said.items() if covers(coverage, key)}
    before, now = (
        pl.DataFrame([(*key, *what) for key, what in rows.items()], schema=REPORT_SCHEMA, orient="row")
        for rows in (known, said)
    )
    expected = {key: (*what, known.get(key, (None, None))[1]) for key, what in said.items() if known.get(key) != what}
    for key, what in known.items():
        if coverage is not None and covers(coverage, key) and key not in said and what[1] != "withdrawn":
            expected[key] = (None, "withdrawn", what[1])
    made = differences(before, now, coverage)
    assert made.columns == [*REPORT_SCHEMA, "was"]
    assert {tuple(row[:3]): tuple(row[3:]) for row in made.rows()} == expected
    assert made.height == len(expected)
    there = {key for key, what in known.items() if coverage and covers(coverage, key) and what[1] != "withdrawn"}
    assert {row[:3] for row in standing(before, coverage).rows()} == there


@settings(max_examples=100)
@given(
    files=st.lists(st.dictionaries(KEYS, SAID), max_size=5),
    bounds=st.sampled_from([(None, None), (None, FIRST), (SECOND, None), (FIRST, FIRST), (FIRST, SECOND)]),
    small=st.sampled_from([0, 2, 100]),
)
def test_what_is_learned_takes_the_place_of_what_was_known(
    files: list[dict[Any, Any]], bounds: tuple[dt.date | None, dt.date | None], small: int
) -> None:
    frames = [
        pl.DataFrame(
            [(*key, *what, START) for key, what in file.items()], schema=Known().within(None, None).schema, orient="row"
        )
        for file in files
    ]
    with patch.object(known, "_SMALL", small):
        made = Known(frames[0] if frames else None)
        for frame in frames[1:]:
            made.learn(frame)
            made.within(SECOND, SECOND)
    expected: dict[Any, Any] = {}
    for file in files:
        expected |= file
    first, last = bounds
    unbounded = first is None or last is None
    there = made.within(first, last)
    assert there.columns == [*STATE]
    assert {tuple(row[:3]): tuple(row[3:5]) for row in there.rows()} == {
        key: what for key, what in expected.items() if unbounded or first <= key[2] <= last
    }
    assert there.height == len({key_of(row) for row in there.to_dicts()})


def _always(_: object) -> bool:
    return True


def test_an_index_in_a_folder_with_a_star_is_not_that_of_another(tmp_path: Path) -> None:
    for name, value in (("g*b", 1.0), ("gob", 2.0)):
        rows = rows_of([(("USA-01", "cases", FIRST), "nyt", 0, (value, "reported"))])
        write(tmp_path / name, build(frame_of(rows)), [f"{name}.parquet"])
    for found in (read(tmp_path / "g*b", as_written=_always), read_remote(str(tmp_path / "g*b"), None)):
        assert found is not None
        assert found[0].collect()["value"].to_list() == [1.0]
        assert set(found[1]) == {"g*b.parquet"}
    assert read(tmp_path / "none", as_written=_always) is None


def test_what_is_read_of_an_index_is_of_that_one_whatever_takes_its_place_meanwhile(tmp_path: Path) -> None:
    rows = [(("USA-01", "cases", FIRST), "nyt", hour, (float(hour), "reported")) for hour in range(3)]
    before = build(frame_of(rows_of(rows[:2])))
    write(tmp_path, before, ["a.parquet"])
    found = read(tmp_path, as_written=_always)
    assert found is not None
    write(tmp_path, build(frame_of(rows_of(rows))), ["a.parquet", "b.parquet"])
    assert found[0].collect().equals(before)
    assert set(found[1]) == {"a.parquet"}
