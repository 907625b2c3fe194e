"""What is known of a source, while file after file adds to it."""

from __future__ import annotations

from datetime import date

import polars as pl

from tallybook.model.reports import KEY, OBSERVATION_SCHEMA

STATE = (*KEY, "value", "status", "as_of")
"""What is known of a key, and since when."""

_SMALL = 100_000


class Known:
    """The last observation of each key of a source: a large frame that stays, and a small one that grows.

    Most files change few keys of a few days. Those days are all that is looked at, and what they change waits beside
    the rest until it is worth a merge.

    Args:
        frame: columns of STATE, key (place, metric, date).
    """

    def __init__(self, frame: pl.DataFrame | None = None) -> None:
        self._base = pl.DataFrame(schema=OBSERVATION_SCHEMA).select(STATE) if frame is None else frame.select(STATE)
        self._new = self._base.clear()

    def within(self, first: date | None, last: date | None) -> pl.DataFrame:
        """Return what is known of the days from the first to the last; None: without bound."""
        if first is None or last is None:
            self._merge()
            return self._base
        days = pl.col("date").is_between(first, last)
        return _over(self._base.filter(days), self._new.filter(days))

    def learn(self, changed: pl.DataFrame) -> None:
        """Add what a file changes: columns of STATE, key (place, metric, date)."""
        self._new = _over(self._new, changed.select(STATE))
        if self._new.height > _SMALL + self._base.height // 8:
            self._merge()

    def _merge(self) -> None:
        self._base, self._new = _over(self._base, self._new), self._new.clear()


def _over(base: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of both, the new ones in the place of those of the same key."""
    if new.is_empty():
        return base
    return pl.concat([base.join(new, on=KEY, how="anti"), new])
