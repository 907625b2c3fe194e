"""The commands that say what looks wrong, and draft what an editor may say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallybook.cli.documents import print_json
from tallybook.cli.options import AsJson, BookFolder
from tallybook.cli.printing import print_findings, progress, write


def check(
    limit: Annotated[int, typer.Option(help="How many findings the table shows, the latest first.")] = 40,
    *,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 if any finding is an error.")] = False,
    folder: BookFolder = Path(),
) -> None:
    """Say what looks wrong: declines, jumps, gaps, sums that do not add up, sources that disagree."""
    from tallybook.book import Book

    book = Book(folder)
    with progress() as bar:
        findings = book.check(progress=bar)
    if as_json:
        print_json("check", findings)
    else:
        print_findings(findings, limit)
    if strict and (findings["severity"] == "error").any():
        raise typer.Exit(2)


def suggest_anomalies(*, as_json: AsJson = False, folder: BookFolder = Path()) -> None:
    """Draft rows of anomalies.csv for declines and jumps that no entry explains. An editor decides which to keep."""
    from tallybook.anomalies import suggest_anomalies as drafts
    from tallybook.anomalies import write_anomalies
    from tallybook.book import Book

    book = Book(folder)
    with progress() as bar:
        drafted = drafts(book.check(progress=bar), book.places)
    if as_json:
        print_json("suggest-anomalies", drafted)
    else:
        write(write_anomalies(drafted))
