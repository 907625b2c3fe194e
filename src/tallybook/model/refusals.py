"""What pydantic finds wrong in a file of people's own, as people say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from pydantic_core import ErrorDetails

from tallybook.model.names import meant

_LONGEST: Final = 60
_CHOICE: Final = re.compile(r"'([^']*)'")
_QUOTE: Final = "'"

_KINDS: Final = {
    "tuple": "is no list",
    "list": "is no list",
    "dict": "has no keys with values",
    "model": "has no keys with values",
    "string": "is no text",
    "int": "is no whole number",
    "float": "is no number",
    "bool": "is neither true nor false",
    "date": "is no date such as 2020-01-21",
    "datetime": "is no date such as 2020-01-21",
}
"""What a value is not, by how the type of the error begins."""

_SAYS: Final[dict[str, Callable[[str, Mapping[str, Any]], str]]] = {
    "extra_forbidden": lambda _value, _bar: "unknown key",
    "missing": lambda _value, _bar: "the key is missing",
    "too_short": lambda _value, bar: "it is empty" if bar["min_length"] == 1 else "an entry is missing",
    "too_long": lambda _value, bar: f"it has more than {bar['max_length']} entries",
    "string_too_long": lambda value, bar: f"{value} is too long: {bar['max_length']} at most",
    "string_too_short": lambda _value, _bar: "it is empty",
    "greater_than_equal": lambda value, bar: f"{value.strip(_QUOTE)} is less than {bar['ge']}",
    "less_than_equal": lambda value, bar: f"{value.strip(_QUOTE)} is more than {bar['le']}",
    "literal_error": lambda value, bar: f"{value} is not {bar['expected']}",
    "enum": lambda value, bar: f"{value} is not {bar['expected']}",
}


def in_plain_words(error: ErrorDetails) -> str:
    """Return what is wrong with a value.

    >>> from pydantic import TypeAdapter, ValidationError
    >>> for kind, value in ((int, "7"), (list[str], "xlsx"), (dict[str, int], 7), (tuple[int, int], [2019])):
    ...     try:
    ...         TypeAdapter(kind).validate_python(value, strict=kind is int)
    ...     except ValidationError as found:
    ...         print(in_plain_words(found.errors()[0]))
    '7' is no whole number
    'xlsx' is no list
    7 has no keys with values
    an entry is missing
    """
    kind, bar, value = error["type"], error.get("ctx", {}), _shown(error["input"])
    if kind == "missing" and isinstance(error["loc"][-1], int):
        return "an entry is missing"
    if kind in _SAYS:
        return _SAYS[kind](value, bar)
    begins = kind.partition("_")[0]
    if begins in _KINDS:
        return f"{value} {_KINDS[begins]}"
    return str(error["msg"]).removeprefix("Value error, ")


def mended(error: ErrorDetails) -> str | None:
    """Return which of the values there are was probably meant; None where any other may be."""
    choices = _CHOICE.findall(error.get("ctx", {}).get("expected", ""))
    hint = meant(error["input"], choices) if choices and isinstance(error["input"], str) else ""
    return hint if hint.startswith("did you mean") else None


def _shown(value: object) -> str:
    """Return a value as it stands in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    try:
        text = str(value) if isinstance(value, date) else repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
