"""Handing books to a server."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tallybook.book.book import Book
from tallybook.errors import BookError
from tallybook.measures.explain import Explanation

if TYPE_CHECKING:
    from tallybook.server.served import ServedBook

ONE: Final = "TALLYBOOK_BOOK"
"""The environment variable that names the folder of the book to serve."""

SEVERAL: Final = "TALLYBOOK_BOOKS"
"""The environment variable that names a folder of books to serve."""


def app() -> Any:
    """Return the application that serves the book, or the books, the environment names; for ASGI servers.

    Raises:
        BookError: neither is named, or there is no book.
    """
    from tallybook.server.app import create_app

    if SEVERAL in os.environ:
        return create_app(served_books(Path(os.environ[SEVERAL])), several=True)
    served = served_book(Book(os.environ.get(ONE, ".")))
    return create_app({served.id: served})


def served_book(book: Book) -> ServedBook:
    """Return what a server has to know of a book."""
    from tallybook.server.served import ServedBook

    config = book.config
    said = {**config.model_dump(include={"title", "publisher", "notice"}), **book.terms}

    def explain(geoid: str, day: date, metric: str, as_of: datetime) -> Explanation:
        return book.explain(geoid, day, metric, as_of=as_of)

    return ServedBook(
        id=book_id(book),
        about=said,
        folder=book.folder / "public",
        ledger=book.ledger,
        zone=config.zone,
        levels=config.levels,
        metrics=tuple(metric.value for metric in config.metrics),
        places=book.places,
        method=book.method,
        explain=explain,
        releases=book.releases,
        weekly=book.sources.weekly(),
    )


def served_books(folder: Path) -> Mapping[str, ServedBook]:
    """Return what a server has to know of the books in a folder, by id.

    Raises:
        BookError: there is none, or two have one id.
    """
    found: dict[str, ServedBook] = {}
    for file in sorted(folder.glob("*/book.toml")):
        served = served_book(Book(file.parent))
        if served.id in found:
            raise BookError(f"two books in {folder} have the id {served.id!r}", hint="say `id` in their book.toml")
        found[served.id] = served
    if not found:
        raise BookError(f"no book in the folders of {folder}", hint="make one with `tallybook init DIR`")
    return found


def book_id(book: Book) -> str:
    """Return what programs call a book: what it says itself, or the name of its folder, made such."""
    made = re.sub(r"[^a-z0-9_-]+", "-", book.folder.resolve().name.lower()).strip("-_")[:40]
    return book.config.id or (made if made[:1].isalpha() else f"book-{made}"[:40].rstrip("-"))
