"""Files from folders and servers."""

import datetime as dt
import gzip
import re
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stamina

from tallybook import Level
from tallybook.errors import SourceError
from tallybook.sources import fetch as fetching
from tallybook.sources import published, web
from tallybook.sources.archive import Archive, Fetched

NAMES = ["us.csv", "us-states.csv", "rolling-averages/anomalies.csv"]
WANTED = [[[name]] for name in NAMES]
HERE = ["127.0.0.1"]
NOW = dt.datetime(2020, 5, 2, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


def fetch(location: str, wanted: Sequence[Sequence[Sequence[str]]], archive: Archive | None = None) -> list[Fetched]:
    found = archive or Archive(Path("/none"))
    return fetching.fetch(location, wanted, archive=found, progress=lambda *_: None, private_hosts=HERE)


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "rolling-averages").mkdir()
    for name in NAMES:
        (tmp_path / name).write_text(name)
    (tmp_path / "2020-05-01_us-states.csv").write_text("an older one")
    return tmp_path


PACKED = {
    "packed": ("gzip", gzip.compress(b"packed")),
    "short": ("gzip", gzip.compress(b"packed")[:-6]),
    "bomb": ("gzip", gzip.compress(b"0" * 1_000_000)),
    "brotli": ("br", b"packed"),
}


class Handler(SimpleHTTPRequestHandler):
    """Serves the feed's folder, and below some first parts of an address what servers do on bad days."""

    answers: list[int]
    asked: set[str]

    def log_message(self, *_: object) -> None:
        pass

    def send_response(self, code: int, message: str | None = None) -> None:
        self.answers.append(code)
        super().send_response(code, message)

    def do_GET(self) -> None:
        kind, _, rest = self.path.removeprefix("/").partition("/")
        if kind == "loop":
            self.answer(302, Location=self.path)
        elif kind == "broken" or (kind == "busy" and self.path not in self.asked):
            self.asked.add(self.path)
            self.answer(503)
        elif kind == "slow":
            time.sleep(1)
        elif kind == "part":
            self.answer(206)
            self.wfile.write(b"us")
        elif kind == "unasked":
            self.answer(304)
        elif kind in PACKED:
            encoding, data = PACKED[kind]
            self.answer(200, **{"Content-Encoding": encoding})
            self.wfile.write(data)
        elif kind == "etag":
            self.tagged()
        else:
            self.path = f"/{rest}" if kind == "busy" else self.path
            super().do_GET()

    def tagged(self) -> None:
        known = self.headers["If-None-Match"] == '"1"'
        self.answer(304 if known else 200, ETag='"1"')
        if not known:
            self.wfile.write(b"tagged")

    def answer(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


@pytest.fixture
def answers() -> list[int]:
    """The statuses the server answered with."""
    return []


@pytest.fixture
def address(feed: Path, answers: list[int]) -> Iterator[str]:
    handler = type("Handler", (Handler,), {"answers": answers, "asked": set()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(feed)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_gives_the_files_it_has(feed: Path) -> None:
    assert [file.name for file in fetch(str(feed), WANTED)] == NAMES
    (feed / "us.csv").rename(feed / "us.csv.gz")
    (feed / "us-states.csv").unlink()
    assert [file.name for file in fetch(str(feed), WANTED)] == ["us.csv", "rolling-averages/anomalies.csv"]


def test_of_each_thing_the_fullest_set_of_files_is_taken(feed: Path) -> None:
    sets = published.alternatives(Level.COUNTY, 2021)
    for name in ("us-counties-recent.csv", "us-counties-2021.csv", "us-counties-2020.csv.gz", "us-counties.csv"):
        (feed / name).touch()
    assert [file.name for file in fetch(str(feed), [sets])] == ["us-counties.csv"]
    (feed / "us-counties.csv").unlink()
    assert [file.name for file in fetch(str(feed), [sets])] == ["us-counties-2020.csv", "us-counties-2021.csv"]
    for name in ("us-counties-2021.csv", "us-counties-2020.csv.gz"):
        (feed / name).unlink()
    assert [file.name for file in fetch(str(feed), [sets])] == ["us-counties-recent.csv"]


def test_a_single_file_is_known_by_the_end_of_its_name(feed: Path) -> None:
    assert [file.name for file in fetch(str(feed / "us.csv"), WANTED)] == ["us.csv"]
    assert [file.name for file in fetch(str(feed / "2020-05-01_us-states.csv"), WANTED)] == ["us-states.csv"]


def test_the_folder_of_live_files_is_not_taken_for_the_feed(feed: Path, address: str) -> None:
    (feed / "live").mkdir()
    (feed / "live/us.csv").write_text("live")
    wanted = [*WANTED, [["live/us.csv"]]]
    for location in (str(feed / "live"), f"{address}/live/", str(feed / "live/us.csv"), f"{address}/live/us.csv"):
        assert [(file.name, file.data) for file in fetch(location, wanted)] == [("live/us.csv", b"live")]


def test_an_address_gives_what_a_folder_does(feed: Path, address: str) -> None:
    seen: list[tuple[str, int, int]] = []
    archive = Archive(feed / "raw")
    found = fetching.fetch(
        address + "/", WANTED, archive=archive, progress=lambda *step: seen.append(step), private_hosts=HERE
    )
    assert [(file.name, file.data) for file in found] == [(name, name.encode()) for name in NAMES]
    assert ("us.csv", 6, 6) in seen
    (feed / "us.csv").unlink()
    assert [file.name for file in fetch(address, WANTED)] == NAMES[1:]
    assert [file.name for file in fetch(f"{address}/us-states.csv", WANTED)] == ["us-states.csv"]


def test_an_address_that_does_not_answer_well_is_said(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(web, "MOST_BYTES", 5)
    for location, says in {
        f"{address}/loop/us.csv": "Exceeded maximum allowed redirects",
        f"{address}/broken/us.csv": "Server error '503 Service Unavailable'",
        f"{address}/slow/us.csv": "timed out",
        f"{address}/us.csv": "more than 5 bytes; is it the right file?",
    }.items():
        with pytest.raises(SourceError, match=re.escape(says)) as refused:
            fetch(location, WANTED)
        assert "\n" not in str(refused.value)
    monkeypatch.setattr(web, "MOST_BYTES", 500)
    monkeypatch.setattr(web, "_MOST_SECONDS", -1)
    with pytest.raises(SourceError, match="not done after -1 seconds"):
        fetch(f"{address}/us.csv", WANTED)


def test_what_is_not_the_whole_file_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch(f"{address}/packed/us.csv", WANTED)[0].data == b"packed"
    monkeypatch.setattr(web, "MOST_BYTES", 500_000)
    for location, says in {
        f"{address}/part/us.csv": "the server answered 206, not the whole file",
        f"{address}/unasked/us.csv": "304 Not Modified",
        f"{address}/short/us.csv": "what came is damaged or cut short",
        f"{address}/bomb/us.csv": "more than 500,000 bytes",
        f"{address}/brotli/us.csv": "packed as 'br', which was not asked for",
    }.items():
        with pytest.raises(SourceError, match=says):
            fetch(location, WANTED)


def test_a_password_is_neither_kept_nor_shown(address: str) -> None:
    private = address.replace("//", "//me:secret@")
    assert fetch(f"{private}/us.csv", WANTED)[0].address == f"{address}/us.csv"
    for location in (f"{private}/none.csv", f"{private}/broken/us.csv", f"{private}/none/us.csv"):
        with pytest.raises(SourceError) as refused:
            fetch(location, WANTED)
        assert "secret" not in str(refused.value)


def test_what_is_not_there_is_said(feed: Path, address: str) -> None:
    (feed / "empty").mkdir()
    (feed / "notes.txt").touch()
    for location, says in {
        str(feed / "none"): "no file or folder",
        str(feed / "empty"): "nothing to record in .*; it should hold us.csv",
        str(feed / "notes.txt"): "notes.txt is no file of this feed; it has us.csv",
        f"{address}/empty": "nothing to record in",
        f"{address}/none/us.csv": "404 Not Found",
        "http://127.0.0.1:9/": "cannot read http://127.0.0.1:9/us.csv",
        "ftp://127.0.0.1/us.csv": "cannot fetch ftp://127.0.0.1/us.csv: only http and https addresses are fetched",
    }.items():
        with pytest.raises(SourceError, match=says):
            fetch(location, WANTED)


def test_a_server_that_is_busy_is_asked_again(address: str) -> None:
    assert [file.data for file in fetch(f"{address}/busy/us.csv", WANTED)] == [b"us.csv"]


def test_what_has_not_changed_is_not_sent_again(feed: Path, address: str, answers: list[int]) -> None:
    archive = Archive(feed / "raw")
    for name in ("us.csv", "etag/us.csv"):
        answers.clear()
        (first,) = fetch(f"{address}/{name}", WANTED, archive)
        archive.keep("nyt", first, at=NOW, as_of=NOW)
        assert fetch(f"{address}/{name}", WANTED, archive) == [first]
        assert answers == [200, 304]
    # What is kept is no longer whole, or is another file: it is asked for anew.
    for damaged in (b"damaged", gzip.compress(b"another")):
        answers.clear()
        (feed / "raw" / f"{first.sha256}.gz").write_bytes(damaged)
        assert fetch(f"{address}/etag/us.csv", WANTED, archive) == [first]
        assert answers == [200]


def test_a_table_is_a_single_file_wherever_it_is(feed: Path, address: str) -> None:
    archive = Archive(feed / "raw")
    for location in (f"{address}/us.csv?accessType=DOWNLOAD", str(feed / "us.csv")):
        file = fetching.fetch_file(location, archive=archive, progress=lambda *_: None, private_hosts=HERE)
        assert (file.name, file.address, file.data) == ("us.csv", location, b"us.csv")
    with pytest.raises(SourceError, match="404 Not Found"):
        fetching.fetch_file(f"{address}/none.csv", archive=archive, progress=lambda *_: None, private_hosts=HERE)
