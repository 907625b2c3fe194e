"""Delimited text as agencies send it, read strictly: every cell is taken as it is or refused with its address."""

from __future__ import annotations

import csv
import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import polars as pl

from tallybook.errors import DataRefusedError
from tallybook.model.counting import counted_lines, row_lines
from tallybook.model.decoding import decoded, refuse_endless
from tallybook.model.texts import FORMULA, UNSEEN

_COMPARED: Final = 1_000
_MOST = 10**10
_FIRST_YEAR = 1900

LINE: Final = "\N{PILCROW SIGN}line"
"""The column that says on which line a row starts; no agency calls one so."""

_SHOWN = 60


@dataclass(frozen=True)
class Table:
    """A delimited file whose shape is known to be right.

    Attributes:
        file: the name errors use.
        rows: the columns asked for, as text, a blank cell null; and LINE, where each row stands.
        where: what LINE counts: the lines of the file, or the rows of a file that is not made of lines.
    """

    file: str
    rows: pl.DataFrame
    where: Literal["line", "row"] = "line"

    def with_rows(self, rows: pl.DataFrame) -> Table:
        """Return the table with other rows, or other columns."""
        return replace(self, rows=rows)

    def refuse(self, bad: pl.Expr, column: str, says: str, *, hint: str | None = None) -> None:
        """Refuse the file for its first row where ``bad`` holds, naming line, column and text.

        Args:
            bad: the condition of a row that cannot be taken; null counts as fine.
            column: the column at fault.
            says: what is wrong; ``{text}`` stands for the cell, any other column's name for its cell.
            hint: what to do about it.

        Raises:
            DataRefusedError: a row is bad.
        """
        rows = self.rows.filter(bad)
        if rows.is_empty():
            return
        first = rows.row(0, named=True)
        cells = {name: _shown(cell) for name, cell in first.items()}
        more = f" (and {rows.height - 1:,} more like it)" if rows.height > 1 else ""
        raise DataRefusedError(
            says.format_map({**cells, "text": cells[column]}) + more,
            file=self.file,
            line=first[LINE] if self.where == "line" else None,
            row=first[LINE] if self.where == "row" else None,
            column=column,
            hint=hint,
        )

    def with_dates(self, *columns: str, written: str = "%Y-%m-%d") -> Table:
        """Return the table with these columns as dates.

        Args:
            columns: the columns, as text.
            written: how a date is written, in strftime's codes.

        Raises:
            DataRefusedError: a cell is no day of the calendar written so.
        """
        table = self
        iso = written == "%Y-%m-%d"
        for column in columns:
            text = pl.col(column)
            day = text.str.to_date(written, strict=False)
            wrong = text.is_not_null() & day.is_null()
            if iso:
                wrong |= ~text.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
            hint = f"write dates as {'YYYY-MM-DD' if iso else written}"
            table.refuse(wrong, column, "{text} is no date", hint=hint)
            table.refuse(day.dt.year() < _FIRST_YEAR, column, "{text} is long ago", hint="is the year right?")
            table = table.with_rows(table.rows.with_columns(day))
        return table

    def with_integers(self, *columns: str, hint: str = "write digits only; leave it blank if not reported") -> Table:
        """Return the table with these columns as whole numbers (Int64).

        Raises:
            DataRefusedError: a cell is no whole number, or more than there are people on earth.
        """
        table = self
        for column in columns:
            text = pl.col(column)
            number = text.cast(pl.Int64, strict=False)
            wrong = ~text.str.contains(r"^-?[0-9]+$") | (text.is_not_null() & number.is_null())
            table.refuse(
                wrong,
                column,
                "{text} is no whole number",
                hint=hint,
            )
            table.refuse(number.abs() > _MOST, column, "{text} is more than there are people", hint=hint)
            table = table.with_rows(table.rows.with_columns(number))
        return table

    def with_decimals(self, *columns: str) -> Table:
        """Return the table with these columns as numbers (Float64).

        Raises:
            DataRefusedError: a cell is no number, or none that is finite.
        """
        table = self
        for column in columns:
            text = pl.col(column)
            wrong = ~text.str.contains(r"^-?[0-9]{1,15}(\.[0-9]{1,15})?$")
            table.refuse(wrong, column, "{text} is no number", hint="write digits and at most one point")
            table = table.with_rows(table.rows.with_columns(text.cast(pl.Float64)))
        return table

    def with_plain_texts(self, *columns: str) -> Table:
        """Return the table itself, its texts in these columns being what they look like wherever they are shown.

        Raises:
            DataRefusedError: a cell has a character that does not show, or begins as formulas of spreadsheets do.
        """
        for column in columns:
            text = pl.col(column)
            self.refuse(text.str.contains(UNSEEN), column, "a character in {text} does not show", hint="take it out")
            says = "{text} begins as a formula does"
            self.refuse(text.str.contains(FORMULA), column, says, hint="begin it with a letter or a digit")
        return self

    def required(self, *columns: str) -> Table:
        """Return the table itself, none of these columns having a blank cell.

        Raises:
            DataRefusedError: a cell is blank.
        """
        for column in columns:
            self.refuse(pl.col(column).is_null(), column, f"the {in_words(column)} is blank")
        return self


def read_table(
    data: bytes,
    *,
    file: str,
    columns: Sequence[str],
    optional: Sequence[str] = (),
    ignored: Sequence[str] = (),
    delimiter: str = ",",
) -> Table:
    r"""Return the rows of a delimited file that has these columns and no others, in any order.

    Taken: UTF-8 with or without a byte order mark, LF or CRLF, quoted cells, gzip, a missing final newline, a
    header without rows.

    Args:
        data: the bytes of the file.
        file: the name errors use.
        columns: the columns the file must have.
        optional: those it may have; all of them or none.
        ignored: those it may have that are not read; '*' for any.
        delimiter: what stands between cells.

    Raises:
        DataRefusedError: the file is empty, is not UTF-8, has other columns, or a line has too few or too many cells.

    >>> table = read_table(b'date,cases\r\n2020-01-21,"1"\r\n2020-01-22,\r\n', file="us.csv", columns=["date", "cases"])
    >>> table.rows.rows()
    [('2020-01-21', '1', 2), ('2020-01-22', None, 3)]
    >>> read_table(b"date,case\n", file="us.csv", columns=["date", "cases"])
    Traceback (most recent call last):
    ...
    tallybook.errors.DataRefusedError: us.csv, line 1: the column cases is missing; is it the one called 'case'?
    """
    text = decoded(data, file)
    refuse_endless(text, file, delimiter)
    header = _header(text, file, delimiter)
    wanted = [*columns, *optional] if set(header) & set(optional) else columns
    check_header(header, wanted, file, ignored=ignored)
    lines = row_lines(text, len(header), file, delimiter)
    try:
        rows = pl.read_csv(text.encode(), infer_schema=False, separator=delimiter)
    except pl.exceptions.ComputeError as error:
        # A row has too many cells, and another that many too few.
        counted_lines(text, len(header), file, delimiter)
        raise DataRefusedError(f"the rows cannot be read: {error}", file=file) from error
    return Table(file, rows.select(wanted).with_columns(lines.alias(LINE)))


def in_words(column: str) -> str:
    """Return the name of a column as part of what ``Table.refuse`` says."""
    return column.replace("{", "{{").replace("}", "}}")


def _each_line(text: str) -> Iterator[str]:
    """Yield the lines of a text, one after the other, without another copy of all of it."""
    begins = 0
    while begins < len(text):
        ends = text.find("\n", begins) + 1 or len(text)
        yield text[begins:ends]
        begins = ends


def _header(text: str, file: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader(_each_line(text), strict=True, delimiter=delimiter))
    except csv.Error as error:
        raise DataRefusedError(f"the header cannot be read: {error}", file=file, line=1) from error


def _instead_of(column: str, names: Sequence[str], others: Sequence[str]) -> str:
    """Return what a file has in place of a column: other marks between its columns, another name, other columns."""
    marks = [mark for mark in (";", "\t", "|", ",") if len(names) == 1 and column in names[0].split(mark)]
    if marks:
        return f"between its columns stands {marks[0]!r}; save it with another, or say so as `delimiter` in the card"
    close = difflib.get_close_matches(column, [name for name in others[:_COMPARED] if len(name) <= _SHOWN], n=1)
    return f"is it the one called {close[0]!r}?" if close else f"the file has {_listed(names)}"


def check_header(header: Sequence[str], columns: Sequence[str], file: str, *, ignored: Sequence[str] = ()) -> None:
    """Refuse a file that lacks a column, has one that is neither wanted nor ignored, or has one twice.

    Raises:
        DataRefusedError: it does.
    """
    names = list(header)
    others = [name for name in names if name not in columns]
    for column in columns:
        if column not in names:
            raise DataRefusedError(
                f"the column {column} is missing", file=file, line=1, hint=_instead_of(column, names, others)
            )
    extra = [] if "*" in ignored else [name for name in others if name not in ignored]
    if extra:
        raise DataRefusedError(
            f"unexpected column {_shown(extra[0])}", file=file, line=1, hint=f"expected {', '.join(columns)}"
        )
    if len(names) != len(set(names)):
        twice = Counter(names).most_common(1)[0][0]
        raise DataRefusedError(f"the column {_listed([twice])} stands there twice", file=file, line=1)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name if name.isprintable() and 0 < len(name) <= _SHOWN else _shown(name) for name in names[:12])
    return shown if len(names) <= 12 else f"{shown} and {len(names) - 12:,} more"


def _shown(cell: object) -> str:
    """Return a cell as errors show it: quoted, on one line, not endless."""
    if cell is None:
        return "blank"
    text = str(cell)
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
