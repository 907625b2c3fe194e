"""The picture of the README: a simulated state, its days, their average, its anomalies; ``make picture`` draws it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import polars as pl

from tallybook import daily, read_anomalies, rolling_average, simulate
from tallybook.charts.place import place

FILE: Final = Path(__file__).parents[1] / "images" / "average.svg"
STATE: Final = "USA-13"
_DAYS: Final = (dt.date(2020, 7, 20), dt.date(2020, 11, 27))


def picture() -> str:
    """Return the picture as SVG."""
    from vl_convert import vegalite_to_svg

    outbreak = simulate(counties_of=("USA-53",))  # that of `tallybook demo`
    totals = outbreak.reports.filter(geoid=STATE)
    register = read_anomalies(outbreak.anomalies.write_csv().encode())
    averages = rolling_average(daily(totals, ["cases"]), ["cases"], anomalies=register, details=True)
    chart = place(
        averages.filter(pl.col("date").is_between(*_DAYS)),
        STATE,
        register=register,
        headline="Weekends, a holiday, a backlog: the average goes on",
        subtitle="A simulated Georgia. Bars: new cases as announced; line: rolling average; diamonds: anomalies",
        source="Every number here is invented. Drawn with Tallybook.",
        height=260,
    )
    return str(vegalite_to_svg(chart.to_dict()))


if __name__ == "__main__":
    FILE.write_text(picture() + "\n")
