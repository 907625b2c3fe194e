"""Servers to ask: one of the whole published record, one of a year of vintages, and one anybody may break."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from tallybook import Book
from tallybook.book.serving import served_book
from tallybook.server.app import create_app
from tallybook.server.served import Limits
from tallybook.sources.vintages import FolderHistory

Serve = Callable[..., httpx.Client]


@contextmanager
def serving(*books: Book, several: bool = False, limits: Limits | None = None) -> Iterator[str]:
    """Serve books at a free port, and return the address."""
    served = {one.id: one for one in map(served_book, books)}
    app = create_app(served, several=several, limits=limits)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def vintages(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A year of versions of the states' file, recorded and published; nobody may change it."""
    made = Book.init(tmp_path_factory.mktemp("vintages") / "book", template="nyt")
    for _ in made.record_vintages("nyt", FolderHistory(shared_data / "nyt-vintages")):
        pass
    made.publish()
    return made


@pytest.fixture(scope="session")
def real(real_book: Book) -> Iterator[str]:
    """The address of a server of the whole published record."""
    with serving(real_book) as address:
        yield address


@pytest.fixture(scope="session")
def past(vintages: Book) -> Iterator[str]:
    """The address of a server of the vintages."""
    with serving(vintages) as address:
        yield address


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve books for a test, and return a client of them."""
    stack = []

    def started(*books: Book, several: bool = False, limits: Limits | None = None) -> httpx.Client:
        running = serving(*books, several=several, limits=limits)
        client = httpx.Client(base_url=running.__enter__(), timeout=60)
        stack.append((client, running))
        return client

    yield started
    for client, running in stack:
        client.close()
        running.__exit__(None, None, None)


@pytest.fixture
def small(tmp_path: Path) -> Book:
    """A book of two states and three days, published."""
    feed = tmp_path / "feed"
    feed.mkdir()
    book = Book.init(tmp_path / "book", template="nyt")
    record(book, feed, ["2020-05-01,Ohio,39,7,0", "2020-05-02,Ohio,39,14,1", "2020-05-02,Utah,49,5,0"])
    book.publish()
    return book


def record(book: Book, feed: Path, rows: list[str]) -> None:
    feed.mkdir(exist_ok=True)
    (feed / "us-states.csv").write_text("\n".join(["date,state,fips,cases,deaths", *rows, ""]))
    book.record("nyt", feed / "us-states.csv")
