"""The benchmark: every figure a ratio or a share within one run, so that machines can be compared."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from accuracy import accuracy, compared
from api import api_speed
from excess import excess_agreement, excess_speed
from explorer import explorer_speed
from ledger import ledger_speed, vintage_speed
from tallybook import daily, gazetteer, per_100k, rolling_average, simulate
from tallybook.measures.rates import round_half_up
from tallybook.sources.simulated import write_published

ROUNDS = 3
HERE = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("TALLYBOOK_SHARED_DATA", HERE.parent / "shared" / "data"))
FIGURES = ("cases_avg", "cases_avg_per_100k", "deaths_avg", "deaths_avg_per_100k")
OUT = Console(width=110)


def main() -> None:
    """Run all of it and print the tables."""
    OUT.print(f"polars {version('polars')}, numpy {version('numpy')}, Python {sys.version.split()[0]}\n")
    with tempfile.TemporaryDirectory() as folder:
        _averages(Path(folder))
        _whole_book(Path(folder))
        OUT.print(ledger_speed(Path(folder)))
        OUT.print(api_speed(Path(folder)))
        if SHARED.is_dir():
            OUT.print(vintage_speed(Path(folder), SHARED / "nyt-vintages"))
            OUT.print(explorer_speed(Path(folder), SHARED / "nyt"))
    OUT.print(excess_speed())
    if SHARED.is_dir():
        OUT.print(excess_agreement(SHARED / "nyt/excess-deaths/deaths.csv"))
    _accuracy()


def _averages(folder: Path) -> None:
    """Averages of all counties, from CSV to files of as many columns, beside polars copying such files."""
    states = gazetteer().frame.filter(level="state")["geoid"].to_list()
    outbreak = simulate(counties_of=states, days=1158, seed=1)
    counties = outbreak.reports.filter(pl.col("geoid").str.len_chars() == 9)
    every = outbreak.truth.filter(pl.col("geoid").str.len_chars() == 9).select("geoid", "date")
    totals = every.join(counties, on=["geoid", "date"], how="left").select("geoid", "date", "cases", "deaths")
    source, register = folder / "totals.csv", outbreak.anomalies
    totals.with_columns(pl.col("cases", "deaths").fill_null(0)).sort("geoid", "date").write_csv(source)

    def copied(out: Path) -> None:
        columns = [(pl.col("cases") * 1.0).alias(name) for name in FIGURES]
        _sink(pl.scan_csv(source, try_parse_dates=True).with_columns(columns), out)

    def averaged(out: Path) -> None:
        read = pl.read_csv(source, try_parse_dates=True)
        made = per_100k(rolling_average(daily(read), anomalies=register))
        _sink(made.lazy().with_columns(round_half_up(name).alias(name) for name in FIGURES), out)

    table = Table(
        "averages × 2 metrics", "rows", "copying, s", "averages, s", "ratio", title="Speed", title_justify="left"
    )
    for suffix in (".parquet", ".csv"):
        floor, ours = (_fastest(partial(work, folder / f"out{suffix}")) for work in (copied, averaged))
        table.add_row(
            f"CSV → {suffix[1:]}", f"{totals.height:,}", f"{floor:.2f}", f"{ours:.2f}", f"{ours / floor:.1f} ×"
        )
    OUT.print(table)


def _whole_book(folder: Path) -> None:
    """Books recorded and published by one fresh process, beside a process that only imports the package."""
    states = gazetteer().frame.filter(level="state")["geoid"].to_list()
    # The New York Times' county file of 2 May 2020 had 106,826 rows; this has about as many.
    feeds = {
        "56 states × 1,158 days": simulate(days=1158, seed=1),
        "56 states, their counties × 150 days": simulate(counties_of=states, days=150, seed=1),
    }
    book = folder / "book"
    table = Table("one fresh process", "rows", "import only, s", "record and publish, s", "ratio")
    idle = _fastest(partial(_fresh, "import tallybook", book))
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
    OUT.print(table)


def _fresh(code: str, book: Path) -> None:
    shutil.rmtree(book, ignore_errors=True)
    subprocess.run([sys.executable, "-c", code], check=True)


def _accuracy() -> None:
    """The error of the averages against simulated truth, by kind of disturbance."""
    shown = accuracy(compared(seeds=range(16)))
    title = "Mean absolute error against the true seven-day mean, counts a day (16 simulated outbreaks, 400 days)"
    table = Table("metric", "where", "places", "days", "ours", "naive", "change", title=title, title_justify="left")
    for column in table.columns[2:]:
        column.justify = "right"
    for metric, where, places, days, ours, naive, change in shown.rows():
        cells = f"{places:,}", f"{days:,}", f"{ours:,.2f}", f"{naive:,.2f}", f"{change:+.1%}"
        table.add_row(metric, where, *cells)
    OUT.print(table)


def _sink(frame: pl.LazyFrame, out: Path) -> None:
    if out.suffix == ".csv":
        frame.sink_csv(out)
    else:
        frame.sink_parquet(out)


def _fastest(work: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
