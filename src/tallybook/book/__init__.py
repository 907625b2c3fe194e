"""A book: a folder with its configuration, its ledger and its release. The one place where the rooms meet."""

from tallybook.book.book import SIMULATED, Book
from tallybook.book.recording import Refused, Vintages
from tallybook.book.weekly import WEEKLY, weekly_book
from tallybook.sources.archive import Progress

__all__ = ["SIMULATED", "WEEKLY", "Book", "Progress", "Refused", "Vintages", "weekly_book"]
