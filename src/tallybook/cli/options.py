"""The options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tallybook.cli import completion

BookFolder = Annotated[Path, typer.Option("--book", metavar="DIR", help="The book's folder.")]

Feed = Annotated[
    str,
    typer.Argument(
        help="A source: the name of a card in the folder sources.", autocompletion=completion.feeds, show_default=False
    ),
]

PlaceName = Annotated[
    str | None,
    typer.Option(help="Of this place only: an id, FIPS code, name or abbreviation.", autocompletion=completion.places),
]

Format = Annotated[Literal["table", "csv"], typer.Option("--format", help="A table for people, or CSV with every row.")]

Limit = Annotated[int, typer.Option(help="How many rows the table shows.")]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, with every row, for programs.")]


def examples(*commands: str) -> str:
    """Return what stands below the help of a command, a line for each example."""
    return "\n\n".join([f"Example{'s' if len(commands) > 1 else ''}:", *(f"  $ {command}" for command in commands)])
