"""Tables as Socrata's open-data portals give them in ``rows.json``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from tallybook.errors import DataRefusedError
from tallybook.model.tables import LINE, Table, check_header

_MOST: Final = 512 << 20

DATES: Final = ("calendar_date", "floating_timestamp", "fixed_timestamp", "date")
"""The types of columns that hold dates; they are written as ISO 8601, whatever the CSV file does."""


def read_rows_json(text: str, *, file: str, columns: Sequence[str], ignored: Sequence[str] = ()) -> Table:
    r"""Return the rows of a ``rows.json``: ``meta.view.columns`` names the cells of each row of ``data``.

    The portal's own columns (ids, positions, times of upload) are left out. Dates come out as YYYY-MM-DD.

    Args:
        text: the text of the file.
        file: the name errors use.
        columns: the columns the table must have, by the names people see.
        ignored: those it may have that are not read; '*' for any.

    Raises:
        DataRefusedError: it is no JSON, has no such shape or other columns, or a cell is no text or number.

    >>> columns = '[{"name": "id", "dataTypeName": "meta_data"}, {"name": "Town"}, {"name": "Cases"}]'
    >>> data = '[["row-1", "Sharon", "1"], ["row-2", "Cheshire", null]]'
    >>> text = f'{{"meta": {{"view": {{"columns": {columns}}}}}, "data": {data}}}'
    >>> read_rows_json(text, file="rows.json", columns=["Town", "Cases"]).rows.rows()
    [('Sharon', '1', 1), ('Cheshire', None, 2)]
    """
    view, data = _shape(text, file)
    names = [column["name"] for column in view]
    own = {place for place, column in enumerate(view) if column.get("dataTypeName") == "meta_data"}
    check_header([name for place, name in enumerate(names) if place not in own], columns, file, ignored=ignored)
    cells = _columns(data, len(names), file)
    places = {name: place for place, name in enumerate(names) if place not in own}
    made = [_series(name, cells[places[name]], view[places[name]], file) for name in columns]
    rows = pl.DataFrame(made).with_columns(pl.int_range(1, len(data) + 1, dtype=pl.Int64, eager=True).alias(LINE))
    return Table(file, rows, where="row")


def _shape(text: str, file: str) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    if len(text) > _MOST:
        says = f"the file has more than {_MOST:,} characters, too many for JSON"
        raise DataRefusedError(says, file=file, hint="record the table's CSV file")
    try:
        # Numbers stay the text they were.
        said = json.loads(text, parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise DataRefusedError(f"this is no JSON: {error}", file=file, hint="was it cut short?") from None
    except _TwiceError as error:
        raise DataRefusedError(f"the key {error.key!r:.60} stands there twice", file=file) from None
    except RecursionError:
        raise DataRefusedError("this is JSON within JSON without end", file=file) from None
    try:
        view, data = said["meta"]["view"]["columns"], said["data"]
        fits = all(isinstance(column["name"], str) for column in view) and isinstance(data, list)
    except (TypeError, KeyError):
        fits = False
    if not fits:
        raise DataRefusedError("this is not Socrata's rows.json", file=file, hint="it has meta.view.columns and data")
    return view, data


class _TwiceError(Exception):
    def __init__(self, key: str) -> None:
        self.key = key


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose keys stand there once: which of two holds is anybody's guess."""
    said: dict[str, Any] = {}
    for key, value in pairs:
        if key in said:
            raise _TwiceError(key)
        said[key] = value
    return said


def _columns(data: list[list[Any]], width: int, file: str) -> list[tuple[Any, ...]]:
    if not data:
        return [()] * width
    try:
        cells = list(zip(*data, strict=True))
    except (TypeError, ValueError):
        cells = []
    if len(cells) != width or not all(isinstance(row, list) for row in data):
        wrong = next((n for n, row in enumerate(data) if not isinstance(row, list) or len(row) != width), 0)
        raise DataRefusedError(f"a row has not the {width} cells of meta.view.columns", file=file, row=wrong + 1)
    return cells


def _series(name: str, cells: tuple[Any, ...], column: dict[str, Any], file: str) -> pl.Series:
    try:
        series = pl.Series(name, cells, dtype=pl.String, strict=True)
    except TypeError:
        wrong = next(row for row, cell in enumerate(cells) if not isinstance(cell, str | None))
        raise DataRefusedError("a cell is neither text nor number", file=file, row=wrong + 1, column=name) from None
    except UnicodeEncodeError as error:
        wrong = next(row for row, cell in enumerate(cells) if cell == error.object)
        says = "half of a character stands in a cell"
        raise DataRefusedError(says, file=file, row=wrong + 1, column=name, hint="was it cut short?") from None
    series = series.replace("", None)
    return (
        series.str.replace(r"T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})?$", "")
        if column.get("dataTypeName") in DATES
        else series
    )
