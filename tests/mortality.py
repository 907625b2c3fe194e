"""Deaths from all causes for tests: the published file, and short invented series."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from tallybook import Book
from tallybook.sources.all_cause import parse_deaths

HEADER = "country,placename,frequency,start_date,end_date,year,month,week,deaths"


def published(shared_data: Path) -> pl.DataFrame:
    file = shared_data / "nyt/excess-deaths/deaths.csv"
    return parse_deaths(file.read_bytes(), file="deaths.csv", today=dt.date(2021, 1, 15))


def terms(tmp_path: Path) -> Any:
    """What the card of the New York Times says is particular in some places."""
    return Book.init(tmp_path / "terms", template="nyt").sources["nyt"].card.excess


def weeks(
    deaths: Callable[[int, int], int | None], *, years: range = range(2015, 2021), geoid: str = "USA-39", last: int = 52
) -> pl.DataFrame:
    """Weekly deaths of a place, each a function of year and week."""
    return pl.DataFrame(
        [
            (geoid, year, min(1 + week * 12 // 53, 12), week, deaths(year, week))
            for year in years
            for week in range(1, last + 1)
        ],
        schema={"geoid": pl.String, "year": pl.Int64, "month": pl.Int64, "week": pl.Int64, "deaths": pl.Int64},
        orient="row",
    )


def months(deaths: Callable[[int, int], int | None], *, years: range = range(2015, 2021)) -> pl.DataFrame:
    """Monthly deaths of a place, each a function of year and month."""
    return weeks(deaths, years=years, last=12).drop("month").rename({"week": "month"})


def csv_of(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()
