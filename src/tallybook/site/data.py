"""The page of the data: every file, what its columns mean, where it comes from, how to cite it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tallybook.model.metrics import Level
from tallybook.release.dictionary import DICTIONARY
from tallybook.release.meanings import file_meaning
from tallybook.site.opened import Opened
from tallybook.site.page import Page


def data_page(site: Opened) -> Iterator[Page]:
    """Yield the page of the data."""
    yield Page(
        "data.html",
        "data.html",
        "Data",
        f"Every file of {site.title}, what its columns mean, its sources, method, licence and how to cite it.",
        ("tables.js",),
        {
            "files": _files(site),
            "groups": _groups(site.sources),
            "exceptions": site.places.filter(pl.col("note").is_not_null()).to_dicts(),
            "days": _days(site),
            "cite": f"{site.publisher}: {site.title}. {site.attribution}.",
        },
    )


def _files(site: Opened) -> list[dict[str, Any]]:
    """Return what the card says of each file, with what it has and what its columns mean."""
    told = pl.read_csv(site.folder / DICTIONARY, infer_schema=False, glob=False).fill_null("")
    columns = {str(path): rows.to_dicts() for (path,), rows in told.group_by("file", maintain_order=True)}
    return [
        {**file, "says": file_meaning(path), "columns": columns.get(path, [])}
        for path, file in sorted(site.files.items(), key=lambda pair: (pair[0].count("/"), pair[0].lower()))
    ]


def _groups(sources: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the sources by the group they are in; those in several stand in each, those in none by themselves."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for source in sources:
        for group in source["groups"] or [""]:
            grouped.setdefault(group, []).append(source)
    return dict(sorted(grouped.items()))


def _days(site: Opened) -> list[tuple[Level, str, int]]:
    """Return the days of a window, by level and metric."""
    named = site.card["method"]["averages"]
    return [(level, metric, named[level][metric]) for level in site.levels for metric in site.metrics(level)]
