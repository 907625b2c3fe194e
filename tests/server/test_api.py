import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import polars as pl
import pytest

from server_fixtures import Serve, record
from tallybook import Book, read
from tallybook.errors import DataRefusedError


@pytest.fixture(scope="module")
def client(real: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{real}/api/v1", timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def before(past: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{past}/api/v1", timeout=60) as client:
        yield client


def test_a_series_is_what_the_release_says_in_every_format(client: httpx.Client, real_book: Book) -> None:
    averages = pl.read_parquet(real_book.folder / "public/rolling-averages/us-states.parquet").filter(geoid="USA-53")
    totals = pl.read_parquet(real_book.folder / "public/us-states.parquet").filter(geoid="USA-53")
    expected = pl.DataFrame(
        {
            "geoid": averages["geoid"],
            "date": averages["date"],
            "cases_cumulative": totals["cases"],
            "cases_incidence": averages["cases"],
            "cases_avg": averages["cases_avg"],
            "cases_avg_per_100k": averages["cases_avg_per_100k"],
        }
    ).sort("date")
    asked = {"place": "Washington", "metric": "cases"}
    said = client.get("/series", params=asked).json()
    assert (said["source"]["id"], said["next"]) == ("nyt", None)
    assert said["licence"] == real_book.config.licence
    assert said["as_of"] == json.loads((real_book.folder / "public/release.json").read_text())["as_of"]
    assert pl.DataFrame(said["data"]).with_columns(pl.col("date").str.to_date()).equals(expected)
    readers: dict[str, Callable[[io.BytesIO], pl.DataFrame]] = {
        "csv": pl.read_csv,
        "parquet": pl.read_parquet,
        "arrow": pl.read_ipc_stream,
    }
    for name, read_as in readers.items():
        answer = client.get("/series", params={**asked, "format": name})
        frame = read_as(io.BytesIO(answer.content))
        if name == "csv":
            frame = frame.with_columns(pl.col("date").str.to_date())
        assert frame.equals(expected), name
        assert answer.headers["tallybook-licence"] == real_book.config.licence
        assert answer.headers["tallybook-source"].startswith("nyt; ")
        assert answer.headers["tallybook-as-of"] == said["as_of"]


def test_a_level_comes_in_pages_that_are_of_one_state(client: httpx.Client) -> None:
    rows: list[dict[str, object]] = []
    cursor = None
    while cursor or not rows:
        asked = "level=state&metric=cases&measure=avg&from=2021-01-01&to=2021-01-31&limit=700"
        page = client.get(f"/series?{asked}" + (f"&cursor={cursor}" if cursor else "")).json()
        rows += page["data"]
        cursor = page["next"]
    whole = client.get("/series?level=state&metric=cases&measure=avg&from=2021-01-01&to=2021-01-31&format=csv")
    assert len(rows) == len(whole.text.splitlines()) - 1 == 55 * 31
    assert len({(row["geoid"], row["date"]) for row in rows}) == len(rows)
    linked = client.get("/series?level=state&metric=cases&format=csv&limit=2").headers["link"]
    assert linked.startswith("<?level=state&metric=cases&format=csv&limit=2&cursor=")
    assert linked.endswith('>; rel="next"')


def test_a_page_of_a_state_that_is_gone_is_refused(serve: Serve, small: Book, tmp_path: Path) -> None:
    client = serve(small)
    cursor = client.get("/api/v1/series?level=state&limit=1").json()["next"]
    record(small, tmp_path / "feed", ["2020-05-01,Ohio,39,7,0", "2020-05-02,Ohio,39,15,1", "2020-05-02,Utah,49,5,0"])
    small.publish()
    refused = client.get(f"/api/v1/series?level=state&limit=1&cursor={cursor}")
    assert (refused.status_code, refused.json()["title"]) == (409, "Conflict")
    assert client.get("/api/v1/series?level=state&limit=1").json()["data"]


def test_what_was_known_is_what_the_ledger_says(before: httpx.Client, vintages: Book) -> None:
    moment = "2020-07-01T12:00-04:00"
    totals = vintages.totals("state", as_of=vintages.ledger.records()["as_of"][8])
    asked = {"level": "state", "metric": "cases", "as_of": moment, "format": "parquet"}
    cumulative = pl.read_parquet(io.BytesIO(before.get("/series", params={**asked, "measure": "cumulative"}).content))
    assert cumulative.equals(totals.select("geoid", "date", cases_cumulative="cases"))
    every = pl.read_parquet(io.BytesIO(before.get("/series", params=asked).content))
    averages = vintages.averages("state", as_of=vintages.ledger.records()["as_of"][8]).sort("geoid", "date")
    assert every.select("geoid", "date", "cases_avg").equals(averages.select("geoid", "date", "cases_avg"))
    assert every["cases_cumulative"].equals(cumulative["cases_cumulative"])
    answer = before.get("/series", params={"place": "WA", "as_of": moment}).json()
    assert answer["as_of"] == "2020-06-25T14:37:04+00:00"
    nothing = before.get("/series", params={"place": "WA", "as_of": "2020-01-01"})
    assert (nothing.status_code, nothing.json()["detail"][:20]) == (404, "nothing was known at")


def test_a_snapshot_is_of_one_day_and_all_places(client: httpx.Client, before: httpx.Client) -> None:
    rows = client.get("/snapshot?level=state&date=2021-01-01").json()["data"]
    assert len(rows) == 55
    assert {row["date"] for row in rows} == {"2021-01-01"}
    assert client.get("/snapshot").json()["data"][0]["date"] == "2023-03-23"
    past = before.get("/snapshot?date=2020-06-01&as_of=2020-06-05&metric=deaths").json()
    assert past["as_of"].startswith("2020-06-03")
    assert {*past["data"][0]} == {
        "geoid",
        "date",
        "deaths_cumulative",
        "deaths_incidence",
        "deaths_avg",
        "deaths_avg_per_100k",
    }


def test_an_average_is_explained(client: httpx.Client, real_book: Book) -> None:
    told = client.get("/explain?place=Texas&date=2022-01-15&metric=cases").json()["data"]
    assert (told["average"], told["window_days"], told["days"][5]["adjustment"]) == (64125.0, 7, -26236)
    assert told["origin"]["file"].endswith("us-states.csv")
    nation = client.get("/explain?place=USA&date=2022-01-15&metric=cases").json()["data"]
    assert sum(part["average"] for part in nation["parts"]) == pytest.approx(nation["average"])
    missing = client.get("/explain?place=Texas&date=2019-01-15&metric=cases")
    assert missing.status_code == 404
    assert real_book.folder.name not in missing.text


def test_everything_that_stands_behind_the_figures(client: httpx.Client, before: httpx.Client, vintages: Book) -> None:
    about = client.get("/").json()["data"]
    assert about["levels"]["state"] == {"first_date": "2020-01-21", "last_date": "2023-03-23"}
    places = client.get("/places?level=state").json()["data"]
    assert len(places) == 56
    assert next(place for place in places if place["geoid"] == "USA-53")["title"] == "Washington"
    signals = client.get("/metrics").json()["data"]
    assert len(signals) == 16
    assert signals[0]["unit"] == "counts since the beginning"
    odd = client.get("/anomalies?place=Texas&metric=cases&from=2022-01-01&to=2022-01-31").json()["data"]
    assert odd
    assert all(one["geoid"] == "USA-48" and one["date"] <= "2022-01-31" for one in odd)
    assert all((one["end_date"] or one["date"]) >= "2022-01-01" for one in odd)
    revised = before.get("/revisions?place=WA&metric=cases").json()["data"]
    expected = vintages.ledger.revisions().filter(place="USA-53", metric="cases")
    assert [(one["date"], one["old"], one["new"]) for one in revised] == [
        (str(day), old, new) for day, old, new in expected.select("date", "old", "new").rows()
    ]
    assert len(before.get("/revisions?since=2021-03-01&limit=1").json()["data"]) == 1
    release = before.get("/releases").json()["data"][-1]
    assert (release["new"], release["revised"]) == (1210, 2)


def test_a_folder_of_books_is_served_below_their_names(serve: Serve, small: Book, tmp_path: Path) -> None:
    other = Book.simulated(tmp_path / "other", days=60, counties_of=[])
    other.record("simulated", other.folder / "feed")
    other.publish()
    client = serve(small, other, several=True)
    listed = client.get("/").text
    assert "b/simulated/" in listed
    assert '<html lang="en">' in listed
    for alone in ("/b", "/b/"):
        assert client.get(alone, follow_redirects=True).text == listed
    assert client.get("/b/simulated/api/v1/").json()["source"]["id"] == "simulated"
    assert client.get("/b/nyt/us-states.csv").text.startswith("date,state")
    assert client.get("/b/none/api/v1/").status_code == client.get("/b/none/us.csv").status_code == 404
    assert [one["source"] for one in client.get("/epidata/covidcast/meta").json()] == ["nyt", "simulated"]
    both = client.get("/epidata/covidcast/?signal=nyt:cases_avg;simulated:cases_avg&geo=state:oh&time=day:*").json()
    assert {row["source"] for row in both["epidata"]} == {"nyt", "simulated"}
    release = read(f"{str(client.base_url).rstrip('/')}/b/simulated")
    assert release.totals("state").equals(read(other.folder / "public").totals("state"))


def test_a_book_without_a_release_keeps_nobody_from_the_others(serve: Serve, small: Book, tmp_path: Path) -> None:
    client = serve(small, Book.init(tmp_path / "empty"), several=True)
    assert [one["source"] for one in client.get("/epidata/covidcast/meta").json()] == ["nyt"]
    assert {row["data_source"] for row in client.get("/epidata/covidcast_meta/").json()["epidata"]} == {"nyt"}
    assert list(client.get("/epidata/v5/metadata/").json()) == ["nyt"]
    alone = serve(Book(tmp_path / "empty"))
    refused = alone.get("/epidata/covidcast_meta/")
    assert refused.status_code == 503
    assert refused.json()["message"] == "nothing is published yet; run `tallybook publish`"


def test_texts_that_a_spreadsheet_takes_for_formulas_are_quoted(serve: Serve, small: Book) -> None:
    """Registers with such descriptions are not taken any more, but were, and releases of then are still served."""
    (small.folder / "anomalies.csv").write_text(
        "date,end_date,county,state,geoid,type,omit_from_rolling_average,omit_from_rolling_average_on_subgeographies,"
        'adjusted_daily_count_for_avg,description\n2020-05-02,,,Ohio,USA-39,cases,,,0,"=HYPERLINK(""x"")"\n'
    )
    with pytest.raises(DataRefusedError, match="begins as a formula does"):
        small.publish()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tallybook.model.tables.FORMULA", "^$")
        small.publish()
    client = serve(small)
    assert "'=HYPERLINK" in client.get("/api/v1/anomalies?format=csv").text
    assert client.get("/api/v1/anomalies").json()["data"][0]["description"].startswith("=HYPERLINK")


def test_past_averages_are_made_with_the_register_that_was_known_then(
    serve: Serve, small: Book, tmp_path: Path
) -> None:
    (small.folder / "anomalies.csv").write_text(
        "date,end_date,county,state,geoid,type,omit_from_rolling_average,omit_from_rolling_average_on_subgeographies,"
        "adjusted_daily_count_for_avg,description\n2020-05-02,,,Ohio,USA-39,cases,yes,,0,omitted\n"
    )
    first = small.ledger.records()["as_of"].max()
    record(small, tmp_path / "feed", ["2020-05-01,Ohio,39,8,0", "2020-05-02,Ohio,39,14,1", "2020-05-02,Utah,49,5,0"])
    small.publish()
    client = serve(small)
    asked = "/api/v1/series?place=Ohio&metric=cases&measure=avg"
    past = client.get(f"{asked}&as_of={quote(str(first))}")
    assert [row["cases_avg"] for row in past.json()["data"]] == [1.0, 2.0]
    # Omitted, the second day counts neither in the sum nor in the days.
    assert [round(row["cases_avg"], 3) for row in client.get(asked).json()["data"]] == [1.143, 1.143]
    explained = client.get("/api/v1/explain?place=Ohio&date=2020-05-02&metric=cases").json()["data"]
    assert round(explained["average"], 3) == 1.143
