"""Releases that lack something: every page is there and makes sense."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from sites import COUNTIES, EASTERN, STATES, US, built, drawn, register
from tallybook import Book

CASES = Callable[[Path], Book]


def recorded(folder: Path, files: dict[str, str], *, levels: tuple[str, ...]) -> Book:
    book = built(folder / "book", levels=levels)
    feed = folder / "feed"
    feed.mkdir()
    for name, text in files.items():
        (feed / f"{name}.csv").write_text(text)
    book.record("nyt", feed, as_of=dt.datetime(2020, 5, 4, 9, tzinfo=EASTERN))
    return book


def one_place(folder: Path) -> Book:
    states = "\n".join(line for line in STATES.splitlines() if "New York" not in line)
    return recorded(folder, {"us-states": states}, levels=("state",))


def single_day(folder: Path) -> Book:
    first = {name: "\n".join(text.splitlines()[:2]) for name, text in (("us", US), ("us-states", STATES))}
    return recorded(folder, first, levels=("nation", "state"))


def no_states(folder: Path) -> Book:
    return recorded(folder, {"us-counties": COUNTIES}, levels=("county",))


def nation_only(folder: Path) -> Book:
    return recorded(folder, {"us": US}, levels=("nation",))


def no_people(folder: Path) -> Book:
    book = recorded(folder, {"us-states": STATES}, levels=("state",))
    (book.folder / "places.csv").write_text("geoid,population\nUSA-53,\n")
    return Book(book.folder)


def no_gdp(folder: Path) -> Book:
    return recorded(folder, {"us-states": STATES.replace("Washington,53", "Montana,30")}, levels=("state",))


def live_only(folder: Path) -> Book:
    book = built(folder / "book", levels=("state",))
    live = folder / "feed" / "live"
    live.mkdir(parents=True)
    header = "date,state,fips,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths\n"
    (live / "us-states.csv").write_text(header + "2020-05-04,Washington,53,70,3,,,,\n")
    evening = dt.datetime(2020, 5, 4, 20, tzinfo=EASTERN)
    book.record("nyt", folder / "feed", as_of=evening)
    return Book(book.folder, clock=lambda: evening)


def deaths_only(folder: Path) -> Book:
    book = built(folder / "book", levels=("state",))
    (folder / "excess-deaths").mkdir(parents=True)
    header = "country,placename,frequency,start_date,end_date,year,month,week,deaths\n"
    months = [
        f"Peru,,monthly,,,{year},{month},,{900 + year % 7 + month}\n"
        for year in range(2015, 2020)
        for month in range(1, 13)
    ]
    (folder / "excess-deaths/deaths.csv").write_text(header + "".join(months))
    book.record("nyt", folder / "excess-deaths/deaths.csv")
    return book


def weekly(folder: Path) -> Book:
    start = dt.date(2020, 1, 5)
    weeks = [(start + dt.timedelta(weeks=week), 10 * week) for week in range(30)]
    lines = [f"{day},Washington,53,{cases},{cases // 20}" for day, cases in weeks]
    states = "\n".join(["date,state,fips,cases,deaths", *lines])
    book = built(folder / "book", levels=("state",))
    card = book.folder / "sources/nyt.md"
    card.write_text(card.read_text().replace("cadence: daily", "cadence: weekly"))
    (folder / "us-states.csv").write_text(states)
    book.record("nyt", folder / "us-states.csv", as_of=dt.datetime(2020, 8, 4, 9, tzinfo=EASTERN))
    return book


def no_anomalies(folder: Path) -> Book:
    return recorded(folder, {"us": US, "us-states": STATES}, levels=("nation", "state"))


def wordless_anomaly(folder: Path) -> Book:
    book = no_anomalies(folder)
    (book.folder / "anomalies.csv").write_text(register(""))
    return Book(book.folder)


def levels_count_otherwise(folder: Path) -> Book:
    """A state has cases and deaths; its only town has tests, too, which lead, and no deaths."""
    book = recorded(folder, {"us-states": STATES.replace("Washington,53", "Connecticut,09")}, levels=("state",))
    config = book.folder / "book.toml"
    both = config.read_text().replace('levels = ["state"]', 'levels = ["state", "town"]')
    config.write_text('metrics = ["tests", "cases", "deaths"]\n' + both)
    (book.folder / "sources/towns.md").write_text(
        "---\ntitle: Towns\nlayout: table\nlevel: town\nstate: Connecticut\nreporting: explicit\n"
        "date: {column: day}\nplace: {name: town}\nmetrics: {tests: tests, cases: cases}\n---\n"
    )
    (folder / "towns.csv").write_text("day,town,tests,cases\n2020-05-02,Bethel,10,1\n2020-05-03,Bethel,30,2\n")
    book = Book(book.folder)
    book.record("towns", folder / "towns.csv", as_of=dt.datetime(2020, 5, 4, 9, tzinfo=EASTERN))
    return book


BOOKS: dict[str, tuple[CASES, str, str]] = {
    "one place": (one_place, "index.html", "Washington"),
    "a single day": (single_day, "index.html", "On May 1, 2020, the United States had"),
    "no states": (no_states, "index.html", "3 counties"),
    "the nation only": (nation_only, "index.html", "the United States had an average of 24.3 new cases a day"),
    "no people": (no_people, "place/USA-53.html", "not known, so there are no figures per 100,000"),
    "no gdp": (no_gdp, "place/USA-30.html", "not published"),
    "live counts only": (live_only, "index.html", "live/us-states.csv"),
    "deaths from all causes only": (deaths_only, "index.html", "Nothing is counted by day: this release has deaths"),
    "weekly reports": (weekly, "place/USA-53.html", "counted"),
    "no anomalies": (no_anomalies, "place/USA-53.html", "The register has none of Washington."),
    "levels that count otherwise": (levels_count_otherwise, "place/USA-09.html", "New tests a day per 100,000"),
    "an anomaly without words": (wordless_anomaly, "place/USA-53.html", "The register has no words for it."),
}


@pytest.mark.parametrize("name", BOOKS)
def test_every_page_makes_sense(
    name: str, tmp_path: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    make, path, says = BOOKS[name]
    folder = make(tmp_path).publish().folder
    for page in {*folder.rglob("*.html")} - {folder / "bubbles.html"}:  # which offers "None" for a size
        text = re.sub(r"<script.*?</script>", "", page.read_text(), flags=re.DOTALL)
        assert not re.search(r"\b(None|nan|NaN|inf|Infinity|undefined)\b", text), page
    told = open_page(host(folder) + path)
    assert says in told.locator("body").inner_text()
    for kind in ("index", "compare", "bubbles", "revisions", "data"):
        told.goto(host(folder) + f"{kind}.html")
        told.wait_for_load_state("load")
        assert told.locator("h1").inner_text()
    for place in list((folder / "place").glob("*.html"))[:2]:
        told.goto(host(folder) + f"place/{place.name}")
        drawn(told)
