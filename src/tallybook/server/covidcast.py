"""Epidata V4's ``covidcast``: what is asked, which values that is, and as which text they are sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from tallybook.model.metrics import Level
from tallybook.server.asked import rows_of
from tallybook.server.encode import csv_pieces, json_lines, json_pieces
from tallybook.server.epidata_asked import (
    Geography,
    Times,
    day_of,
    grouped,
    level_named,
    listed,
    refused,
    times,
    whole_number,
)
from tallybook.server.refusals import RefusedError
from tallybook.server.respond import Desk
from tallybook.server.shelf import Opened
from tallybook.server.signals import Signal, signals_of

COLUMNS: Final = (
    *("geo_value", "signal", "source", "geo_type", "time_type", "time_value", "direction", "issue", "lag"),
    *("missing_value", "missing_stderr", "missing_sample_size", "value", "stderr", "sample_size"),
)
"""The columns of a row, in their order."""

_NOT_APPLICABLE: Final = 1
_PIECE: Final = 50_000


@dataclass(frozen=True)
class Query:
    """What is asked of one source.

    Attributes:
        desk: the source.
        signals: its signals.
        places: by level, the geoids; None: all of the level.
        days: the days.
        as_of: as it was known at the end of this day; None: now.
        issues: the days on which it became known; None: the latest of each.
        lag: the days from a day to its issue; None: any.
    """

    desk: Desk
    signals: tuple[Signal, ...]
    places: tuple[tuple[Level, list[str] | None], ...]
    days: Times
    as_of: date | None
    issues: Times | None
    lag: int | None

    @property
    def past(self) -> bool:
        """Whether it is answered from the ledger."""
        return self.as_of is not None or self.issues is not None or self.lag is not None

    def rows(self, opened: Opened) -> int:
        """Return about how many rows it is answered from.

        Raises:
            RefusedError: it would take too many states of the past.
        """
        spans = self.days.spans
        days = None if spans is None else sum((last - first).days + 1 for first, last in spans)
        number = sum(rows_of(opened, level, geoids, days) for level, geoids in self.places)
        derived = sum(signal.measure != "cumulative" for signal in self.signals)
        if derived and (self.issues is not None or self.lag is not None):
            most = self.desk.limits.states
            states = number * derived * len(self.wanted())
            if states > most:
                raise RefusedError(
                    413,
                    f"{states:,} past values would have to be computed; at most {most:,} are",
                    hint="ask for fewer places, or for fewer issues",
                )
        return number * len(self.signals)

    def wanted(self) -> list[datetime]:
        """Return the last moments of the issues that are asked for."""
        zone = self.desk.book.zone
        return [
            moment
            for moment in self.desk.past.issues()
            if self.issues is None or moment.astimezone(zone).date() in self.issues
        ]

    def frames(self, opened: Opened) -> Iterator[tuple[Signal, pl.DataFrame]]:
        """Yield the rows of each signal, columns of COLUMNS, level by level."""
        for signal in self.signals:
            for level, geoids in self.places:
                for rows in self._rows(opened, signal, level, geoids):
                    yield signal, self._told(rows.filter(self.days.has()), signal, level)

    def _rows(self, opened: Opened, signal: Signal, level: Level, geoids: list[str] | None) -> Iterator[pl.DataFrame]:
        past = self.desk.past
        if self.days.kind == "week":
            return iter(())
        if self.as_of is not None:
            return past.rows(past.end_of(self.as_of), level, signal, geoids, self.days.has())
        if self.issues is not None or self.lag is not None:
            return past.versions(
                level, signal, geoids, self.days.has(), moments=past.issues(), wanted=frozenset(self.wanted())
            )
        return iter([opened.table(level).rows(signal, geoids)] if level in opened.levels else ())

    def _told(self, rows: pl.DataFrame, signal: Signal, level: Level) -> pl.DataFrame:
        """Return rows of a signal in the columns of Epidata."""
        book = self.desk.book
        issued = pl.col("as_of").dt.convert_time_zone(str(book.zone)).dt.date()
        lag = (issued - pl.col("date")).dt.total_days()
        kept = rows if self.lag is None else rows.filter(lag == self.lag)
        return kept.select(
            geo_value=geo_values(kept["geoid"], self.desk.geography),
            signal=_constant(signal.name),
            source=_constant(book.id),
            geo_type=_constant(level.value),
            time_type=_constant("day"),
            time_value=as_number(pl.col("date")),
            direction=pl.lit(None, pl.Int8),
            issue=as_number(issued),
            lag=lag,
            missing_value="missing",
            missing_stderr=pl.lit(_NOT_APPLICABLE, pl.Int8),
            missing_sample_size=pl.lit(_NOT_APPLICABLE, pl.Int8),
            value="value",
            stderr=pl.lit(None, pl.Float64),
            sample_size=pl.lit(None, pl.Float64),
        )


def queries(said: Mapping[str, str], desks: Mapping[str, Desk]) -> list[Query]:
    """Return what is asked, source by source.

    Raises:
        RefusedError: something is missing, not known, or contradicts itself.
    """
    if sum(name in said for name in ("as_of", "issues", "lag")) > 1:
        raise refused("as_of, issues and lag exclude one another", "give one of them")
    days = _days(said)
    levels = _levels(said)
    as_of = day_of(said["as_of"]) if "as_of" in said else None
    issues = times("day", listed(said["issues"]), "issues") if "issues" in said else None
    lag = whole_number(said, "lag")
    made = []
    for source, names in _sources(said):
        if source not in desks:
            raise refused(f"no data_source {source!r}", f"there are: {', '.join(desks)}")
        desk = desks[source]
        places = tuple((level, desk.geography.find(level, values)) for level, values in levels)
        made.append(Query(desk, _signals(names, desk), places, days, as_of, issues, lag))
    return made


def sorted_rows(asked: Sequence[Query], opened: Sequence[Opened]) -> pl.DataFrame:
    """Return the rows of queries, by source, signal, day, level, place and issue."""
    found: dict[tuple[str, str], list[pl.DataFrame]] = {}
    for query, one in zip(asked, opened, strict=True):
        for signal, frame in query.frames(one):
            found.setdefault((query.desk.book.id, signal.name), []).append(frame)
    every = [_in_order(pl.concat(found[key], rechunk=False)) for key in sorted(found)]
    return pl.concat(every, rechunk=False) if every else pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.Null))


def written(frame: pl.DataFrame, format_: str, columns: Sequence[str], most: int) -> Iterator[bytes]:
    """Yield rows in one of Epidata's formats; what is beyond the most rows is left out, and said to be.

    Args:
        frame: the rows.
        format_: one of FORMATS.
        columns: what of them is sent.
        most: how many are.
    """
    rows = frame.head(most).select(columns)
    if format_ == "csv":
        return csv_pieces([rows])
    if format_ == "jsonl":
        return (json_lines(piece) for piece in rows.iter_slices(_PIECE))
    if format_ == "json":
        return json_pieces([rows])
    if frame.is_empty():
        return iter([b'{"epidata":[],"result":-2,"message":"no results"}'])
    after = b'],"result":1,"message":"success"}'
    if frame.height > most:
        after = b'],"result":2,"message":"too many results, data truncated"}'
    if format_ == "tree":
        return _tree(rows, frame.head(most)["signal"], after)
    return json_pieces([rows], before=b'{"epidata":[', after=after)


def as_download(frame: pl.DataFrame) -> pl.DataFrame:
    """Return rows in the columns of ``covidcast/csv``, whose first has no name."""
    day = pl.col("time_value", "issue").cast(pl.String).str.to_date("%Y%m%d", strict=False)
    columns = ("geo_value", "signal", "time_value", "issue", "lag", "value", "stderr", "sample_size", "geo_type")
    return frame.with_columns(day).with_row_index("").select("", *columns, data_source="source")


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of one signal by day, level, place and issue; whole numbers sort several times faster than text."""
    levels, places = (_ranks(rows[name]) for name in ("geo_type", "geo_value"))
    keys = pl.DataFrame({"day": rows["time_value"], "level": levels, "place": places, "issue": rows["issue"]})
    return rows[keys.select(pl.arg_sort_by("day", "level", "place", "issue")).to_series()]


def _ranks(texts: pl.Series) -> pl.Series:
    """Return where each text stands among all of them."""
    few = texts.to_frame("text").select("text", code=pl.col("text").to_physical()).unique("code")
    ordered = few.with_columns(pl.col("text").cast(pl.String)).sort("text").with_row_index("rank")
    return texts.to_physical().replace_strict(ordered["code"], ordered["rank"], return_dtype=pl.UInt32)


def _tree(rows: pl.DataFrame, signals: pl.Series, after: bytes) -> Iterator[bytes]:
    yield b'{"epidata":[{'
    for number, signal in enumerate(signals.unique().cast(pl.String).sort()):
        name = f'"{signal}":['.encode()
        yield from json_pieces([rows.filter(signals == signal)], before=b"," * (number > 0) + name)
    yield b"}" + after


def geo_values(geoids: pl.Series, geography: Geography) -> pl.Series:
    """Return what Epidata calls places, by geoid; as categories where the geoids are."""
    if isinstance(geoids.dtype, pl.Enum):
        names = pl.Series([geography.values[geoid] for geoid in geoids.dtype.categories], dtype=pl.Categorical)
        return names.gather(geoids.to_physical())
    return geoids.cast(pl.String).replace_strict(geography.values, return_dtype=pl.String).cast(pl.Categorical)


def _constant(text: str) -> pl.Expr:
    return pl.lit(text).cast(pl.Categorical)


def as_number(day: pl.Expr) -> pl.Expr:
    """Return a day as the whole number YYYYMMDD."""
    return day.dt.year() * 10_000 + day.dt.month().cast(pl.Int32) * 100 + day.dt.day()


def _sources(said: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    named = said.get("signals") or said.get("signal") or ""
    if "data_source" in said:
        if not named:
            raise refused("missing parameter: signals")
        return [(said["data_source"], listed(named))]
    if not named:
        raise refused("missing parameter: need [data_source, signals] or [signal]", "such as signal=nyt:cases_avg")
    return grouped(named)


def _signals(names: list[str], desk: Desk) -> tuple[Signal, ...]:
    known = signals_of(desk.book.metrics)
    if "*" in names:
        return tuple(known.values())
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise refused(f"no signal {', '.join(unknown[:10])!r} of {desk.book.id}", f"there are: {', '.join(known)}")
    return tuple(known[name] for name in names)


def _levels(said: Mapping[str, str]) -> list[tuple[Level, list[str]]]:
    if "geo" in said:
        groups = grouped(said["geo"])
    elif "geo_type" in said:
        groups = [(said["geo_type"], listed(said.get("geo_values") or said.get("geo_value") or "*"))]
    else:
        raise refused("missing parameter: need [geo_type, geo_values] or [geo]", "such as geo=state:pa,ny")
    found = []
    for name, values in groups:
        level = level_named(name)
        if level is None:
            raise refused(f"no geo_type {name!r}", f"there are: {', '.join(Level)}")
        found.append((level, values))
    return found


def _days(said: Mapping[str, str]) -> Times:
    if "time" in said:
        groups = grouped(said["time"])
        if len(groups) != 1:
            raise refused("time takes one group", "such as time=day:20200401-20200430")
        return times(*groups[0], "time")
    return times(said.get("time_type", "day"), listed(said.get("time_values", "")), "time_values")
