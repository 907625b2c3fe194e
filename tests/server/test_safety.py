"""What strangers send: nothing of it changes anything, and nothing of it gets a traceback."""

import hashlib
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from server_fixtures import Serve
from tallybook import Book
from tallybook.server.served import Limits

# Slots are few so that a test can fill them; pages are as large as anybody's.
TIGHT = Limits(light=0, heavy=1)

HOSTILE = [
    "'; DROP TABLE observations; --", "../../../etc/passwd", "%00", "\ud7ff\uffff", "=1+1", "a" * 3000, "*" * 50,
    "{}", "-1", "1e999", "NaN", "9999-12-31", "0001-01-01", "20210101-18000101", "day:day:day", ";;;", ",,,",
    "${jndi}", "<b>",
]  # fmt: skip

ROUTES = {
    "/api/v1/series": ["place", "level", "metric", "measure", "from", "to", "as_of", "format", "limit", "cursor"],
    "/api/v1/snapshot": ["date", "level", "metric", "measure", "as_of", "format", "limit", "cursor"],
    "/api/v1/anomalies": ["place", "metric", "from", "to", "format", "cursor"],
    "/api/v1/revisions": ["place", "metric", "since", "format", "cursor"],
    "/api/v1/explain": ["place", "metric", "date"],
    "/api/v1/places": ["level", "format", "limit"],
    "/epidata/covidcast/": [
        "data_source", "signals", "signal", "time_type", "time_values", "time", "geo_type", "geo_values", "geo",
        "as_of", "issues", "lag", "fields", "format",
    ],
    "/epidata/covidcast/csv": ["signal", "start_day", "end_day", "geo_type", "geo_values", "as_of"],
    "/epidata/covidcast_meta/": ["signals", "time_types", "geo_types", "format", "fields"],
    "/epidata/v5/snapshot/": [
        "source", "signal", "geo_type", "fill_method", "snapshot_date", "limit", "fields", "format",
    ],
    "/epidata/v5/archive/": ["source", "signal", "geo_type", "report_time_query", "limit"],
    "/epidata/v5/aux_data/": ["source", "snapshot_date", "report_time_query", "filtered_keys", "columns", "limit"],
    "/epidata/v5/metadata/": ["source"],
}  # fmt: skip

SOUND = {
    "/epidata/covidcast/": {
        "data_source": "nyt", "signals": "cases_avg", "time_type": "day", "time_values": "*", "geo_type": "state",
        "geo_values": "*",
    },
    "/epidata/covidcast/csv": {"signal": "nyt:cases_avg"},
    "/epidata/v5/snapshot/": {"source": "nyt", "signal": "cases_avg", "geo_type": "state"},
    "/epidata/v5/archive/": {"source": "nyt", "signal": "cases_avg", "geo_type": "state"},
    "/epidata/v5/aux_data/": {"source": "nyt"},
    "/api/v1/explain": {"place": "Ohio", "metric": "cases", "date": "2020-05-02"},
}  # fmt: skip


def digest(folder: Path) -> str:
    return hashlib.sha256(
        b"".join(f"{path}".encode() + path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    ).hexdigest()


def raw(client: httpx.Client, sent: bytes) -> bytes:
    """Send bytes as they are, and return what comes back."""
    with socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def answered(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert "Traceback" not in answer.text
    if answer.status_code >= 400:
        said = answer.json()
        assert said.get("detail") or said.get("message")


def test_no_text_in_any_parameter_gets_more_than_a_message(
    serve: Serve, small: Book, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(small)
    before = digest(small.folder)
    with caplog.at_level(logging.ERROR):
        for route, names in ROUTES.items():
            for name in names:
                for text in HOSTILE:
                    answered(client.get(route, params={**SOUND.get(route, {}), name: text}))
            for text in HOSTILE:
                answered(client.get(route, params=dict.fromkeys(names, text)))
    assert not caplog.records
    assert digest(small.folder) == before


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(ROUTES["/epidata/covidcast/"]), st.text("*-:;,0129abcdsty_", max_size=12)))
def test_no_query_of_epidata_gets_more_than_a_message(hostile: httpx.Client, said: dict[str, str]) -> None:
    answered(hostile.get("/epidata/covidcast/", params={**SOUND["/epidata/covidcast/"], **said}))


@pytest.fixture(scope="module")
def hostile(past: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=past, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd", "/..%2f..%2fbook.toml", "/%2e%2e/book.toml", "/....//book.toml", "//etc/passwd",
        "/live/../../book.toml", "/%5c..%5cbook.toml", "/.public.lock", "/us-states.csv/", "/us-states.csv/x",
        "/" + "x" * 400, "/x" * 4000, "/loop",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_release(serve: Serve, small: Book, path: str) -> None:
    client = serve(small)
    (small.folder / "public/link").symlink_to(small.folder / "book.toml")
    (small.folder / "public/loop").symlink_to(small.folder / "public/loop")
    for one in (path, "/link"):
        said = raw(client, f"GET {one} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert said.split(b" ")[1] in (b"404", b"400"), said
        assert b"title =" not in said


def test_bytes_that_are_no_text_are_refused(serve: Serve, small: Book) -> None:
    client = serve(small)
    for path in ("/api/v1/series?place=%00", "/api/v1/series?place=%ff%fe", "/%00", "/us.csv%0d%0aX: 1", "/%ff",
                 "/epidata/covidcast/?signals=%c3%28", "/api/v1/series?place=a%0d%0ab"):  # fmt: skip
        said = raw(client, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 400"), (path, said)
    for sent in (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        assert raw(client, sent)[9:10] in (b"4", b"")


def test_the_limits_have_their_own_statuses(serve: Serve, small: Book) -> None:
    client = serve(small)
    assert client.get("/api/v1/series", params={"place": ["Ohio"] * 4000}).status_code == 414
    assert client.get("/api/v1/series", params={"place": "O" * 101}).status_code == 422
    assert client.post("/epidata/covidcast/", content=b"a=" + b"b" * 70_000).status_code == 413
    chunked = client.post("/epidata/covidcast/", content=iter([b"a=" + b"b" * 40_000] * 2))
    assert chunked.status_code == 413
    many = "&".join(f"p{number}=1" for number in range(200))
    assert client.get(f"/epidata/covidcast/?{many}").json()["result"] == -1
    few = serve(small, limits=Limits(rows=2))
    assert few.get("/api/v1/series?level=state").status_code == 413
    truncated = few.get("/epidata/covidcast/?signal=nyt:cases_avg&geo=state:*&time=day:*").json()
    assert (len(truncated["epidata"]), truncated["result"]) == (2, 2)
    none = serve(small, limits=Limits(states=0))
    assert none.get("/epidata/covidcast/?signal=nyt:cases_avg&geo=state:*&time=day:*&issues=*").status_code == 413


def test_large_answers_wait_their_turn(serve: Serve, small: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    going_on = threading.Event()

    def slow(*_: object) -> Iterator[bytes]:
        yield b"geoid"
        going_on.wait(timeout=60)
        yield b",date"

    monkeypatch.setattr("tallybook.server.answers.pieces", slow)
    client = serve(small, limits=TIGHT)
    client.headers["Accept-Encoding"] = "identity"
    asked = "/api/v1/series?level=state&format=csv"
    with client.stream("GET", asked) as first:
        assert first.status_code == 200
        second = client.get(asked)
        assert (second.status_code, second.headers["retry-after"]) == (429, "5")
        epidata = client.get("/epidata/covidcast/?signal=nyt:cases_avg&geo=state:*&time=day:*")
        assert (epidata.status_code, epidata.json()["result"]) == (429, -1)
        going_on.set()
        assert first.read() == b"geoid,date"
    # Whether it was finished or given up, its slot is free again.
    with client.stream("GET", asked) as given_up:
        assert given_up.status_code == 200
    for _ in range(200):
        if client.get(asked).status_code == 200:
            break
        time.sleep(0.05)
    else:
        pytest.fail("the slot was not given back")


def test_nothing_can_be_changed_and_the_folder_may_be_read_only(serve: Serve, small: Book) -> None:
    client = serve(small)
    before = digest(small.folder)
    for method in ("PUT", "PATCH", "DELETE", "POST", "TRACE"):
        for path in ("/us-states.csv", "/api/v1/series", "/api/v1/places"):
            answer = client.request(method, path)
            assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)
    for path in ("/api/v1/series?as_of=2020-05-03", "/epidata/covidcast/?signal=nyt:*&geo=state:*&time=day:*&issues=*"):
        answered(client.get(path))
    assert digest(small.folder) == before
    for one in (small.folder, *small.folder.rglob("*")):
        one.chmod(0o555 if one.is_dir() else 0o444)
    changed = {path: path.stat().st_mtime_ns for path in (small.folder, *small.folder.rglob("*"))}
    client = serve(Book(small.folder))
    assert client.get("/api/v1/series?place=Ohio").json()["data"]
    past = client.get("/epidata/covidcast/?signal=nyt:cases_avg&geo=state:*&time=day:*&issues=*").json()
    assert past["result"] == 1
    assert changed == {path: path.stat().st_mtime_ns for path in (small.folder, *small.folder.rglob("*"))}
    for one in (small.folder, *small.folder.rglob("*")):
        one.chmod(0o755 if one.is_dir() else 0o644)


def test_anybody_may_read_from_anywhere(serve: Serve, small: Book) -> None:
    client = serve(small)
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    allowed = client.options("/api/v1/series", headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "*"
    for path in ("/us-states.csv", "/nothing", "/epidata/covidcast/meta"):
        assert client.get(path).headers["access-control-allow-origin"] == "*"


def test_nothing_that_goes_wrong_inside_is_told(
    serve: Serve, small: Book, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(small)
    monkeypatch.setattr("tallybook.server.api.metrics_table", lambda *_: 1 / 0)
    answer = client.get("/api/v1/metrics")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "ZeroDivisionError" not in answer.text
    for _ in range(100):
        # It is logged after it was answered.
        if "ZeroDivisionError" in caplog.text:
            break
        time.sleep(0.05)
    else:
        pytest.fail("it was not logged")
    table = next((small.folder / "ledger/observations").rglob("*.parquet"))
    table.write_bytes(b"damaged")
    broken = client.get("/api/v1/revisions")
    assert (broken.status_code, broken.headers["retry-after"]) == (503, "5")
    assert str(small.folder) not in broken.text
    (small.folder / "public/release.json").unlink()
    assert client.get("/api/v1/").status_code == 503


@pytest.mark.parametrize("mode", GenerationMode)
def test_the_document_says_what_the_api_does(past: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_url(f"{past}/api/v1/openapi.json")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)

        @settings(max_examples=12, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck))
        @given(found.ok().as_strategy(generation_mode=mode))
        def holds(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate()

        try:
            holds()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, "what takes no parameters cannot be asked wrongly"
