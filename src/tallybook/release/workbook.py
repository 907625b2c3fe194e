"""A release for Excel and its like: what there is of the states, with its licence and what its columns mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from polars import selectors as cs

from tallybook.model.metrics import Level
from tallybook.release.facts import Facts
from tallybook.release.layout import AVERAGES, SPREADSHEET_ROWS, STEMS

if TYPE_CHECKING:
    from xlsxwriter import Workbook

LEVELS: Final = (Level.STATE, Level.TOWN)
"""The levels that come as a workbook; counties are too many for one to be opened with pleasure."""

_OPTIONS: Final = {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
_HEADER: Final = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
_WIDTHS: Final = {"Notes": (22, 100), "Columns": (20, 26, 14, 24, 56, 40, 40, 30)}
_WIDTH: Final = 14


def workbook_name(level: Level) -> str:
    """Return the name of the workbook of a level.

    >>> workbook_name(Level.STATE)
    'us-states.xlsx'
    """
    return f"{STEMS[level]}.xlsx"


def write_workbooks(folder: Path, told: Facts) -> None:
    """Write a workbook of each of ``LEVELS`` that has figures, beside its CSV files.

    The same release has the same bytes: the moments in it are that of the release.

    Args:
        folder: of the release, its Parquet files written.
        told: what others are told of it.
    """
    for level in LEVELS:
        if told.meanings(f"{STEMS[level]}.csv") and (folder / f"{STEMS[level]}.parquet").is_file():
            _write(folder / workbook_name(level), list(_sheets(folder, level, told)), told)


def _sheets(folder: Path, level: Level, told: Facts) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the sheets of a workbook: notes, the latest figures, all of them, and what the columns mean."""
    stem = STEMS[level]
    totals, averages = (_table(folder, path, told) for path in (stem, f"{AVERAGES}/{stem}"))
    yield "Notes", _notes(told)
    yield "Latest", averages.filter(pl.col("date") == pl.col("date").max())
    yield from _parts("Totals", totals)
    yield from _parts("Averages", averages)
    named = [(sheet, f"{path}.csv") for sheet, path in (("Totals", stem), ("Averages", f"{AVERAGES}/{stem}"))]
    yield (
        "Columns",
        pl.DataFrame(
            [{"sheet": sheet, **row} for sheet, path in named for row in told.meanings(path)], orient="row"
        ).drop("file"),
    )


def _table(folder: Path, path: str, told: Facts) -> pl.DataFrame:
    """Return the columns that a CSV file has, unrounded."""
    columns = [row["column"] for row in told.meanings(f"{path}.csv")]
    return pl.read_parquet(folder / f"{path}.parquet", columns=columns, glob=False).select(columns)


def _parts(name: str, table: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield a table as one sheet, or where it has more rows than a sheet as one per year."""
    if table.height <= SPREADSHEET_ROWS:
        yield name, table
        return
    for (year,), rows in table.group_by(pl.col("date").dt.year(), maintain_order=True):
        yield f"{name} {year}", rows


def _notes(told: Facts) -> pl.DataFrame:
    said = {
        "Title": told.title,
        "Warning": told.card.get("notice"),
        "As of": f"{told.as_of:%Y-%m-%d %H:%M %Z}",
        "Published by": told.publisher,
        "Source": told.attribution,
        "Licence": told.licence.name,
        "Licence, whole": told.licence.url,
        "Use": "Non-commercial use only" if told.non_commercial else None,
        "On the web": told.address,
        "Blank cells": "Not reported, or not known: the sheet Columns says which. A blank is never zero.",
        "Numbers": "Counts are as the agencies reported them. Averages and rates are unrounded, two decimals shown.",
        "Latest": "The figures of the last day that has any, of every place.",
        "Dates": "The day a figure is of, in the publisher's time zone.",
        **{f"Note {number}": note for number, note in enumerate(told.card.get("notes", ()), start=1)},
    }
    rows = [(name, words) for name, words in said.items() if words]
    return pl.DataFrame(rows, {"about": pl.String, "says": pl.String}, orient="row")


def _write(file: Path, sheets: Sequence[tuple[str, pl.DataFrame]], told: Facts) -> None:
    from xlsxwriter import Workbook  # takes a while to import, and few books need it

    with Workbook(file, _OPTIONS) as book:
        book.set_properties(
            {
                "title": told.title,
                "author": told.publisher,
                "comments": f"Source: {told.attribution} Licence: {told.licence.name}",
                "created": told.as_of.astimezone(UTC).replace(tzinfo=None),
            }
        )
        for name, table in sheets:
            _write_sheet(book, name, table)


def _write_sheet(book: Workbook, name: str, table: pl.DataFrame) -> None:
    plain = table.with_columns(cs.float().fill_nan(None))
    sheet: Any = book.add_worksheet(name)
    plain.write_excel(
        book,
        sheet,
        header_format=_HEADER,
        dtype_formats={dtype: _shown(dtype) for dtype in plain.schema.values()},
        freeze_panes=(1, 0),
        autofilter=name not in _WIDTHS,
        column_widths=dict(zip(plain.columns, [width * 7 for width in _WIDTHS[name]], strict=False))
        if name in _WIDTHS
        else _WIDTH * 7,
    )


def _shown(dtype: pl.DataType) -> str:
    """Return how Excel shows the values of a type."""
    if dtype == pl.Date:
        return "yyyy-mm-dd"
    return "#,##0" if dtype.is_integer() else "#,##0.00" if dtype.is_float() else "General"
