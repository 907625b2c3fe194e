"""What is asked for that is not there, not yet, no longer, or said wrongly: each gets an answer that says so."""

import errno
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from server_fixtures import serving
from tallybook import Book
from tallybook.release.figures import figures
from tallybook.server.served import Limits

MOMENT = "%Y-%m-%dT%H:%M:%SZ"
FIRST, LATER = (datetime(2020, 5, day, 12, tzinfo=UTC) for day in (4, 5))
LAST = datetime(2020, 5, 6, 12, 0, 0, 250_000, tzinfo=UTC)
STATES = ("date,state,fips,cases,deaths", "2020-05-01,Ohio,39,7,0", "2020-05-02,Ohio,39,14,1", "2020-05-02,Utah,49,5,0")
COUNTIES = ("date,county,state,fips,cases,deaths", "2020-05-01,Franklin,Ohio,39049,3,0")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A book of states that has counties since its second day, and a corrected count since its third; published."""
    folder = tmp_path_factory.mktemp("grown")
    config = Book.init(folder / "book", template="nyt").folder / "book.toml"
    config.write_text(config.read_text().replace('["nation", "state"]', '["nation", "state", "county"]'))
    book = Book(config.parent)
    for moment, name, lines in (
        (FIRST, "us-states.csv", STATES),
        (LATER, "us-counties.csv", COUNTIES),
        (LAST, "us-states.csv", (*STATES[:2], "2020-05-02,Ohio,39,16,1", STATES[3])),
    ):
        (folder / name).write_text("\n".join([*lines, ""]))
        book.record("nyt", folder / name, as_of=moment)
    book.publish()
    return book


@pytest.fixture(scope="module")
def client(grown: Book) -> Iterator[httpx.Client]:
    with serving(grown) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def tight(grown: Book) -> Iterator[httpx.Client]:
    """A server that sends every answer piece by piece, and computes no past state."""
    with (
        serving(grown, limits=Limits(light=0, states=0)) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield client


def test_days_that_end_before_they_begin_are_refused(client: httpx.Client) -> None:
    said = client.get("/api/v1/series?place=Ohio&from=2020-05-02&to=2020-05-01")
    assert (said.status_code, said.json()["detail"].split("; ")[1]) == (404, "from comes before to")


def test_a_level_that_was_never_counted_is_told_with_those_that_were(client: httpx.Client) -> None:
    said = client.get("/api/v1/series?level=nation&metric=cases")
    assert (said.status_code, said.json()["detail"]) == (404, "there is nothing of level 'nation'; use state or county")


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_page_without_a_size_is_all_the_rest(client: httpx.Client, format_: str) -> None:
    asked = {"level": "state", "metric": "cases", "measure": "cumulative"}
    first = client.get("/api/v1/series", params={**asked, "limit": 2}).json()
    rest = client.get("/api/v1/series", params={**asked, "format": format_, "cursor": first["next"]})
    rows = (pl.read_csv if format_ == "csv" else pl.read_parquet)(io.BytesIO(rest.content))
    whole = client.get("/api/v1/series", params=asked).json()["data"]
    assert rows["cases_cumulative"].to_list() == [row["cases_cumulative"] for row in whole[2:]]
    assert "link" not in rest.headers


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("covidcast/?data_source=nyt&geo=state:oh&time=day:*", "missing parameter: signals"),
        ("covidcast/?geo=state:oh&time=day:*", "missing parameter: need [data_source, signals] or [signal]"),
        ("covidcast/?signal=nyt:cases_avg&time=day:*", "missing parameter: need [geo_type, geo_values] or [geo]"),
        ("covidcast/?signal=nyt:cases_avg&geo=state:*&time=day:20200501;week:202018", "time takes one group"),
        (
            "covidcast/?signal=nyt:cases_avg&geo=state:*&time=week:202054",
            "not a valid week: 202054; write it as YYYYWW",
        ),
        ("covidcast/csv?geo_type=state", "missing parameter: signal; such as signal=nyt:cases_avg"),
    ],
)
def test_a_query_of_epidata_that_says_too_little_is_told_what_is_missing(
    client: httpx.Client, path: str, says: str
) -> None:
    answer = client.get(f"/epidata/{path}")
    assert answer.json()["message"].startswith(says)
    assert (answer.json()["epidata"], answer.json()["result"]) == ([], -1)


def test_weeks_have_no_signal_and_days_do(client: httpx.Client) -> None:
    asked = "/epidata/covidcast/?signal=nyt:cases_cumulative&geo=state:*&time="
    assert client.get(f"{asked}week:202018").json()["result"] == -2
    assert len(client.get(f"{asked}day:20200501-20200502").json()["epidata"]) == 3


@pytest.mark.parametrize("measure", ["avg", "cumulative"])
def test_counties_that_were_not_counted_yet_are_no_rows_and_no_failure(client: httpx.Client, measure: str) -> None:
    asked = f"/api/v1/series?level=county&metric=cases&measure={measure}&as_of="
    before, since = f"{asked}{FIRST:{MOMENT}}", f"{asked}{LATER:{MOMENT}}"
    assert client.get(before).json()["data"] == []
    assert len(client.get(since).json()["data"]) == 1
    assert client.get(f"{before}&format=csv&status=true").text == f"geoid,date,cases_{measure},cases_status\n"
    rows = pl.read_parquet(io.BytesIO(client.get(f"{before}&format=parquet").content))
    assert (rows.height, rows.columns) == (0, ["geoid", "date", f"cases_{measure}"])


def test_a_limit_ends_an_answer_of_several_signals(client: httpx.Client) -> None:
    asked = "/epidata/v5/snapshot/?source=nyt&signal=cases_cumulative,deaths_cumulative&geo_type=state"
    whole = client.get(asked).text.splitlines()
    assert len(whole) == 7
    assert client.get(f"{asked}&limit=2").text.splitlines() == whole[:3]


def test_a_level_that_is_not_published_has_no_values(client: httpx.Client) -> None:
    asked = "/epidata/v5/snapshot/?source=nyt&signal=cases_cumulative&geo_type="
    assert len(client.get(f"{asked}town").text.splitlines()) == 1
    assert len(client.get(f"{asked}county").text.splitlines()) == 2


def test_report_times_are_days_or_moments_and_both_ends_are_within(client: httpx.Client) -> None:
    asked = "/epidata/v5/archive/?source=nyt&signal=cases_cumulative&geo_type=state&report_time_query="
    # Moments are told to the second, and this one is a quarter of one later.
    until = client.get(f"{asked}<={LAST:{MOMENT}}").text
    assert until == client.get(f"{asked}2020-05-04:2020-05-06").text
    assert len(until.splitlines()) == 5
    assert len(client.get(f"{asked}<{LAST:{MOMENT}}").text.splitlines()) == 4
    assert len(client.get(f"{asked}2020-05-05:2020-05-06").text.splitlines()) == 2


def test_more_past_states_than_are_computed_at_once_are_refused(tight: httpx.Client, client: httpx.Client) -> None:
    asked = "/epidata/v5/archive/?source=nyt&signal=cases_avg&geo_type=state&report_time_query=2020-05-01:2020-05-07"
    refused = tight.get(asked)
    assert refused.status_code == 413
    assert "at most 0 are; ask for fewer report times" in refused.json()["message"]
    assert client.get(asked).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/series?level=state", "/us-states.csv"])
def test_what_is_sent_piece_by_piece_is_not_sent_again_either(tight: httpx.Client, path: str) -> None:
    plain = {"Accept-Encoding": "identity"}
    first = tight.get(path, headers=plain)
    again = tight.get(path, headers=plain | {"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_large_files_are_compressed_while_they_are_sent(
    client: httpx.Client, grown: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.server.files._AT_ONCE", 10)
    answer = client.get("/us-states.csv", headers={"Accept-Encoding": "gzip"})
    assert (answer.headers["content-encoding"], "content-length" in answer.headers) == ("gzip", False)
    assert answer.content == (grown.folder / "public/us-states.csv").read_bytes()


def test_a_disk_that_fails_is_not_taken_for_a_file_that_is_not_there(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(errno.EIO, "the disk does not answer")

    assert client.get("/us-deaths.csv").status_code == 404
    monkeypatch.setattr("pathlib.Path.open", fails)
    assert client.get("/us-deaths.csv").status_code == 500
    monkeypatch.undo()
    assert client.get("/us-deaths.csv").status_code == 404


@pytest.mark.parametrize(("kept", "times"), [(150_000, 1), (0, 2)])
def test_a_past_that_is_too_large_to_be_kept_is_made_again_and_the_same(
    grown: Book, monkeypatch: pytest.MonkeyPatch, kept: int, times: int
) -> None:
    calls = []

    def counted(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return figures(*arguments, **options)

    monkeypatch.setattr("tallybook.server.past._KEPT_ROWS", kept)
    monkeypatch.setattr("tallybook.server.past.figures", counted)
    asked = f"/api/v1/series?place=Ohio&metric=cases&as_of={LATER:{MOMENT}}&measure="
    with serving(grown) as address, httpx.Client(base_url=address, timeout=60) as client:
        first, second = (client.get(f"{asked}{measure}").json()["data"] for measure in ("incidence", "avg"))
    assert [row["cases_incidence"] for row in first] == [7, 7]
    assert [row["cases_avg"] for row in second] == [1, 2]
    assert len(calls) == times


def test_a_metric_that_nobody_reported_yet_has_no_values_and_no_status(tmp_path: Path) -> None:
    folder = Book.init(tmp_path / "book").folder
    config = folder / "book.toml"
    config.write_text(config.read_text().replace('levels = ["nation", "state"]', 'levels = ["state"]'))
    (folder / "sources/agency.md").write_text(
        "---\ntitle: Cases\nlayout: table\nreporting: explicit\nlevel: state\n"
        "date: {column: Date}\nplace: {name: State}\nmetrics: {cases: Cases}\n---\n"
    )
    (tmp_path / "cases.csv").write_text("Date,State,Cases\n2020-05-01,Ohio,3\n2020-05-03,Ohio,5\n")
    book = Book(folder)
    book.record("agency", tmp_path / "cases.csv")
    book.publish()
    with serving(book) as address, httpx.Client(base_url=address, timeout=60) as client:
        for metric, rows in (("cases", 2), ("deaths", 0)):
            of = f"level=state&metric={metric}&status=true"
            assert len(client.get(f"/api/v1/series?{of}&measure=cumulative").json()["data"]) == rows
            asked = f"/epidata/covidcast/?signal=book:{metric}_cumulative&geo=state:*&time=day:*"
            assert len(client.get(asked).json()["epidata"]) == rows
            asked = f"/epidata/v5/snapshot/?source=book&signal={metric}_avg&geo_type=state"
            assert len(client.get(asked).text.splitlines()) == 1 + rows
