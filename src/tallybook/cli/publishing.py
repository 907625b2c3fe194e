"""The commands that publish, and that make live counts final."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from tallybook.cli.documents import print_json
from tallybook.cli.moments import day_of, moment_of
from tallybook.cli.options import AsJson, BookFolder
from tallybook.cli.printing import out, print_release, progress, working
from tallybook.errors import ContractError

if TYPE_CHECKING:
    from tallybook.book import Book
    from tallybook.release.write import Release


def publish(
    target: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to. Default: public, in the book.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="The release as it would have been then; needs --out.")
    ] = None,
    *,
    site: Annotated[
        bool | None,
        typer.Option("--site/--no-site", help="Whether to make the pages to read it, too. Default: as book.toml says."),
    ] = None,
    engine: Annotated[
        Literal["polars", "spark"],
        typer.Option(help="What computes: this machine, or Spark, which writes Parquet by year, no CSV and no pages."),
    ] = "polars",
    master: Annotated[
        str | None,
        typer.Option(help="Where Spark is: local[4], spark://host:7077, yarn; of Spark Connect sc://host:15002."),
    ] = None,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Publish what is known: CSV files in the published layout, Parquet files that say more, and pages to read them."""
    from tallybook.book import Book

    book = Book(folder)
    moment = None if as_of is None else moment_of(as_of, book)
    if engine == "spark":
        release = _publish_on_spark(book, target, master, moment, site=site)
    elif master is not None:
        raise ContractError("--master is of --engine spark", hint="give both, or neither")
    else:
        with progress() as bar:
            release = book.publish(target, as_of=moment, site=site, progress=bar)
    if as_json:
        said = {"folder": str(release.folder), "as_of": release.as_of, "notes": list(release.notes)}
        print_json("publish", [asdict(file) for file in release.files], **said)
        return
    print_release(book, release)


def _publish_on_spark(
    book: Book, target: Path | None, master: str | None, moment: datetime | None, *, site: bool | None
) -> Release:
    from tallybook.book.spark import shared_target, spark_session

    if target is None or master is None or site:
        raise ContractError(
            "--engine spark makes a release without CSV files and pages", hint="give --master, --out DIR and no --site"
        )
    shared_target(target, book=book.folder)  # Spark takes seconds to start
    with working("computing on Spark"), spark_session(master) as session:
        return book.publish_on_spark(target, session=session, as_of=moment)


def close_day(
    day: Annotated[
        str | None, typer.Argument(metavar="[DATE]", help="A day that is over; by default all that are still open.")
    ] = None,
    *,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Make the last live counts of a day final, unless final ones were recorded. Publishing does it, too."""
    from tallybook.book import Book

    book = Book(folder)
    with working("closing what is over"):
        closed = book.close_day(None if day is None else day_of(day))
    if as_json:
        print_json("close-day", [{"file": file.file, "final": file.added} for file in closed])
        return
    for file in closed:
        out.print(f"closed {escape(file.file)}: {file.added:,} counts are final")
    if not closed:
        out.print("there is nothing to close")
