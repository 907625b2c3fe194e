"""Publishing whole books, beside reading and writing the same files again: the least that any program could do."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import polars as pl
from rich.table import Table

from tallybook import Book, gazetteer, simulate
from tallybook.sources.simulated import write_published

ROUNDS: Final = 3
PUBLISH: Final = "from tallybook import Book; Book({folder!r}).publish(site=False)"
COPY: Final = """
import sys
sys.path.insert(0, {here!r})
from pathlib import Path
from publishing import copied
copied(Path({source!r}), Path({out!r}))
"""


def publishing_speed(folder: Path, archive: Path | None) -> Table:
    """Return what it takes to publish a book by a fresh process, beside copying the tables of its release.

    Args:
        folder: where to work.
        archive: the New York Times' files, for a book of the real record of the states.
    """
    books = {"simulated, all counties × 1,158 days": _counties(folder)}
    if archive is not None:
        books["the real record of the states"] = _states(folder, archive)
    table = Table("book", "files, MB", "copying, s", "publishing, s", "to copying", title="A full publish, one process")
    for name, book in books.items():
        public = Book(book).publish(site=False).folder
        size = sum(file.stat().st_size for file in _tables(public)) / 1e6
        copy = COPY.format(here=str(Path(__file__).parent), source=str(public), out=str(folder / "copy"))
        floor = _fastest(copy)
        ours = _fastest(PUBLISH.format(folder=str(book)))
        table.add_row(name, f"{size:.0f}", f"{floor:.2f}", f"{ours:.2f}", f"{ours / floor:.1f} ×")
    return table


def copied(source: Path, out: Path) -> None:
    """Read every table of a release and write it again."""
    for file in _tables(source):
        target = out / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".csv":
            pl.read_csv(file, infer_schema=False).write_csv(target)
        else:
            pl.read_parquet(file).write_parquet(target)


def _tables(release: Path) -> list[Path]:
    return sorted(file for file in release.rglob("*") if file.suffix in {".csv", ".parquet"})


def _counties(folder: Path) -> Path:
    states = gazetteer().frame.filter(level="state")["geoid"].to_list()
    feed, book = folder / "county-feed", folder / "counties"
    write_published(simulate(counties_of=states, days=1158, seed=1), feed)
    Book.init(book, template="simulated").record("simulated", feed)
    return book


def _states(folder: Path, archive: Path) -> Path:
    book = folder / "states"
    Book.init(book, template="nyt").record("nyt", archive)
    return book


def _fastest(code: str) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - began)
    return min(times)
