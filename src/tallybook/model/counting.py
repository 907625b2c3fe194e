"""The rows of delimited text: on which line each begins, and whether it has as many cells as the header."""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from tallybook.errors import DataRefusedError

_MOST_CELLS: Final = 250_000_000
_PIECE: Final = 16 << 20


def _quoted(delimiter: str) -> re.Pattern[str]:
    """Return the pattern of a quoted cell: from a mark at the start of a cell to one not doubled, at its end.

    It never goes back: a mark that is never closed costs no more than reading on to the end.
    """
    between = re.escape(delimiter)
    return re.compile(rf'(?<![^{between}\n])"[^"]*+(?:""[^"]*+)*+"(?![^{between}\r\n])')


def row_lines(text: str, width: int, file: str, delimiter: str) -> pl.Series:
    """Return the line each row starts on, every row having ``width`` cells; a look at the whole is mostly enough.

    Raises:
        DataRefusedError: a row has not so many cells, or a quotation mark quotes nothing, or there are too many cells.
    """
    rows = text.count("\n")
    if (rows + 1) * width > _MOST_CELLS:
        says = f"{rows:,} rows of {width:,} cells are more than {_MOST_CELLS:,} cells"
        raise DataRefusedError(says, file=file, hint="split it")
    if '"' not in text and text.count(delimiter) == (rows + 1) * (width - 1) and "\n\n" not in text and rows:
        # As many cells as there should be in all; that no row has more, the engine sees to.
        return pl.int_range(2, rows + 2, dtype=pl.Int64, eager=True)
    return counted_lines(text, width, file, delimiter)


def counted_lines(text: str, width: int, file: str, delimiter: str) -> pl.Series:
    """Return the line each row starts on, having counted the cells of every row.

    Raises:
        DataRefusedError: a row has not ``width`` cells, or a quotation mark quotes nothing.
    """
    bare = _quoted(delimiter).sub(lambda part: "\0" * part[0].count("\n"), text) if '"' in text else text
    made, line, begins = [], 1, 0
    while begins <= len(bare):
        # Piece by piece: a row as text is many times as large.
        ends = bare.find("\n", begins + _PIECE)
        ends = ends if ends >= 0 else len(bare)
        records = pl.Series(bare[begins:ends].split("\n"))
        inside = records.str.count_matches("\0", literal=True)
        lines = (inside.cum_sum() - inside + pl.int_range(line, line + len(records), eager=True)).cast(pl.Int64)
        header = int(begins == 0)
        _check_cells(records, lines, header, width, file, delimiter)
        made.append(lines[header:])
        line, begins = line + len(records) + int(inside.sum()), ends + 1
    return pl.concat(made)


def _check_cells(records: pl.Series, lines: pl.Series, header: int, width: int, file: str, delimiter: str) -> None:
    """Refuse the first record with a mark that quotes nothing, or, the header apart, with too few or too many cells."""
    stray = records.str.contains('"', literal=True).arg_true()
    if len(stray):
        raise DataRefusedError(
            "a quotation mark neither opens nor closes a cell",
            file=file,
            line=lines[stray[0]],
            hint="quote the whole cell, and double the marks inside it",
        )
    cells = records.str.count_matches(delimiter, literal=True)[header:] + 1
    wrong = (cells != width).arg_true()
    if len(wrong):
        raise DataRefusedError(
            f"{cells[wrong[0]]} cells where the header has {width}",
            file=file,
            line=lines[wrong[0] + header],
            hint=f"a {'comma' if delimiter == ',' else repr(delimiter)} inside a cell needs quotation marks around it",
        )
