"""The book of a weekly notifiable disease, with a simulated feed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tallybook.book.book import Book
from tallybook.errors import BookError
from tallybook.sources.vintages import FolderHistory
from tallybook.sources.weekly import write_weekly

WEEKLY: Final = "measles"
"""The name of the template and its feed."""

_SIMULATOR: Final = "Tallybook's simulator"


def weekly_book(folder: str | Path, *, seed: int = 0) -> Book:
    """Return a book of invented weekly counts with its feed in ``feed`` recorded; the one there already, if any.

    Args:
        folder: a new or empty folder, or such a book.
        seed: the seed of chance.

    Raises:
        BookError: the folder holds something else.
    """
    folder = Path(folder)
    if (folder / "book.toml").is_file():
        if WEEKLY not in Book(folder).sources:
            raise BookError(f"{folder} holds another book", hint="give a new folder")
    else:
        Book.init(folder, template=WEEKLY)
        config = folder / "book.toml"
        said = config.read_text().replace('notice = "', 'notice = "Every number here is invented. ', 1)
        said = said.replace('United States"', 'United States (invented numbers)"', 1)
        said = re.sub(r'attribution = ".*"', f'attribution = "Made by {_SIMULATOR}; every number is invented"', said)
        config.write_text(said.replace("Name of your desk or department", _SIMULATOR))
        card = folder / "sources" / f"{WEEKLY}.md"
        card.write_text(card.read_text().replace("Name of the agency", _SIMULATOR))
        write_weekly(folder / "feed", seed=seed)
    book = Book(folder)
    list(book.record_vintages(WEEKLY, FolderHistory(folder / "feed", zone=book.config.zone)))
    return book
