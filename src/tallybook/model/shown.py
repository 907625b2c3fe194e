"""How objects show themselves in a notebook: a heading, a table, and what else a reader has to know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

_CELL: Final = "text-align:left;vertical-align:top"
_NUMBER: Final = "text-align:right"


def as_html(
    heading: str, rows: Iterable[Sequence[object]], *, columns: Sequence[str] = (), notes: Iterable[str] = ()
) -> str:
    """Return a table as HTML, every text in it escaped; whole numbers to the right, with their thousands apart.

    Args:
        heading: what it shows, in words.
        rows: the cells of each row; None is blank.
        columns: the names of the columns; none where the rows say it themselves.
        notes: what stands below, line by line.

    >>> as_html("A book", [("title", "Cases & deaths")])[:46]
    '<div><strong>A book</strong><table><tbody><tr>'
    """
    head = "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    table = f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"
    return f"<div><strong>{escape(heading)}</strong>{table}{below}</div>"


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td style="{_NUMBER}">{value:,}</td>'
    return f'<td style="{_CELL}">{"" if value is None else escape(str(value))}</td>'
