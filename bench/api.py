"""The server at the size of a nation: percentiles of small answers, and how long large ones take."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import polars as pl
from rich.table import Table

from ledger import BEGIN, DAYS, MOMENTS, PLACES, vintages
from tallybook import Book, Ledger

SECONDS = 30
MANY = 200_000

SERIES = "api/v1/series?place=USA-01001&metric=cases&measure=avg"
YEAR = "from=2021-11-01&to=2022-10-31"


def api_speed(folder: Path) -> Table:
    """Return how fast a server of every county is; the ledger of ``ledger_speed`` is used where it is there."""
    book = _book(folder)
    rows = (
        pl.scan_parquet(book.folder / "public/rolling-averages/us-counties.parquet").select(pl.len()).collect().item()
    )
    table = Table("what", "measured", title=f"A server of {rows:,} rows, one process", title_justify="left")
    with _serving(book) as (process, address):
        for what, measured in (*_large(process, address), *_small(process, address)):
            table.add_row(what, measured)
    return table


def _large(process: int, address: str) -> Iterator[tuple[str, str]]:
    """Yield how long large answers take, the first time and again, and the most memory by then."""
    # After the year is over, and long before the last version.
    past = BEGIN + dt.timedelta(days=380)
    moment = f"{past:%Y-%m-%d}T23:00Z"
    days = YEAR.replace("-", "").replace("from=", "").replace("&to=", "-")
    v4 = f"epidata/covidcast/?signal=simulated:cases_cumulative&geo=county:*&time=day:{days}&as_of={past:%Y%m%d}"
    wanted = {
        "a year of counties as of a moment, CSV": f"api/v1/series?level=county&metric=cases&measure=cumulative&{YEAR}"
        f"&as_of={moment}&format=csv",
        "the same as Epidata V4, CSV": f"{v4}&format=csv",
        "the same as Epidata V4, JSON": v4,
        "a whole signal, V5, gzip": "epidata/v5/snapshot/?source=simulated&signal=cases_cumulative&geo_type=county",
    }
    for what, asked in wanted.items():
        first, size = _timed(f"{address}{asked}")
        again, _ = _timed(f"{address}{asked}")
        most = _memory(process, "VmHWM")
        yield what, f"{first:.1f} s, again {again:.1f} s, {size / 1e6:,.0f} MB sent, memory at most {most} MB"


def _small(process: int, address: str) -> Iterator[tuple[str, str]]:
    """Yield the percentiles of one place's whole series, as wrk measures them on the same machine."""
    fresh = [_timed(f"{address}{SERIES}&to=2023-01-{day:02}")[0] for day in range(1, 29)]
    yield "one place's series as JSON, made anew", f"{sorted(fresh)[len(fresh) // 2] * 1e3:.1f} ms"
    if not shutil.which("wrk"):
        yield "the same, asked at once", "not measured: there is no wrk on this machine"
        return
    for connections in (4, 50):
        yield f"the same, {connections} connections", _wrk(f"{address}{SERIES}", connections)
    before, asked = _memory(process, "VmRSS"), 0
    while asked < MANY:
        said = _wrk_said(f"{address}{SERIES}", 50)
        asked += int(re.findall(r"(\d+) requests in", said)[0])
    yield f"{asked:,} requests more", f"memory {before} → {_memory(process, 'VmRSS')} MB"


def _wrk(address: str, connections: int) -> str:
    said = _wrk_said(address, connections)
    half, most = (re.findall(rf"{share}%\s+(\S+)", said)[0] for share in ("50", "99"))
    wrong = re.findall(r"(?:Socket errors|Non-2xx).*", said)
    rate = re.findall(r"Requests/sec:\s+(\S+)", said)[0]
    return f"p50 {half}, p99 {most}, {float(rate):,.0f} a second, {'; '.join(wrong) or 'no errors'}"


def _wrk_said(address: str, connections: int) -> str:
    command = ["wrk", "-t2", f"-c{connections}", f"-d{SECONDS}s", "--latency", address]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _timed(address: str) -> tuple[float, int]:
    began, size = time.perf_counter(), 0
    headers = {"Accept-Encoding": "gzip" if "v5" in address else "identity"}
    with httpx.stream("GET", address, headers=headers, timeout=600) as got:
        got.raise_for_status()
        for chunk in got.iter_raw(1_048_576):
            size += len(chunk)
    return time.perf_counter() - began, size


def _memory(process: int, name: str) -> int:
    """Return the memory of a process in MB: what it has (VmRSS), or ever had at most (VmHWM)."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0
    return int(re.findall(rf"{name}:\s+(\d+)", status.read_text())[0]) // 1000


@contextmanager
def _serving(book: Book) -> Iterator[tuple[int, str]]:
    command = [sys.executable, "-m", "tallybook", "serve", "--book", str(book.folder), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline() if process.stdout else ""
        yield process.pid, re.findall(r"http://\S+/", said)[0]
    finally:
        process.terminate()
        process.wait()


def _book(folder: Path) -> Book:
    """Return a published book of every county."""
    book = Book.init(folder / "served", template="simulated")
    file = book.folder / "book.toml"
    file.write_text(re.sub(r"levels = .*", 'levels = ["county"]', file.read_text()))
    if (folder / "ledger").is_dir():
        (folder / "ledger").rename(book.folder / "ledger")
    else:
        for _ in Ledger(book.folder / "ledger").record_all(vintages(PLACES, DAYS, MOMENTS)):
            pass
    book = Book(book.folder)
    book.publish()
    return book
