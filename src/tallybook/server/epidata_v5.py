"""Epidata V5: whole signals as CSV, as they are, as they were, and with all their versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final

import polars as pl

from tallybook.model.metrics import Level
from tallybook.server.covidcast import geo_values
from tallybook.server.epidata_asked import chosen, instant_of, level_named, listed, refused, whole_number
from tallybook.server.refusals import NoSuchError
from tallybook.server.respond import Desk
from tallybook.server.shelf import Opened
from tallybook.server.signals import Signal, signals_of

COLUMNS: Final = ("signal", "report_time", "geo_type", "geo_value", "fill_method", "reference_time", "value")
"""The columns of a snapshot and of an archive."""

FILLS: Final = ("source", "fill_ave", "fill_zero")
"""How missing values may be filled; here none is."""

_QUERY: Final = re.compile(r"(?P<operator><=|>=|<|>)(?P<bound>.+)|(?P<first>[^:]+):(?P<last>[^:]+)")
_PIECE: Final = 200_000


@dataclass(frozen=True)
class Query:
    """What is asked.

    Attributes:
        desk: the source.
        signals: those of the signals asked for that there are.
        level: the level of the places; None where there is no such.
        moment: as it was known then; None: now.
        within: which report times; None where it is no archive.
        columns: the columns that are sent.
        limit: how many rows at most.
    """

    desk: Desk
    signals: tuple[Signal, ...]
    level: Level | None
    moment: datetime | None
    within: Callable[[datetime], bool] | None
    columns: list[str]
    limit: int | None

    @property
    def past(self) -> bool:
        """Whether it is answered from the ledger."""
        return self.moment is not None or self.within is not None

    def rows(self, opened: Opened) -> int:
        """Return about how many rows it is answered from."""
        return 0 if self.level is None else opened.height(self.level) * len(self.signals)

    def states(self, opened: Opened) -> int:
        """Return how many past values have to be computed."""
        if self.within is None:
            return 0
        derived = sum(signal.measure != "cumulative" for signal in self.signals)
        moments = sum(map(self.within, self.desk.past.moments()))
        return self.rows(opened) // max(len(self.signals), 1) * derived * moments

    def frames(self, opened: Opened) -> Iterator[pl.DataFrame]:
        """Yield the rows, columns as asked for."""
        yield _EMPTY.select(self.columns)
        left = self.limit
        for signal, rows in self._rows(opened):
            for piece in rows.iter_slices(_PIECE):
                told = self._told(piece if left is None else piece.head(left), signal)
                left = None if left is None else left - told.height
                yield told
                if left == 0:
                    return

    def _rows(self, opened: Opened) -> Iterator[tuple[Signal, pl.DataFrame]]:
        level, past = self.level, self.desk.past
        if level is None:
            return
        for signal in self.signals:
            found: Iterator[pl.DataFrame] = iter(())
            if self.within is not None:
                moments = past.moments()
                wanted = frozenset(filter(self.within, moments))
                found = past.versions(level, signal, None, pl.lit(value=True), moments=moments, wanted=wanted)
            elif self.moment is not None:
                found = past.rows(self.moment, level, signal, None, pl.lit(value=True))
            elif level in opened.levels:
                found = iter([opened.table(level).rows(signal)])
            for rows in found:
                yield signal, rows

    def _told(self, rows: pl.DataFrame, signal: Signal) -> pl.DataFrame:
        return rows.select(
            signal=_constant(signal.name),
            report_time=moment_texts(rows["as_of"]),
            geo_type=_constant(self.level or ""),
            geo_value=geo_values(rows["geoid"], self.desk.geography),
            fill_method=_constant("source"),
            reference_time="date",
            value="value",
        ).select(self.columns)


_EMPTY: Final = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.Null))


def query(said: Mapping[str, str], desks: Mapping[str, Desk], *, archive: bool) -> Query:
    """Return what is asked.

    Signals and levels that there are none of are left out: clients look them up when the answer is empty.

    Raises:
        RefusedError: something is missing or cannot be read.
        NoSuchError: there is no such source.
    """
    desk = source(said, desks)
    names = listed(said.get("signal", ""))
    if not names or "geo_type" not in said:
        raise refused("missing parameter: signal and geo_type are needed")
    if said.get("fill_method", "source") not in FILLS:
        raise refused(f"no fill_method {said['fill_method']!r}", f"use {', '.join(FILLS)}")
    if said.get("format", "csv") != "csv":
        raise refused(f"no format {said['format']!r}", "use csv")
    known = signals_of(desk.book.metrics)
    filled = said.get("fill_method", "source") != "source"
    signals = tuple(known[name] for name in names if name in known and not filled)
    columns = chosen(said.get("fields"), COLUMNS)
    if not columns:
        raise refused("no field is left", f"there are: {', '.join(COLUMNS)}")
    return Query(
        desk=desk,
        signals=signals,
        level=level_named(said["geo_type"]),
        moment=None if archive else moment_of(said, desk),
        within=within(said, desk) if archive else None,
        columns=columns,
        limit=whole_number(said, "limit", least=1),
    )


def source(said: Mapping[str, str], desks: Mapping[str, Desk]) -> Desk:
    """Return the source that is asked for.

    Raises:
        NoSuchError: there is none.
    """
    name = said.get("source", "")
    if name not in desks:
        raise NoSuchError(f"no source {name!r}", hint=f"there are: {', '.join(desks)}")
    return desks[name]


def moment_of(said: Mapping[str, str], desk: Desk) -> datetime | None:
    """Return the moment of ``snapshot_date``: an instant, or the end of a day where the book is; None: now."""
    if "snapshot_date" not in said:
        return None
    asked = instant_of(said["snapshot_date"])
    day = asked.date() if isinstance(asked, datetime) else asked
    end = desk.past.end_of(day)
    return asked if isinstance(asked, datetime) else end


def within(said: Mapping[str, str], desk: Desk) -> Callable[[datetime], bool]:
    """Return whether a moment is one of ``report_time_query``: a bound with an operator, or ``from:to``.

    Raises:
        RefusedError: it is neither.
    """
    text = said.get("report_time_query")
    if text is None:
        return lambda _: True
    found = _QUERY.fullmatch(text)
    if found is None:
        raise refused(f"report_time_query: {text!r} cannot be read", "such as <=2020-06-01 or 2020-05-01:2020-06-01")
    if found["first"]:
        begin, end = _begin(found["first"], desk), _end(found["last"], desk)
        return lambda moment: begin <= moment <= end
    bound, operator = found["bound"], found["operator"]
    begin, end = _begin(bound, desk), _end(bound, desk)
    return {
        "<": lambda moment: moment < begin,
        "<=": lambda moment: moment <= end,
        ">": lambda moment: moment > end,
        ">=": lambda moment: moment >= begin,
    }[operator]


def metadata(desk: Desk, opened: Opened) -> dict[str, Any]:
    """Return what V5 says of a source."""
    days = pl.concat([opened.table(level).column("date").unique() for level in opened.levels])
    moments = [moment for moment in desk.past.moments() if moment <= opened.as_of] or [opened.as_of]
    return {
        "name": desk.book.about["title"],
        "license": desk.book.about["licence"],
        "signals": list(signals_of(desk.book.metrics)),
        "geo_types": [level.value for level in opened.levels],
        "key_columns": [],
        "fill_methods": ["source"],
        "reference_time_range": {"first": str(days.min()), "latest": str(days.max())},
        "report_time_range": {"first": _instant(moments[0]), "latest": _instant(moments[-1])},
    }


def _constant(text: str) -> pl.Expr:
    return pl.lit(text).cast(pl.Categorical)


def moment_texts(moments: pl.Series) -> pl.Series:
    """Return moments as text; there are few of them, on many rows."""
    few = moments.unique()
    texts = few.dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    return moments.to_physical().replace_strict(few.to_physical(), texts, return_dtype=pl.String).cast(pl.Categorical)


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _begin(text: str, desk: Desk) -> datetime:
    asked = instant_of(text)
    return asked if isinstance(asked, datetime) else datetime.combine(asked, time(), desk.book.zone)


def _end(text: str, desk: Desk) -> datetime:
    asked = instant_of(text)
    if isinstance(asked, datetime):
        # Report times are told to the second.
        return asked + timedelta(microseconds=999_999)
    return datetime.combine(asked, time.max, desk.book.zone)
