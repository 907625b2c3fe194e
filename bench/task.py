"""One task done one way, by a process of its own: ``python bench/task.py WAY SOURCE OUT``.

The task: from cumulative counts by place and day to daily averages per 100,000 people, rounded, file to file. Printed
are the seconds of computing and of the whole, without starting Python and its packages, and the peak memory in bytes.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

METRICS: Final = ["cases", "deaths"]
FIGURES: Final = ["cases_avg", "cases_avg_per_100k", "deaths_avg", "deaths_avg_per_100k"]
POPULATIONS: Final = "populations.csv"
REGISTER: Final = "anomalies.parquet"


class Stopwatch:
    """Seconds since the last look, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = time.perf_counter()

    def lap(self, name: str) -> None:
        """Keep the seconds since the last lap."""
        now = time.perf_counter()
        self.laps[name], self._began = now - self._began, now


def copying(source: Path, out: Path, watch: Stopwatch) -> None:
    """The floor: reading the file and writing it with as many columns as averages have."""
    import polars as pl

    watch.lap("import")
    columns = [(pl.col("cases") * 1.0).alias(name) for name in FIGURES]
    if source.suffix == ".csv":
        made = pl.read_csv(source, try_parse_dates=True).with_columns(columns)
        made.write_csv(out)
    else:
        made = pl.read_parquet(source).with_columns(columns)
        made.write_parquet(out)
    watch.lap("all")


def copying_streamed(source: Path, out: Path, watch: Stopwatch) -> None:
    """The lower floor: the same, without ever having all of it in memory."""
    import polars as pl

    watch.lap("import")
    columns = [(pl.col("cases") * 1.0).alias(name) for name in FIGURES]
    if source.suffix == ".csv":
        pl.scan_csv(source, try_parse_dates=True).with_columns(columns).sink_csv(out)
    else:
        pl.scan_parquet(source).with_columns(columns).sink_parquet(out)
    watch.lap("all")


def tallybook(source: Path, out: Path, watch: Stopwatch) -> None:
    """Tallybook's averages, with the register of anomalies."""
    import polars as pl

    from tallybook import daily, per_100k, rolling_average
    from tallybook.measures.rates import round_half_up

    watch.lap("import")
    csv = source.suffix == ".csv"
    totals = pl.read_csv(source, try_parse_dates=True) if csv else pl.read_parquet(source)
    register = pl.read_parquet(source.with_name(REGISTER))
    watch.lap("read")
    made = per_100k(rolling_average(daily(totals), anomalies=register))
    made = made.with_columns(round_half_up(name).alias(name) for name in FIGURES)
    watch.lap("compute")
    made.write_csv(out) if csv else made.write_parquet(out)
    watch.lap("write")


def tallybook_lazy(source: Path, out: Path, watch: Stopwatch) -> None:
    """The same of a lazy frame, in pieces where it is large."""
    import polars as pl

    from tallybook import daily, per_100k, rolling_average
    from tallybook.measures.rates import round_half_up

    watch.lap("import")
    register = pl.read_parquet(source.with_name(REGISTER))
    made = per_100k(rolling_average(daily(pl.scan_parquet(source)), anomalies=register))
    made.with_columns(round_half_up(name).alias(name) for name in FIGURES).sink_parquet(out)
    watch.lap("all")


def pandas_rolling(source: Path, out: Path, watch: Stopwatch) -> None:
    """What a data desk writes first: no register, no unreported days."""
    frame = _pandas(source, watch)
    for metric in METRICS:
        new = frame.groupby("geoid")[metric].diff().fillna(frame[metric])
        rolled = new.groupby(frame["geoid"]).rolling(7, min_periods=1).mean()
        frame[f"{metric}_avg"] = rolled.reset_index(level=0, drop=True)
    _pandas_written(frame, source, out, watch)


def pandas_apply(source: Path, out: Path, watch: Stopwatch) -> None:
    """The same, a function applied to every place."""
    frame = _pandas(source, watch)

    def averages(place: Any) -> Any:
        for metric in METRICS:
            new = place[metric].diff().fillna(place[metric])
            place[f"{metric}_avg"] = new.rolling(7, min_periods=1).mean()
        return place

    made = frame.groupby("geoid", group_keys=False)[["geoid", "date", *METRICS]].apply(averages)
    _pandas_written(made, source, out, watch)


def delphi_smoother(source: Path, out: Path, watch: Stopwatch) -> None:
    """The moving average of the Delphi group's indicators, place by place."""
    import numpy as np
    from delphi_utils import Smoother  # of an environment of its own: it asks for an older pandas

    frame = _pandas(source, watch)
    smoother = Smoother("moving_average", window_length=7)

    def smoothed(totals: Any) -> Any:
        return smoother.smooth(np.diff(totals.to_numpy(dtype=float), prepend=0.0))

    for metric in METRICS:
        frame[f"{metric}_avg"] = frame.groupby("geoid")[metric].transform(smoothed)
    _pandas_written(frame, source, out, watch)


def _pandas(source: Path, watch: Stopwatch) -> Any:
    import pandas as pd

    watch.lap("import")
    frame = pd.read_csv(source, parse_dates=["date"])
    watch.lap("read")
    return frame


def _pandas_written(frame: Any, source: Path, out: Path, watch: Stopwatch) -> None:
    import pandas as pd

    people = pd.read_csv(source.with_name(POPULATIONS)).set_index("geoid")["population"]
    for metric in METRICS:
        rate = frame[f"{metric}_avg"] * 100_000 / frame["geoid"].map(people)
        frame[f"{metric}_avg_per_100k"] = rate.round(2)
        frame[f"{metric}_avg"] = frame[f"{metric}_avg"].round(2)
    watch.lap("compute")
    frame.to_csv(out, index=False)
    watch.lap("write")


def peak_memory() -> int:
    """Return the most memory this process ever had, in bytes; what resource.getrusage says may be its parent's."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(found[1]) * 1024 if found else 0


WAYS: Final[dict[str, Callable[[Path, Path, Stopwatch], None]]] = {
    way.__name__: way
    for way in (copying, copying_streamed, tallybook, tallybook_lazy, pandas_rolling, pandas_apply, delphi_smoother)
}


if __name__ == "__main__":
    name, where, to = sys.argv[1:]
    stopwatch = Stopwatch()
    WAYS[name](Path(where), Path(to), stopwatch)
    del stopwatch.laps["import"]
    print(json.dumps({"compute": None, **stopwatch.laps, "whole": sum(stopwatch.laps.values()), "peak": peak_memory()}))
