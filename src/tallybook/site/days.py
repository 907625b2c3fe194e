"""The days of a place, as its chart is given them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from tallybook.measures.rates import round_half_up
from tallybook.model.metrics import COUNTS
from tallybook.model.places import state_of
from tallybook.site.formats import metric as in_plural
from tallybook.site.latest import curve


def round_or_none(value: float | None, digits: int = 2) -> float | None:
    """Return a number with two decimals, or none."""
    return None if value is None else round(value, digits)


NO_ANOMALIES: Final = pl.DataFrame(
    schema={
        "id": pl.String,
        "date": pl.Date,
        "end_date": pl.Date,
        "type": pl.String,
        "omitted": pl.Boolean,
        "adjustment": pl.Int64,
        "description": pl.String,
    }
)
"""What ``anomalies_of`` says of a place without any."""


def metrics_of(days: pl.DataFrame) -> list[str]:
    """Return the metrics that a table of averages has."""
    return [name for name in days.columns if name in COUNTS and f"{name}_avg" in days.columns]


def lines_of(days: pl.DataFrame) -> dict[str, str]:
    """Return the average of each metric as the points of a line, which stands where scripts draw nothing."""
    return {metric: curve(days[f"{metric}_avg"].to_list(), width=1000, height=140) for metric in metrics_of(days)}


def place_data(
    days: pl.DataFrame,
    anomalies: pl.DataFrame,
    place: Mapping[str, Any],
    *,
    unit: str = "day",
    weeks: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the days of a place: per metric new counts, averages and what is marked.

    Args:
        days: the averages of a release, of this place only; by date, no day missing.
        anomalies: what the register says of the place, as ``anomalies_of`` returns it.
        place: its ``geoid`` and ``title``.
        unit: what it is counted by: day or week.
        weeks: what is reported of its weeks; none where it is counted by day.
    """
    return {
        "geoid": place["geoid"],
        "title": place["title"],
        "start": days["date"][0].isoformat(),
        "by": unit,
        "metrics": {
            metric: {
                "unit": in_plural(metric),
                "new": days[metric].to_list(),
                "avg": days.select(round_half_up(f"{metric}_avg")).to_series().to_list(),
                "omitted": days[f"{metric}_omitted"].arg_true().to_list(),
                "absent": _absent(metric, days["date"][0], weeks),
                "anomalies": [
                    {
                        "date": row["date"].isoformat(),
                        "end": row["end_date"] and row["end_date"].isoformat(),
                        "text": row["description"],
                        "id": row["id"],
                    }
                    for row in anomalies.filter(pl.col("type").is_in([metric, "both"])).iter_rows(named=True)
                ],
            }
            for metric in metrics_of(days)
        },
    }


def _absent(metric: str, first: dt.date, weeks: Sequence[Mapping[str, Any]]) -> dict[str, list[int]]:
    """Return the weeks without a count by the reason in words, each as the number of its last day."""
    found: dict[str, list[int]] = {}
    for week in weeks:
        if week["metric"] == metric and week["total"] is None and week["date"] >= first:
            found.setdefault(in_plural(week["status"]), []).append((week["date"] - first).days)
    return found


def anomalies_of(register: pl.DataFrame, geoids: pl.Series) -> dict[str, pl.DataFrame]:
    """Return what the register says of each place, its state's omissions among it where they are of its counties, too.

    Args:
        register: the anomalies of a release.
        geoids: the places.

    Returns:
        By geoid: ``id``, ``date``, ``end_date``, ``type``, ``omitted``, ``adjustment`` (null: none), ``description``
        (empty: none), by date, the latest first. Places without any are not there.
    """
    places = pl.DataFrame({"place": geoids})
    own = register.join(places, left_on="geoid", right_on="place", how="semi").with_columns(
        place="geoid", omitted=pl.col("omit_from_rolling_average").fill_null(value=False)
    )
    below = (
        register.filter(pl.col("omit_from_rolling_average_on_subgeographies").fill_null(value=False))
        .join(places.with_columns(geoid=state_of(pl.col("place"))), on="geoid")
        .with_columns(omitted=pl.lit(value=True), adjusted_daily_count_for_avg=pl.lit(None, pl.Int64))
    )
    adjusted = pl.col("adjusted_daily_count_for_avg")
    told = (
        pl.concat([own, below], how="diagonal")
        .sort("date", "id", descending=[True, False])
        .select(
            "place",
            "id",
            "date",
            "end_date",
            "type",
            "omitted",
            pl.when(adjusted != 0).then(adjusted).alias("adjustment"),
            pl.col("description").fill_null("").str.strip_chars(),
        )
    )
    return {str(geoid): rows.drop("place") for (geoid,), rows in told.group_by("place", maintain_order=True)}
