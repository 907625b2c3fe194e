import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tallybook import Book


@contextmanager
def running(*arguments: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "tallybook", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200"}
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://127.0.0.1:[0-9]+/", process.stdout.readline())
        assert found, process.communicate()
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_prints_where_it_serves_and_finishes_what_it_began(small: Book, workers: str) -> None:
    with running("--book", str(small.folder), "--workers", workers) as (process, address):
        assert httpx.get(f"{address}api/v1/series?place=Ohio", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


def test_what_is_being_answered_is_finished_after_the_signal(real_book: Book) -> None:
    with running("--book", str(real_book.folder)) as (process, address):
        with httpx.stream("GET", f"{address}api/v1/series?level=state&format=csv", timeout=60) as answer:
            parts = answer.iter_bytes(10_000)
            first = next(parts)
            process.send_signal(signal.SIGTERM)
            text = (first + b"".join(parts)).decode()
        assert process.wait(timeout=60) == 0
    assert len(text.splitlines()) > 60_000


def test_a_folder_of_books(small: Book) -> None:
    with running("--books", str(small.folder.parent)) as (_process, address):
        assert httpx.get(f"{address}b/nyt/api/v1/", timeout=60).json()["source"]["id"] == "nyt"


def test_what_cannot_be_served_is_one_line(small: Book) -> None:
    with running("--book", str(small.folder)) as (_process, address):
        taken = address.rsplit(":", 1)[1].rstrip("/")
        for arguments, says in {
            ("--port", taken, "--book", str(small.folder)): "cannot listen at 127.0.0.1",
            ("--book", str(small.folder / "none")): "no book in",
            ("--books", str(small.folder / "sources")): "no book in the folders of",
            ("--books", "x", "--book", "y"): "exclude one another",
        }.items():
            done = subprocess.run(
                [sys.executable, "-m", "tallybook", "serve", *arguments], capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stdout) == (1, "")
            assert says in done.stderr
            assert done.stderr.count("\n") == 1
