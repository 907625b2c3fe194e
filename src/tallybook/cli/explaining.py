"""The command that says what an average is made of."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tallybook.cli import completion
from tallybook.cli.documents import print_json
from tallybook.cli.moments import day_of, moment_of
from tallybook.cli.options import AsJson, BookFolder
from tallybook.cli.printing import print_explanation, working


def explain(
    place: Annotated[
        str, typer.Argument(help="An id, FIPS code, name or abbreviation.", autocompletion=completion.places)
    ],
    day: Annotated[str, typer.Argument(metavar="DATE", help="The day of the average, YYYY-MM-DD.")],
    metric: Annotated[
        str, typer.Argument(help="One of the book's metrics, such as cases.", autocompletion=completion.metrics)
    ],
    as_of: Annotated[str | None, typer.Option(metavar="MOMENT", help="As it was then; now by default.")] = None,
    *,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Show what an average is made of: the days of its window, what was left out and why, the sum and the division."""
    from tallybook.book import Book

    book = Book(folder)
    with working("computing averages"):
        made = book.explain(place, day_of(day), metric, as_of=None if as_of is None else moment_of(as_of, book))
    if as_json:
        said = asdict(made)
        days, parts = said.pop("days"), said.pop("parts")
        print_json("explain", days or parts, **said)
    else:
        print_explanation(book, made)
