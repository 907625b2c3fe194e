"""What catalogues, citations and pages say of a release, gathered once: what it is, of when and where, by whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.model.licences import Licence, licence
from tallybook.model.metrics import COUNTS, PLURALS, Level
from tallybook.model.texts import in_one_row
from tallybook.release.dictionary import read_sources
from tallybook.release.layout import AVERAGES, STEMS

MEDIA: Final = {
    ".atom": "application/atom+xml",
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".sqlite": "application/vnd.sqlite3",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""The media types of a release's files, by how their names end."""

_UNKNOWN: Final = "application/octet-stream"

COUNTRY: Final = "United States"
"""Where all places of the gazetteer are."""


@dataclass(frozen=True)
class Facts:
    """A release, as others are told of it.

    Attributes:
        card: what it says of itself, as ``release.json`` has it, with its files.
        sources: what its sources say of themselves.
        columns: what each column of each file means, as ``dictionary`` returns it.
        first: the first day that has figures; None where none has.
        last: the last one.
        places: the ``title`` and ``level`` of its places.
    """

    card: Mapping[str, Any]
    sources: Sequence[Mapping[str, Any]]
    columns: pl.DataFrame
    first: date | None
    last: date | None
    places: pl.DataFrame

    @property
    def title(self) -> str:
        """What the dataset is called."""
        return str(self.card["title"])

    @cached_property
    def name(self) -> str:
        """What programs call it: the book's id, or its title made such."""
        made = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")
        return str(self.card.get("id") or made[:60].strip("-") or "dataset")

    @property
    def publisher(self) -> str:
        """Who publishes it."""
        return str(self.card["publisher"])

    @property
    def attribution(self) -> str:
        """How to name where it comes from."""
        return str(self.card["attribution"])

    @cached_property
    def licence(self) -> Licence:
        """Its licence, with what its sources ask for."""
        return licence(self.card["licence"], self.card.get("licence_url"))

    @property
    def non_commercial(self) -> bool:
        """Whether the book or one of its sources allows non-commercial use only, in letter."""
        return bool(self.card.get("non_commercial"))

    @property
    def address(self) -> str | None:
        """Where it will be on the web, with a slash at the end; None where nobody said."""
        return self.card.get("address")

    @property
    def as_of(self) -> datetime:
        """The moment of the latest observation in it, where the book is."""
        return datetime.fromisoformat(self.card["as_of"]).astimezone(ZoneInfo(self.card["time_zone"]))

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """The levels it has figures of, the widest first."""
        return tuple(level for level in Level if self.meanings(f"{AVERAGES}/{STEMS[level]}.parquet"))

    @cached_property
    def metrics(self) -> tuple[str, ...]:
        """What has averages, in the order of the columns."""
        named = [row["column"] for level in self.levels for row in self.meanings(f"{AVERAGES}/{STEMS[level]}.parquet")]
        return tuple(dict.fromkeys(name for name in named if name in COUNTS and f"{name}_avg" in named))

    @cached_property
    def description(self) -> str:
        """What it is, in sentences, with the book's warning to every reader in front."""
        said = self.card.get("description") or self._described()
        return f"{self.card.get('notice') or ''} {said}".strip()

    @cached_property
    def keywords(self) -> list[str]:
        """Words to find it by: the book's, those of its sources, and what is counted; one at least."""
        tags = [tag for source in self.sources for tag in source["tags"]]
        words = [*self.card.get("keywords", ()), *tags, *(name.replace("_", " ") for name in self.metrics)]
        return list(dict.fromkeys(words)) or ["outbreak"]

    @cached_property
    def spatial(self) -> str:
        """Where its places are: one state of the country, or the country."""
        states = self.places.select(
            pl.when(level="nation").then(pl.lit("")).otherwise(pl.col("title").str.split(", ").list.last())
        )["literal"].unique()
        return f"{states.item()}, {COUNTRY}" if len(states) == 1 and states.item() else COUNTRY

    def url(self, path: str) -> str:
        """Return the address of one of its files; where nobody said where it will be, from where this is written."""
        return f"{self.address or ''}{path}"

    def meanings(self, path: str) -> list[dict[str, Any]]:
        """Return what the dictionary says of the columns of a file; empty where it has none."""
        return self._meanings.get(path, [])

    @cached_property
    def _meanings(self) -> dict[str, list[dict[str, Any]]]:
        told = self.columns.group_by("file", maintain_order=True)
        return {str(path): rows.to_dicts() for (path,), rows in told}

    def _described(self) -> str:
        what = in_one_row([name.replace("_", " ") for name in self.metrics])
        days = f" from {self.first} to {self.last}" if self.first else ""
        if not what:
            return f"{self.title}, as published by {self.publisher}."
        where = in_one_row([PLURALS[level] for level in self.levels])
        return (
            f"Cumulative counts of {what} by date{days}, of {where}; new counts, "
            "rolling averages and rates per 100,000 people; what was revised, and where each value comes from. "
            f"Source: {self.attribution.rstrip('.')}."
        )


def facts(folder: Path, card: Mapping[str, Any], columns: pl.DataFrame) -> Facts:
    """Return what others are told of a release.

    Args:
        folder: its folder, its tables written.
        card: what it says of itself, with its files.
        columns: as ``dictionary`` returns them.
    """
    averages = [folder / AVERAGES / f"{stem}.parquet" for stem in STEMS.values()]
    scans = [pl.scan_parquet(file / "**/*.parquet" if file.is_dir() else file) for file in averages if file.exists()]
    bounds = [scan.select(first=pl.col("date").min(), last=pl.col("date").max()) for scan in scans]
    told = pl.concat(pl.collect_all(bounds)) if bounds else pl.DataFrame(schema={"first": pl.Date, "last": pl.Date})
    there = folder / "places.parquet"
    empty = pl.DataFrame(schema={"title": pl.String, "level": pl.String})
    places = pl.read_parquet(there, columns=["title", "level"], glob=False) if there.is_file() else empty
    first, last = told.select(pl.col("first").min(), pl.col("last").max()).row(0)
    return Facts(card, read_sources(folder), columns, first, last, places)


def media_type(path: str) -> str:
    """Return the media type of a file of a release.

    >>> media_type("us-states.csv"), media_type("LICENSE")
    ('text/csv', 'application/octet-stream')
    """
    return MEDIA.get(PurePosixPath(path).suffix, _UNKNOWN)
