"""The commands that make a book: a new one, or one of invented numbers."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from tallybook.cli import completion
from tallybook.cli.printing import in_numbers, out, print_explanation, print_release, progress

if TYPE_CHECKING:
    from tallybook.book import Book


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    template: Annotated[
        str,
        typer.Option(
            help="What the book starts as: plain, nyt, connecticut, measles or simulated.",
            autocompletion=completion.templates,
        ),
    ] = "plain",
) -> None:
    """Make a book: a folder with its configuration, to be kept in git by its editors."""
    from tallybook.book import Book

    book = Book.init(folder, template=template)
    feed = next(iter(book.sources))
    out.print(f"made {escape(str(folder))}: {escape(book.config.title)}")
    out.print(f"next: edit {escape(str(folder / 'book.toml'))}, then")
    out.print(escape(f"      tallybook record {feed} PATH_OR_URL --book {folder}"))


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new folder, or that of the last demo.")] = Path(
        "demo"
    ),
    template: Annotated[
        Literal["simulated", "measles"],
        typer.Option(help="What is simulated: an outbreak counted daily (simulated), or by week (measles)."),
    ] = "simulated",
) -> None:
    """Make a book of a simulated outbreak, record it, publish it and explain one figure. Its numbers are invented."""
    from tallybook.book import SIMULATED, WEEKLY, Book, weekly_book

    began = time.perf_counter()
    if template == WEEKLY:
        release = weekly_book(folder).publish()
        print_release(Book(folder), release)
        out.print(f"open {escape(str(release.folder / 'index.html'))} in a browser")
        return
    book = Book.simulated(folder)
    with progress() as bar:
        recorded = book.record(SIMULATED, book.folder / "feed", progress=bar)
        release = book.publish(progress=bar)
    out.print(f"[bold]{escape(book.config.title)}[/] in {escape(str(folder))}")
    for file in recorded:
        out.print(f"recorded {escape(file.file)}: {in_numbers(file)}")
    print_release(book, release)
    out.print()
    shown = _telling_day(book)
    out.print(f"[dim]$ tallybook explain {shown[0]} {shown[1]} cases --book {escape(str(folder))}[/]")
    print_explanation(book, book.explain(shown[0], shown[1], "cases"))
    out.print(f"\ndone in {time.perf_counter() - began:.1f} s; the release is in {escape(str(release.folder))}")
    out.print(f"open {escape(str(release.folder / 'index.html'))} in a browser")


def _telling_day(book: Book) -> tuple[str, date]:
    """Return a state and a day whose window has an omitted day within it."""
    import polars as pl

    averages = book.averages("state").sort("geoid", "date")
    omitted = pl.col("cases_omitted") & pl.col("cases_anomaly").is_not_null() & (pl.col("cases") > 0)
    within = omitted.shift(3, fill_value=False).over("geoid") & (pl.col("cases_window_end") == pl.col("date"))
    row = (averages.filter(within) if averages.select(within.any()).item() else averages).row(0, named=True)
    return row["geoid"], row["date"]
