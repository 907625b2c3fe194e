"""What sources that report by MMWR week say of each week, and why a count is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from tallybook.model.metrics import Level
from tallybook.model.reports import Status
from tallybook.model.weeks import mmwr_week, mmwr_year
from tallybook.release.figures import Method, metrics_at, totals_of

WEEKS: Final = "weeks"
"""The stem of the files that say it."""

_KEY: Final = ("geoid", "metric", "date")


def weeks_table(
    known: pl.DataFrame, levels: Sequence[Level], *, sources: Mapping[str, int], method: Method
) -> pl.DataFrame:
    """Return what weekly sources say of each week, as reported.

    Args:
        known: as ``Ledger.as_of`` returns it.
        levels: the levels that are published.
        sources: the weekly sources, and for how many of its latest weeks each expects revisions.
        method: how new counts are made.

    Returns:
        ``mmwr_year``, ``mmwr_week``, ``date`` (the Saturday), ``geoid``, ``name``, ``metric``, ``total``, ``new``,
        ``weeks_covered``, ``status``, ``provisional``; key (geoid, metric, date), sorted by date, then name. ``total``
        and ``new`` are null where status is not 'reported', and ``new`` is all that came since the last total:
        ``weeks_covered`` says of how many weeks, null where there is no total before.
    """
    said = known.filter(pl.col("source").is_in(list(sources))).rename({"place": "geoid"})
    since = pl.col("source").replace_strict(dict(sources), default=0, return_dtype=pl.Int64)
    latest = pl.col("date").max().over("source")
    last_known = pl.when(pl.col("value").is_not_null()).then("date").forward_fill().shift(1).over("geoid", "metric")
    covered = (pl.col("date") - last_known).dt.total_days() // 7
    return (
        said.join(_new(known, levels, said["geoid"], method), on=_KEY, how="inner")
        .join(method.places.named.select("geoid", "name"), on="geoid", how="left")
        .sort(*_KEY)
        .select(
            mmwr_year(pl.col("date")).alias("mmwr_year"),
            mmwr_week(pl.col("date")).alias("mmwr_week"),
            "date",
            "geoid",
            "name",
            "metric",
            pl.col("value").cast(pl.Int64).alias("total"),
            pl.when(pl.col("value").is_not_null()).then("new").alias("new"),
            pl.when(pl.col("value").is_not_null()).then(covered).alias("weeks_covered"),
            pl.col("status").cast(pl.String),
            (pl.col("date") > latest - pl.duration(days=since * 7)).alias("provisional"),
        )
        .filter(pl.col("status") != Status.WITHDRAWN.value)
        .sort("date", "name", "metric")
    )


def _new(known: pl.DataFrame, levels: Sequence[Level], geoids: pl.Series, method: Method) -> pl.DataFrame:
    """Return the new counts of some places: geoid, metric, date, new."""
    there = known.filter(pl.col("place").is_in(geoids.unique().implode()))
    frames = []
    for level in levels:
        metrics = method.of_level(level, metrics_at(there, level, method.places))
        totals = totals_of(there, level, method.places, metrics=metrics)
        if totals.height:
            frames.append(method.daily(totals, level, metrics))
    long = [frame.unpivot(index=["geoid", "date"], variable_name="metric", value_name="new") for frame in frames]
    return pl.concat(long) if long else pl.DataFrame(schema={"geoid": pl.String, "metric": pl.String, "date": pl.Date})
