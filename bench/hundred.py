"""More rows than memory holds: the county record many times over, from Parquet to Parquet, and what it takes.

By itself, ``python bench/hundred.py 100``, it is the county record a hundred times: 360 million rows.
"""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

PLACES: Final = 3_200
DAYS: Final = 1_161
FIRST: Final = dt.date(2020, 1, 21)
DAYS_A_FILE: Final = 8
MISSING: Final = 0.005
"""The share of days a place has no row for."""

CHILD: Final = """
import sys, time
sys.path.insert(0, {here!r})
import polars as pl
from tallybook import daily, rolling_average
from task import peak_memory
source, out = sys.argv[1:]
began = time.perf_counter()
read = pl.scan_parquet(source)
{work}
print(time.perf_counter() - began, peak_memory())
"""
COPY: Final = "read.with_columns(cases_avg=pl.col('cases') * 1.0, deaths_avg=pl.col('deaths') * 1.0).sink_parquet(out)"
AVERAGE: Final = "rolling_average(daily(read)).sink_parquet(out)"


def totals_by_day(folder: Path, factor: int) -> int:
    """Write cumulative counts of invented places, a file for every few days, and return the number of rows.

    Files by date are the hard case: every file has rows of every place. Places begin on different days, report less on
    weekends, and miss some days.
    """
    rng = np.random.default_rng(0)
    count = PLACES * factor
    geoids = pl.select(pl.format("USA-{}", pl.int_range(count).cast(pl.String).str.zfill(6)).alias("geoid"))
    level = rng.lognormal(1.5, 1.2, count)
    begins = rng.integers(0, 60, count)
    totals = np.zeros((2, count), dtype=np.int64)
    rows = 0
    for file, first in enumerate(range(0, DAYS, DAYS_A_FILE)):
        days = []
        for number in range(first, min(first + DAYS_A_FILE, DAYS)):
            today = FIRST + dt.timedelta(days=number)
            wave = (1.1 + np.sin(number / 40)) * (0.2 if today.weekday() > 4 else 1)
            totals[0] += rng.poisson(level * wave)
            totals[1] += rng.poisson(level * wave / 70)
            cells = geoids.with_columns(pl.lit(today).alias("date"), cases=totals[0].copy(), deaths=totals[1].copy())
            days.append(cells.filter(pl.Series((begins <= number) & (rng.random(count) >= MISSING))))
        made = pl.concat(days)
        made.write_parquet(folder / f"{file:04}.parquet")
        rows += made.height
    return rows


def hundred_speed(folder: Path, *, factor: int = 3) -> Table:
    """Return how long averages of so many county records take and their peak memory, beside copying the same rows."""
    source = folder / "totals"
    source.mkdir()
    rows = totals_by_day(source, factor)
    title = f"In little memory: {rows:,} rows, {_size(source):.2f} GB of Parquet by date"
    table = Table("Parquet → Parquet × 2 metrics", "time, s", "ratio", "peak memory, GB", "written, GB", title=title)
    floor = None
    for name, work in (("copying, streamed", COPY), ("daily counts and averages", AVERAGE)):
        out = folder / "out.parquet"
        seconds, peak = _fresh(work, source, out)
        floor = floor or seconds
        cells = f"{seconds:,.1f}", f"{seconds / floor:.1f} ×", f"{peak / 1e9:.2f}", f"{_size(out):.2f}"
        table.add_row(name, *cells)
        out.unlink()
    shutil.rmtree(source)
    return table


def _fresh(work: str, source: Path, out: Path) -> tuple[float, float]:
    """Return the seconds and the peak memory, in bytes, of work done by a fresh process."""
    code = CHILD.format(work=work, here=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code, source, out], check=True, capture_output=True, text=True)
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def _size(path: Path) -> float:
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e9


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as work_folder:
        Console(width=110).print(hundred_speed(Path(work_folder), factor=int(sys.argv[1])))
