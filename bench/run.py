"""The benchmark: every figure a ratio or a share within one run, so that machines can be compared.

It prints tables and writes them to ``BENCHMARKS.md``.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.table import Table

from accuracy import accuracy, compared
from api import api_speed
from averages import averages_speed, growth
from excess import excess_agreement, excess_speed
from explorer import explorer_speed
from hundred import hundred_speed
from ledger import ledger_speed, vintage_speed
from publishing import publishing_speed
from starting import starting_speed
from tallybook import gazetteer, simulate
from tallybook.sources.simulated import write_published

ROUNDS: Final = 3
HERE: Final = Path(__file__).resolve().parents[1]
REPORT: Final = HERE / "BENCHMARKS.md"
SHARED: Final = Path(os.environ.get("TALLYBOOK_SHARED_DATA", HERE.parent / "shared" / "data"))
OUT: Final = Console(width=130)
ABOUT: Final = """# Benchmarks

Made by `make bench`: every figure that matters is a ratio within one run, so that machines can be compared. Times are
the fastest of a few fresh processes, without starting Python and importing packages unless a table says "one process".
The floor, "copying", is polars reading the same file into memory and writing it with as many columns as the work has.
"tallybook" holds whole frames in memory; "tallybook lazy" goes through them by place, in memory that hardly grows;
what is larger than a machine goes that way, or to Spark. `python bench/hundred.py 100` tries 100 times the record.
Books by DuckDB and Spark are compared cell by cell in the tests, not here: what they take depends on where they run.
"""


def main() -> None:
    """Run all of it, print the tables and write the report."""
    machine = (
        f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}; "
        f"Python {platform.python_version()}, polars {version('polars')}, numpy {version('numpy')}, "
        f"pandas {version('pandas')}"
    )
    OUT.print(machine)
    report = [ABOUT, f"{machine}.\n"]
    with tempfile.TemporaryDirectory() as folder:
        for table in _tables(Path(folder)):
            OUT.print(table)
            report.append(_markdown(table))
    REPORT.write_text("\n".join(report), encoding="utf-8")


def _tables(folder: Path) -> Iterator[Table]:
    real = SHARED.is_dir()
    yield starting_speed()
    yield averages_speed(folder)
    yield growth(folder)
    yield hundred_speed(folder, factor=30)
    yield publishing_speed(folder, SHARED / "nyt" if real else None)
    yield _whole_book(folder)
    yield ledger_speed(folder)
    yield api_speed(folder)
    if real:
        yield vintage_speed(folder, SHARED / "nyt-vintages")
        yield explorer_speed(folder, SHARED / "nyt")
    yield excess_speed()
    if real:
        yield excess_agreement(SHARED / "nyt/excess-deaths/deaths.csv")
    yield _accuracy()


def _markdown(table: Table) -> str:
    """Return a table as Markdown under its title."""
    columns = [[str(column.header), "---", *map(str, column.cells)] for column in table.columns]
    lines = [f"| {' | '.join(row)} |" for row in zip(*columns, strict=True)]
    title = [f"## {table.title}", ""] if table.title else []
    return "\n".join([*title, *lines, ""])


def _whole_book(folder: Path) -> Table:
    """Books recorded and published by one fresh process, beside a process that only imports the package."""
    states = gazetteer().frame.filter(level="state")["geoid"].to_list()
    # The New York Times' county file of 2 May 2020 had 106,826 rows; this has about as many.
    feeds = {
        "56 states × 1,158 days": simulate(days=1158, seed=1),
        "56 states, their counties × 150 days": simulate(counties_of=states, days=150, seed=1),
    }
    book = folder / "book"
    table = Table(
        *("one fresh process", "rows", "import only, s", "record and publish, s", "ratio"),
        title="Recording and publishing, beside importing the package",
    )
    idle = _fastest(partial(_fresh, "from tallybook import Book", book))
    for name, outbreak in feeds.items():
        feed = folder / "feed" / str(outbreak.reports.height)
        write_published(outbreak, feed)
        work = f"""
from tallybook import Book
book = Book.init({str(book)!r}, template="simulated")
book.record("simulated", {str(feed)!r})
book.publish()
"""
        whole = _fastest(partial(_fresh, work, book))
        rows = f"{outbreak.reports.height:,}"
        table.add_row(name, rows, f"{idle:.2f}", f"{whole:.2f}", f"{whole / idle:.1f} ×")
    return table


def _fresh(code: str, book: Path) -> None:
    shutil.rmtree(book, ignore_errors=True)
    subprocess.run([sys.executable, "-c", code], check=True)


def _accuracy() -> Table:
    """The error of the averages against simulated truth, by kind of disturbance."""
    shown = accuracy(compared(seeds=range(16)))
    title = "Mean absolute error against the true seven-day mean, counts a day (16 simulated outbreaks, 400 days)"
    table = Table("metric", "where", "places", "days", "ours", "naive", "change", title=title, title_justify="left")
    for column in table.columns[2:]:
        column.justify = "right"
    for metric, where, places, days, ours, naive, change in shown.rows():
        cells = f"{places:,}", f"{days:,}", f"{ours:,.2f}", f"{naive:,.2f}", f"{change:+.1%}"
        table.add_row(metric, where, *cells)
    return table


def _fastest(work: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
