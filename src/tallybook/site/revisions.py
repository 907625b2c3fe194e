"""The page of revisions: what a date looked like on any past day, and what changed when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from tallybook.site.opened import Opened
from tallybook.site.page import Asset, Page

_LISTED: Final = 25


def revisions_page(site: Opened) -> Iterator[Page]:
    """Yield the page: how each place revises, the latest and the largest revisions."""
    told = site.table("revisions.parquet")
    moments = _moments(told.join(site.places.select("geoid", "title"), on="geoid", how="left"))
    size, order = pl.col("largest").abs(), ("geoid", "metric")
    largest = moments.sort(size, *order, descending=[True, False, False], nulls_last=True)
    latest = moments.sort("as_of", size, *order, descending=[True, True, False, False], nulls_last=True)
    yield Page(
        "revisions.html",
        "revisions.html",
        "Revisions",
        f"What any day of {site.title} looked like on any later day, and what was corrected when.",
        ("vega.js", "specs/revisions.js", "revisions.js"),
        {
            "count": told.height,
            "summary": _summary(site),
            "largest": largest.head(_LISTED).to_dicts(),
            "latest": latest.head(_LISTED).to_dicts(),
            "places": _revised(site),
            "metrics": told["metric"].unique().sort().to_list(),
        },
    )


def known_scripts(site: Opened) -> Iterator[Asset]:
    """Yield a script for each place that has revisions: every value of every date, and since when it was known."""
    revised = site.table("revisions.parquet")
    geoids = revised["geoid"].unique().sort()
    states = pl.scan_parquet(site.folder / "provenance.parquet", glob=False).filter(
        pl.col("geoid").is_in(geoids.implode())
    )
    columns = ("geoid", "metric", "date", "value", "as_of")
    before = {key[0]: rows for key, rows in revised.group_by("geoid")}
    for (geoid,), rows in states.select(columns).collect().sort(columns[:3]).group_by("geoid", maintain_order=True):
        script = json.dumps(_known(rows, before[geoid], 7 if geoid in site.weeks else 1), separators=(",", ":"))
        yield Asset(
            f"assets/known/{geoid}.js",
            f'((window.tallybook ??= {{}}).known ??= {{}})["{geoid}"] = {script};\n'.encode(),
        )


def _known(now: pl.DataFrame, revised: pl.DataFrame, step: int) -> dict[str, Any]:
    """Return every value of a place, so many days apart: the moments, and per metric the values of now and before."""
    moments = pl.concat([now["as_of"], revised["old_as_of"]]).unique().sort()
    number = {moment: place for place, moment in enumerate(moments)}
    made = {}
    for (metric,), rows in now.group_by("metric", maintain_order=True):
        days = rows.select("date").select(pl.date_range(pl.col("date").min(), pl.col("date").max(), f"{step}d"))
        whole = days.join(rows, on="date", how="left", maintain_order="left")
        start = whole["date"][0]
        before: dict[int, list[tuple[int, float | None]]] = {}
        for date, moment, value in (
            revised.filter(metric=metric).sort("date", "old_as_of").select("date", "old_as_of", "old").rows()
        ):
            before.setdefault((date - start).days // step, []).append((number[moment], value))
        made[metric] = {
            "start": start.isoformat(),
            "values": whole["value"].to_list(),
            "since": [None if moment is None else number[moment] for moment in whole["as_of"]],
            "before": before,
        }
    return {"moments": [_iso(moment) for moment in moments], "step": step, "metrics": made}


def _moments(told: pl.DataFrame) -> pl.DataFrame:
    """Return what each place changed of a metric at a moment: how many dates, which, and the largest difference."""
    return told.group_by("geoid", "title", "metric", "as_of").agg(
        pl.len().alias("dates"),
        pl.col("date").min().alias("first"),
        pl.col("date").max().alias("last"),
        pl.col("difference").sort_by(pl.col("difference").abs(), nulls_last=False).last().alias("largest"),
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _summary(site: Opened) -> list[dict[str, Any]]:
    """Return how each place revises, those that never did left out, by how much of what they report they revise."""
    rows = pl.read_csv(site.folder / "revision-summary.csv", infer_schema=False, glob=False)
    numbers = rows.with_columns(pl.exclude("geoid", "metric").cast(pl.Float64))
    named = numbers.join(site.places.select("geoid", "title"), on="geoid").filter(pl.col("revisions") > 0)
    return named.sort("revised_percent", "geoid", descending=[True, False]).to_dicts()


def _revised(site: Opened) -> list[tuple[str, str]]:
    """Return the places that have revisions: geoid and title, the widest level first."""
    geoids = pl.scan_parquet(site.folder / "revisions.parquet", glob=False).select(pl.col("geoid").unique()).collect()
    return site.places.join(geoids, on="geoid", how="semi", maintain_order="left").select("geoid", "title").rows()
