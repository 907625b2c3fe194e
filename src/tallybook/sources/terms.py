"""The terms a release comes with: those of its book, and those its sources set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tallybook.model.licences import licence
from tallybook.model.texts import in_one_row
from tallybook.sources.cards import Source

_NAMED: Final = 5
"""How many sources are named in a line; all of them are in ``sources.json``."""


def named(source: Source) -> str:
    """Return how a source wants to be named."""
    return source.card.attribution or source.card.publisher or source.card.title


def non_commercial(sources: Iterable[Source]) -> list[Source]:
    """Return the sources that allow non-commercial use only, in letter."""
    return [source for source in sources if licence(source.card.license).non_commercial]


def stated_licence(own: str, sources: Iterable[Source]) -> str:
    """Return the licence of a release: its book's, and that a source allows non-commercial use only, if one does.

    Args:
        own: the book's licence, by name.
        sources: the sources of the book.
    """
    bound = non_commercial(sources)
    if not bound or licence(own).non_commercial:
        return own
    return f"{own.rstrip('.')}; non-commercial use only, as {_listed([named(source) for source in bound])} asks"


def stated_attribution(own: str, sources: Iterable[Source]) -> str:
    """Return how to name where a release comes from: as its book says, and the sources that the book does not name.

    Args:
        own: the book's attribution.
        sources: the sources of the book.
    """
    unnamed = [name for name in dict.fromkeys(map(named, sources)) if name.casefold() not in own.casefold()]
    return f"{own.rstrip('.')}; {_listed(unnamed)}" if unnamed else own


def _listed(names: Sequence[str]) -> str:
    names = list(dict.fromkeys(names))
    more = len(names) - _NAMED
    shown = [*names[:_NAMED], f"{more} more"] if more > 0 else names
    return in_one_row(shown)
