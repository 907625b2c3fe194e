"""Two small books that have a file of every kind, so that the reference names every column there is."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

from tallybook import Book
from tallybook.model.anomalies import ANOMALY_COLUMNS

_STATES: Final = "date,state,fips,cases,deaths"
_COUNTIES: Final = "date,county,state,fips,cases,deaths"
_LIVE: Final = "confirmed_cases,confirmed_deaths,probable_cases,probable_deaths"
_FEED: Final = {
    "us.csv": "date,cases,deaths\n2020-06-01,20,2\n2020-06-02,30,2\n",
    "us-states.csv": f"{_STATES}\n2020-06-01,Connecticut,09,20,2\n2020-06-02,Connecticut,09,30,2\n",
    "us-counties-2020.csv": f"{_COUNTIES}\n2020-06-01,Hartford,Connecticut,09003,9,1\n",
    "excess-deaths/deaths.csv": "country,placename,frequency,start_date,end_date,year,month,week,deaths\n"
    + "".join(f"Ohio,,monthly,,,{year},{month},,{100 + month}\n" for year in range(2015, 2021) for month in (1, 2)),
}
_REVISED: Final = {"us-states.csv": _FEED["us-states.csv"].replace("09,30,2", "09,31,2")}
_TOWNS: Final = (
    "Town number,Town,Last update date,Total cases ,Confirmed cases,Probable cases,Case rate,Total deaths,"
    "Confirmed deaths,Probable deaths,People tested,Rate tested per 100k,Number of tests,Number of positives,"
    "Number of negatives,Number of indeterminates\n"
    "1,Andover,06/01/2020,5,5,0,156,0,0,0,100,3127,110,6,100,4\n"
    "1,Andover,06/02/2020,6,6,0,188,0,0,0,110,3440,121,7,110,4\n"
)
_WEEKLY: Final = "Reporting area,MMWR year,MMWR week,Cumulative cases\nOhio,2020,20,<5\nOhio,2020,21,8\n"


def releases(folder: Path) -> list[Path]:
    """Make the books below a folder, publish them, and return their releases."""
    return [_daily(folder / "daily"), _weekly(folder / "weekly")]


def _daily(folder: Path) -> Path:
    book = Book.init(folder / "book", template="nyt")
    towns = Book.init(folder / "towns", template="connecticut")
    card = "ct-towns.md"
    (book.folder / "sources" / card).write_text((towns.folder / "sources" / card).read_text())
    config = book.folder / "book.toml"
    levels = 'levels = ["nation", "state", "county", "town"]'
    metrics = 'metrics = ["cases", "deaths", "people_tested", "tests", "positive_tests"]'
    said = config.read_text().replace('levels = ["nation", "state"]', f"{levels}\n{metrics}")
    config.write_text(said)
    _with_ranges(book)
    (folder / "towns.csv").write_text(_TOWNS)
    # The live counts of the first day become final on the second.
    for day in (3, 4):
        book = Book(book.folder, clock=partial(datetime, 2020, 6, day, 20, tzinfo=UTC))
        _write(folder / f"feed-{day}", {**(_FEED if day == 3 else _REVISED), **_live(f"2020-06-{day:02}")})
        book.record("nyt", folder / f"feed-{day}")
    book.record("ct-towns", folder / "towns.csv")
    return book.publish(site=False).folder


def _with_ranges(book: Book) -> None:
    """Say something of several days, so that no column of dates is empty."""
    card = book.folder / "sources" / "nyt.md"
    card.write_text(card.read_text() + "- 2020-06-01 to 2020-06-02: counts of a weekend.\n")
    row = "2020-06-01,2020-06-02,,Connecticut,USA-09,cases,,,5,A backlog."
    (book.folder / "anomalies.csv").write_text(f"{','.join(ANOMALY_COLUMNS)}\n{row}\n")


def _live(day: str) -> dict[str, str]:
    counts = "40,3,38,3,2,0"
    return {
        "live/us.csv": f"date,cases,deaths,{_LIVE}\n{day},{counts}\n",
        "live/us-states.csv": f"{_STATES},{_LIVE}\n{day},Connecticut,09,{counts}\n",
        "live/us-counties.csv": f"{_COUNTIES},{_LIVE}\n{day},Hartford,Connecticut,09003,{counts}\n",
    }


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _weekly(folder: Path) -> Path:
    book = Book.init(folder / "book", template="measles")
    (folder / "weekly.csv").write_text(_WEEKLY)
    book.record("measles", folder / "weekly.csv")
    return book.publish(site=False).folder
