"""The figures of a release computed where the ledger lies, by an engine that shares the work among machines.

The engine gets the same measures as any frame does; what is small is computed here: the nation, whose averages are sums
of the states' in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw
import polars as pl

from tallybook.measures.engines import OWN, Engine, collected, with_quotient
from tallybook.measures.rates import per_100k
from tallybook.model.metrics import RATES, Level, Metric
from tallybook.model.places import SUBSTATE
from tallybook.model.reports import Status
from tallybook.release.figures import DAYS_SINCE, POSITIVITY, Figures, Method, figures, finished
from tallybook.release.layout import AVERAGES, STEMS, averages_table, totals_table, with_context

LazyFrame = nw.LazyFrame[Any]

Kept = Callable[[LazyFrame], LazyFrame]

YEAR: Final = "year"
"""The column a table is partitioned by."""

_LEVEL: Final = f"{OWN}level"


@dataclass(frozen=True)
class Dataset:
    """A table of a release, held by an engine.

    Attributes:
        path: where it belongs below the release's folder.
        rows: its rows, in no order; the columns of the release's Parquet file, and ``year``.
    """

    path: str
    rows: LazyFrame


def datasets(
    state: LazyFrame, *, levels: Sequence[Level], method: Method, kept: Kept = lambda frame: frame
) -> Iterator[Dataset]:
    """Yield the tables of a release: per level its totals, and its averages with what they are made of.

    Args:
        state: what is known, as ``portable_state`` returns it.
        levels: the levels the book publishes.
        method: how the averages are made.
        kept: has the engine compute a frame that several tables need, and returns it as it was computed; by default it
            is computed for each of them.
    """
    engine = Engine(state, "geoid", "date")
    levels_of = method.places.frame.select("geoid", pl.col("level").alias(_LEVEL))
    known = state.rename({"place": "geoid"}).join(engine.table(levels_of), on="geoid", how="inner")
    seen = collected(known.select(_LEVEL, "metric", "status").unique())
    for level in levels:
        observed = set(seen.filter(pl.col(_LEVEL) == level.value)["metric"])
        if observed and level is Level.NATION:
            yield from _nation(known, method)
        elif observed:
            rows = known.filter(nw.col(_LEVEL) == level.value)
            secret = Status.WITHHELD.value in seen.filter(pl.col(_LEVEL) == level.value)["status"]
            yield from _of_level(rows, level, observed, method, kept, secret=secret)


def _nation(known: LazyFrame, method: Method) -> Iterator[Dataset]:
    """Yield the tables of the nation, whose averages are the sums of the states'."""
    both = known.filter(nw.col(_LEVEL).is_in([Level.NATION.value, Level.STATE.value]))
    rows = collected(both.drop(_LEVEL).rename({"geoid": "place"}))
    made = figures(rows, levels=[Level.NATION, Level.STATE], method=method)[0]
    engine = Engine(known, "geoid", "date")
    for path, table in _tables(made):
        yield Dataset(path, _by_year(engine.table(table)))


def _of_level(
    rows: LazyFrame, level: Level, observed: Set[str], method: Method, kept: Kept, *, secret: bool
) -> Iterator[Dataset]:
    """Yield the tables of a level: its totals, and its averages; ``secret`` where a count of it is withheld."""
    metrics, columns = method.of_level(level, observed), method.columns(level, observed)
    engine = Engine(kept(_totals(rows, columns)), "geoid", "date")
    totals, people = engine.frame, method.places.frame
    counts = kept(nw.from_native(method.daily(totals.to_native(), level, metrics)))
    withheld = rows.filter(nw.col("status") == Status.WITHHELD.value).select("geoid", "metric", "date").to_native()
    averaged = method.averages_of_new(counts.to_native(), level, metrics, withheld=withheld if secret else None)
    averages: LazyFrame = nw.from_native(per_100k(averaged, [f"{name}_avg" for name in metrics], populations=people))
    averages = kept(averages.with_columns((~nw.col(name).is_null()).alias(f"{name}_reported") for name in metrics))
    if level is Level.TOWN:
        averages = _with_reports(_with_positivity(averages, metrics), engine)
        totals = nw.from_native(per_100k(totals.to_native(), metrics, populations=people))
    names = engine.table(method.places.named.select("geoid", "fips", "name", "state"))
    own = {"name": level.value} if level in SUBSTATE else {}
    (totals_path, like), (averages_path, averages_like) = _tables(_blank(level, metrics, columns, method))
    context = [name for name in like.columns if name in averages.columns and name not in totals.columns]
    beside = averages.select("geoid", "date", *context)
    for path, table, schema in (
        (totals_path, totals.join(beside, on=["geoid", "date"], how="left"), like.schema),
        (averages_path, averages, averages_like.schema),
    ):
        yield Dataset(path, _by_year(table.join(names, on="geoid", how="left").rename(own).select(schema.names())))


def _totals(rows: LazyFrame, columns: Sequence[str]) -> LazyFrame:
    """Return one row per place and day, a column per metric; see ``totals_of``."""
    told = rows.filter(nw.col("metric").is_in(columns), nw.col("status") != Status.WITHDRAWN.value)
    cells = told.with_columns(nw.when(nw.col("metric") == name).then(nw.col("value")).alias(name) for name in columns)
    totals = cells.group_by("geoid", "date").agg(nw.col(name).max() for name in columns)
    return totals.with_columns(nw.col(name).cast(nw.Int64) for name in columns if name not in RATES)


def _with_positivity(averages: LazyFrame, metrics: Sequence[str]) -> LazyFrame:
    if not {Metric.TESTS, Metric.POSITIVE_TESTS} <= set(metrics):
        return averages
    percent = f"{OWN}percent"
    averages = averages.with_columns((nw.col("positive_tests_avg") * 100).alias(percent))
    return with_quotient(averages, POSITIVITY, percent, "tests_avg").drop(percent)


def _with_reports(averages: LazyFrame, engine: Engine) -> LazyFrame:
    """Return averages with the days since the place's report before, null on days without one."""
    if engine.bounds is None:
        return averages
    day = f"{OWN}day"
    reports = engine.frame.select("geoid", "date").join(engine.days(*engine.bounds), on="date", how="left")
    since = nw.col(day) - nw.col(day).shift(1).over("geoid", order_by="date")
    return averages.join(reports.with_columns(since.alias(DAYS_SINCE)).drop(day), on=["geoid", "date"], how="left")


def _blank(level: Level, metrics: tuple[str, ...], columns: Sequence[str], method: Method) -> Figures:
    """Return the figures of a level without any rows, which say what columns its tables have."""
    dtypes = {name: pl.Float64() if name in RATES else pl.Int64() for name in columns}
    totals = pl.DataFrame(schema={"geoid": pl.String(), "date": pl.Date(), **dtypes})
    return finished(Figures(level, metrics, totals, method.averages(totals, level, metrics)), method.places)


def _tables(made: Figures) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the path and the rows of the Parquet files of a level."""
    for below, table in (("", totals_table(made)), (f"{AVERAGES}/", averages_table(made))):
        yield f"{below}{STEMS[made.level]}.parquet", with_context(table, made)


def _by_year(rows: LazyFrame) -> LazyFrame:
    return rows.with_columns(nw.col("date").dt.year().cast(nw.Int32).alias(YEAR))
