"""The sources of a book, and what they say together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import polars as pl

from tallybook.errors import BookError
from tallybook.model.cards import ANNOTATION_SCHEMA, Cadence, Reporting
from tallybook.model.licences import licence
from tallybook.model.metrics import Level
from tallybook.model.names import meant
from tallybook.sources.cards import NAME, Source, read_source
from tallybook.sources.terms import named


class Catalogue(Mapping[str, Source]):
    """The sources of a book, by name.

    Args:
        sources: the sources.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.name: source for source in sources}

    def __getitem__(self, name: str) -> Source:
        if name not in self._sources:
            raise BookError(f"no feed {name!r} in this book", hint=meant(name, self._sources, otherwise="it has"))
        return self._sources[name]

    def __contains__(self, name: object) -> bool:
        return name in self._sources

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __repr__(self) -> str:
        return f"<Catalogue of {', '.join(self._sources)}>"

    def __len__(self) -> int:
        return len(self._sources)

    def of_level(self, level: Level) -> list[Source]:
        """Return the sources of a level; the published layout has all but towns."""
        return [
            source
            for source in self.values()
            if source.card.level is level or (source.card.layout == "published" and level is not Level.TOWN)
        ]

    def reporting(self, levels: Sequence[Level]) -> dict[Level, Reporting]:
        """Return how days without data are known, by level.

        Raises:
            BookError: two sources of a level say it differently.
        """
        ways: dict[Level, Reporting] = {}
        for level in levels:
            said = {source.card.reporting: source.name for source in self.of_level(level)}
            if len(said) > 1:
                raise BookError(
                    f"{' and '.join(said.values())} report the level {level} in different ways",
                    hint="give both cards the same 'reporting'",
                )
            ways[level] = next(iter(said), "infer-from-zero")
        return ways

    def cadence(self, levels: Sequence[Level]) -> dict[Level, Cadence]:
        """Return how often each level is reported: as by the most frequent of its sources."""
        often = get_args(Cadence)
        said = {level: [source.card.cadence for source in self.of_level(level)] for level in levels}
        return {level: min(cadences, key=often.index) for level, cadences in said.items() if cadences}

    def weekly(self) -> dict[str, int]:
        """Return the sources that report by MMWR week, and for how many of the latest weeks each is provisional."""
        return {name: source.card.provisional_weeks for name, source in self.items() if source.card.week}

    def since(self) -> pl.DataFrame:
        """Return the first day of the columns that say it: ``source``, ``metric``, ``since``; key (source, metric)."""
        rows = [
            (name, metric, column.since)
            for name, source in self.items()
            for metric, column in source.card.metrics.items()
            if column.since
        ]
        return pl.DataFrame(rows, {"source": pl.String, "metric": pl.String, "since": pl.Date}, orient="row")

    def described(self, levels: Sequence[Level]) -> list[dict[str, Any]]:
        """Return what the sources say of themselves, in their order, as JSON has it.

        Args:
            levels: the levels of the book.
        """
        told = {
            *("title", "publisher", "attribution", "license", "license_url", "created", "modified", "state", "type"),
            *("tags", "groups", "cadence", "layout"),
        }
        return [
            {
                "name": name,
                **source.card.model_dump(mode="json", include=told),
                "attribution": named(source),
                "license_url": licence(source.card.license, source.card.license_url).url,
                "non_commercial": licence(source.card.license).non_commercial,
                "address": source.card.location,
                "levels": [level.value for level in levels if source in self.of_level(level)],
                "notes": source.text.strip(),
            }
            for name, source in self.items()
        ]

    def annotations(self) -> pl.DataFrame:
        """Return the dated notes of the sources: the columns of ANNOTATION_SCHEMA, by date."""
        rows = [(name, note.date, note.end_date, note.text) for name, source in self.items() for note in source.notes]
        return pl.DataFrame(rows, ANNOTATION_SCHEMA, orient="row").sort("date", maintain_order=True)


def read_catalogue(folder: Path) -> Catalogue:
    """Return the sources whose cards lie in a folder.

    Raises:
        BookError: there is none, or one's name cannot be that of a source.
        DataRefusedError: a card is wrong.
    """
    files = sorted(file for file in folder.glob("*.md") if file.stem.lower() != "readme")
    if not files:
        raise BookError(f"no source in {folder}", hint="describe one by a card, such as agency.md")
    for file in files:
        if not NAME.fullmatch(file.stem):
            raise BookError(f"{file}: that is no name for a source", hint="use a-z, 0-9, - and _")
    return Catalogue([read_source(file) for file in files])
