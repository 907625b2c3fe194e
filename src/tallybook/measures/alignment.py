"""The day of an outbreak: places compared from where it began in each."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, cast

import narwhals.typing as nwt
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.engines import engine_of
from tallybook.measures.frames import Keys, beside, require, take, with_counts
from tallybook.measures.rates import per_100k as rate_of

DAY: Final = "day_of_outbreak"
"""The column of day numbers."""


def day_of_outbreak(
    totals: nwt.IntoFrameT,
    metric: str = "cases",
    *,
    since: dt.date | None = None,
    at_least: float = 1,
    per_100k: bool = False,
    populations: Any = None,
    place: str = "geoid",
    date: str = "date",
) -> nwt.IntoFrameT:
    """Return the totals with ``day_of_outbreak``, a whole number: day 1 is the date the outbreak began in the place.

    It began on the first date, at or after ``since``, whose total reaches ``at_least``. Day numbers are differences
    of calendar dates, so that no clock change makes them fractions.

    Args:
        totals: one row per place and reported day with cumulative counts; null = not reported.
        metric: what is counted.
        since: the first date that can be day 1, such as that of community spread; any by default.
        at_least: the total that day 1 has.
        per_100k: whether ``at_least`` is per 100,000 people.
        populations: the place column and ``population``; the gazetteer's by default.
        place: the name of the place column.
        date: the name of the date column.

    Returns:
        The same rows, the same kind of frame; ``day_of_outbreak`` null before day 1, and where there is none.

    Raises:
        ContractError: a column is missing, or ``at_least`` is not above 0.

    Source: epidemic curves aligned by the day a threshold is reached, as is common; days are counted from 1.

    >>> rows = {"geoid": "USA-53", "date": [dt.date(2020, 3, day) for day in (7, 8, 9)], "cases": [0, 1, 5]}
    >>> day_of_outbreak(pl.DataFrame(rows))["day_of_outbreak"].to_list()
    [None, 1, 2]
    """
    if not at_least > 0:
        raise ContractError(f"an outbreak cannot begin at {at_least:g}", hint="give a number above 0")
    frame, give = take(totals)
    keys = Keys.of(frame, place, date)
    require(frame, [metric])
    rows = with_counts(keys.read(frame), [metric])
    reached = pl.col(metric)
    if per_100k:
        rates = rate_of(rows.select(place, date, metric), [metric], populations=populations, place=place)
        rows = rows.with_columns(_reached=rates[f"{metric}_per_100k"])
        reached = pl.col("_reached")
    begun = reached >= at_least
    if since is not None:
        begun &= pl.col(date) >= since
    first = pl.col(date).filter(begun).min().over(place)
    number = (pl.col(date) - first).dt.total_days() + 1
    numbered = rows.select(pl.when(number >= 1).then(number).alias(DAY))
    held = engine_of(totals, place, date) or isinstance(totals, pl.LazyFrame)
    return cast("nwt.IntoFrameT", give(frame.hstack(numbered)) if held else beside(totals, numbered))
