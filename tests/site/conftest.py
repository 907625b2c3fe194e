"""Sites that were built, a server below a path of its own, and a browser that reports everything it complains of."""

import datetime as dt
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from sites import COUNTIES, EASTERN, HOSTILE, STATES, US, abroad, built, register
from tallybook import Book
from tallybook.sources.vintages import FolderHistory


@pytest.fixture(autouse=True)
def without_site() -> None:
    """Here releases have their pages."""


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
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], str]]:
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
    """Open an address in a browser of its own; whatever the page complains of, or asks of another host, fails the test."""
    contexts, complaints = [], []

    def opened(address: str, *, width: int = 1280, theme: str = "light", **options: Any) -> Page:
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
