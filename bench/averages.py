"""Averages of all counties from file to file, beside the floor and beside what a user would otherwise write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.table import Table

from tallybook import gazetteer, simulate
from task import POPULATIONS, REGISTER

ROUNDS: Final = 3
HERE: Final = Path(__file__).parent
DELPHI: Final = Path(os.environ.get("TALLYBOOK_DELPHI_PYTHON", HERE.parent / ".venv/delphi/bin/python"))
"""A Python that has delphi-utils; ``make bench`` makes it."""

_WAYS: Final = {
    ".csv": ("copying", "copying_streamed", "tallybook", "pandas_rolling", "pandas_apply", "delphi_smoother"),
    ".parquet": ("copying", "copying_streamed", "tallybook", "tallybook_lazy"),
}
_GROWTH: Final = (1, 3, 10, 30)
_IN_MEMORY: Final = 10
"""Beyond so many times the rows, a frame that is no lazy one asks for more than many machines have."""

_Made = dict[str, float | None]


def write_totals(folder: Path) -> int:
    """Write the totals of all counties by day as CSV and Parquet, the register and populations; return the rows."""
    states = gazetteer().frame.filter(level="state")["geoid"].to_list()
    outbreak = simulate(counties_of=states, days=1158, seed=1)
    every, told = (rows.filter(pl.col("geoid").str.len_chars() == 9) for rows in (outbreak.truth, outbreak.reports))
    totals = every.select("geoid", "date").join(told, on=["geoid", "date"], how="left")
    # What the others work on has no gaps: a day without a report has the total of the day before.
    counts = pl.col("cases", "deaths").forward_fill().over("geoid").fill_null(0)
    totals = totals.sort("geoid", "date").select("geoid", "date", counts)
    totals.write_csv(folder / "totals.csv")
    totals.write_parquet(folder / "totals.parquet")
    outbreak.anomalies.write_parquet(folder / REGISTER)
    gazetteer().frame.select("geoid", "population").write_csv(folder / POPULATIONS)
    return totals.height


def averages_speed(folder: Path) -> Table:
    """Return what each way takes, as ratios to copying the same file."""
    rows = write_totals(folder)
    table = Table(
        *("averages × 2 metrics", "way", "whole, s", "to the floor", "computing, s", "peak memory, GB"),
        title=f"Averages of {rows:,} rows",
    )
    for suffix, ways in _WAYS.items():
        made = {way: run(way, folder / f"totals{suffix}", folder / f"out{suffix}") for way in ways}
        for way, figures in made.items():
            table.add_row(f"{suffix[1:]} → {suffix[1:]}", way.replace("_", " "), *_cells(figures, made["copying"]))
    return table


def growth(folder: Path) -> Table:
    """Return the time a row takes of more and more rows, eager as long as memory holds, and in pieces."""
    table = Table("rows", "way", "whole, s", "µs a row", "to 1 ×", "peak memory, GB", title="Growth, Parquet → Parquet")
    once = pl.scan_parquet(folder / "totals.parquet")
    first: dict[str, float] = {}
    for factor in _GROWTH:
        source = folder / "grown.parquet"
        copies = [
            once.with_columns(pl.col("geoid") + f"-{number:02}" if factor > 1 else "geoid") for number in range(factor)
        ]
        pl.concat(copies).sink_parquet(source)
        rows = pl.scan_parquet(source).select(pl.len()).collect().item()
        for way in ("tallybook", "tallybook_lazy") if factor <= _IN_MEMORY else ("tallybook_lazy",):
            figures = run(way, source, folder / "out.parquet", rounds=ROUNDS if factor == 1 else 1)
            each = _seconds(figures) / rows * 1e6
            first.setdefault(way, each)
            peak = f"{(figures['peak'] or 0) / 1e9:.2f}"
            cells = f"{_seconds(figures):.2f}", f"{each:.3f}", f"{each / first[way]:.2f} ×", peak
            table.add_row(f"{rows:,}", way.replace("_", " "), *cells)
        source.unlink()
    return table


def run(way: str, source: Path, out: Path, *, rounds: int = ROUNDS) -> _Made:
    """Return the figures of the fastest of some fresh processes that do the task in a way."""
    python = DELPHI if way == "delphi_smoother" else sys.executable
    command = [str(python), str(HERE / "task.py"), way, str(source), str(out)]
    each: list[Any] = []
    for _ in range(rounds):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        each.append(json.loads(done.stdout.splitlines()[-1]))
        out.unlink()
    return dict(min(each, key=lambda figures: figures["whole"]))


def _cells(figures: _Made, floor: _Made) -> list[str]:
    compute = figures["compute"]
    return [
        f"{_seconds(figures):.2f}",
        f"{_seconds(figures) / _seconds(floor):.1f} ×",
        "" if compute is None else f"{compute:.2f}",
        f"{(figures['peak'] or 0) / 1e9:.2f}",
    ]


def _seconds(figures: _Made) -> float:
    return figures["whole"] or 0.0
