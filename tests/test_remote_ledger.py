"""A ledger in an object store, behind a server on this machine that speaks S3."""

import datetime as dt
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tallybook import Book
from tallybook.errors import BookError, LedgerError
from tallybook.ledger import Ledger
from tallybook.ledger.index import Index

FIRST, SECOND = (dt.datetime(2020, 3, day, 14, tzinfo=dt.UTC) for day in (3, 4))
EVENING = dt.datetime(2021, 3, 8, 1, tzinfo=dt.UTC)
NEXT_DAY = dt.datetime(2021, 3, 8, 14, tzinfo=dt.UTC)
HEADER = "date,state,fips,cases,deaths\n"
DAYS = ("2020-03-01,Washington,53,18,8\n", "2020-03-01,Washington,53,17,8\n2020-03-02,Washington,53,26,11\n")
SECRETS = {"AWS_ACCESS_KEY_ID": "tallybook", "AWS_SECRET_ACCESS_KEY": "tallybook"}


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of the store; the environment says where it is, as it would to anyone."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        said = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true", **SECRETS}
        for name, value in said.items():
            patch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket="health")
        yield client
        client.close()
    server.stop()


def copy(s3: Any, ledger: Path, key: str) -> str:
    """Copy a ledger's folder to the store, and return its address there."""
    for file in ledger.rglob("*"):
        if file.is_file():
            s3.put_object(Bucket="health", Key=f"{key}/{file.relative_to(ledger).as_posix()}", Body=file.read_bytes())
    return f"s3://health/{key}"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def reader(folder: Path, ledger: str, *, more: str = "", clock: Callable[[], dt.datetime] | None = None) -> Book:
    """A new book that reads a ledger."""
    file = Book.init(folder, template="nyt").folder / "book.toml"
    file.write_text(f'ledger = "{ledger}"\n{file.read_text()}{more}')
    return Book(folder, clock=clock) if clock else Book(folder)


@pytest.fixture(scope="module")
def keeper(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book with two versions of a file; nobody may change it."""
    book = Book.init(tmp_path_factory.mktemp("keeper") / "book", template="nyt")
    for moment, rows in zip((FIRST, SECOND), DAYS, strict=True):
        (book.folder / "us-states.csv").write_text(HEADER + rows)
        book.record("nyt", book.folder / "us-states.csv", as_of=moment)
    return book


@pytest.fixture(scope="module")
def address(s3: Any, keeper: Book) -> str:
    return copy(s3, keeper.ledger.folder, "our ledger")


def test_a_release_from_the_store_is_that_of_the_folder_to_the_byte(keeper: Book, address: str, tmp_path: Path) -> None:
    here = keeper.publish(tmp_path / "here").folder
    book = reader(tmp_path / "reader", address)
    there = book.publish().folder
    assert (here / "us-states.csv").read_text() == HEADER + DAYS[1]
    assert tree(there) == tree(here)
    past = [made.publish(tmp_path / name, as_of=FIRST).folder for made, name in ((keeper, "a"), (book, "b"))]
    assert (past[1] / "us-states.csv").read_text() == HEADER + DAYS[0]
    assert tree(past[0]) == tree(past[1])
    assert [len(made.changes) for made in book.releases()] == [3]  # its own log is in its own folder


def test_all_that_is_asked_of_a_ledger_is_told_from_the_store(keeper: Book, address: str) -> None:
    here, there = keeper.ledger, Ledger(f"{address}/")
    day = dt.date(2020, 3, 1)
    assert there.as_of(FIRST)["value"].to_list() == [18, 8]
    for moment in (None, FIRST, SECOND):
        assert there.as_of(moment).equals(here.as_of(moment))
        assert there.records(moment).equals(here.records(moment))
    assert there.history("USA-53", "cases", day).equals(here.history("USA-53", "cases", day))
    assert there.revisions().equals(here.revisions())
    assert there.values().equals(here.values())
    assert there.versions().equals(here.versions())
    assert len(there.files()) == 2
    assert all(file.startswith("s3://health/our ledger/observations/kind=observation/") for file in there.files())


def test_an_index_in_the_store_is_read_and_what_came_later_too(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.ledger.store._TAIL_FILES", 2)
    book = Book.init(tmp_path / "book", template="nyt")
    for day in (1, 2, 3):
        (tmp_path / "us.csv").write_text(f"date,cases,deaths\n2020-03-01,{day},0\n")
        book.record("nyt", tmp_path / "us.csv", as_of=dt.datetime(2020, 3, 1 + day, tzinfo=dt.UTC))
        if day == 2:
            indexed = {Path(file).name for file in book.ledger.files()}
    address = copy(s3, book.ledger.folder, "indexed")
    for file in Ledger(address).files():
        if Path(file).name in indexed:  # what is in the index is not read again
            s3.delete_object(Bucket="health", Key=file.removeprefix("s3://health/"))
    assert Ledger(address).versions().equals(book.ledger.versions())
    copy(s3, book.ledger.folder, "indexed")
    s3.put_object(Bucket="health", Key="indexed/index/observations/index.parquet", Body=b"cut short")
    assert Ledger(address).versions().equals(book.ledger.versions())


@pytest.mark.parametrize("body", [None, b"cut short"])
def test_an_index_that_is_replaced_while_it_is_read_is_not_believed(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes | None
) -> None:
    monkeypatch.setattr("tallybook.ledger.store._TAIL_FILES", 1)
    ours, other = (Book.init(tmp_path / name, template="nyt") for name in ("ours", "other"))
    for book, cases in ((ours, 5), (other, 700)):
        (tmp_path / "us.csv").write_text(f"date,cases,deaths\n2020-03-01,{cases},0\n")
        book.record("nyt", tmp_path / "us.csv", as_of=FIRST)
    address, index = copy(s3, ours.ledger.folder, "ours"), "index/observations/index.parquet"
    expected, state = ours.ledger.as_of(), Index.state
    body = body or (other.ledger.folder / index).read_bytes()

    def replaced(opened: Index, *args: Any) -> Any:
        s3.put_object(Bucket="health", Key=f"ours/{index}", Body=body)
        return state(opened, *args)

    monkeypatch.setattr(Index, "state", replaced)
    assert Ledger(address).as_of().equals(expected)


def test_the_book_may_say_how_the_store_is_reached(
    s3: Any, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    said = f'\n[storage]\naws_endpoint_url = "{s3.meta.endpoint_url}"\naws_allow_http = "true"\n'
    assert reader(tmp_path / "book", address, more=said).ledger.as_of(FIRST)["value"].to_list() == [18, 8]


def test_nothing_is_written_to_the_store_and_the_refusal_says_where_to_write(
    s3: Any, address: str, tmp_path: Path
) -> None:
    before = s3.list_objects_v2(Bucket="health")["Contents"]
    book = reader(tmp_path / "book", address)
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-03-01,1,0\n")
    for command in (["record", "nyt", str(tmp_path / "us.csv")], ["close-day"]):
        done = subprocess.run(
            [sys.executable, "-m", "tallybook", *command, "--book", str(book.folder)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"COLUMNS": "500", "NO_COLOR": "1"},
        )
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "the ledger at s3://health/our ledger is read-only here" in done.stderr
        assert "aws s3 sync ledger" in done.stderr
    assert not (book.folder / "ledger").exists()
    with pytest.raises(LedgerError, match="read-only here"):
        next(Ledger(address).record_all([]), None)
    assert s3.list_objects_v2(Bucket="health")["Contents"] == before


def test_days_that_are_over_stay_open_and_the_release_says_so(s3: Any, shared_data: Path, tmp_path: Path) -> None:
    feed = tmp_path / "feed"
    for name in ("us.csv", "live/us.csv"):
        (feed / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(shared_data / "nyt-2021-03-07" / name, feed / name)
    keeper = Book.init(tmp_path / "keeper", template="nyt")
    Book(keeper.folder, clock=lambda: EVENING).record("nyt", feed)
    address = copy(s3, keeper.ledger.folder, "live")
    before = s3.list_objects_v2(Bucket="health")["Contents"]
    release = reader(tmp_path / "reader", address, clock=lambda: NEXT_DAY).publish()
    assert "the live counts of 2021-03-07 are not final: the ledger is read-only" in release.notes
    assert (release.folder / "live/us.csv").read_text().count("2021-03-07") == 1
    assert "2021-03-07" not in (release.folder / "us.csv").read_text()
    assert s3.list_objects_v2(Bucket="health")["Contents"] == before


def test_the_number_of_a_state_is_asked_for_now_and_then_and_is_another_after_a_copy(
    s3: Any, keeper: Book, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(keeper.ledger.folder, tmp_path / "ledger")
    there = Ledger(copy(s3, tmp_path / "ledger", "stamped"))
    first = there.stamp()
    assert first == 3  # the empty table, and two files
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-03-01,1,0\n")
    book = Book.init(tmp_path / "book", template="nyt")
    shutil.copytree(tmp_path / "ledger", book.folder / "ledger")
    book.record("nyt", tmp_path / "us.csv", as_of=SECOND)
    copy(s3, book.ledger.folder, "stamped")
    assert there.stamp() == first
    monkeypatch.setattr("tallybook.ledger.remote.monotonic", lambda: float("inf"))
    assert there.stamp() == first + 1


def fails(ledger: str) -> str:
    with pytest.raises(LedgerError) as caught:
        Ledger(ledger).as_of()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_is_wrong_in_the_store_is_one_line(s3: Any, keeper: Book) -> None:
    assert "NoSuchBucket: The specified bucket does not exist" in fails("s3://no-such-bucket/ledger")
    assert "there is no ledger at s3://health/elsewhere" in fails("s3://health/elsewhere")
    damaged = copy(s3, keeper.ledger.folder, "damaged")
    key = Ledger(damaged).files()[0].removeprefix("s3://health/")
    s3.put_object(Bucket="health", Key=key, Body=b"PAR1 and no more")
    assert "cannot read s3://health/damaged/observations: parquet: File out of specification" in fails(damaged)
    s3.delete_object(Bucket="health", Key=key)
    assert "NoSuchKey" in fails(damaged)
    log = "damaged/observations/_delta_log/00000000000000000001.json"
    s3.put_object(Bucket="health", Key=log, Body=b"no log")
    assert "cannot open s3://health/damaged/observations: " in fails(damaged)
    for number in range(3):
        s3.delete_object(Bucket="health", Key=f"damaged/observations/_delta_log/{number:020}.json")
    assert "s3://health/damaged/observations holds files but no ledger" in fails(damaged)


def test_a_ledger_of_another_folder_is_read_and_written_there(keeper: Book, tmp_path: Path) -> None:
    shutil.copytree(keeper.ledger.folder, tmp_path / "the ledger")
    by_path = reader(tmp_path / "a", "../the ledger")
    by_address = reader(tmp_path / "b", (tmp_path / "the ledger").as_uri())
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-03-01,1,0\n")
    by_path.record("nyt", tmp_path / "us.csv", as_of=SECOND)
    assert by_address.ledger.as_of().height == keeper.ledger.as_of().height + 2
    assert {entry.name for entry in by_address.raw.entries()} == {"us-states.csv", "us.csv"}
    by_path.publish()
    assert len(by_address.releases()) == 1
    assert not (tmp_path / "a/ledger").exists()


def test_an_address_no_ledger_can_be_read_from_is_refused_with_those_that_can(tmp_path: Path) -> None:
    for address in ("https://health.example/ledger", "s3:///ledger", "file://host/ledger"):
        with pytest.raises(LedgerError, match=r"give a folder, file://, s3://.* or abfss://"):
            Ledger(address)
    with pytest.raises(LedgerError, match=r"there must be no \? in it"):
        Ledger("s3://health/ledger?versionId=1")
    with pytest.raises(LedgerError, match="the path must not have a % in it"):
        Ledger("s3://health/our%20ledger")
    with pytest.raises(BookError, match="ledger: "):
        reader(tmp_path / "book", "")
