"""Reading files of people's own, which may not be what they should."""

from __future__ import annotations

from pathlib import Path

from tallybook.errors import SourceError


def read_file(file: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        SourceError: it is no file, or cannot be read; says why.

    >>> read_file(Path("/no/such/file"))
    Traceback (most recent call last):
    ...
    tallybook.errors.SourceError: cannot read /no/such/file: No such file or directory
    """
    try:
        return file.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}") from error


def read_text(file: Path) -> str:
    """Return the text of a file that has to be UTF-8.

    Raises:
        SourceError: it cannot be read, or is not UTF-8; says where.
    """
    data = read_file(file)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{file}, line {line}: the text is not UTF-8", hint="save it as UTF-8") from error
