"""A weekly notifiable disease from its template to its release: weeks, withheld counts, revisions."""

import datetime as dt
from pathlib import Path

import httpx
import polars as pl
import pytest
from typer.testing import CliRunner

from server_fixtures import serving
from tallybook import Book
from tallybook.book.weekly import weekly_book
from tallybook.cli.commands import app
from tallybook.errors import BookError, ContractError


@pytest.fixture(scope="module")
def measles(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Twelve vintages of a simulated feed, recorded and published without pages."""
    book = weekly_book(tmp_path_factory.mktemp("measles") / "book")
    book.publish(site=False)
    return book


def table(book: Book, name: str) -> pl.DataFrame:
    return pl.read_parquet(book.folder / "public" / name)


def test_what_is_small_is_withheld_in_every_file_and_never_zero(measles: Book) -> None:
    weeks = table(measles, "weeks.parquet")
    withheld = weeks.filter(status="withheld")
    assert withheld.height > 100
    assert withheld["total"].null_count() == withheld["new"].null_count() == withheld.height
    assert weeks.filter(status="reported")["total"].is_between(1, 4).sum() == 0
    totals = table(measles, "us-states.parquet").join(withheld, on=["geoid", "date"])
    assert totals["cases"].null_count() == totals.height == withheld.height
    lines = (measles.folder / "public/weeks.csv").read_text().splitlines()
    assert sum(",,,,withheld," in line for line in lines) == withheld.height


def test_the_latest_four_weeks_are_provisional(measles: Book) -> None:
    weeks = table(measles, "weeks.parquet")
    assert weeks.filter("provisional")["mmwr_week"].unique().sort().to_list() == [27, 28, 29, 30]
    assert weeks["date"].dt.weekday().unique().to_list() == [6]


def test_weeks_are_revised_as_cases_become_known_and_each_past_week_can_be_asked_for(measles: Book) -> None:
    revised = table(measles, "revisions.parquet")
    assert revised.filter((pl.col("new") > pl.col("old")).fill_null(value=False)).height > 50
    assert revised.filter((pl.col("new") < pl.col("old")).fill_null(value=False)).height > 0
    then = measles.ledger.as_of(dt.datetime(2025, 6, 1, tzinfo=dt.UTC))
    assert then["date"].max() == dt.date(2025, 5, 24)


def test_an_average_is_the_cases_a_day_of_the_weeks_reported(measles: Book) -> None:
    weeks = table(measles, "weeks.parquet")
    geoid = weeks.sort("total", nulls_last=False)["geoid"][-1]
    four = weeks.filter(geoid=geoid).tail(4)
    assert four["weeks_covered"].to_list() == [1, 1, 1, 1]
    last = table(measles, "rolling-averages/us-states.parquet").filter(geoid=geoid).sort("date").row(-1, named=True)
    assert last["cases_avg"] == four["new"].sum() / 28
    assert (last["cases_window_start"], last["cases_window_days"]) == (four["date"][0] - dt.timedelta(days=6), 28)


def test_a_total_after_withheld_ones_is_of_all_the_weeks_between(measles: Book) -> None:
    weeks = table(measles, "weeks.parquet").sort("geoid", "date")
    told = weeks.filter(pl.col("weeks_covered") > 1)
    assert told.height > 5
    for row in told.iter_rows(named=True):
        past = weeks.filter(geoid=row["geoid"]).filter(pl.col("date") < row["date"])
        between = past.tail(row["weeks_covered"])
        assert between["status"].to_list() == ["reported", *["withheld"] * (row["weeks_covered"] - 1)]
        assert row["new"] == row["total"] - between["total"][0]


def test_no_average_stands_for_a_count_that_is_withheld(measles: Book) -> None:
    weeks = table(measles, "weeks.parquet").filter(status="withheld").select("geoid", "date")
    made = table(measles, "rolling-averages/us-states.parquet")
    figures = made.select("geoid", "date", *(name for name in made.columns if name.startswith("cases_")))
    secret = figures.join(weeks, on=["geoid", "date"])
    blank = ("cases_avg", "cases_avg_per_100k", "cases_window_start", "cases_window_end", "cases_window_days")
    assert secret.height == weeks.height
    assert [secret[name].null_count() for name in blank] == [secret.height] * len(blank)
    latest = made.filter(pl.col("date") == made["date"].max()).join(weeks, on=["geoid", "date"])
    rows = (measles.folder / "public/rolling-averages/us-states.csv").read_text().splitlines()
    assert {f"{row['date']},{row['geoid']},{row['state']},,," for row in latest.iter_rows(named=True)} <= set(rows)
    place, day = secret.select("geoid", "date").row(-1)
    with pytest.raises(ContractError, match="a count is withheld"):
        measles.explain(place, day, "cases")
    assert measles.averages("state").filter(geoid=place, date=day)["cases_avg"].to_list() == [None]


def test_the_same_seed_makes_the_same_book(measles: Book, tmp_path: Path) -> None:
    again = weekly_book(tmp_path / "book")
    feeds = [sorted((book.folder / "feed").iterdir()) for book in (measles, again)]
    assert [file.read_bytes() for file in feeds[0]] == [file.read_bytes() for file in feeds[1]]


def test_the_api_says_withheld_and_never_zero(measles: Book) -> None:
    withheld = table(measles, "weeks.parquet").filter(status="withheld").row(-1, named=True)
    asked = {"data_source": "measles", "signals": "cases_cumulative", "time_type": "day", "geo_type": "state"}
    day = f"{withheld['date']:%Y%m%d}"
    with serving(measles) as address:
        said = httpx.get(
            f"{address}/epidata/covidcast/", params={**asked, "geo_values": "*", "time_values": day}
        ).json()
        also = {**asked, "signals": "cases_avg", "geo_values": "*", "time_values": day}
        averages = httpx.get(f"{address}/epidata/covidcast/", params=also).json()
        weeks = httpx.get(f"{address}/weeks.csv").text
    averaged = [row for row in averages["epidata"] if row["missing_value"] == 3]
    told = [row for row in said["epidata"] if row["missing_value"] == 3]
    assert [row["value"] for row in told] == [None] * len(told) != []
    assert sorted(row["geo_value"] for row in told) == sorted(row["geo_value"] for row in averaged)
    assert [row["value"] for row in averaged] == [None] * len(averaged)
    assert weeks == (measles.folder / "public/weeks.csv").read_text()


def test_the_api_says_why_a_count_is_missing_and_which_are_provisional(measles: Book) -> None:
    weeks = table(measles, "weeks.parquet")
    place = weeks.filter(pl.col("mmwr_week") == 30, status="withheld")["geoid"][0]
    said = pl.when(pl.col("provisional") & (pl.col("status") == "reported")).then(pl.lit("provisional"))
    expected = weeks.select("geoid", "date", status=said.otherwise("status"))
    with serving(measles) as address:

        def asked(route: str, **words: str) -> pl.DataFrame:
            rows = httpx.get(f"{address}/api/v1/{route}", params={"format": "parquet", **words}).content
            return pl.read_parquet(rows)

        every = asked("series", level="state")
        own = asked("series", place=place, measure="cumulative")
        then = asked("series", place=weeks.sort("total", nulls_last=False)["geoid"][-1], as_of="2025-06-01")
        plain = asked("series", place=place, status="false")
        rows = httpx.get(f"{address}/api/v1/snapshot").json()["data"]
    told = every.filter(pl.col("cases_status").is_not_null()).select("geoid", "date", status="cases_status")
    assert told.sort("geoid", "date").equals(expected.sort("geoid", "date"))
    assert (
        every.filter(cases_status="withheld").select(pl.selectors.float().null_count()).row(0)
        == (expected.filter(status="withheld").height,) * 2
    )
    assert own["cases_status"].to_list() == expected.filter(geoid=place).sort("date")["status"].to_list()
    # What was provisional in May is told from the weeks that were the latest then.
    known = then.filter(pl.col("cases_status").is_in(["reported", "provisional"])).sort("date")
    assert known["cases_status"].to_list()[-5:] == ["reported", *["provisional"] * 4]
    assert known["date"].to_list()[-1] == dt.date(2025, 5, 24)
    assert "cases_status" not in plain.columns
    assert {row["cases_status"] for row in rows} == {"provisional", "withheld"}
    assert [row["cases_avg"] for row in rows if row["cases_status"] == "withheld"] == [None] * 11


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("compare", "--measure", "new_cases"), ["New cases per week in", "By week of outbreak", "Week 1"]),
        (("place", "--place", "TX"), ["New cases per week in Texas", "announced that week"]),
        (("revisions", "--place", "TX", "--as-of", "2025-06-01"), ["New cases per week in Texas"]),
        (("map", "--measure", "new_cases"), ["New cases per week"]),
        (("map", "--measure", "cases_avg"), ["Cases per day, rolling average"]),
    ],
)
def test_pictures_of_weeks_speak_of_weeks(
    measles: Book, arguments: tuple[str, ...], says: list[str], tmp_path: Path
) -> None:
    drawn = tmp_path / "drawn.svg"
    done = CliRunner().invoke(app, ["chart", *arguments, "-o", str(drawn), "--book", str(measles.folder)])
    assert done.exit_code == 0, done.output
    words = drawn.read_text(encoding="utf-8")
    assert [said for said in says if said not in words] == []


def test_the_demo_of_weeks_can_be_made_again_and_no_other_book_is_touched(measles: Book, tmp_path: Path) -> None:
    before = table(measles, "weeks.parquet")
    done = CliRunner().invoke(app, ["demo", str(measles.folder), "--template", "measles"], env={"COLUMNS": "400"})
    assert done.exception is None, done.exception
    assert f"open {measles.folder / 'public/index.html'} in a browser" in done.stdout
    assert "Every number here is invented" in done.stdout
    assert table(measles, "weeks.parquet").equals(before)
    other = Book.init(tmp_path / "other", template="nyt").folder
    with pytest.raises(BookError, match="other holds another book; give a new folder"):
        weekly_book(other)
