"""The data dictionary: what each column of each file of a release means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from tallybook.model.metrics import Level
from tallybook.release.columns import codes_of, kind_of, origin_of
from tallybook.release.layout import STEMS
from tallybook.release.meanings import Meaning, meaning_of, whole_name

DICTIONARY: Final = "dictionary.csv"
"""The file that says it."""

SOURCES: Final = "sources.json"
"""The file that says what the sources are."""

COLUMNS: Final = ("file", "column", "type", "unit", "meaning", "missing", "codes", "source")
"""The columns of the dictionary itself."""

_LEVELS: Final = {stem: level for level, stem in STEMS.items()}


def dictionary(folder: Path) -> pl.DataFrame:
    """Return what every column of every table in a folder means.

    Args:
        folder: a release's, its tables and ``sources.json`` written.

    Returns:
        ``file``, ``column``, ``type``, ``unit``, ``meaning``, ``missing`` (what a blank says), ``codes`` (what each
        word means that the values are taken from) and ``source`` (where they come from); a row per column, by file.
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".csv", ".parquet"))
    # The parts of a dataset are in a folder that has a table's name.
    tables = [(file, file.relative_to(folder)) for file in files if file.name != DICTIONARY]
    tables = [(file, path) for file, path in tables if not any(above.suffix == ".parquet" for above in path.parents)]
    sources = read_sources(folder)
    rows = [row for file, path in tables for row in _rows(path.as_posix(), _columns(file), sources)]
    own = list(_rows(DICTIONARY, COLUMNS, sources))
    return pl.DataFrame([*rows, *own], dict.fromkeys(COLUMNS, pl.String), orient="row")


def read_sources(folder: Path) -> list[dict[str, Any]]:
    """Return what the sources of a release say of themselves; none where nobody wrote it."""
    file = folder / SOURCES
    return list(json.loads(file.read_bytes())) if file.is_file() else []


def sources_of(path: str, sources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the sources that a file of a release is made of.

    Those of the nation are those of the states as well, for its averages are their sums; files that are not of one
    level are made of all.

    Args:
        path: of the file, below the release's folder.
        sources: what the sources of the release say of themselves.
    """
    if path.startswith("excess-deaths/"):
        return [source for source in sources if source["layout"] != "table"]
    stem = whole_name(path).rpartition("/")[2].partition(".")[0].removesuffix("-confirmed-probable")
    level = _LEVELS.get(stem)
    wanted = {level, Level.STATE} if level is Level.NATION else {level}
    found = [source for source in sources if wanted & set(source["levels"])]
    return found if level and found else list(sources)


def _columns(file: Path) -> list[str]:
    if file.suffix == ".parquet":
        return list(pl.read_parquet_schema(next(file.rglob("*.parquet")) if file.is_dir() else file))
    return pl.scan_csv(file, glob=False, infer_schema=False).collect_schema().names()


def _rows(path: str, columns: Sequence[str], sources: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    own = sources_of(path, sources)
    for column in columns:
        unit, says, missing = meaning_of(column, path) or Meaning("", "")
        codes = "; ".join(f"{code}: {what}" for code, what in codes_of(column).items())
        yield path, column, kind_of(column, path), unit, says, missing, codes, origin_of(column, path, own)
