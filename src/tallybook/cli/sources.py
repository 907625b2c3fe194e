"""The commands about sources."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from tallybook.cli.printing import out

if TYPE_CHECKING:
    from tallybook.sources.cards import Source


SHIPPED = ("nyt", "connecticut")
"""The templates whose cards are of sources that exist."""

app = typer.Typer(help="List the sources of a book, or check the card of one.")


@app.callback(
    invoke_without_command=True,
    epilog="Examples: tallybook sources --book covid · tallybook sources check covid/sources/agency.md",
)
def sources(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--book", metavar="DIR", help="The book's folder.")] = Path(),
) -> None:
    """List the sources of a book; outside a book, those that templates come with."""
    from tallybook.book import Book
    from tallybook.model.templates import templates
    from tallybook.sources.catalogue import read_catalogue

    if context.invoked_subcommand:
        return
    if (folder / "book.toml").is_file():
        _print(Book(folder).sources.values())
        return
    out.print("no book here; these come with a template: tallybook init DIR --template NAME")
    for name in SHIPPED:
        with resources.as_file(templates()[name]) as template:
            out.print(f"\n[dim]--template {name}[/]")
            _print(read_catalogue(template / "sources").values())


@app.command(epilog="Example: tallybook sources check covid/sources/agency.md")
def check(file: Annotated[Path, typer.Argument(metavar="FILE.md", help="A card.")]) -> None:
    """Say what is wrong or odd in a card, by line. Exits with 1 if it cannot be used."""
    from tallybook.model.files import read_text
    from tallybook.sources.cards import check_card

    problems = check_card(read_text(file))
    for problem in problems:
        kind = "[bold red]wrong[/]" if problem.wrong else "[yellow]odd[/]"
        key = f" {problem.key}:" if problem.key else ""
        out.print(f"{escape(str(file))}, line {problem.line}: {kind}{escape(key)} {escape(problem.says)}")
    if any(problem.wrong for problem in problems):
        raise typer.Exit(1)
    out.print(f"{escape(str(file))}: nothing is wrong")


def _print(found: Iterable[Source]) -> None:
    for source in found:
        card = source.card
        levels = card.level or ("nation, state, county" if card.layout == "published" else "deaths from all causes")
        about = [card.publisher, levels, card.cadence, f"{len(source.notes)} dated notes", card.license]
        out.print(f"[bold]{source.name}[/]  {escape(card.title)}")
        out.print(f"  {escape(' · '.join(filter(None, about)))}")
        out.print(f"  {escape(card.location or 'no address: record it from a file')}")
