import json
import shutil
import threading
from pathlib import Path

import httpx

from server_fixtures import Serve, record
from tallybook import Book

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
