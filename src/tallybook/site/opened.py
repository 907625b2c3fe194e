"""A release as its pages read it: its card and its files, and nothing besides."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.model.metrics import COUNTS, Level
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.release.write import CARD


class Opened:
    """A release that was written.

    Args:
        folder: where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card: dict[str, Any] = json.loads((folder / CARD).read_bytes())
        self.as_of = datetime.fromisoformat(self.card["as_of"])
        self.zone = ZoneInfo(self.card["time_zone"])

    def __getattr__(self, name: str) -> str:
        """Return what the card says of the release: title, publisher, licence, attribution or notice."""
        if name in ("title", "publisher", "licence", "attribution", "notice"):
            return str(self.card[name])
        raise AttributeError(name)

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels it has figures of, the widest first."""
        return tuple(level for level in Level if (self.folder / f"{STEMS[level]}.parquet").is_file())

    @cached_property
    def places(self) -> pl.DataFrame:
        """The places that occur in it: the columns of ``places.parquet``; key geoid."""
        return pl.read_parquet(self.folder / "places.parquet", glob=False)

    @cached_property
    def register(self) -> pl.DataFrame:
        """Its anomalies; key ``id``."""
        return self.table(f"{AVERAGES}/anomalies.parquet")

    @cached_property
    def annotations(self) -> pl.DataFrame:
        """The dated notes of the sources."""
        return pl.read_csv(self.folder / "annotations.csv", try_parse_dates=True, glob=False)

    def table(self, path: str) -> pl.DataFrame:
        """Return one of its Parquet files."""
        return pl.read_parquet(self.folder / path, glob=False)

    def totals(self, level: Level) -> pl.DataFrame:
        """Return the totals of a level: ``geoid``, ``date``, cumulative counts and what stands behind them."""
        return self.table(f"{STEMS[level]}.parquet")

    def averages(self, level: Level) -> pl.DataFrame:
        """Return the new counts of a level, their averages and rates, and what each is made of."""
        return self.table(f"{AVERAGES}/{STEMS[level]}.parquet")

    def metrics(self, level: Level) -> tuple[str, ...]:
        """Return the metrics of a level that have averages, in the book's order."""
        columns = pl.read_parquet_schema(self.folder / AVERAGES / f"{STEMS[level]}.parquet")
        return tuple(name for name in columns if name in COUNTS and f"{name}_avg" in columns)
