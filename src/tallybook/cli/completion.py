"""What shells complete: names of places, feeds, metrics, levels and templates.

A shell waits for it at every key, so that nothing heavy is imported and no ledger is opened.
"""

from __future__ import annotations

import csv
import tomllib
from importlib import resources
from pathlib import Path
from typing import Final

import typer

from tallybook.model.metrics import METRICS, Level
from tallybook.model.templates import templates as known_templates

_LETTERS: Final = 3
"""The letters of a county that are written before counties are offered: there are thousands."""


def feeds(context: typer.Context, incomplete: str) -> list[str]:
    """Return the feeds of the book, by the names of their cards."""
    return _beginning(sorted(card.stem for card in (_book(context) / "sources").glob("*.md")), incomplete)


def metrics(context: typer.Context, incomplete: str) -> list[str]:
    """Return the metrics of the book, or those of every book where there is none."""
    try:
        said = tomllib.loads((_book(context) / "book.toml").read_text(encoding="utf-8")).get("metrics", METRICS)
    except (OSError, ValueError):
        said = METRICS
    return _beginning([str(name) for name in said], incomplete)


def levels(incomplete: str) -> list[str]:
    """Return the levels."""
    return _beginning([level.value for level in Level], incomplete)


def templates(incomplete: str) -> list[str]:
    """Return the templates."""
    return _beginning(list(known_templates()), incomplete)


def places(incomplete: str) -> list[str]:
    """Return the nation, states and their abbreviations; of longer words the counties, with their state."""
    text = resources.files("tallybook.model").joinpath("data/places.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    wide = [row for row in rows if row["level"] in ("nation", "state")]
    names = [row[column] for row in wide for column in ("name", "abbreviation") if row[column]]
    if len(incomplete) >= _LETTERS:
        states = {row["geoid"]: row["name"] for row in wide if row["level"] == "state"}
        names += [f"{row['name']}, {states[row['parent']]}" for row in rows if row["parent"] in states and row["fips"]]
    return _beginning(names, incomplete)


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.casefold().startswith(incomplete.casefold())]


def _book(context: typer.Context) -> Path:
    return Path(context.params.get("folder") or ".")
