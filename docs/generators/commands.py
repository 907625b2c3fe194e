"""The page of the command line: every command, argument, option and example."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import typer.main

from generators.attributes import cell
from tallybook.cli.commands import app

_TAG: Final = re.compile(r"\[/?[a-z ]*\]")


def commands() -> str:
    """Return a section for each command, in the order of ``tallybook --help``."""
    return "\n\n".join(section for path, command in walk() for section in _sections(path, command))


def walk() -> Iterator[tuple[str, Any]]:
    """Yield each command with its whole name, such as ``tallybook chart map``."""
    yield from _below("tallybook", typer.main.get_command(app))


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        if inner.hidden:
            continue
        if hasattr(inner, "commands"):
            yield from _below(f"{path} {name}", inner)
        else:
            yield f"{path} {name}", inner


def _sections(path: str, command: Any) -> Iterator[str]:
    yield f"## `{path}`"
    yield plain(command.help or "")
    parameters = [parameter for parameter in command.params if parameter.name != "help"]
    if parameters:
        context = command.make_context(path, [], resilient_parsing=True)
        rows = [f"| {_spelt(parameter, context)} | {_says(parameter)} |" for parameter in parameters]
        yield "\n".join(["| | |", "|---|---|", *rows])
    examples = plain(command.epilog or "")
    said = re.match(r"Examples?:\s*", examples)
    if said:
        lines = re.split(r"\s+·\s+|\n+", examples[said.end() :])
        yield "\n".join(["```text", *lines, "```"])
    elif examples:
        yield examples


def _spelt(parameter: Any, context: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    return names if parameter.is_flag else f"{names} `{parameter.metavar or _kind(parameter, context)}`"


def _kind(parameter: Any, context: Any) -> str:
    """Return what an option takes: its choices, or a word such as TEXT."""
    said = str(parameter.display_type(context)).strip("<>")
    return said.replace("|", " or ") if "|" in said else {"str": "TEXT", "int": "NUMBER"}.get(said, said.upper())


def _says(parameter: Any) -> str:
    words = cell(plain(parameter.help or ""))
    default = parameter.default
    plainly = isinstance(default, (str, int)) and not isinstance(default, bool) and str(default)
    return f"{words} Default: `{default}`." if plainly else words


def plain(text: str) -> str:
    """Return a text of the command line without its marks for the terminal.

    >>> plain("[bold]Make[/] a book")
    'Make a book'
    """
    return _TAG.sub("", text).strip()
