import datetime as dt
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallybook import Ledger, Level
from tallybook.errors import ContractError, LedgerError
from tallybook.ledger import store
from tallybook.model.reports import KEY, REPORT_SCHEMA, STATE_SCHEMA, Coverage, Reports

START = dt.datetime(2020, 3, 1, tzinfo=dt.UTC)


def reports_of(values: dict[tuple[str, int], int | None], source: str = "nyt") -> Reports:
    rows = [
        (place, "cases", dt.date(2020, 1, day), value, "reported" if value is not None else "not_reported")
        for (place, day), value in values.items()
    ]
    return Reports(pl.DataFrame(rows, schema=REPORT_SCHEMA, orient="row"), source, "us-states.csv", "0" * 64)


def known(book: Ledger, moment: dt.datetime | None = None) -> dict[tuple[str, int], int | None]:
    return {
        (place, date.day): value for place, date, value in book.as_of(moment).select("place", "date", "value").rows()
    }


FILES = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from(["USA-01", "USA-02"]), st.integers(1, 3)), st.one_of(st.none(), st.integers(0, 3))
    ),
    max_size=5,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES)
def test_every_moment_is_known_as_it_was(tmp_path_factory: pytest.TempPathFactory, files: list[Any]) -> None:
    book = Ledger(tmp_path_factory.mktemp("book") / "ledger")
    states: list[dict[tuple[str, int], int | None]] = [{}]
    for hours, file in enumerate(files):
        book.record(reports_of(file), as_of=START + dt.timedelta(hours=hours))
        states.append(states[-1] | file)
        again = book.record(reports_of(file), as_of=START + dt.timedelta(hours=hours))
        assert (again.added, again.revised, again.unchanged) == (0, 0, len(file))
    for hours, state in enumerate(states[1:]):
        assert known(book, START + dt.timedelta(hours=hours)) == state
    assert known(book, START - dt.timedelta(seconds=1)) == {}
    assert known(book) == states[-1]


def test_only_what_differs_is_stored_and_counted(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    whole = Coverage(Level.STATE, ("cases",))
    values: list[dict[tuple[str, int], int | None]] = [
        {("USA-01", 1): 1, ("USA-01", 2): None},
        {("USA-01", 1): 1, ("USA-01", 2): 5, ("USA-01", 3): 9},
    ]
    first, second = (
        book.record(replace(reports_of(said), coverage=whole), as_of=START + dt.timedelta(days=day))
        for day, said in enumerate(values)
    )
    assert (first.added, first.revised, first.unchanged) == (2, 0, 0)
    assert (second.added, second.revised, second.unchanged) == (1, 1, 1)
    assert pl.read_delta(str(tmp_path / "ledger/observations")).filter(kind="observation").height == 4


def test_observations_have_moment_source_and_reason(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    book.record(
        reports_of({("USA-01", 1): None}, source="health"), as_of=START.astimezone(dt.timezone(dt.timedelta(hours=-5)))
    )
    frame = book.as_of()
    assert frame.schema == STATE_SCHEMA
    assert frame.select("value", "status", "as_of", "source").row(0) == (None, "not_reported", START, "health")
    assert frame.select(pl.struct(KEY).is_unique().all()).item()


def test_a_blank_of_one_source_hides_no_number_of_another(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    sayings = [("health", 5), ("nyt", 6), ("health", None)]
    for hour, (source, value) in enumerate(sayings):
        book.record(
            reports_of({("USA-01", 1): value, ("USA-02", 1): hour}, source=source),
            as_of=START + dt.timedelta(hours=hour),
        )
    assert known(book) == {("USA-01", 1): 6, ("USA-02", 1): 2}


def test_moments_may_be_given_in_any_time_zone(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    for day, zone in enumerate(("America/New_York", "Asia/Kolkata", "UTC")):
        moment = (START + dt.timedelta(days=day)).astimezone(ZoneInfo(zone))
        book.record(reports_of({("USA-01", 1): day}), as_of=moment)
        assert known(book, moment) == {("USA-01", 1): day}


@pytest.mark.parametrize("name", ["My Data", "é", "q?x", "h#x", "{a}", "g*b", "o'b"])
def test_a_ledger_may_be_kept_in_folders_people_have(tmp_path: Path, name: str) -> None:
    book = Ledger(tmp_path / name / "ledger")
    for value in (1, 2):
        book.record(reports_of({("USA-01", 1): value}), as_of=START)
    assert known(Ledger(tmp_path / name / "ledger")) == {("USA-01", 1): 2}


@pytest.mark.parametrize("name", ["p%41x", "b\\x", "a[1]"])
def test_folders_the_engine_cannot_name_are_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(LedgerError, match="the path must not have a"):
        Ledger(tmp_path / name / "ledger")


def test_a_damaged_file_is_said(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    book.record(reports_of({("USA-01", 1): 1}), as_of=START)
    next((tmp_path / "ledger/observations").glob("kind=observation/*.parquet")).write_bytes(b"")
    with pytest.raises(LedgerError, match="a file of the ledger is damaged"):
        book.as_of()


def test_a_moment_before_all_time_is_refused(tmp_path: Path) -> None:
    early = dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14)))
    with pytest.raises(ContractError, match="cannot be told in UTC"):
        Ledger(tmp_path / "ledger").record(reports_of({("USA-01", 1): 1}), as_of=early)


def test_the_later_of_two_records_for_one_moment_holds(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    for value in (3, 2, 4, 1):
        book.record(reports_of({("USA-01", 1): value}), as_of=START)
    assert known(book) == {("USA-01", 1): 1}


def test_a_file_recorded_again_for_its_moment_is_no_record(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    file = reports_of({("USA-01", 1): 1})
    for _ in range(2):
        book.record(file, as_of=START)
        assert book.records()["record"].to_list() == [0]
    book.record(file, as_of=START + dt.timedelta(hours=1))
    assert book.records()["record"].to_list() == [0, 1]


def test_one_commit_per_file_says_where_it_came_from(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    for value in (1, 2):
        book.record(reports_of({("USA-01", 1): value}), as_of=START)
    commits = [commit for commit in DeltaTable(tmp_path / "ledger/observations").history() if "tallybook" in commit]
    assert len(commits) == 2
    assert "us-states.csv" in str(commits[0]["tallybook"])


def test_history_cannot_be_overwritten_or_deleted(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    book.record(reports_of({("USA-01", 1): 1}), as_of=START)
    table = DeltaTable(tmp_path / "ledger/observations")
    with pytest.raises(DeltaError):
        write_deltalake(table, book.as_of(), mode="overwrite")
    with pytest.raises(DeltaError):
        table.delete("value = 1")
    with pytest.raises(DeltaError):
        table.update(updates={"value": "2"})
    assert known(book) == {("USA-01", 1): 1}


def test_what_record_returned_from_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every new file and the folders that name it are synced, the log entry included."""
    synced: set[str] = set()
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.add(str(Path(f"/proc/self/fd/{handle}").readlink()))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    book = Ledger(tmp_path / "ledger")
    for value in (1, 2):
        synced.clear()
        before = set((tmp_path / "ledger").rglob("*"))
        book.record(reports_of({("USA-01", 1): value}), as_of=START)
        new = {path for path in set((tmp_path / "ledger").rglob("*")) - before if path.name != "lock"}
        assert any(path.suffix == ".json" for path in new)
        assert {str(path) for path in new} <= synced
        assert str(tmp_path / "ledger/observations/_delta_log") in synced


def test_a_failed_write_records_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Ledger(tmp_path / "ledger")

    def full(*_args: Any, **_options: Any) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(store, "write_deltalake", full)
        with pytest.raises(LedgerError, match="No space left on device; nothing of this file was recorded"):
            book.record(reports_of({("USA-01", 1): 1}), as_of=START)
    assert known(book) == {}
    assert book.record(reports_of({("USA-01", 1): 1}), as_of=START).added == 1


def test_a_moment_needs_a_time_zone(tmp_path: Path) -> None:
    book = Ledger(tmp_path / "ledger")
    naive = dt.datetime(2020, 3, 1)
    with pytest.raises(ContractError, match="has no time zone"):
        book.record(reports_of({("USA-01", 1): 1}), as_of=naive)
    book.record(reports_of({("USA-01", 1): 1}), as_of=START)
    with pytest.raises(ContractError, match="has no time zone"):
        book.as_of(naive)


def test_a_key_twice_in_one_file_is_a_broken_contract(tmp_path: Path) -> None:
    twice = reports_of({("USA-01", 1): 1})
    doubled = Reports(pl.concat([twice.frame, twice.frame]), "nyt", "us-states.csv", "")
    with pytest.raises(ContractError, match="twice"):
        Ledger(tmp_path / "ledger").record(doubled, as_of=START)


def test_a_busy_ledger_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_WAIT_SECONDS", 0)
    book = Ledger(tmp_path / "ledger")
    book.record(reports_of({("USA-01", 1): 1}), as_of=START)
    with FileLock(tmp_path / "ledger/lock"), pytest.raises(LedgerError, match="another process"):
        book.record(reports_of({("USA-01", 1): 2}), as_of=START)


def test_files_without_a_ledger_are_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "ledger/observations").mkdir(parents=True)
    (tmp_path / "ledger/observations/part-0.parquet").write_bytes(b"")
    with pytest.raises(LedgerError, match="holds files but no ledger"):
        Ledger(tmp_path / "ledger").as_of()


def _write(folder: Path, writer: int) -> None:
    for number in range(5):
        Ledger(folder).record(reports_of({(f"USA-{writer:02}", number + 1): number}), as_of=START)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    workers = multiprocessing.get_context("spawn")
    processes = [workers.Process(target=_write, args=(tmp_path / "ledger", writer)) for writer in (1, 2, 4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    frame = Ledger(tmp_path / "ledger").as_of()
    assert frame.height == 15
    assert frame["record"].n_unique() == 15
