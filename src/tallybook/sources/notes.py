"""The dated notes in the text of a card."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_DAY: Final = r"\d{4}-\d{2}-\d{2}|\d{1,2}/\d{1,2}/\d{4}|(?:[A-Z][a-z]+ \d{1,2}, \d{4})"
_FORMATS: Final = ("%Y-%m-%d", "%m/%d/%Y", "%B %d, %Y", "%b %d, %Y")
_LEAD: Final = re.compile(
    rf"\W{{0,3}}(?:(?:On|As of|Since|From|Starting|Starting on|Beginning|Beginning on|Effective)\s+)?({_DAY})"
    rf"(?:\s*(?:to|through|until|–|-)\s*({_DAY}))?\W{{0,3}}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Note:
    """A note that begins with a date.

    Attributes:
        date: the first day it concerns.
        end_date: the last one; None where it names only one.
        text: its words, the date among them.
        line: where it stands in the text.
    """

    date: dt.date
    end_date: dt.date | None
    text: str
    line: int


def dated_notes(text: str) -> list[Note]:
    r"""Return the paragraphs and list items that begin with a date, and what stands below a heading that is one.

    Dates may be written 2020-05-19, 5/19/2020 or May 19, 2020, with another one after "to" or "through".

    >>> dated_notes("Counts are provisional.\n\n- 2020-05-19: no data, the system was down.")
    [Note(date=datetime.date(2020, 5, 19), end_date=None, text='2020-05-19: no data, the system was down.', line=3)]
    """
    return list(_notes(MarkdownIt().parse(text)))


def odd_dates(text: str) -> list[tuple[int, str]]:
    r"""Return what is wrong with the dates that paragraphs, list items and headings begin with, by line.

    >>> odd_dates("- 2020-02-30: no data.")
    [(1, "'2020-02-30' is no date; the note is left out")]
    """
    odd = []
    for token in MarkdownIt().parse(text):
        found = _LEAD.match(" ".join(token.content.split())) if token.type == "inline" else None
        if found is None or token.map is None:
            continue
        first, last = _day(found[1]), _day(found[2]) if found[2] else None
        if first is None:
            odd.append((token.map[0] + 1, f"{found[1]!r} is no date; the note is left out"))
        elif found[2] and (last is None or last < first):
            why = "is no date" if last is None else "is before the start"
            odd.append((token.map[0] + 1, f"the end {found[2]!r} {why}; the note is of the first day only"))
    return odd


def _notes(tokens: list[Token]) -> Iterator[Note]:
    under: tuple[dt.date, dt.date | None] | None = None
    for before, token in pairwise(tokens):
        if token.type != "inline" or token.map is None:
            continue
        words = " ".join(token.content.split())
        own = _days(words)
        if before.type == "heading_open":
            under = own
        elif own or under:
            first, last = own or under or (dt.date.min, None)
            yield Note(first, last, words, token.map[0] + 1)


def _days(words: str) -> tuple[dt.date, dt.date | None] | None:
    found = _LEAD.match(words)
    first = _day(found[1]) if found else None
    if found is None or first is None:
        return None
    last = _day(found[2]) if found[2] else None
    return first, last if last is None or last >= first else None


def _day(text: str) -> dt.date | None:
    for pattern in _FORMATS:
        try:
            return dt.datetime.strptime(text, pattern).date()
        except ValueError:
            continue
    return None
