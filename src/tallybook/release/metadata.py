"""Writing what machines find and read a release by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tallybook.release.catalogue import CATALOGUE, catalogue
from tallybook.release.citation import CITATION, citation
from tallybook.release.database import write_database
from tallybook.release.datapackage import DATAPACKAGE, datapackage
from tallybook.release.facts import facts
from tallybook.release.workbook import write_workbooks


def write_formats(folder: Path, said: Mapping[str, Any], columns: pl.DataFrame) -> None:
    """Write a release in the further formats that its book asks for.

    Args:
        folder: its folder, its tables written.
        said: what it says of itself; ``formats`` names them.
        columns: what its columns mean, as ``dictionary`` returns it.
    """
    wanted = said.get("formats", ())
    if not wanted:
        return
    told = facts(folder, {**said, "files": []}, columns)
    if "xlsx" in wanted:
        write_workbooks(folder, told)
    if "sqlite" in wanted:
        write_database(folder, told)


def write_metadata(folder: Path, card: Mapping[str, Any], columns: pl.DataFrame) -> Iterator[Path]:
    """Write the description of a release for catalogues and for those who cite it; yield the files.

    Args:
        folder: its folder, everything else written.
        card: what it says of itself, with its files.
        columns: what its columns mean, as ``dictionary`` returns it.
    """
    told = facts(folder, card, columns)
    for name, text in (
        (DATAPACKAGE, _json(datapackage(told))),
        (CATALOGUE, _json(catalogue(told))),
        (CITATION, citation(told)),
    ):
        (folder / name).write_text(text, encoding="utf-8")
        yield folder / name


def _json(said: Mapping[str, Any]) -> str:
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"
