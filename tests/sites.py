"""Sites that were built, a server below a path of its own, and a browser that reports everything it complains of."""

import datetime as dt
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tallybook import Book
from tallybook.sources.vintages import FolderHistory

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


@pytest.fixture(scope="session")
def real_site(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the whole published record of states, with old versions of it; nobody may change it."""
    book = Book.init(tmp_path_factory.mktemp("site") / "book", template="nyt")
    list(book.record_vintages("nyt", FolderHistory(shared_data / "nyt-vintages", zone=EASTERN)))
    book.record("nyt", shared_data / "nyt", as_of=dt.datetime(2023, 3, 24, 2, tzinfo=EASTERN))
    return book.publish().folder


@pytest.fixture(scope="session")
def small_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of a nation, two states and their counties, one of them without people, with a hostile anomaly."""
    folder = tmp_path_factory.mktemp("small")
    book = built(folder / "book", levels=("nation", "state", "county"))
    (book.folder / "anomalies.csv").write_text(register(HOSTILE))
    feed = folder / "feed"
    feed.mkdir()
    for name, text in (("us", US), ("us-states", STATES), ("us-counties", COUNTIES)):
        (feed / f"{name}.csv").write_text(text)
    book.record("nyt", feed, as_of=dt.datetime(2020, 5, 4, 9, tzinfo=EASTERN))
    (feed / "us-states.csv").write_text(STATES.replace("2020-05-02,Washington,53,55", "2020-05-02,Washington,53,58"))
    book.record("nyt", feed, as_of=dt.datetime(2020, 5, 5, 9, tzinfo=EASTERN))
    return Book(book.folder).publish().folder


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
    """Serve a folder below a path of its own, on this machine only; returns the address of its top."""
    root = tmp_path_factory.mktemp("www")
    (root / "data").mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def at(folder: Path) -> str:
        name = str(abs(hash(folder)))
        if not (root / "data" / name).exists():
            (root / "data" / name).symlink_to(folder)
        return f"http://127.0.0.1:{server.server_port}/data/{name}/"

    yield at
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; without it a test says so here, and fails where tests have to be complete."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium; apt-get install chromium")
        pytest.skip("skipped: no chromium")
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=executable, args=[*quiet, "--disable-sync", "--no-first-run"]
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a browser of its own; what the page complains of, or asks of another host, fails the test."""
    contexts, complaints = [], []

    def opened(address: str, *, width: int = 1280, theme: Literal["light", "dark"] = "light", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if abroad(asked.url) else None)
        page.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
