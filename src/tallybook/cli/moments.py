"""Days and moments as people write them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from tallybook.errors import ContractError

if TYPE_CHECKING:
    from tallybook.book import Book


def day_of(text: str) -> date:
    """Return the day a text tells.

    Raises:
        ContractError: it tells none.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ContractError(f"{text!r} is no date", hint="write it as YYYY-MM-DD") from None


def moment_of(text: str, book: Book) -> datetime:
    """Return the moment a text tells; without an offset, in the book's time zone; a date alone is its beginning.

    Raises:
        ContractError: it tells none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ContractError(f"{text!r} is no moment", hint="write it as 2021-03-05T02:15-05:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=book.config.zone)
