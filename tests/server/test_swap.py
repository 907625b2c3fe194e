import json
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import httpx
import pytest

from server_fixtures import Serve, record
from tallybook import Book
from tallybook.book.serving import served_book
from tallybook.server.served import Limits
from tallybook.server.shelf import Opened, Shelf

PUBLISHED = 8
FIRST = {7, 14, 5}


def test_every_answer_is_of_the_old_release_or_the_new(serve: Serve, small: Book, tmp_path: Path) -> None:
    client = serve(small)
    address = str(client.base_url).rstrip("/")
    done, wrong, answers = threading.Event(), [], 0

    def ask() -> None:
        nonlocal answers
        with httpx.Client(base_url=address, timeout=60) as own:
            while not done.is_set():
                for said in _told(own):
                    answers += 1
                    if len(said) != 1 and said != FIRST:
                        wrong.append(said)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, PUBLISHED + 1):
        count = 100 * number
        rows = [f"2020-05-0{day},{state},{count},0" for day in (1, 2) for state in ("Ohio,39", "Utah,49")]
        record(small, tmp_path / "feed", rows)
        small.publish()
    done.set()
    for thread in threads:
        thread.join()
    assert not wrong
    assert answers > PUBLISHED
    assert _told(client) == [{100 * PUBLISHED}] * 4


def _told(client: httpx.Client) -> list[set[float]]:
    """Return the counts in answers; all of one release are the same, but for the first."""
    series = client.get("/api/v1/series?level=state&metric=cases&measure=cumulative&from=2020-05-01").json()
    lines = client.get("/us-states.csv").text.splitlines()[1:]
    epidata = client.get("/epidata/covidcast/?signal=nyt:cases_cumulative&geo=state:*&time=day:*").json()
    release = client.get("/epidata/v5/snapshot/?source=nyt&signal=cases_cumulative&geo_type=state").text.splitlines()[
        1:
    ]
    return [
        {row["cases_cumulative"] for row in series["data"]},
        {float(line.split(",")[3]) for line in lines},
        {row["value"] for row in epidata["epidata"]},
        {float(line.rsplit(",", 1)[1]) for line in release},
    ]


def test_a_file_that_is_being_sent_is_finished(serve: Serve, real_book: Book, tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    shutil.copytree(real_book.folder / "ledger", book.folder / "ledger")
    book.publish()
    whole = (book.folder / "public/us-states.csv").read_bytes()
    client = serve(book)
    with client.stream("GET", "/us-states.csv", headers={"Accept-Encoding": "identity"}) as answer:
        parts = answer.iter_raw(65_536)
        got = next(parts)
        for _ in range(2):
            book.publish()
        got += b"".join(parts)
    assert got == whole
    card = json.loads(client.get("/release.json").content)
    assert card["as_of"] == json.loads((book.folder / "public/release.json").read_text())["as_of"]


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_read_while_the_release_was_replaced_is_read_again(small: Book, gone: bool) -> None:
    public, shelf = small.folder / "public", Shelf(served_book(small))
    identities = []

    def made(opened: Opened) -> list[int]:
        identities.append(opened.identity)
        if len(identities) == 1:
            os.utime(public / "release.json", ns=(0, 0))
            if gone:
                (public / "us-states.parquet").rename(public / "elsewhere.parquet")
        path = "elsewhere.parquet" if gone and len(identities) > 1 else "us-states.parquet"
        return opened.columns(path, ["cases"])["cases"].to_list()

    assert set(shelf.answer(made)) == FIRST
    assert len(set(identities)) == 2


def test_of_a_release_that_is_replaced_all_the_time_nothing_is_told_and_it_may_be_asked_again(
    serve: Serve, small: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, numbers = serve(small), count()
    asked = "/epidata/covidcast/?signal=nyt:cases_avg&geo=state:*&time=day:*"
    for path in ("/us-states.csv", "/api/v1/series?place=Ohio", asked):
        monkeypatch.setattr("tallybook.server.shelf.identity_of", lambda _: (next(numbers), 0, 0, 0))
        refused = client.get(path)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "the release is being replaced; try again" in refused.text
        monkeypatch.undo()
        assert client.get(path).status_code == 200


def test_a_kept_answer_is_of_no_release_that_is_gone_and_of_no_ledger_that_knows_more(
    serve: Serve, small: Book, tmp_path: Path
) -> None:
    client, moment = serve(small), datetime.now(UTC)
    asked = {"place": "Ohio", "metric": "cases", "measure": "cumulative", "as_of": moment.isoformat()}
    first, again = (client.get("/api/v1/series", params=asked).json() for _ in range(2))
    assert [row["cases_cumulative"] for row in first["data"]] == [7, 14]
    assert again == first
    (tmp_path / "feed/us-states.csv").write_text("date,state,fips,cases,deaths\n2020-05-02,Ohio,39,15,1\n")
    small.record("nyt", tmp_path / "feed/us-states.csv", as_of=moment)
    known = client.get("/api/v1/series", params=asked).json()["data"]
    assert [row["cases_cumulative"] for row in known if row["date"] == "2020-05-02"] == [15]
    (small.folder / "public/release.json").unlink()
    gone = client.get("/api/v1/series", params=asked)
    assert (gone.status_code, gone.json()["detail"]) == (503, "nothing is published yet; run `tallybook publish`")


def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(
    serve: Serve, small: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> Iterator[bytes]:
        yield b"geoid,date\n"
        raise ValueError("the disk is gone")

    client = serve(small, limits=Limits(light=0, heavy=1))
    monkeypatch.setattr("tallybook.server.encode.csv_pieces", broken)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/api/v1/series?level=state&format=csv", headers={"Accept-Encoding": "identity"})
    monkeypatch.undo()
    # The one slot for large answers is free again.
    assert len(client.get("/api/v1/series?level=state&format=csv").text.splitlines()) == 4
