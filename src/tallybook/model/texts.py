"""Texts for people: characters that do not show, what spreadsheets take for formulas, and words in a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

UNSEEN: Final = "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u202a-\u202e\u2066-\u2069]"
"""The pattern of characters that do not show but change what is seen: controls, and those that turn the direction."""

FORMULA: Final = r"^[=+\-@\t\r]"
"""The pattern of texts that spreadsheets take for formulas."""


def for_spreadsheets(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose texts no spreadsheet takes for a formula: those that could be begin with an apostrophe.

    >>> for_spreadsheets(pl.DataFrame({"name": ["=1+1", "Ohio"]}))["name"].to_list()
    ["'=1+1", 'Ohio']
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    risky = pl.col(texts).str.contains(FORMULA)
    return frame.with_columns(pl.when(risky).then("'" + pl.col(texts)).otherwise(pl.col(texts)).name.keep())


def in_one_row(words: Sequence[str]) -> str:
    """Return words as a sentence has them; nothing of none.

    >>> in_one_row(["cases"]), in_one_row(["cases", "deaths", "tests"])
    ('cases', 'cases, deaths and tests')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)
