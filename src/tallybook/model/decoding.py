"""The text of a file that should be a table: unpacked, decoded, and within bounds."""

from __future__ import annotations

from typing import Final

from tallybook.errors import DataRefusedError
from tallybook.model.files import MOST_BYTES
from tallybook.model.packed import GZIP, PackedError, unpacked

_ZIP = b"PK\x03\x04"
_OTHERS: Final = {
    # In this order: one begins as the other does.
    "UTF-32": (b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
    "UTF-16": (b"\xff\xfe", b"\xfe\xff"),
}
_MOST_COLUMNS: Final = 16_384  # as many as a spreadsheet has
_LONGEST_LINE: Final = 1 << 20
_IS_IT: Final = "is this a table, a row per line?"


def decoded(data: bytes, file: str) -> str:
    """Return the text of a file that may be gzipped, without line ends at its end.

    Raises:
        DataRefusedError: the file is empty, damaged, too large, a web page, a workbook, or not UTF-8.
    """
    if data.startswith(GZIP):
        data = _unpacked(data, file)
    _check_bytes(data, file)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataRefusedError("the text is not UTF-8", file=file, line=line, hint="save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataRefusedError("a NUL character stands in the text", file=file, line=line, hint="is this a CSV file?")
    _check_text(text, file)
    return text.rstrip("\r\n")


def _unpacked(data: bytes, file: str) -> bytes:
    try:
        plain = unpacked(data, most=MOST_BYTES)
    except PackedError as error:
        raise DataRefusedError(f"the gzip file {error}", file=file, hint="fetch it again, or split it") from None
    if plain.startswith(GZIP):
        raise DataRefusedError("this is gzip within gzip", file=file, hint="unpack it once")
    return plain


def _check_bytes(data: bytes, file: str) -> None:
    if len(data) > MOST_BYTES:
        raise DataRefusedError(f"the file is larger than {MOST_BYTES:,} bytes", file=file, hint="split it")
    if data.startswith(_ZIP):
        raise DataRefusedError("this is a workbook or a ZIP file, not a table", file=file, hint="save the sheet as CSV")
    for encoding, marks in _OTHERS.items():
        if data.startswith(marks):
            raise DataRefusedError(f"the file is {encoding}", file=file, hint="save it as UTF-8")


def _check_text(text: str, file: str) -> None:
    if not text.strip():
        raise DataRefusedError("the file is empty", file=file, hint="not even a header was found")
    if text.lstrip().startswith("<"):
        raise DataRefusedError("this is a web page, not a table", file=file, hint="is the address still right?")
    head = text[: text.find("\n") + 1 or len(text)]
    if not head.strip():
        raise DataRefusedError("the first line is blank", file=file, line=1, hint="the header comes first")
    if "\r" in head.removesuffix("\n").removesuffix("\r"):
        how = "CR alone" if "\r" in head.rstrip() else "more than one CR"
        raise DataRefusedError(f"lines end in {how}", file=file, hint="save it with LF or CRLF line ends")


def refuse_endless(text: str, file: str, delimiter: str) -> None:
    """Refuse a file with a line that no table has, before anything is made of it.

    Raises:
        DataRefusedError: a line is too long, or the header has too many columns.
    """
    begins = 0
    while len(text) - begins > _LONGEST_LINE:
        ends = text.rfind("\n", begins, begins + _LONGEST_LINE + 1)
        if ends < 0:
            line = text.count("\n", 0, begins) + 1
            raise DataRefusedError(
                f"the line is longer than {_LONGEST_LINE:,} characters", file=file, line=line, hint=_IS_IT
            )
        begins = ends + 1
    columns = text.count(delimiter, 0, text.find("\n") + 1 or len(text)) + 1
    if columns > _MOST_COLUMNS:
        raise DataRefusedError(f"{columns:,} columns are more than {_MOST_COLUMNS:,}", file=file, line=1, hint=_IS_IT)
