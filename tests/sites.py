"""Small books to make sites of, and what tests of pages need beside a browser."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.sync_api import Page

from tallybook import Book

EASTERN = ZoneInfo("America/New_York")

SHOTS = Path(os.environ.get("TALLYBOOK_SHOTS", Path(__file__).resolve().parents[1] / "build" / "screenshots"))
"""Where the pictures of pages are kept, to be looked at."""

HOSTILE = "<img src=x onerror=\"document.title='taken'\"> & </script><script>document.title='taken'</script>"


US = "date,cases,deaths\n2020-05-01,100,4\n2020-05-02,130,5\n2020-05-03,170,7\n"
STATES = """date,state,fips,cases,deaths
2020-05-01,New York,36,60,3
2020-05-01,Washington,53,40,1
2020-05-02,New York,36,75,3
2020-05-02,Washington,53,55,2
2020-05-03,New York,36,100,4
2020-05-03,Washington,53,70,3
"""
COUNTIES = """date,county,state,fips,cases,deaths
2020-05-01,New York City,New York,,60,3
2020-05-01,Snohomish,Washington,53061,30,1
2020-05-01,Unknown,Washington,,10,0
2020-05-02,New York City,New York,,75,3
2020-05-02,Snohomish,Washington,53061,45,2
2020-05-02,Unknown,Washington,,10,0
2020-05-03,New York City,New York,,100,4
2020-05-03,Snohomish,Washington,53061,60,3
2020-05-03,Unknown,Washington,,10,0
"""


def register(description: str, *, geoid: str = "USA-53", omit: str = "yes") -> str:
    """A register with one entry on 2 May 2020."""
    quoted = '"' + description.replace('"', '""') + '"'
    return (
        "date,end_date,county,state,geoid,type,omit_from_rolling_average,omit_from_rolling_average_on_subgeographies,"
        f"adjusted_daily_count_for_avg,description\n2020-05-02,,,Washington,{geoid},cases,{omit},{omit},0,{quoted}\n"
    )


def built(folder: Path, *, levels: tuple[str, ...] = ("nation", "state")) -> Book:
    """A new book of the published layout with these levels."""
    file = Book.init(folder, template="nyt").folder / "book.toml"
    named = ", ".join(f'"{level}"' for level in levels)
    file.write_text(file.read_text().replace('levels = ["nation", "state"]', f"levels = [{named}]"))
    return Book(folder)


def abroad(address: str) -> bool:
    """Whether an address is neither of this machine nor no address at all."""
    return not address.startswith(("http://127.0.0.1:", "file:", "data:", "blob:"))


def drawn(page: Page, number: int = 1) -> None:
    """Wait until so many charts are drawn."""
    if number:
        page.locator("[data-drawn]").nth(number - 1).wait_for(state="attached", timeout=20_000)


def keep(page: Page, name: str) -> None:
    """Keep a picture of a page, to be looked at."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
