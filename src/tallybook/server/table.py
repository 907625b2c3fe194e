"""The figures of a level in memory, by place and day: read column by column, sliced without copying."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from tallybook.server.signals import NEVER, Moments, Signal, latest_within, signals_of

ROWS_SCHEMA: Final = pl.Schema(
    {
        "geoid": pl.String(),
        "date": pl.Date(),
        "value": pl.Float64(),
        "as_of": pl.Datetime("us", "UTC"),
        "missing": pl.Int8(),
    }
)
"""Values of a signal: ``missing`` says in Epidata's codes why a value is null. Key (geoid, date), and ``as_of`` where
they are of several moments. The geoid may be an Enum."""

MISSING: Final = {"reported": 0, "not_collected": 1, "withheld": 3, "withdrawn": 4, "not_reported": 5}
"""Epidata's code for why a value is missing: 0 it is not, 1 not applicable, 3 censored, 4 deleted, 5 other."""

_KEY: Final = ("geoid", "date")
_DAYS: Final = 2**24


class Columns(Protocol):
    """Where the figures of a level come from, a few columns at a time."""

    def averages(self, names: Sequence[str]) -> pl.DataFrame:
        """Return columns of the averages; key (geoid, date), in any order, one row per day of the calendar."""

    def totals(self, names: Sequence[str]) -> pl.DataFrame:
        """Return columns of the totals; key (geoid, date), in any order."""

    def known(self, metric: str) -> pl.DataFrame:
        """Return since when counts are known: geoid, date, as_of, status, source."""


class Table:
    """The figures of a level: one row per place and day of its calendar, sorted.

    Args:
        columns: where they come from.
        lock: held while a column is read.
        states: the figures of the states, where these are of a nation whose averages are sums of theirs.
    """

    def __init__(self, columns: Columns, lock: AbstractContextManager[object], *, states: Table | None = None) -> None:
        self._columns, self._lock, self._states = columns, lock, states
        keys = columns.averages(_KEY)
        self.geoids = pl.Enum(keys["geoid"].unique().sort())
        numbers = _numbers(keys, self.geoids)
        self._order = numbers.arg_sort()
        self._numbers = numbers.gather(self._order)
        self._totals: pl.Series | None = None
        self._made: dict[str, pl.Series] = {
            "geoid": keys["geoid"].cast(self.geoids).gather(self._order),
            "date": keys["date"].gather(self._order),
        }
        starts = self._made["geoid"].to_physical().rle_id().to_frame("run").with_row_index().group_by("run")
        bounds = starts.agg(pl.col("index").min(), pl.len()).sort("run")
        self._places = dict(zip(self.geoids.categories, bounds.select("index", "len").rows(), strict=True))

    @property
    def height(self) -> int:
        """The number of its rows."""
        return len(self._numbers)

    def frame(self, names: Sequence[str], geoids: Sequence[str] | None = None) -> pl.DataFrame:
        """Return columns: signals by name, ``geoid``, ``date``; of all places or of some, sorted.

        Args:
            names: the columns.
            geoids: the places; those it does not have are left out.
        """
        whole = pl.DataFrame([self.column(name).alias(name) for name in names])
        return whole if geoids is None else self._sliced(whole, geoids)

    def rows(self, signal: Signal, geoids: Sequence[str] | None = None, *, withdrawn: bool = False) -> pl.DataFrame:
        """Return the values of a signal and since when each is known: columns of ROWS_SCHEMA.

        A day of the calendar that no total is known of has no row.

        Args:
            signal: the signal.
            geoids: the places; None: all.
            withdrawn: whether a count that was withdrawn has a row, without value.
        """
        with self._lock:
            parts = ["geoid", "date", signal.name, f"{signal.name} as_of"]
            codes = f"{signal.metric} missing"
            made = self.frame([*parts, codes], geoids)
            missing = pl.col(codes) if signal.measure == "cumulative" else _derived(signal)
            value, as_of = pl.col(signal.name).cast(pl.Float64), pl.col(parts[3])
            rows = made.filter(as_of.is_not_null()).select(
                *_KEY, value=value, as_of=as_of, missing=missing.cast(pl.Int8)
            )
        if not withdrawn:
            return rows.filter(pl.col("missing") != MISSING["withdrawn"])
        return _with_withdrawn(rows, self._gone(signal.metric, geoids))

    def known(self, metric: str) -> pl.DataFrame:
        """Return what is known of counts: ``geoid``, ``date``, ``as_of``, ``status``, ``source``."""
        return self._columns.known(metric)

    def column(self, name: str) -> pl.Series:
        """Return a column: a signal by name, ``geoid`` or ``date``."""
        with self._lock:
            if name not in self._made:
                self._made[name] = self._read(name)
            return self._made[name]

    def _sliced(self, whole: pl.DataFrame, geoids: Sequence[str]) -> pl.DataFrame:
        parts = [whole.slice(*self._places[geoid]) for geoid in sorted(set(geoids)) if geoid in self._places]
        return pl.concat(parts, rechunk=False) if parts else whole.clear()

    def _read(self, name: str) -> pl.Series:
        what, _, of = name.partition(" ")
        metric, measure = _split(what)
        if of == "missing" or (of == "as_of" and measure == "cumulative"):
            self._align(metric)
            return self._made[name]
        if of == "as_of":
            return self._since(signals_of([metric])[what])
        if measure == "cumulative":
            return self._columns.totals([metric])[metric].gather(self._totals_rows())
        column = metric if measure == "incidence" else what
        return self._columns.averages([column])[column].gather(self._order)

    def _totals_rows(self) -> pl.Series:
        """Return for each row where it stands in the totals; null where they have no such row."""
        if self._totals is None:
            self._totals = _where(self._numbers, _numbers(self._columns.totals(_KEY), self.geoids))
        return self._totals

    def _align(self, metric: str) -> None:
        """Read since when each row's count is known, and why it is missing; null where it is not known."""
        known = self._columns.known(metric)
        among = known.filter(pl.col("geoid").is_in(self.geoids.categories.implode()))
        places = _where(self._numbers, _numbers(among, self.geoids))
        self._made[f"{metric}_cumulative as_of"] = among["as_of"].gather(places)
        self._made[f"{metric} missing"] = _codes(among["status"]).gather(places)

    def _since(self, signal: Signal) -> pl.Series:
        own = self.column(f"{signal.metric}_cumulative as_of")
        if self._states is not None and signal.measure.startswith("avg"):
            return self._since_states(signal)
        moments = own.to_physical().fill_null(NEVER).to_numpy()
        since = latest_within(moments, self._spans(signal))
        return pl.Series(since).replace(NEVER, None).cast(own.dtype)

    def _spans(self, signal: Signal) -> Moments:
        """Return for each row the first whose total matters to it: to the day's count, or to where its window starts.

        A window starts where it does because the day before has data, or the last one that does: with another total
        there, it would start elsewhere.
        """
        rows = np.arange(self.height)
        begins = np.repeat(*np.array(list(self._places.values())).T) if self._places else rows
        if signal.measure == "incidence":
            counted = self.column(f"{signal.metric}_cumulative").is_not_null().to_numpy()
            return np.asarray(np.maximum(_last(counted)[rows - 1], begins))
        names = [signal.metric, f"{signal.metric}_window_start", f"{signal.metric}_omitted"]
        count, start, omitted = (column.gather(self._order) for column in self._columns.averages(names))
        back = (self.column("date") - start).dt.total_days().fill_null(0).to_numpy()
        has_data = ((count != 0) & ~omitted).fill_null(value=False).to_numpy()
        before = _last(has_data)[np.maximum(rows - back, begins) - 1]
        return np.asarray(np.maximum(before - 1, begins))

    def _since_states(self, signal: Signal) -> pl.Series:
        """Return since when a sum over the states is known: since the last of them is."""
        states = cast("Table", self._states)
        name = f"{signal.name} as_of"
        since = states.frame(["date", name]).group_by("date").agg(pl.col(name).max())
        return self.frame(["date"]).join(since, on="date", how="left", maintain_order="left")[name]

    def _gone(self, metric: str, geoids: Sequence[str] | None) -> pl.DataFrame:
        """Return the withdrawn counts that have no row any more: geoid, date, as_of."""
        withdrawn = pl.col("status").cast(pl.String) == "withdrawn"
        gone = self._columns.known(metric).filter(withdrawn).select(*_KEY, "as_of")
        if geoids is not None:
            gone = gone.filter(pl.col("geoid").is_in(geoids))
        return gone.join(self.frame(_KEY).with_columns(pl.col("geoid").cast(pl.String)), on=_KEY, how="anti")


def _last(rows: npt.NDArray[np.bool_]) -> Moments:
    """Return for each row the number of the last row up to it that is meant; 0 where none is."""
    return np.asarray(np.maximum.accumulate(np.where(rows, np.arange(len(rows)), 0)))


def _derived(signal: Signal) -> pl.Expr:
    """Return why a figure made of counts is missing: its count is withheld, or rates have none without a population."""
    none = 1 if signal.measure == "avg_per_100k" else MISSING["not_reported"]
    withheld = pl.when(pl.col(f"{signal.metric} missing") == MISSING["withheld"]).then(MISSING["withheld"])
    return pl.when(pl.col(signal.name).is_null()).then(withheld.otherwise(none)).otherwise(0)


def _codes(status: pl.Series) -> pl.Series:
    return status.cast(pl.String).replace_strict(MISSING, default=None, return_dtype=pl.Int8)


def known_rows(known: pl.DataFrame) -> pl.DataFrame:
    """Return observations as rows of a cumulative signal: columns of ROWS_SCHEMA.

    Args:
        known: ``place``, ``date``, ``value``, ``as_of``, ``status``.
    """
    return known.select(pl.col("place").alias("geoid"), "date", "value", "as_of", missing=_codes(known["status"]))


def _with_withdrawn(rows: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    if gone.is_empty():
        return rows
    deleted = gone.select(
        *_KEY,
        pl.lit(None, pl.Float64).alias("value"),
        "as_of",
        pl.lit(MISSING["withdrawn"], pl.Int8).alias("missing"),
    )
    return pl.concat([rows.with_columns(pl.col("geoid").cast(pl.String)), deleted]).sort(_KEY)


def _split(name: str) -> tuple[str, str]:
    """Return the metric and the measure of a signal's name.

    >>> _split("people_tested_avg_per_100k")
    ('people_tested', 'avg_per_100k')
    """
    measure = next((one for one in ("cumulative", "incidence", "avg_per_100k", "avg") if name.endswith(f"_{one}")), "")
    return name.removesuffix(f"_{measure}"), measure


def _numbers(keys: pl.DataFrame, geoids: pl.Enum) -> pl.Series:
    """Return one whole number for each place and day, in their order; whole numbers sort and compare fastest."""
    places = keys["geoid"].cast(pl.String).cast(geoids).to_physical().cast(pl.Int64)
    return places * _DAYS + keys["date"].to_physical().cast(pl.Int64) + _DAYS // 2


def _where(wanted: pl.Series, among: pl.Series) -> pl.Series:
    """Return where each number stands in another series; null where it does not."""
    order = among.arg_sort()
    ordered = among.gather(order)
    at = ordered.search_sorted(wanted, side="left")
    inside = at.clip(0, max(len(ordered) - 1, 0)).cast(pl.UInt32)
    if ordered.is_empty():
        return pl.Series([None] * len(wanted), dtype=pl.UInt32)
    found = ordered.gather(inside) == wanted
    return order.gather(inside).to_frame("at").select(pl.when(pl.Series(found)).then("at"))["at"]
