"""The ledger at the size of a nation: ten million observations of five hundred days; and real vintages."""

from __future__ import annotations

import datetime as dt
import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
from rich.table import Table

from tallybook import Book
from tallybook.ledger import Ledger
from tallybook.model.metrics import METRICS
from tallybook.model.places import gazetteer
from tallybook.model.reports import REPORT_SCHEMA, Reports
from tallybook.sources.vintages import FolderHistory

PLACES = 3_142
DAYS = 1_158
MOMENTS = 500
REVISED = 0.86
"""The values revised a day, per place and metric: a few percent of those of the last month."""

BEGIN = dt.datetime(2021, 11, 10, tzinfo=dt.UTC)
FIRST = dt.date(2020, 1, 21)

Numbers = npt.NDArray[np.integer[Any]]
Made = TypeVar("Made")


def vintages(places: int, days: int, moments: int) -> Iterator[tuple[Reports, dt.datetime]]:
    """Yield what each day brings: at first the past, then each day its new values and some corrections."""
    rng = np.random.default_rng(0)
    named = gazetteer().frame.filter(level="county")["geoid"].head(places)
    series = named.to_frame("place").join(pl.DataFrame({"metric": list(METRICS)}), how="cross")
    every, past = np.arange(series.height), days - moments
    rows, dates = np.repeat(every, past + 1), np.tile(np.arange(past + 1), len(every))
    yield _reports(series, rows, dates, rng), BEGIN
    for number in range(1, moments):
        some = int(len(every) * REVISED)
        corrected = np.stack([rng.choice(every, some), past + number - rng.integers(1, 30, some)], axis=1)
        corrected = np.unique(corrected, axis=0)
        rows = np.concatenate([every, corrected[:, 0]])
        dates = np.concatenate([np.full(len(every), past + number), corrected[:, 1]])
        yield _reports(series, rows, dates, rng), BEGIN + dt.timedelta(days=number)


def _reports(series: pl.DataFrame, rows: Numbers, days: Numbers, rng: np.random.Generator) -> Reports:
    frame = series[rows].with_columns(
        date=pl.Series(days + (FIRST - dt.date(1970, 1, 1)).days, dtype=pl.Int32).cast(pl.Date),
        value=pl.Series(rng.integers(0, 1_000_000, len(rows)).astype(np.float64)),
        status=pl.lit("reported"),
    )
    return Reports(frame.select(pl.col(name).cast(dtype) for name, dtype in REPORT_SCHEMA.items()), "nyt", "day", "")


def ledger_speed(folder: Path, *, places: int = PLACES, days: int = DAYS, moments: int = MOMENTS) -> Table:
    """Return how long the ledger takes, as multiples of reading the newest state as one Parquet file."""
    ledger = Ledger(folder / "ledger")
    load, _ = timed(lambda: sum(1 for _ in ledger.record_all(vintages(places, days, moments))), times=1)
    newest, rows = timed(ledger.as_of)
    rows.write_parquet(folder / "newest.parquet")
    floor, _ = timed(lambda: pl.read_parquet(folder / "newest.parquet"))
    middle = BEGIN + dt.timedelta(days=moments // 2)
    past, _ = timed(lambda: ledger.as_of(middle))
    of_place, _ = timed(lambda: ledger.as_of(middle, place=rows["place"][0]))
    one, _ = timed(lambda: ledger.history(rows["place"][0], "cases", FIRST + dt.timedelta(days=days - 10)))
    series = rows.select("place", "metric").unique(maintain_order=True)
    every = np.arange(series.height)
    today = _reports(series, every, np.full(len(every), days + 1), np.random.default_rng(1))
    append, _ = timed(lambda: ledger.record(today, as_of=BEGIN + dt.timedelta(days=moments)), times=1)
    size = sum(file.stat().st_size for file in (folder / "ledger").rglob("*") if file.is_file())
    whole = moments * np.mean([_zipped(ledger, BEGIN + dt.timedelta(days=day)) for day in (0, moments // 2, moments)])
    title = (
        f"The ledger: {rows.height:,} values, {moments} moments, {size / 1e6:.0f} MB with its index, "
        f"1/{whole / size:.0f} of every version as gzipped CSV (three of them measured)"
    )
    table = Table("what", "time, s", "ratio", title=title, title_justify="left")
    table.add_row("the newest state, read as Parquet", f"{floor:.2f}", "1.0 ×")
    for name, seconds in (
        ("as of now, everything", newest),
        ("as of the middle, everything", past),
        ("as of the middle, one place", of_place),
        ("history of one value", one),
        ("appending a day", append),
        ("loading it all", load),
    ):
        table.add_row(name, f"{seconds:.2f}", f"{seconds / floor:.1f} ×")
    return table


def _zipped(ledger: Ledger, moment: dt.datetime) -> int:
    """Return the size of what was known at a moment, as gzipped CSV of the published kind."""
    known = ledger.as_of(moment).with_columns(pl.col("value").cast(pl.Int64))
    table = known.pivot("metric", index=["date", "place"], values="value").sort("date", "place")
    return len(gzip.compress(table.write_csv().encode()))


def vintage_speed(folder: Path, past: Path) -> Table:
    """Return how long recording real vintages takes, as multiples of parsing them with polars."""
    files = sorted(past.glob("*.csv.gz"))
    floor, _ = timed(lambda: [pl.read_csv(file, try_parse_dates=True) for file in files])

    def record() -> int:
        book = Book.init(Path(mkdtemp(dir=folder)) / "book", template="nyt")
        return sum(1 for _ in book.record_vintages("nyt", FolderHistory(past)))

    seconds, number = timed(record)
    table = Table("what", "time, s", "ratio", title=f"{number} real vintages of us-states.csv", title_justify="left")
    table.add_row("parsing them with polars", f"{floor:.2f}", "1.0 ×")
    table.add_row("recording them", f"{seconds:.2f}", f"{seconds / floor:.1f} ×")
    return table


def timed(call: Callable[[], Made], *, times: int = 3) -> tuple[float, Made]:
    """Return the shortest time of a few, in seconds, and what the call returns."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        made = call()
        best = min(best, time.perf_counter() - began)
    return best, made
