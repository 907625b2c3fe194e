"""Short series for tests: places USA-01, USA-02 and so on, day after day."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl
from hypothesis import strategies as st

from tallybook.model.anomalies import ANOMALY_COLUMNS

START = dt.date(2020, 1, 21)

# Zeros are what the rules are about: most days are one, some are unreported, few are negative.
COUNT = st.one_of(st.just(0), st.just(0), st.just(0), st.integers(-5, 60), st.none())
SERIES = st.lists(
    st.tuples(COUNT, st.sampled_from([False] * 9 + [True]), st.sampled_from([0] * 9 + [-20, 7])), max_size=70
)


def frame_of(*places: Sequence[int | None]) -> pl.DataFrame:
    rows = [
        (f"USA-{number:02}", START + dt.timedelta(days=day), count)
        for number, counts in enumerate(places, start=1)
        for day, count in enumerate(counts)
    ]
    return pl.DataFrame(rows, schema={"geoid": pl.String, "date": pl.Date, "cases": pl.Int64}, orient="row")


def register_of(*entries: dict[str, Any]) -> pl.DataFrame:
    blank = {**dict.fromkeys((*ANOMALY_COLUMNS, "id")), "type": "cases", "adjusted_daily_count_for_avg": 0}
    schema = dict.fromkeys((*ANOMALY_COLUMNS, "id"), pl.String) | {
        "date": pl.Date,
        "end_date": pl.Date,
        "adjusted_daily_count_for_avg": pl.Int64,
    }
    return pl.DataFrame([blank | entry for entry in entries], schema=schema)


def register_for(places: Sequence[Sequence[tuple[int | None, bool, int]]]) -> pl.DataFrame | None:
    """Return the register that series of SERIES speak of; None where they speak of none."""
    entries = [
        entry(day, geoid=f"USA-{number:02}", omit=omit, adjust=adjust, id=f"{number}-{day}")
        for number, series in enumerate(places, start=1)
        for day, (_, omit, adjust) in enumerate(series)
        if omit or adjust
    ]
    return register_of(*entries) if entries else None


def entry(
    day: int, *, geoid: str = "USA-01", end: int | None = None, omit: bool = False, adjust: int = 0, **more: Any
) -> dict[str, Any]:
    return {
        "date": START + dt.timedelta(days=day),
        "end_date": None if end is None else START + dt.timedelta(days=end),
        "geoid": geoid,
        "omit_from_rolling_average": "yes" if omit else None,
        "adjusted_daily_count_for_avg": adjust,
        **more,
    }
