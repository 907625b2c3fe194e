"""The whole tree of exceptions.

::

    TallybookError            everything this package raises on purpose
    ├── ContractError         a call broke a function's contract (a column is missing, a moment has no time zone)
    ├── DataRefusedError      a file says something that cannot be taken; names file, line and column
    ├── UnknownPlaceError     no such place in the gazetteer; says what was probably meant
    ├── BookError             a folder is no book, or its configuration is wrong
    ├── SourceError           a folder or an address cannot be read
    └── LedgerError           the ledger is busy, missing or not what it should be

Every message is one line that says what and where; ``hint`` says what to do about it.
"""

from __future__ import annotations


def _in_one_line(text: str) -> str:
    """Return a text with the characters that do not print as escapes."""
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape").decode() for mark in text)


class TallybookError(Exception):
    r"""The base of every exception of this package.

    Args:
        message: what went wrong, and where, in one line.
        hint: what to do about it, in one line.

    What they quote may be anybody's: characters that do not print, such as line ends, are written out.

    >>> print(TallybookError("no file 'a" + chr(10) + "b'"))
    no file 'a\nb'
    >>> str(TallybookError("no such feed 'nty'", hint="did you mean 'nyt'?"))
    "no such feed 'nty'; did you mean 'nyt'?"
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = _in_one_line(message)
        self.hint = None if hint is None else _in_one_line(hint)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}; {self.hint}"


class ContractError(TallybookError):
    """A call broke the contract of a function."""


class DataRefusedError(TallybookError):
    """A file says something that cannot be taken; nothing of the file was.

    Args:
        message: what is wrong, with the text in question.
        file: the file's name or address.
        line: its line, the header being line 1; None where the file as a whole is meant.
        row: its row, the first being 1, of a file that is not made of lines.
        column: the name of its column.
        hint: what to do about it.

    >>> str(DataRefusedError("'1O' is no whole number", file="us.csv", line=7, column="cases"))
    "us.csv, line 7, column cases: '1O' is no whole number"
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None = None,
        row: int | None = None,
        column: str | None = None,
        hint: str | None = None,
    ) -> None:
        where = [file]
        if line is not None:
            where.append(f"line {line}")
        if row is not None:
            where.append(f"row {row}")
        if column is not None:
            where.append(f"column {column}")
        super().__init__(f"{', '.join(where)}: {message}", hint=hint)
        self.file = file
        self.line = line
        self.row = row
        self.column = column


class UnknownPlaceError(TallybookError):
    """No such place in the gazetteer."""


class BookError(TallybookError):
    """A folder is no book, or its configuration is wrong."""


class SourceError(TallybookError):
    """A folder or an address cannot be read."""


class LedgerError(TallybookError):
    """The ledger is busy, missing or not what it should be."""
