"""The latest figures of places, and their last weeks as a small line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

_CHANGE_DAYS: Final = 14

_SPARK_DAYS: Final = 90
_WIDTH: Final = 120
_HEIGHT: Final = 28


@dataclass(frozen=True)
class Row:
    """A place in a table.

    Attributes:
        geoid: its id.
        name: what it is called there.
        spark: its last 90 days, as the points of a line.
        figures: its latest figures, as ``latest`` returns them, and what is known of the place.
    """

    geoid: str
    name: str
    spark: str
    figures: dict[str, Any]


def latest(averages: pl.DataFrame, totals: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """Return the latest figures of each place: ``geoid``, ``date``, and per metric its total and its average.

    Args:
        averages: as a release has them.
        totals: as a release has them.
        metrics: the metrics.

    Returns:
        ``geoid``, ``date``; per metric ``{metric}`` (the last total), ``{metric}_avg``, ``{metric}_avg_per_100k`` and
        ``{metric}_change``, in percent of the average 14 days before; null where that was none or zero. Key geoid.
    """
    ordered = averages.sort("geoid", "date")
    before = [
        pl.col(f"{metric}_avg").filter(pl.col("date") <= pl.col("date").last() - pl.duration(days=_CHANGE_DAYS)).last()
        for metric in metrics
    ]
    made = ordered.group_by("geoid", maintain_order=True).agg(
        pl.col("date").last(),
        *(pl.col(f"{metric}_avg", f"{metric}_avg_per_100k").last() for metric in metrics),
        *(then.alias(f"{metric}_change") for metric, then in zip(metrics, before, strict=True)),
    )
    change = [
        pl.when(pl.col(f"{metric}_change") > 0)
        .then((pl.col(f"{metric}_avg") / pl.col(f"{metric}_change") - 1) * 100)
        .alias(f"{metric}_change")
        for metric in metrics
    ]
    sums = totals.sort("geoid", "date").group_by("geoid").agg(pl.col(metrics).drop_nulls().last())
    return made.with_columns(change).join(sums, on="geoid", how="left", maintain_order="left")


def sparks(averages: pl.DataFrame, column: str) -> dict[str, str]:
    """Return the last 90 days of a column as the points of a line, by place; gaps are left out."""
    recent = averages.filter(pl.col("date") > pl.col("date").max() - pl.duration(days=_SPARK_DAYS))
    lines = recent.sort("geoid", "date").group_by("geoid", maintain_order=True).agg(pl.col(column))
    return {geoid: curve(values) for geoid, values in lines.rows()}


def curve(values: Sequence[float | None], *, width: int = _WIDTH, height: int = _HEIGHT, top: float = 0) -> str:
    """Return values as the points of a line in a box, from zero at its bottom to the largest at its top.

    Args:
        values: the values, in equal steps; where there is none, there is no point.
        width: of the box.
        height: of the box.
        top: the value at the top of the box, if not the largest.

    >>> curve([0, 1, None, 2], width=30, height=10)
    '0,10 10,5 30,0'
    """
    told = [(place, value) for place, value in enumerate(values) if value is not None]
    most = top or max((value for _, value in told), default=0) or 1
    step = width / max(len(values) - 1, 1)
    return " ".join(f"{place * step:.4g},{height - max(value, 0) / most * height:.3g}" for place, value in told)


def rows_of(averages: pl.DataFrame, totals: pl.DataFrame, metrics: Sequence[str], places: pl.DataFrame) -> list[Row]:
    """Return the places of a level with their latest figures, the highest average per 100,000 people first.

    Args:
        averages: as a release has them.
        totals: as a release has them.
        metrics: the metrics, the first of which leads.
        places: as ``places.parquet`` has them.
    """
    rate = f"{metrics[0]}_avg_per_100k"
    lines = sparks(averages, rate)
    made = (
        latest(averages, totals, metrics)
        .join(places.select("geoid", "name", "title", "level", "abbreviation", "population", "parent"), on="geoid")
        .sort(rate, f"{metrics[0]}_avg", "geoid", descending=[True, True, False], nulls_last=True)
    )
    return [Row(row["geoid"], row["name"], lines.get(row["geoid"], ""), row) for row in made.iter_rows(named=True)]


def untold(row: Row, weeks: Sequence[Mapping[str, Any]]) -> Row:
    """Return a place whose latest weekly counts are withheld or not reported without the figures of before.

    Otherwise the last that is known would stand for them, which may be a zero. ``{metric}_status`` says why.

    Args:
        row: a place with its latest figures.
        weeks: what is reported of its weeks, the latest first; none where it is not counted by week.
    """
    latest = {week["metric"]: week for week in reversed(weeks)}
    silent = {name: week["status"] for name, week in latest.items() if week["total"] is None}
    figures = dict(row.figures)
    for metric, status in silent.items():
        figures |= {f"{metric}{part}": None for part in ("", "_avg", "_avg_per_100k", "_change")}
        figures[f"{metric}_status"] = status
    return replace(row, figures=figures) if silent else row
