import datetime as dt
import re
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tallybook import Level, gazetteer
from tallybook.errors import DataRefusedError, SourceError
from tallybook.model.reports import REPORT_SCHEMA, Reports
from tallybook.sources import fetch as fetching
from tallybook.sources import published
from tallybook.sources.fetch import fetch

TODAY = dt.date(2020, 5, 2)
NAMES = ["us.csv", "us-states.csv", "rolling-averages/anomalies.csv"]
WANTED = [[[name]] for name in NAMES]


def parse(text: str, level: Level) -> Reports:
    return published.parse(text.encode(), file="f.csv", source="nyt", level=level, places=gazetteer(), today=TODAY)


def test_a_blank_count_is_a_report_of_nothing() -> None:
    frame = parse("date,county,state,fips,cases,deaths\n2020-05-01,Adjuntas,Puerto Rico,72001,3,\n", Level.COUNTY).frame
    assert frame.schema == REPORT_SCHEMA
    assert frame.drop("date").rows() == [
        ("USA-72001", "cases", 3, "reported"),
        ("USA-72001", "deaths", None, "not_reported"),
    ]


def test_exceptions_and_unknown_counties_are_places() -> None:
    rows = [
        "2020-05-01,New York City,New York,,1,0",
        "2020-05-01,Kansas City,Missouri,,1,0",
        "2020-05-01,Unknown,Missouri,,1,0",
        "2020-05-01,New York,New York,36061,1,0",
    ]
    frame = parse("\n".join(["date,county,state,fips,cases,deaths", *rows]), Level.COUNTY).frame
    assert frame.filter(metric="cases")["place"].to_list() == ["USA-36998", "USA-29998", "USA-29999", "USA-36061"]


def test_a_decline_is_data() -> None:
    assert parse("date,cases,deaths\n2020-05-01,9,1\n2020-05-02,4,0\n", Level.NATION).frame.height == 4


STATE = "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,1,0\n"


@pytest.mark.parametrize(
    ("level", "text", "says"),
    [
        (Level.STATE, STATE + "2020-05-01,Washingtn,53,1,0", "line 3, column state: unknown state 'Washingtn'; did you mean 'Washington'?"),
        (Level.STATE, STATE + "2020-05-01,Washington,54,1,0", "line 3, column fips: '54' is not the FIPS code of 'Washington', which is '53'"),
        (Level.STATE, STATE + "2020-05-01,Alabama,1,1,0", "codes keep their leading zeros"),
        (Level.STATE, STATE + "2020-05-01,,53,1,0", "line 3, column state: the state is blank"),
        (Level.STATE, STATE + "2020-05-01,Ohio,39,2,0", "line 3, column state: a second row for 'Ohio' on '2020-05-01'"),
        (Level.STATE, STATE + "2020-05-03,Ohio,39,2,0", "line 3, column date: '2020-05-03' is in the future; it is known as of 2020-05-02"),
        (Level.STATE, STATE + "2020-05-32,Ohio,39,2,0", "line 3, column date: '2020-05-32' is no date"),
        (Level.STATE, STATE + ",Ohio,39,2,0", "line 3, column date: the date is blank"),
        (Level.STATE, STATE + "2020-05-02,Ohio,39,-2,0", "line 3, column cases: the total '-2' is negative"),
        (Level.STATE, STATE + "2020-05-02,Ohio,39,2,few", "line 3, column deaths: 'few' is no whole number"),
        (Level.NATION, "date,cases,deaths\n2020-05-01,1,0\n2020-05-01,1,0", "line 3, column date: a second row for '2020-05-01'"),
        (Level.COUNTY, "date,county,state,fips,cases,deaths\n2020-05-01,Kings,Washington,53033,1,0", "line 2, column county: unknown county 'Kings'; did you mean 'King'?"),
        (Level.COUNTY, "date,county,state,fips,cases,deaths\n2020-05-01,King,Washingto,53033,1,0", "column state: unknown state 'Washingto'; did you mean 'Washington'?"),
        (Level.COUNTY, "date,county,state,fips,cases,deaths\n2020-05-01,King,Washington,53031,1,0", "'53031' is not the FIPS code of 'King', which is '53033'"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_with_line_column_text_and_hint(level: Level, text: str, says: str) -> None:
    with pytest.raises(DataRefusedError) as refused:
        parse(text, level)
    assert says in str(refused.value)
    assert str(refused.value).startswith("f.csv, line ")


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "rolling-averages").mkdir()
    for name in NAMES:
        (tmp_path / name).write_text(name)
    (tmp_path / "2020-05-01_us-states.csv").write_text("an older one")
    return tmp_path


@pytest.fixture
def address(feed: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            if self.path.startswith("/loop"):
                self.send_response(302)
                self.send_header("Location", self.path)
                self.end_headers()
            elif self.path.startswith("/broken"):
                self.send_error(500)
            elif self.path.startswith("/slow"):
                time.sleep(1)
            else:
                super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(feed)))
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
    found = fetch(address + "/", WANTED, progress=lambda *step: seen.append(step))
    assert [(file.name, file.data) for file in found] == [(name, name.encode()) for name in NAMES]
    assert ("us.csv", 6, 6) in seen
    (feed / "us.csv").unlink()
    assert [file.name for file in fetch(address, WANTED)] == NAMES[1:]
    assert [file.name for file in fetch(f"{address}/us-states.csv", WANTED)] == ["us-states.csv"]


def test_an_address_that_does_not_answer_well_is_said(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(fetching, "_MOST_BYTES", 5)
    for location, says in {
        f"{address}/loop/us.csv": "Exceeded maximum allowed redirects",
        f"{address}/broken/us.csv": "Server error '500 Internal Server Error'",
        f"{address}/slow/us.csv": "timed out",
        f"{address}/us.csv": "more than 5 bytes; is it the right file?",
    }.items():
        with pytest.raises(SourceError, match=re.escape(says)) as refused:
            fetch(location, WANTED)
        assert "\n" not in str(refused.value)
    monkeypatch.setattr(fetching, "_MOST_BYTES", 500)
    monkeypatch.setattr(fetching, "_MOST_SECONDS", -1)
    with pytest.raises(SourceError, match="not done after -1 seconds"):
        fetch(f"{address}/us.csv", WANTED)


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
        "ftp://127.0.0.1/us.csv": "no file or folder",
    }.items():
        with pytest.raises(SourceError, match=says):
            fetch(location, WANTED)
