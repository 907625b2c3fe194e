"""Epidata V5's auxiliary data: why each count is what it is, and who said it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import polars as pl

from tallybook.model.metrics import Level
from tallybook.server.covidcast import geo_values
from tallybook.server.epidata_asked import chosen, listed, refused, whole_number
from tallybook.server.epidata_v5 import moment_of, moment_texts, within
from tallybook.server.respond import Desk
from tallybook.server.shelf import Opened

AUX_KEYS: Final = ("geo_value", "reference_time")
"""What a row of the auxiliary data belongs to."""


def aux_frames(said: Mapping[str, str], desk: Desk, opened: Opened) -> Iterator[pl.DataFrame]:
    """Yield the auxiliary data: per place and day, why each count is what it is, and who said it, since when.

    Columns ``report_time``, ``geo_value``, ``reference_time``, ``{metric}_status``, ``{metric}_source``.
    """
    columns = aux_columns(said, desk)
    moment, among = moment_of(said, desk), within(said, desk)
    left = whole_number(said, "limit", least=1)
    yield pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
    for level in opened.levels:
        whole = _aux_rows(desk, opened, level, moment, _filtered(said, desk))
        kept = whole.filter(pl.Series([among(one) for one in whole["as_of"]], dtype=pl.Boolean))
        told = kept.with_columns(report_time=moment_texts(kept["as_of"])).select(columns)
        yield told if left is None else told.head(left)
        left = None if left is None else max(left - told.height, 0)


def aux_columns(said: Mapping[str, str], desk: Desk) -> list[str]:
    """Return the columns of the auxiliary data that are asked for."""
    own = [f"{metric}_{name}" for metric in desk.book.metrics for name in ("status", "source")]
    columns = chosen(said.get("columns"), ["report_time", *AUX_KEYS, *own])
    if not columns:
        raise refused("no column is left", f"there are: {', '.join(['report_time', *AUX_KEYS, *own])}")
    return columns


def _aux_rows(
    desk: Desk, opened: Opened, level: Level, moment: datetime | None, keys: dict[str, list[str]]
) -> pl.DataFrame:
    """Return one row per place and day: as_of, geo_value, reference_time, and status and source of each metric."""
    made = pl.DataFrame(schema={"geo_value": pl.String, "reference_time": pl.Date})
    ends = []
    for metric in desk.book.metrics:
        known = _known(desk, opened, level, metric, moment)
        own = known.select(
            geo_value=geo_values(known["geoid"], desk.geography).cast(pl.String),
            reference_time="date",
            status=pl.col("status").cast(pl.String),
            source=pl.col("source").cast(pl.String),
            as_of="as_of",
        )
        for name, wanted in keys.items():
            own = own.filter(pl.col(name).cast(pl.String).is_in(wanted))
        ends.append(f"{metric}_as_of")
        named = own.rename({name: f"{metric}_{name}" for name in ("status", "source", "as_of")})
        made = made.join(named, on=list(AUX_KEYS), how="full", coalesce=True)
    return made.with_columns(as_of=pl.max_horizontal(ends)).sort(AUX_KEYS)


def _known(desk: Desk, opened: Opened, level: Level, metric: str, moment: datetime | None) -> pl.DataFrame:
    if moment is None:
        return opened.known(level, metric)
    found = desk.past.known(moment, level, [metric], None, pl.lit(value=True))
    return pl.concat(found).rename({"place": "geoid"})


def _filtered(said: Mapping[str, str], desk: Desk) -> dict[str, list[str]]:
    """Return ``filtered_keys``: the values wanted, by key."""
    keys: dict[str, list[str]] = {}
    for term in listed(said.get("filtered_keys", "")):
        name, colon, value = term.partition(":")
        if not colon or name not in AUX_KEYS:
            raise refused(f"filtered_keys: {term!r} is no key", f"{desk.book.id} has {', '.join(AUX_KEYS)}")
        keys.setdefault(name, []).append(value[:10] if name == "reference_time" else value)
    return keys
