"""What was known at past moments: the ledger's states, and the figures a release of then would have had."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from threading import RLock
from typing import Final, TypeVar

import polars as pl

from tallybook.model.metrics import Level
from tallybook.model.places import level_at
from tallybook.release.figures import Figures, Method, figures
from tallybook.server.refusals import NoSuchError
from tallybook.server.served import ServedBook
from tallybook.server.signals import Signal
from tallybook.server.table import MISSING, ROWS_SCHEMA, Table, known_rows

Value = TypeVar("Value")

_READ: Final = 500
"""The places whose past is read at once, so that a whole nation's never is in memory."""

_COMPUTED: Final = 200
"""The places whose past averages are computed at once."""

_KEPT: Final = 40
"""The past states that are kept."""

_KEPT_ROWS: Final = 150_000
"""The rows of a state that is worth keeping, at most."""


class Past:
    """The past of a book, from its ledger; what was computed last is kept.

    Args:
        book: the book.
    """

    def __init__(self, book: ServedBook) -> None:
        self.book = book
        self._lock = RLock()
        self._kept: OrderedDict[object, object] = OrderedDict()

    def moments(self) -> list[datetime]:
        """Return the moments at which something was recorded, the earliest first."""
        return self._once("moments", lambda: self.book.ledger.records()["as_of"].unique().sort().to_list())

    def issues(self) -> list[datetime]:
        """Return the last moment of each day on which something was recorded, where the book is."""
        last = {moment.astimezone(self.book.zone).date(): moment for moment in self.moments()}
        return list(last.values())

    def end_of(self, day: date) -> datetime:
        """Return the last moment of a day where the book is.

        Raises:
            NoSuchError: it is in the future.
        """
        # Wherever who asks may be, tomorrow is the latest that it is anywhere.
        if day > datetime.now(UTC).date() + timedelta(days=1):
            raise NoSuchError(f"{day} is in the future", hint="nothing is known then yet")
        return datetime.combine(day + timedelta(days=1), time(), self.book.zone) - timedelta(microseconds=1)

    def known(
        self, moment: datetime, level: Level, metrics: Sequence[str], geoids: Sequence[str] | None, days: pl.Expr
    ) -> Iterator[pl.DataFrame]:
        """Yield what was known of counts at a moment: as ``Ledger.as_of`` returns it, some places at a time.

        Args:
            moment: the moment.
            level: the level of the places.
            metrics: the metrics.
            geoids: the places; None: all.
            days: which dates.
        """
        # What is recorded while the places are read has a later moment, and is none of this.
        last = self.last_by(moment) or moment
        for block in self._blocks(level, geoids, _READ):
            yield self.book.ledger.as_of(last, where=block & pl.col("metric").is_in(list(metrics)) & days)

    def rows(
        self,
        moment: datetime,
        level: Level,
        signal: Signal,
        geoids: Sequence[str] | None,
        days: pl.Expr,
        *,
        withdrawn: bool = False,
    ) -> Iterator[pl.DataFrame]:
        """Yield the values of a signal as they were known at a moment: columns of ROWS_SCHEMA, by place.

        Args:
            moment: the moment.
            level: the level of the places.
            signal: the signal.
            geoids: the places; None: all.
            days: which dates.
            withdrawn: whether a count that was withdrawn has a row, without value.
        """
        if signal.measure == "cumulative":
            for known in self.known(moment, level, [signal.metric], geoids, days):
                yield known_rows(known).filter(pl.lit(withdrawn) | (pl.col("missing") != MISSING["withdrawn"]))
            return
        for table in self.tables(moment, level, [signal.metric], geoids):
            yield table.rows(signal, geoids, withdrawn=withdrawn).filter(days)

    def tables(
        self, moment: datetime, level: Level, metrics: Sequence[str], geoids: Sequence[str] | None
    ) -> Iterator[Table]:
        """Yield the figures a release of that moment would have had, some places at a time.

        Args:
            moment: the moment.
            level: the level of the places.
            metrics: the metrics.
            geoids: the places; None: all.
        """
        last = self.last_by(moment)
        if last is None:
            return
        wanted = None if geoids is None else tuple(sorted(set(geoids)))
        for number, block in enumerate(self._blocks(level, wanted, _COMPUTED)):
            made = self._table(last, level, tuple(metrics), (wanted, number), block)
            if made is not None:
                yield made

    def versions(
        self,
        level: Level,
        signal: Signal,
        geoids: Sequence[str] | None,
        days: pl.Expr,
        *,
        moments: Sequence[datetime],
        wanted: Collection[datetime],
    ) -> Iterator[pl.DataFrame]:
        """Yield each value of a signal at each of some moments since when it was known: columns of ROWS_SCHEMA.

        Args:
            level: the level of the places.
            signal: the signal.
            geoids: the places; None: all.
            days: which dates.
            moments: the ledger's, or the last of each day: what held only between two of them is left out.
            wanted: those of them that are asked for.
        """
        ends = pl.DataFrame({"end": pl.Series(sorted(moments), dtype=ROWS_SCHEMA["as_of"])})
        if signal.measure == "cumulative":
            asked_for = ends.filter(pl.Series([moment in wanted for moment in ends["end"]], dtype=pl.Boolean))
            for block in self._blocks(level, geoids, _READ):
                told = self.book.ledger.versions(block & (pl.col("metric") == signal.metric) & days)
                ended = told.sort("as_of").join_asof(ends, left_on="as_of", right_on="end", strategy="forward")
                asked = ended.join(asked_for, on="end", how="semi", maintain_order="left")
                last = asked.unique(["place", "date", "end"], keep="last", maintain_order=True)
                yield known_rows(last).sort("geoid", "date", "as_of")
            return
        before = None
        for moment in sorted(moments):
            if moment in wanted:
                for made in self.rows(moment, level, signal, geoids, days, withdrawn=True):
                    yield made if before is None else made.filter(pl.col("as_of") > before)
            before = moment

    def last_by(self, moment: datetime) -> datetime | None:
        """Return the last moment by then at which something was recorded; None where nothing was."""
        return max((recorded for recorded in self.moments() if recorded <= moment), default=None)

    def method(self, moment: datetime) -> Method:
        """Return how averages were made at a moment."""
        return self._once(("method", moment), lambda: self.book.method(moment))

    def _blocks(self, level: Level, geoids: Sequence[str] | None, size: int) -> Iterator[pl.Expr]:
        """Yield which places to read together."""
        place = pl.col("place")
        if geoids is None:
            named = self.book.places.frame.filter(level=level.value)["geoid"].sort().to_list()
        else:
            named = sorted(set(geoids))
        for begin in range(0, len(named), size):
            some = named[begin : begin + size]
            yield place.is_between(pl.lit(some[0]), pl.lit(some[-1])) & place.is_in(some)

    def _table(
        self, moment: datetime, level: Level, metrics: tuple[str, ...], key: object, block: pl.Expr
    ) -> Table | None:
        whole = (self.book.ledger.stamp(), "table", moment, level, metrics, key)
        kept = self._get(whole)
        if isinstance(kept, Table):
            return kept
        nation = level is Level.NATION
        places = block | (level_at(pl.col("place")) == Level.STATE.value) if nation else block
        known = self.book.ledger.as_of(moment, where=places & pl.col("metric").is_in(metrics))
        levels = [wanted for wanted in self.book.levels if wanted is level or (nation and wanted is Level.STATE)]
        method = replace(self.method(moment), metrics=metrics)
        made = {one.level: one for one in figures(known, levels=levels, method=method)}
        if level not in made:
            return None
        states = Table(_Frames(made[Level.STATE], known), self._lock) if nation and Level.STATE in made else None
        table = Table(_Frames(made[level], known), self._lock, states=states)
        if table.height <= _KEPT_ROWS:
            self._keep(whole, table)
        return table

    def _once(self, key: object, make: Callable[[], Value]) -> Value:
        """Return what is made, or what was made of the same since the last recording."""
        whole = (self.book.ledger.stamp(), key)
        kept = self._get(whole)
        if kept is None:
            kept = make()
            self._keep(whole, kept)
        return kept  # type: ignore[return-value]

    def _get(self, key: object) -> object:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: object, value: object) -> None:
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


class _Frames:
    """The figures of a level, from a state of the ledger."""

    def __init__(self, made: Figures, known: pl.DataFrame) -> None:
        self._made, self._known = made, known

    def averages(self, names: Sequence[str]) -> pl.DataFrame:
        return self._made.averages.select(names)

    def totals(self, names: Sequence[str]) -> pl.DataFrame:
        return self._made.totals.select(names)

    def known(self, metric: str) -> pl.DataFrame:
        geoid = pl.col("place").alias("geoid")
        at = level_at(pl.col("place")) == self._made.level.value
        return self._known.filter(at, metric=metric).select(geoid, "date", "as_of", "status", "source")
