"""How a place revises: how often, how late, how much, and how soon its figures are near the final ones."""

from __future__ import annotations

import polars as pl

from tallybook.measures.frames import require

_KEY = ("place", "metric", "date", "source")

NEAR = (1, 5)
"""Within how many percent of the final value a value is near it."""


def revision_summary(history: pl.DataFrame) -> pl.DataFrame:
    """Return per place and metric how values were revised.

    Args:
        history: every value of every date, as ``Ledger.values`` returns them: ``place``, ``metric``, ``date``,
            ``as_of``, ``value`` (null: none), ``source``; one row per change.

    Returns:
        Key (place, metric): ``values``, the dates that have one; ``revised_percent`` of them; ``revisions``, all later
        changes; ``most_revisions`` of one date; ``median_lag_days`` and ``longest_lag_days`` from the first to the last
        change of the dates that were revised; ``median_change_percent`` and ``largest_change_percent`` of the final
        value, from the lowest to the highest ever said; ``median_days_to_1_percent`` and ``median_days_to_5_percent``,
        from a date's end until what is said of it stays that near the final value. Null where nothing was revised, or
        the final value is 0.

    Source: the revision analysis of the R package epiprocess (``revision_analysis``), with days counted from the date
    itself, so that reporting delay is part of the wait.

    >>> from datetime import UTC, date, datetime
    >>> days = [datetime(2020, 3, day, tzinfo=UTC) for day in (2, 4, 12)]
    >>> key = {"place": "USA-53", "metric": "cases", "date": date(2020, 3, 1), "source": "nyt"}
    >>> history = pl.DataFrame({**key, "as_of": days, "value": [90.0, 98.0, 100.0]})
    >>> revision_summary(history).select("revisions", "median_days_to_5_percent", "median_days_to_1_percent").row(0)
    (2, 3.0, 11.0)
    """
    told = _in_order(history)
    again = _same_key(told)
    alone = ~(again | again.shift(-1, fill_value=False))
    by_date = pl.concat([_of_revised(told.filter(~alone)), _of_unrevised(told.filter(alone))])
    revised = pl.col("changes") > 0
    return (
        by_date.group_by("place", "metric")
        .agg(
            values=pl.len(),
            revised_percent=revised.mean() * 100,
            revisions=pl.col("changes").sum(),
            most_revisions=pl.col("changes").max(),
            median_lag_days=pl.col("lag").filter(revised).median(),
            longest_lag_days=pl.col("lag").filter(revised).max(),
            median_change_percent=pl.col("spread").filter(revised).median(),
            largest_change_percent=pl.col("spread").filter(revised).max(),
            **{f"median_days_to_{percent}_percent": pl.col(f"near_{percent}").median() for percent in NEAR},
        )
        .sort("place", "metric")
    )


def revisions(history: pl.DataFrame) -> pl.DataFrame:
    """Return every change of a value that was known.

    Args:
        history: as for ``revision_summary``; one row per change.

    Returns:
        ``place``, ``metric``, ``date``, ``revision`` (1: the first change), ``old`` and ``new`` (null: none),
        ``difference``, ``old_as_of`` (since when the old value was known), ``as_of``, ``source``; sorted by key, source
        and moment.

    >>> from datetime import UTC, date, datetime
    >>> days = [datetime(2020, 3, day, tzinfo=UTC) for day in (2, 4, 12)]
    >>> key = {"place": "USA-53", "metric": "cases", "date": date(2020, 3, 1), "source": "nyt"}
    >>> history = pl.DataFrame({**key, "as_of": days, "value": [90.0, 98.0, 100.0]})
    >>> revisions(history).select("revision", "old", "new", "difference").rows()
    [(1, 90.0, 98.0, 8.0), (2, 98.0, 100.0, 2.0)]
    """
    told = _in_order(history)
    again = _same_key(told)
    row = pl.int_range(pl.len(), dtype=pl.Int64)
    made = told.select(
        "place",
        "metric",
        "date",
        (row - pl.when(~again).then(row).forward_fill()).alias("revision"),
        pl.col("value").shift(1).alias("old"),
        pl.col("value").alias("new"),
        (pl.col("value") - pl.col("value").shift(1)).alias("difference"),
        pl.col("as_of").shift(1).alias("old_as_of"),
        "as_of",
        "source",
    )
    return made.filter(again)


def _in_order(history: pl.DataFrame) -> pl.DataFrame:
    """Return the values by key and moment; most are, and to see that costs little beside sorting them."""
    require(history, [*_KEY, "as_of", "value"])
    after = pl.lit(value=True)
    for name in ("as_of", *reversed(_KEY)):
        now, before = pl.col(name), pl.col(name).shift(1)
        after = (now > before) | ((now == before) & after)
    ordered = history.select(after.fill_null(value=True).all()).item()
    return history if ordered else history.sort(*_KEY, "as_of")


def _same_key(ordered: pl.DataFrame) -> pl.Series:
    """Return whether each row is of the key that the row before it is of."""
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _KEY)
    return ordered.select(same.fill_null(value=False)).to_series()


def _of_revised(told: pl.DataFrame) -> pl.DataFrame:
    """Return per date that was revised its changes, lag, spread, and how soon it was near its final value."""
    return (
        told.with_columns(final=pl.col("value").last().over(_KEY))
        .group_by(_KEY)
        .agg(
            changes=pl.len() - 1,
            lag=(pl.col("as_of").last() - pl.col("as_of").first()).dt.total_seconds() / 86_400,
            spread=(pl.col("value").max() - pl.col("value").min()) * 100 / _size(pl.col("final").last()),
            **{f"near_{percent}": _wait(percent) for percent in NEAR},
        )
        .drop("date", "source")
    )


def _of_unrevised(told: pl.DataFrame) -> pl.DataFrame:
    """Return the same of dates with one value, which is near itself at once; nearly all dates are such."""
    first = (pl.col("as_of") - pl.col("date").cast(pl.Datetime("us", "UTC"))).dt.total_seconds() / 86_400
    return told.select(
        "place",
        "metric",
        changes=pl.lit(0, pl.UInt32),
        lag=pl.lit(0.0),
        spread=pl.lit(None, pl.Float64),
        **{f"near_{percent}": pl.when(_size(pl.col("value")).is_not_null()).then(first) for percent in NEAR},
    )


def _size(value: pl.Expr) -> pl.Expr:
    return pl.when(value != 0).then(value.abs())


def _wait(percent: int) -> pl.Expr:
    """Return the days from the date to the first moment since which every value is within the percentage."""
    off = (pl.col("value") - pl.col("final")).abs() * 100 > _size(pl.col("final")) * percent
    far = off.fill_null(value=True)
    # The change after the last value that was too far off.
    since = pl.col("as_of").filter(far.reverse().cum_sum().reverse() == 0).first()
    midnight = pl.col("date").first().cast(pl.Datetime("us", "UTC"))
    return (since - midnight).dt.total_seconds() / 86_400
