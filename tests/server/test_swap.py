import json
import threading
from pathlib import Path

import httpx

from server_fixtures import Serve, record
from tallybook import Book

PUBLISHED = 12


def test_every_answer_is_of_the_old_release_or_the_new(serve: Serve, small: Book, tmp_path: Path) -> None:
    client = serve(small)
    address = str(client.base_url).rstrip("/")
    done, wrong, answers = threading.Event(), [], 0

    def ask() -> None:
        nonlocal answers
        with httpx.Client(base_url=address, timeout=60) as own:
            while not done.is_set():
                for mixed in (_figures(own), _level(own), _epidata(own)):
                    answers += 1
                    wrong.extend(mixed)

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
    latest = client.get("/api/v1/snapshot?level=state&metric=cases&measure=cumulative").json()
    assert {row["cases_cumulative"] for row in latest["data"]} == {100 * PUBLISHED}


def _figures(client: httpx.Client) -> list[object]:
    """Return what in an answer is not of one release; all counts of one are the same."""
    said = client.get("/api/v1/series?level=state&metric=cases&measure=cumulative&from=2020-05-01").json()
    counts = {row["cases_cumulative"] for row in said["data"]}
    return [] if len(counts) == 1 or counts == {7, 14, 5} else [counts]


def _level(client: httpx.Client) -> list[object]:
    lines = client.get("/us-states.csv").text.splitlines()[1:]
    counts = {line.split(",")[3] for line in lines}
    return [] if len(counts) == 1 or counts == {"7", "14", "5"} else [lines]


def _epidata(client: httpx.Client) -> list[object]:
    both = client.get("/epidata/covidcast/?signal=nyt:cases_cumulative&geo=state:*&time=day:*").json()["epidata"]
    counts = {row["value"] for row in both}
    return [] if len(counts) == 1 or counts == {7, 14, 5} else [counts]


def test_a_file_that_is_being_sent_is_finished(serve: Serve, real_book: Book, tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    for name in ("ledger", "sources"):
        (book.folder / name).rename(tmp_path / f"old-{name}") if (book.folder / name).exists() else None
        _copied(real_book.folder / name, book.folder / name)
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


def _copied(old: Path, new: Path) -> None:
    import shutil

    shutil.copytree(old, new)
