"""The commands for a ledger that a disk, a copy or a mistake may have damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from tallybook.cli.documents import print_json
from tallybook.cli.options import AsJson, BookFolder, examples
from tallybook.cli.printing import err, out, progress, working

EXAMPLES: Final = {
    "verify": examples("tallybook verify --book covid"),
    "rebuild": examples("tallybook rebuild --book covid"),
}


def verify(*, as_json: AsJson = False, folder: BookFolder = Path()) -> None:
    """Check every file of the ledger against its checksum; exit with 1 and name those that are damaged."""
    from tallybook.book import Book

    book = Book(folder)
    with working("reading the ledger"):
        found = book.verify()
    if as_json:
        files = [(str(damage.file.relative_to(book.ledger.folder)), damage) for damage in found]
        rows = [{"file": name, "what": damage.what, "untold": damage.untold} for name, damage in files]
        print_json("verify", rows)
        raise typer.Exit(1 if found else 0)
    if not found:
        out.print("every file of the ledger is as it was written")
        return
    for damage in found:
        out.print(f"{escape(str(damage.file.relative_to(book.ledger.folder)))} {escape(damage.what)}")
    err.print(
        f"[bold red]error:[/] {len(found):,} of the ledger's files are damaged; see docs/how-to/repair-a-ledger.md"
    )
    raise typer.Exit(1)


def rebuild(
    *,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Do without files that are missing or damaged, and say which.")
    ] = False,
    folder: BookFolder = Path(),
) -> None:
    """Make the ledger anew from the files that were recorded; the old one is kept beside it."""
    from tallybook.book import Book

    book = Book(folder)
    with progress() as bar:
        done = book.rebuild(allow_missing=allow_missing, progress=bar)
    for line in done.lost:
        err.print(f"[yellow]not in the new ledger:[/] {escape(line)}")
    if not done.compared:
        out.print("the records of the old ledger are damaged, so that the new ones were not compared with them")
    out.print(f"made the ledger anew: {done.records:,} records; the old one is {escape(str(done.previous))}")
