"""What is known, in expressions that every lazy engine can do: for ledgers that one machine does not read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import narwhals as nw

from tallybook.model.reports import KEY, LIVE, Status

_SOURCE_KEY: Final = (*KEY, "source")
_ORDER: Final = ("as_of", "record")
_OWN: Final = "tallybook_"


def portable_state(observations: nw.LazyFrame[Any], moment: datetime | None) -> nw.LazyFrame[Any]:
    """Return what was known at a moment, as ``Ledger.as_of`` does.

    Args:
        observations: columns of OBSERVATION_SCHEMA, as the data files of the ledger have them.
        moment: with a time zone; None asks for all that is known.

    Returns:
        The columns of REPORT_SCHEMA, key the first three, ``as_of``, since when the value is known, and its ``source``.
    """
    known = observations if moment is None else observations.filter(nw.col("as_of") <= nw.lit(moment))
    each = _latest(_told(known), _SOURCE_KEY, _ORDER)
    ranks = {
        "stands": nw.col("status") != Status.WITHDRAWN.value,
        "final": ~nw.col("source").str.ends_with(LIVE),
        "number": ~nw.col("value").is_null(),
    }
    ranked = each.with_columns(rank.cast(nw.Int64).alias(_OWN + name) for name, rank in ranks.items())
    best = _latest(ranked, KEY, (*(_OWN + name for name in ranks), *_ORDER))
    return best.select(*KEY, "value", "status", "as_of", "source")


def _told(known: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Return the observations without those that repeat the one before of the same key and source."""
    before = {name: nw.col(name).shift(1).over(*_SOURCE_KEY, order_by=_ORDER) for name in ("value", "status")}
    rows = known.with_columns(expr.alias(_OWN + name) for name, expr in before.items())
    value, was = nw.col("value"), nw.col(f"{_OWN}value")
    same = ((value == was) | (value.is_null() & was.is_null())).fill_null(value=False)
    repeated = (nw.col("status") == nw.col(f"{_OWN}status")).fill_null(value=False) & same
    return rows.with_columns(repeated.alias(f"{_OWN}repeated")).filter(~nw.col(f"{_OWN}repeated"))


def _latest(rows: nw.LazyFrame[Any], key: tuple[str, ...], order: tuple[str, ...]) -> nw.LazyFrame[Any]:
    """Return the last row of each key."""
    return rows.unique(list(key), keep="last", order_by=list(order))
