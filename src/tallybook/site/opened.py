"""A release as its pages read it: its card and its files, and nothing besides."""

from __future__ import annotations

import datetime as dt
import json
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.charts.measures import Unit
from tallybook.model.cards import REPORTING
from tallybook.model.licences import licence
from tallybook.model.metrics import COUNTS, Level
from tallybook.model.weeks import week_label
from tallybook.release.dictionary import DICTIONARY, SOURCES
from tallybook.release.facts import facts
from tallybook.release.folder import CARD
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.release.structured import structured
from tallybook.release.weeks import WEEKS
from tallybook.site.formats import long_day
from tallybook.site.formats import metric as in_plural
from tallybook.site.latest import Row, rows_of, untold


class Opened:
    """A release that was written.

    Args:
        folder: where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.card: dict[str, Any] = json.loads((folder / CARD).read_bytes())
        self.title, self.publisher = str(self.card["title"]), str(self.card["publisher"])
        self.licence, self.attribution = str(self.card["licence"]), str(self.card["attribution"])
        self.licence_url = licence(self.licence, self.card.get("licence_url")).url
        self.notice = str(self.card["notice"])
        self.as_of = datetime.fromisoformat(self.card["as_of"])
        self.zone = ZoneInfo(self.card["time_zone"])
        self.previous = self.card["previous"] and datetime.fromisoformat(self.card["previous"])

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels it has figures of, the widest first."""
        return tuple(level for level in Level if (self.folder / f"{STEMS[level]}.parquet").is_file())

    @cached_property
    def rows(self) -> dict[Level, list[Row]]:
        """The places of each level with their latest figures."""
        rows = {
            level: rows_of(self.averages(level), self.totals(level), self.metrics(level), self.places)
            for level in self.levels
        }
        return {level: [untold(row, self.weeks.get(row.geoid, ())) for row in of] for level, of in rows.items()}

    @cached_property
    def files(self) -> dict[str, dict[str, Any]]:
        """What the card says of each file, by path."""
        return {file["path"]: file for file in self.card["files"]}

    @cached_property
    def places(self) -> pl.DataFrame:
        """The places that occur in it: the columns of ``places.parquet``; key geoid."""
        return pl.read_parquet(self.folder / "places.parquet", glob=False)

    @cached_property
    def sources(self) -> list[dict[str, Any]]:
        """What its sources say of themselves."""
        return list(json.loads((self.folder / SOURCES).read_bytes()))

    @cached_property
    def structured(self) -> dict[str, Any]:
        """What search engines are told of it: a Dataset of schema.org."""
        columns = pl.read_csv(self.folder / DICTIONARY, infer_schema=False, glob=False).fill_null("")
        return structured(facts(self.folder, self.card, columns))

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
        """Return the new counts of a level, and per metric what pages show: averages, rates, omitted days, divisors."""
        file = self.folder / AVERAGES / f"{STEMS[level]}.parquet"
        shown = ("", "_avg", "_avg_per_100k", "_omitted", "_window_days")
        columns = [f"{metric}{part}" for metric in self.metrics(level) for part in shown]
        return pl.read_parquet(file, columns=["geoid", "date", *columns], glob=False)

    def metrics(self, level: Level) -> tuple[str, ...]:
        """Return the metrics of a level that have averages, in the book's order."""
        columns = pl.read_parquet_schema(self.folder / AVERAGES / f"{STEMS[level]}.parquet")
        return tuple(name for name in columns if name in COUNTS and f"{name}_avg" in columns)

    def leading(self, level: Level) -> tuple[str, str | None]:
        """Return the metric of a level that leads, and the one shown beside it: deaths if there are any, or the next.

        None where there is only one.
        """
        lead, *others = self.metrics(level)
        return lead, "deaths" if "deaths" in others else next(iter(others), None)

    @cached_property
    def weeks(self) -> dict[str, list[dict[str, Any]]]:
        """What is reported of each MMWR week, by geoid, the latest first; empty where no source reports by week."""
        if f"{WEEKS}.parquet" not in self.files:
            return {}
        rows = self.table(f"{WEEKS}.parquet").sort("date", "metric", descending=[True, False])
        return {str(geoid): of.to_dicts() for (geoid,), of in rows.group_by("geoid", maintain_order=True)}

    def weekly(self, level: Level) -> bool:
        """Return whether a level is reported by MMWR week."""
        return any(row.geoid in self.weeks for row in self.rows.get(level, ()))

    def unit(self, level: Level) -> Unit:
        """Return what a level is counted by: day or week."""
        return "week" if self.weekly(level) else "day"

    def on(self, level: Level, date: dt.date) -> str:
        """Return when the figures of a level are of, as sentences begin: the day, or the MMWR week."""
        return f"In {week_label(date)}" if self.weekly(level) else f"On {long_day(date)}"

    def up_to(self, level: Level, date: dt.date) -> str:
        """Return the last day a level has, or its MMWR week."""
        return week_label(date) if self.weekly(level) else long_day(date)

    def counted(self, level: Level, metric: str) -> str:
        """Return what a chart of new counts of a level shows."""
        what = in_plural(metric)
        if self.weekly(level):
            return f"New {what} reported for each week, on its last day, and their average a day"
        return f"Reported new {what} a day and their average"

    def window(self, level: Level, metric: str) -> int:
        """Return the days of the window of an average."""
        return int(self.card["method"]["averages"][level][metric])

    def reporting(self, level: Level) -> str:
        """Return how days without data are known at a level, in a sentence."""
        if self.weekly(level):
            return _BY_WEEK
        return REPORTING[self.card["method"]["reporting"][level]]


_BY_WEEK: Final = (
    "The source reports by MMWR week, Sunday to Saturday: a week's count stands on its Saturday and covers its seven "
    "days, so the average is a number a day over the weeks reported. A count that is withheld or not reported is "
    "covered by the next one that is known; it is never taken as zero."
)
"""How days without data are known where weeks are reported."""
