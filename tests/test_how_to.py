"""The README, the tutorial and the how-tos do what they say: their commands run, their output compared."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conftest import HERE
from pages import run_page

PAGES = [
    HERE / "README.md",
    *sorted((HERE / "docs").glob("tutorial/*.md")),
    *sorted((HERE / "docs").glob("how-to/*.md")),
    HERE / "docs/reference/command-line.md",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def archive(shared_data: Path) -> Iterator[str]:
    """The address of the New York Times' archive, as it was on 2 May 2020, on this machine."""
    handler = partial(Quiet, directory=str(shared_data / "nyt-2020-05-02"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_and_command_of_a_page_works(page: Path, archive: str, tmp_path: Path) -> None:
    text = page.read_text()
    ran = list(run_page(text, tmp_path, archive=archive))
    assert ran or ">>> " in text  # which the doctests run
    for command in ran:
        assert not command.said or command.shown == command.said, command.command
