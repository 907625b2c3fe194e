"""The commands about sources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from tallybook.cli.documents import print_json
from tallybook.cli.options import AsJson, BookFolder, examples
from tallybook.cli.printing import out

if TYPE_CHECKING:
    from tallybook.sources.cards import Source


SHIPPED = ("nyt", "connecticut")
"""The templates whose cards are of sources that exist."""

app = typer.Typer(help="List the sources of a book, or check the card of one.")


@app.callback(
    invoke_without_command=True,
    epilog=examples("tallybook sources --book covid", "tallybook sources check covid/sources/agency.md"),
)
def sources(
    context: typer.Context,
    *,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """List the sources of a book; outside a book, those that templates come with."""
    from tallybook.book import Book
    from tallybook.model.templates import templates
    from tallybook.sources.catalogue import read_catalogue

    if context.invoked_subcommand:
        return
    if (folder / "book.toml").is_file():
        found = Book(folder).sources.values()
        if as_json:
            print_json("sources", [_row(source) for source in found])
        else:
            _print(found)
        return
    shipped: list[dict[str, Any]] = []
    if not as_json:
        out.print("no book here; these come with a template: tallybook init DIR --template NAME")
    for name in SHIPPED:
        with resources.as_file(templates()[name]) as template:
            known = read_catalogue(template / "sources").values()
        shipped += [{**_row(source), "template": name} for source in known]
        if not as_json:
            out.print(f"\n[dim]--template {name}[/]")
            _print(known)
    if as_json:
        print_json("sources", shipped)


@app.command(epilog=examples("tallybook sources check covid/sources/agency.md"))
def check(file: Annotated[Path, typer.Argument(metavar="FILE.md", help="A card.")], *, as_json: AsJson = False) -> None:
    """Say what is wrong or odd in a card, by line. Exits with 1 if it cannot be used."""
    from tallybook.model.files import read_text
    from tallybook.sources.cards import check_card

    problems = check_card(read_text(file))
    if as_json:
        print_json("sources check", [asdict(problem) for problem in problems], file=str(file))
        raise typer.Exit(1 if any(problem.wrong for problem in problems) else 0)
    for problem in problems:
        kind = "[bold red]wrong[/]" if problem.wrong else "[yellow]odd[/]"
        key = f"{problem.key}: " if problem.key else ""
        out.print(f"{escape(str(file))}, line {problem.line}: {kind}: {escape(key + problem.says)}")
    if any(problem.wrong for problem in problems):
        raise typer.Exit(1)
    out.print(f"{escape(str(file))}: nothing is wrong")


def _row(source: Source) -> dict[str, Any]:
    """Return a source as programs read it."""
    card = source.card
    own = {"title": card.title, "publisher": card.publisher, "level": card.level, "cadence": card.cadence}
    return {"name": source.name, **own, "notes": len(source.notes), "license": card.license, "location": card.location}


def _print(found: Iterable[Source]) -> None:
    for source in found:
        card = source.card
        levels = card.level or ("nation, state, county" if card.layout == "published" else "deaths from all causes")
        about = [card.publisher, levels, card.cadence, f"{len(source.notes)} dated notes", card.license]
        out.print(f"[bold]{source.name}[/]  {escape(card.title)}")
        out.print(f"  {escape(' · '.join(filter(None, about)))}")
        out.print(f"  {escape(card.location or 'no address: record it from a file')}")
