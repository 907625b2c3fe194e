"""A page for every place: its days, its anomalies, how today's average was made, the places within."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import polars as pl

from tallybook.measures.calendar import calendar
from tallybook.measures.explain import Role, explain_last
from tallybook.measures.rolling import averages
from tallybook.model.metrics import Level
from tallybook.model.places import gazetteer
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.site.days import NO_ANOMALIES, anomalies_of, lines_of, place_data
from tallybook.site.formats import metric as in_plural
from tallybook.site.latest import Row
from tallybook.site.opened import Opened
from tallybook.site.page import Page

_SCRIPTS: Final = ("vega.js", "specs/place.js", "place.js")


def place_pages(site: Opened) -> Iterator[Page]:
    """Yield the page of every place that has figures."""
    known = _known_since(site)
    within: dict[str, list[Row]] = {}
    for rows in site.rows.values():
        for row in rows:
            within.setdefault(row.figures["parent"], []).append(row)
    places = {row["geoid"]: row for row in site.places.iter_rows(named=True)}
    for level in site.levels:
        frame = site.averages(level).sort("geoid", "date")
        anomalies = anomalies_of(site.register, site.places.filter(level=level)["geoid"])
        windows = _windows(site, level, frame)
        notes = _notes(site, level)
        days = {str(geoid): rows for (geoid,), rows in frame.group_by("geoid", maintain_order=True)}
        for row in site.rows[level]:
            yield _page(
                site,
                row,
                places=places,
                days=days[row.geoid],
                anomalies=anomalies.get(row.geoid, NO_ANOMALIES),
                windows={metric: made[row.geoid] for metric, made in windows.items() if row.geoid in made},
                within=within.get(row.geoid, []),
                notes=_concerning(notes, places[row.geoid]),
                as_of=known.get(row.geoid, site.as_of),
            )


def _page(
    site: Opened,
    row: Row,
    *,
    places: Mapping[str, Mapping[str, Any]],
    days: pl.DataFrame,
    anomalies: pl.DataFrame,
    windows: Mapping[str, pl.DataFrame],
    within: list[Row],
    notes: list[dict[str, Any]],
    as_of: datetime,
) -> Page:
    place = places[row.geoid]
    level = Level(place["level"])
    metrics = site.metrics(level)
    parent = places.get(place["parent"])
    weeks, unit = site.weeks.get(row.geoid, []), site.unit(level)
    return Page(
        f"place/{row.geoid}.html",
        "place.html",
        place["title"],
        f"{place['title']}: new {' and '.join(map(in_plural, metrics[:2]))} {unit} by {unit}, their averages and "
        "anomalies.",
        _SCRIPTS,
        {
            "place": place,
            "parent": parent,
            "row": row,
            "metrics": metrics,
            "first": days["date"][0],
            "data": place_data(days, anomalies, place, unit=unit, weeks=weeks),
            "lines": lines_of(days),
            "weeks": weeks,
            "windows": {metric: _told(made, metric, weeks) for metric, made in windows.items()},
            "sums": {metric: int(made["contribution"].sum()) for metric, made in windows.items()},
            "parts": _parts(site, metrics) if level is Level.NATION else {},
            "last": days.row(-1, named=True),
            "anomalies": anomalies.to_dicts(),
            "within": within,
            "notes": notes,
            "files": _files(site, level),
            "place_as_of": as_of,
        },
    )


def _windows(site: Opened, level: Level, frame: pl.DataFrame) -> dict[str, dict[str, pl.DataFrame]]:
    """Return the days of the last average of every place, by metric: the sums of ``tallybook explain``.

    The nation's average is the sum of the states', and has no days of its own where there are any.
    """
    if level is Level.NATION and Level.STATE in site.levels:
        return {}
    method = site.card["method"]
    made = {}
    for metric in site.metrics(level):
        averaged = averages(
            calendar(frame.select("geoid", "date", metric), place="geoid", date="date"),
            metric,
            days=method["averages"][level][metric],
            register=site.register,
            reporting=method["reporting"][level],
        )
        rows = _folded(explain_last(averaged))
        told = frame.group_by("geoid").agg(pl.col(f"{metric}_avg").last()).drop_nulls()["geoid"]
        rows = rows.filter(pl.col("place").is_in(told.implode()))  # none of a place whose count is withheld
        made[metric] = {str(geoid): days for (geoid,), days in rows.group_by("place", maintain_order=True)}
    return made


def _folded(days: pl.DataFrame) -> pl.DataFrame:
    """Return the days of windows with runs of days alike in one row: ``date`` to ``end_date``, ``days``.

    Args:
        days: as ``explain_last`` returns them.
    """
    alike = ("place", "role", "count")
    quiet = pl.col("contribution").fill_null(0) == 0
    plain = quiet & pl.col("anomalies").is_null() & ~pl.col("role").is_in([Role.OMITTED.value, Role.NEGATIVE.value])
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in alike)
    goes_on = same & plain & plain.shift(1, fill_value=False)
    return (
        days.with_columns(run=(~goes_on).cum_sum())
        .group_by("place", "run", maintain_order=True)
        .agg(
            pl.col("date").first(),
            pl.col("date").last().alias("end_date"),
            pl.len().alias("days"),
            pl.col("count", "adjustment", "role", "anomalies", "contribution").first(),
        )
    )


def _told(days: pl.DataFrame, metric: str, weeks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the days of a window, each with what stands for its count where it has none: ``absent``.

    Args:
        days: as ``_folded`` returns them.
        metric: what is counted.
        weeks: what is reported of the place's weeks; empty where it is not counted by week.
    """
    said = {week["date"]: week["status"] for week in weeks if week["metric"] == metric and week["total"] is None}
    rows = days.to_dicts()
    for row in rows:
        within = sorted({in_plural(status) for day, status in said.items() if row["date"] <= day <= row["end_date"]})
        row["absent"] = ", ".join(within) or ("in the week's count" if weeks else "not reported")
    return rows


def _parts(site: Opened, metrics: tuple[str, ...]) -> dict[str, list[tuple[str, str, float]]]:
    """Return the averages that the nation's is the sum of: geoid, name and average, the largest first."""
    states = site.rows.get(Level.STATE, [])
    told = {
        metric: [
            (row.geoid, row.name, row.figures[f"{metric}_avg"]) for row in states if f"{metric}_avg" in row.figures
        ]
        for metric in metrics
    }
    return {
        metric: sorted((part for part in parts if part[2] is not None), key=lambda part: -part[2])
        for metric, parts in told.items()
    }


def _known_since(site: Opened) -> dict[str, datetime]:
    """Return the moment of the latest value of each place: a page says it, and is only made anew where it changed."""
    rows = pl.scan_parquet(site.folder / "provenance.parquet", glob=False).group_by("geoid").agg(pl.col("as_of").max())
    return dict(rows.collect().rows())


def _notes(site: Opened, level: Level) -> list[tuple[dict[str, Any], set[str]]]:
    """Return the dated notes of the sources of a level, the latest first, each with the states and towns it names."""
    sources = [source["name"] for source in site.sources if level in source["levels"]]
    rows = site.annotations.filter(pl.col("source").is_in(sources)).sort("date", descending=True, maintain_order=True)
    return [(note, set(_names().findall(note["note"]))) for note in rows.iter_rows(named=True)]


def _concerning(notes: Sequence[tuple[dict[str, Any], set[str]]], place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the notes that may concern a place: those that name it, its state, or no place at all."""
    own = set(place["title"].split(", "))
    # All of them concern the nation.
    return [note for note, named in notes if place["level"] == Level.NATION or not named or own & named]


@cache
def _names() -> re.Pattern[str]:
    """Return what finds the states and towns that a note names, "West Virginia" before "Virginia"."""
    frame = gazetteer().frame.filter(pl.col("level").is_in([Level.STATE.value, Level.TOWN.value]))
    longest = sorted(set(frame["name"]), key=lambda name: (-len(name), name))
    return re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b")


def _files(site: Opened, level: Level) -> list[str]:
    """Return the files of a level that have its figures."""
    stem = STEMS[level]
    wanted = [f"{below}{stem}.{kind}" for below in ("", f"{AVERAGES}/") for kind in ("csv", "parquet")]
    return [path for path in wanted if path in site.files]
