"""What classes say of their attributes, as tables."""

from __future__ import annotations

import inspect
import re
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_ATTRIBUTE: Final = re.compile(r"^    (\w+): ((?:.*\n?)(?:      .*\n?)*)", re.MULTILINE)
_WORDS: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", dict: "table"}


def said_of(kind: type) -> dict[str, str]:
    """Return what the docstring of a class says of each of its attributes."""
    section = inspect.getdoc(kind) or ""
    _, _, attributes = section.partition("Attributes:\n")
    return {name: " ".join(words.split()) for name, words in _ATTRIBUTE.findall(attributes)}


def key_table(model: type[BaseModel]) -> str:
    """Return a Markdown table of the keys a model reads: what each may be, its default, what it says."""
    said = said_of(model)
    rows = ["| key | may be | if left out | says |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        default = "must be there" if field.is_required() else _shown(field.get_default(call_default_factory=True))
        rows.append(f"| `{name}` | {in_words(field.annotation)} | {default} | {cell(said[name])} |")
    return "\n".join(rows)


def cell(text: str) -> str:
    """Return a text as it may stand in a cell of a Markdown table."""
    return text.replace("|", "\\|").replace("``", "`").replace("*", "\\*")


def in_words(annotation: Any) -> str:
    """Return what a value may be, in words.

    >>> in_words(str | None), in_words(tuple[int, ...]), in_words(Literal["a", "b"])
    ('text', 'list: whole number', '`a`, `b`')
    """
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return in_words(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(in_words(part) for part in inner if part is not NoneType))
    if origin is tuple:
        return f"list: {in_words(inner[0])}" if inner[-1] is Ellipsis else f"{len(inner)} × {in_words(inner[0])}"
    if origin is dict:
        return f"table: {in_words(inner[0])} → {in_words(inner[1])}"
    return ", ".join(f"`{value}`" for value in inner) if origin is Literal else _one_in_words(annotation)


def _one_in_words(kind: type) -> str:
    if issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    if issubclass(kind, BaseModel):
        return "table: " + ", ".join(f"`{name}`" for name in kind.model_fields)
    return _WORDS.get(kind, kind.__name__)


def _shown(value: Any) -> str:
    if value is None or value in ("", (), {}):
        return "–"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(_shown(part) for part in value)
    return f"`{value.value if isinstance(value, Enum) else value}`"
