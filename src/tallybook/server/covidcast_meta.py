"""What Epidata V4 says of its signals."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from tallybook.model.metrics import Level
from tallybook.server.covidcast import as_number
from tallybook.server.epidata_asked import listed
from tallybook.server.respond import Desk
from tallybook.server.shelf import Opened
from tallybook.server.signals import UNITS, Measure, Signal, signals_of

_FORMATS: dict[Measure, str] = {"cumulative": "count", "incidence": "count", "avg": "raw", "avg_per_100k": "per100k"}
_WORDS: dict[Measure, str] = {
    "cumulative": "cumulative {}",
    "incidence": "new {} a day",
    "avg": "new {} a day, rolling average",
    "avg_per_100k": "new {} a day and 100,000 people, rolling average",
}


def meta_rows(desk: Desk, opened: Opened) -> pl.DataFrame:
    """Return a row of ``covidcast_meta`` per signal and level of a release; computed once."""
    return opened.once("covidcast_meta", lambda: _meta_rows(desk, opened))


def asked_for(rows: pl.DataFrame, said: Mapping[str, str]) -> pl.DataFrame:
    """Return the rows that are asked for: ``signals`` as source:signal, ``time_types``, ``geo_types``."""
    for name, column in (("time_types", "time_type"), ("geo_types", "geo_type")):
        wanted = listed(said.get(name) or said.get(column) or "*")
        if "*" not in wanted:
            rows = rows.filter(pl.col(column).is_in(wanted))
    signals = said.get("signals", "*")
    if signals in ("", "*"):
        return rows
    # A comma parts signals, and pairs of source and signal.
    pairs: list[tuple[str, str]] = []
    for text in listed(signals):
        source, colon, signal = text.rpartition(":")
        pairs.append((source if colon else pairs[-1][0] if pairs else "", signal))
    known = [
        ((rows["data_source"] == source) & ((rows["signal"] == signal) | (signal == "*"))) for source, signal in pairs
    ]
    return rows.filter(pl.any_horizontal(*known)) if known else rows.clear()


def source_meta(desk: Desk, opened: Opened) -> dict[str, Any]:
    """Return what ``covidcast/meta`` says of a source."""
    about, rows = desk.book.about, meta_rows(desk, opened)
    signals = [_signal_meta(desk, signal, rows) for signal in signals_of(desk.book.metrics).values()]
    return {
        "source": desk.book.id,
        "db_source": desk.book.id,
        "name": about["title"],
        "description": about["attribution"],
        "reference_signal": signals[0]["signal"],
        "license": about["licence"],
        "link": [],
        "dua": None,
        "signals": signals,
    }


def _signal_meta(desk: Desk, signal: Signal, rows: pl.DataFrame) -> dict[str, Any]:
    words = _WORDS[signal.measure].format(signal.metric.replace("_", " "))
    statistics = rows.filter(signal=signal.name).select(
        "geo_type", min="min_value", max="max_value", mean="mean_value", stdev="stdev_value"
    )
    geo_types = {row.pop("geo_type"): row for row in statistics.to_dicts()}
    return {
        "source": desk.book.id,
        "signal": signal.name,
        "signal_basename": signal.name,
        "name": words.capitalize(),
        "active": True,
        "short_description": f"{words.capitalize()}: {UNITS[signal.measure]}",
        "description": f"{words.capitalize()}: {UNITS[signal.measure]}. {desk.book.about['attribution']}",
        "time_type": "day",
        "time_label": "Date",
        "value_label": UNITS[signal.measure],
        "format": _FORMATS[signal.measure],
        "category": "public",
        "high_values_are": "bad",
        "is_smoothed": signal.measure.startswith("avg"),
        "is_weighted": False,
        "is_cumulative": signal.measure == "cumulative",
        "has_stderr": False,
        "has_sample_size": False,
        "link": [],
        "geo_types": geo_types,
    }


def _meta_rows(desk: Desk, opened: Opened) -> pl.DataFrame:
    found = [
        _statistics(desk, opened, signal, level)
        for level in opened.levels
        for signal in signals_of(desk.book.metrics).values()
    ]
    return pl.concat([frame for frame in found if frame.height] or found[:1]).sort("data_source", "signal", "geo_type")


def _statistics(desk: Desk, opened: Opened, signal: Signal, level: Level) -> pl.DataFrame:
    rows = opened.table(level).rows(signal).drop_nulls("value")
    issued = pl.col("as_of").dt.convert_time_zone(str(desk.book.zone)).dt.date()
    lag = (issued - pl.col("date")).dt.total_days()
    value = pl.col("value")
    updated = int(datetime.fromisoformat(opened.card["as_of"]).timestamp())
    told = rows.select(
        data_source=pl.lit(desk.book.id),
        signal=pl.lit(signal.name),
        time_type=pl.lit("day"),
        geo_type=pl.lit(level.value),
        min_time=as_number(pl.col("date").min()),
        max_time=as_number(pl.col("date").max()),
        num_locations=pl.col("geoid").n_unique(),
        min_value=value.min(),
        max_value=value.max(),
        mean_value=value.mean(),
        stdev_value=value.std(ddof=0),
        last_update=pl.lit(updated),
        max_issue=as_number(issued.max()),
        min_lag=lag.min(),
        max_lag=lag.max(),
    )
    return told if rows.height else told.clear()
