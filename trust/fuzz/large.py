"""The largest hostile files, in their real size, each read in a process of its own: ``python trust/fuzz/large.py``.

Prints a row of a table for each: how it was refused, after how many seconds, with how much memory at most beyond the file.
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tallybook.errors import TallybookError
from tallybook.model.files import read_file
from tallybook.model.tables import read_table

HEADER: Final = b"date,cases,deaths\n"
MEGABYTE: Final = 2**20
MOST_SECONDS: Final = 60
MOST_MEMORY: Final = 3_000
"""Megabytes a process may have at most beyond the file, which is there as bytes and again as text."""


def gigabyte_line() -> Iterator[bytes]:
    """A line of a gigabyte."""
    yield HEADER
    yield from (b"1" * MEGABYTE for _ in range(1024))


def columns() -> Iterator[bytes]:
    """A header of ten million columns, each of a name of its own."""
    yield from (b"".join(b"c%d," % number for number in range(n, n + 100_000)) for n in range(0, 10_000_000, 100_000))


def two_gigabytes() -> Iterator[bytes]:
    """Gzip that unpacks to two gigabytes."""
    part = gzip.compress(bytes(MEGABYTE), 9)
    yield from (part for _ in range(2048))


def parts() -> Iterator[bytes]:
    """Gzip of ten million parts with nothing in them."""
    yield from (gzip.compress(b"") * 100_000 for _ in range(100))


def quoted() -> Iterator[bytes]:
    """A quoted cell of a gigabyte of lines, which never ends."""
    yield HEADER + b'2020-01-21,1,"'
    yield from (b"1\n" * (MEGABYTE // 2) for _ in range(1024))


def sparse() -> Iterator[bytes]:
    """Three gigabytes of nothing."""
    yield from (bytes(MEGABYTE) for _ in range(3072))


FILES: Final[tuple[Callable[[], Iterator[bytes]], ...]] = (gigabyte_line, columns, two_gigabytes, parts, quoted, sparse)


def main() -> None:
    """Read each, print how it went, and exit with 1 where one was not refused within bounds."""
    print("| file | bytes | refused | seconds | memory beyond it, MB |\n|---|---|---|---|---|")
    sys.exit(not all([_refused(make) for make in FILES]))


def _refused(make: Callable[[], Iterator[bytes]]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "us.csv"
        with file.open("wb") as out:
            for piece in make():
                out.write(piece)
        size, began = file.stat().st_size, time.monotonic()
        command = [sys.executable, __file__, str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        seconds = time.monotonic() - began
    said, _, peak = done.stdout.strip().rpartition("\n")
    memory = int(peak or -1) // MEGABYTE - size // MEGABYTE
    print(
        f"| {make.__doc__} | {size:,} | {said.partition('us.csv')[2][2:]}{done.stderr[-200:]} | {seconds:.1f} | {memory:,} |"
    )
    return done.returncode == 0 and "us.csv" in said and seconds < MOST_SECONDS and memory < MOST_MEMORY


def read(name: str) -> None:
    """Read a file, and print why it is refused, and the most memory this process had."""
    try:
        read_table(read_file(Path(name)), file=name, columns=["date", "cases", "deaths"], ignored=["*"])
    except TallybookError as error:
        print(error)
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    print(int(found[1]) * 1024 if found else -1)


if __name__ == "__main__":
    read(sys.argv[1]) if sys.argv[1:] else main()
