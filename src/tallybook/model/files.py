"""Files of people's own, which may not be what they should."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Final

from tallybook.errors import BookError, SourceError

MOST_BYTES: Final = 2 * 1024**3
"""The largest file that is read, unpacked."""

MOST_TEXT: Final = 1 << 18
"""The largest text that a person is taken to have written, in bytes."""


def read_file(file: Path, *, most: int | None = None) -> bytes:
    """Return the bytes of a file, not of what only looks like one: a pipe or a device may never end.

    Args:
        file: the file.
        most: larger ones are refused; those of more than MOST_BYTES by default.

    Raises:
        SourceError: it is no file, too large, or cannot be read; says why.

    >>> read_file(Path("/no/such/file"))
    Traceback (most recent call last):
    ...
    tallybook.errors.SourceError: cannot read /no/such/file: No such file or directory
    """
    most = MOST_BYTES if most is None else most
    try:
        if file.exists() and not (file.is_file() or file.is_dir()):
            raise SourceError(f"cannot read {file}: it is a pipe or a device", hint="write it to a file first")
        if (size := file.stat().st_size) > most:
            raise SourceError(
                f"cannot read {file}: {size:,} bytes are more than {most:,}", hint="is it the right file?"
            )
        return file.read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:  # a name with a NUL, or with a lone surrogate
        raise SourceError(f"cannot read {str(file)!r}: {error}") from error


def inside(file: Path, folder: Path) -> Path:
    """Return a file of a folder that came from others, which is in it.

    Raises:
        SourceError: it is a link that leads out of the folder.
    """
    if not file.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{file} is a link that leads out of {folder}", hint="put the file itself there")
    return file


def read_text(file: Path) -> str:
    """Return the text of a file that has to be UTF-8.

    Raises:
        SourceError: it cannot be read, is longer than MOST_TEXT, or is not UTF-8; says where.
    """
    data = read_file(file, most=MOST_TEXT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(f"{file}, line {line}: the text is not UTF-8", hint="save it as UTF-8") from error


def synced(path: Path) -> None:
    """Force a file, or the names in a folder, onto the disk.

    Raises:
        OSError: it cannot be opened or written.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def whole_lines(file: Path) -> list[str]:
    """Return the lines of a file that is only added to; none where it is missing.

    A last line without an end was being written when the process was killed or the disk was full: it is left out.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not UTF-8.
    """
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return []
    return data.decode().split("\n")[:-1]


def append_line(file: Path, line: str) -> None:
    """Add a line to a file, as a whole or not at all; it is on the disk when this returns.

    A last line without an end is cut off first. One process at a time may add.

    Raises:
        OSError: it cannot be written.
    """
    with file.open("a+b", buffering=0) as lines:  # what is buffered would be written again at the end
        whole = _whole(lines)
        try:
            left = f"{line}\n".encode()
            while left:
                left = left[lines.write(left) or 0 :]
            os.fsync(lines.fileno())
        except OSError:
            with suppress(OSError):  # else whoever adds the next line does it
                os.truncate(file, whole)
            raise
    if not whole:
        synced(file.parent)


def _whole(lines: FileIO) -> int:
    """Cut off a last line without an end, and return how many bytes there are then."""
    size = lines.seek(0, os.SEEK_END)
    lines.seek(max(0, size - 1))
    if lines.read() in (b"", b"\n"):
        return size
    lines.seek(0)
    return lines.truncate(lines.read().rfind(b"\n") + 1)


def replace_file(file: Path, data: bytes) -> None:
    """Put the bytes in the place of a file as a whole, making its folder where it is missing; on the disk then.

    Raises:
        BookError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(f".{file.name}.next")
        new.write_bytes(data)
        synced(new)
        new.replace(file)
        synced(file.parent)
    except OSError as error:
        raise BookError(f"cannot write {file}: {error.strerror}") from error
