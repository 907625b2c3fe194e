"""The averages in expressions that every lazy engine can do: DuckDB, Spark, and whatever else Narwhals speaks to.

The same eight rules as in ``rolling``, whose kernel is faster where the rows fit into memory. Here the days that are
left after omission are numbered place by place; where a window begins and ends is carried forward and shifted along
these numbers, its sum is a difference of running sums. Nothing is walked, and nothing is joined but the calendar and
the register. The integers are the kernel's, so that the averages are the same to the last bit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import narwhals as nw
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.engines import OWN, Engine, LazyFrame, collected, with_quotient
from tallybook.measures.frames import places_like
from tallybook.measures.marks import day_marks
from tallybook.measures.withheld import UNTOLD, with_untold
from tallybook.model.cards import Reporting

_DETAILS: Final = ("omitted", "anomaly", "window_start", "window_end", "window_days")
_EPOCH: Final = dt.date(1970, 1, 1)


def portable_daily(engine: Engine, metrics: Sequence[str], *, covers_from: dt.date | None) -> LazyFrame:
    """Return the new counts of every place and day, from cumulative ones; see ``daily``."""
    place, date = engine.place, engine.date
    frame = engine.complete(metrics)
    last = {metric: f"{OWN}last_{metric}" for metric in metrics}
    filled = [nw.col(name).fill_null(strategy="forward").over(place, order_by=date) for name in metrics]
    frame = frame.with_columns(expr.alias(last[name]) for name, expr in zip(metrics, filled, strict=True))
    frame = frame.with_columns(nw.col(name).shift(1).over(place, order_by=date) for name in last.values())
    frame = frame.with_columns(nw.col(date).min().over(place).alias(f"{OWN}first"))
    from_nothing = nw.col(date) == nw.col(f"{OWN}first")
    if covers_from is not None:
        from_nothing = from_nothing & (nw.col(date) > nw.lit(covers_from))
    before = {name: nw.when(from_nothing).then(nw.lit(0)).otherwise(nw.col(last[name])) for name in metrics}
    return frame.select(place, date, *((nw.col(name) - before[name]).cast(nw.Int64).alias(name) for name in metrics))


def portable_averages(
    engine: Engine,
    metrics: Sequence[str],
    *,
    days: int | Mapping[str, int],
    register: pl.DataFrame | None,
    reporting: Reporting,
    withheld: Any = None,
    details: bool,
) -> LazyFrame:
    """Return the rolling averages of new counts; see ``rolling_average``."""
    frame = engine.complete(metrics)
    places = None if register is None else collected(engine.frame.select(engine.place).unique())[engine.place]
    columns = [engine.place, engine.date]
    for metric in metrics:
        width = days if isinstance(days, int) else days[metric]
        if width < 1:
            raise ContractError(f"a window of {width} days", hint="averages need at least one day")
        marks = None if register is None or places is None else day_marks(register, metric, places)
        frame = _counted(engine, _marked(engine, frame, marks), metric, reporting)
        frame = _windowed(engine, _blocked(engine, frame, width), width)
        frame = with_untold(engine, frame, metric, withheld)
        frame = frame.with_columns(_average().alias(f"{metric}_avg"))
        columns += [metric, f"{metric}_avg"]
        if details:
            frame = _detailed(engine, frame, metric, width)
            columns += [f"{metric}_{name}" for name in _DETAILS]
        left = [name for name in metrics if name not in columns]
        frame = frame.select(*columns, *left, f"{OWN}day", f"{OWN}first")
    return frame.select(columns)


def portable_rates(engine: Engine, columns: Sequence[str], people: pl.DataFrame, population: str) -> LazyFrame:
    """Return the frame with its columns per 100,000 people; see ``per_100k``.

    Args:
        engine: the frame.
        columns: the columns to divide.
        people: the place column, and the people of each place that has any.
        population: the name of that column.
    """
    engine.require([engine.place, *columns])
    schema = engine.frame.collect_schema()
    places_like(people, engine.place, text=engine.places_are_text, of="the populations")
    for column in columns:
        if not schema[column].is_numeric():
            raise ContractError(f"column {column!r} is {schema[column]}, not a number")
    frame = engine.frame.join(engine.table(people), on=engine.place, how="left")
    frame = frame.with_columns((nw.col(name).cast(nw.Float64) * 100_000).alias(f"{OWN}{name}") for name in columns)
    for name in columns:
        frame = with_quotient(frame, f"{name}_per_100k", f"{OWN}{name}", population)
    return frame.drop(population, *(f"{OWN}{name}" for name in columns))


def _own(name: str) -> nw.Expr:
    return nw.col(OWN + name)


def _named(**columns: nw.Expr) -> list[nw.Expr]:
    return [expr.alias(OWN + name) for name, expr in columns.items()]


def _marked(engine: Engine, frame: LazyFrame, marks: pl.DataFrame | None) -> LazyFrame:
    """Return the frame with what the register says of each day: ``omit``, ``adjust``, ``anomaly``."""
    if marks is None or marks.is_empty():
        nothing = nw.lit(None).cast(nw.List(nw.String))
        return frame.with_columns(_named(omit=nw.lit(value=False), adjust=nw.lit(0), anomaly=nothing))
    renamed = {
        "place": engine.place,
        "date": engine.date,
        **{name: OWN + name for name in ("omit", "adjust", "anomaly")},
    }
    frame = frame.join(engine.table(marks.rename(renamed)), on=[engine.place, engine.date], how="left")
    return frame.with_columns(_own("omit").fill_null(value=False), _own("adjust").fill_null(0))


def _counted(engine: Engine, frame: LazyFrame, metric: str, reporting: Reporting) -> LazyFrame:
    """Return the frame with which days are left and what is on them: rules 1 to 4 and 6.

    Adds ``count`` (after adjusting), ``reported``, ``omitted``, ``begun`` (a report came in, this day or before),
    ``begin`` (the number of the day of the first report), ``late`` (it is not the place's first day), ``kept``, ``has``
    (the day has data) and ``empty`` (it has none, but may be believed to be a zero).
    """
    frame = frame.with_columns(
        _named(reported=~nw.col(metric).is_null(), count=nw.col(metric).fill_null(0) + _own("adjust"))
    )
    has = _own("count") != 0
    if reporting == "explicit":
        has = has | _own("reported")
    frame = frame.with_columns(
        _named(
            omitted=_own("omit") | (_own("count") < 0),
            has=has,
            empty=_own("reported") & ~has,
            begin=nw.when(_own("reported")).then(_own("day")).min().over(engine.place),
        )
    )
    begun = (_own("day") >= _own("begin")).fill_null(value=False)
    starts = nw.col(engine.date) == _own("first")
    late = (starts & ~_own("reported")).cast(nw.Int64).max().over(engine.place)
    return frame.with_columns(_named(begun=begun, kept=~_own("omitted") & begun, late=late))


def _blocked(engine: Engine, frame: LazyFrame, width: int) -> LazyFrame:
    """Return the frame with where blocks end: rules 4 and 5, among the days that are left.

    Adds ``position`` (the number of the day, from 0), ``total`` (the running sum), ``closes`` (a block ends here) and
    ``data`` (the day has data, or is a believed zero).
    """
    over = _over(engine, "kept")
    frame = frame.with_columns(_named(one=nw.lit(1), zero=_own("empty").cast(nw.Int64)))
    frame = frame.with_columns(
        _named(
            position=over(_own("one").cum_sum()).cast(nw.Int64) - 1, total=over(_own("count").cum_sum()).cast(nw.Int64)
        )
    )
    frame = frame.with_columns(_named(solid=nw.when(~_own("empty")).then(_own("position"))))
    frame = frame.with_columns(_named(solid=over(_own("solid").fill_null(strategy="forward"))))
    frame = frame.with_columns(_named(solid=_own("solid").fill_null(-1)))
    frame = frame.with_columns(_named(run=_own("zero").sum().over(engine.place, f"{OWN}kept", f"{OWN}solid")))
    along = _own("position") - _own("solid")
    believed = _own("empty") & (along <= _own("run") - _own("run") % (2 * width))
    closes = _own("kept") & (_own("has") | (_own("empty") & (along % (2 * width) == 0)))
    return frame.with_columns(_named(data=_own("has") | believed, closes=closes))


def _windowed(engine: Engine, frame: LazyFrame, width: int) -> LazyFrame:
    """Return the frame with the window of each day: rules 6 and 7.

    Adds ``from`` and ``to`` (positions), ``sum``, ``from_day`` and ``to_day`` (day numbers); negative positions are
    days before the first report.
    """
    over, every = _over(engine, "kept"), _over(engine)
    frame = frame.with_columns(_named(next_day=over(_own("day").shift(-1))))
    frame = frame.with_columns(
        _named(
            **{
                name: nw.when(_own("data")).then(_own(was))
                for name, was in (("seen", "position"), ("after", "next_day"))
            }
        )
    )
    frame = frame.with_columns(
        _named(**{name: over(_own(name).fill_null(strategy="forward")) for name in ("seen", "after")})
    )
    frame = frame.with_columns(
        _named(
            zeroth=_own("day").min().over(engine.place, f"{OWN}kept"),
            **{name: over(_own(name).shift(width)) for name in ("seen", "after")},
            before=over(_own("total").shift(width)),
        )
    )
    begins = (
        nw.when(_own("position") >= width).then(_own("seen").fill_null(-1) + 1).otherwise(_own("position") - width + 1)
    )
    frame = frame.with_columns(_named(begins=begins))
    from_day = nw.when(_own("begins") > 0).then(_own("after")).otherwise(_own("zeroth"))
    from_day = nw.when(_own("begins") < 0).then(_own("begin") + _own("begins")).otherwise(from_day)
    window = {
        "from": (_own("begins"), nw.lit(-width)),
        "to": (_own("position"), nw.lit(-1)),
        "sum": (_own("total") - _own("before").fill_null(0), nw.lit(0)),
        "from_day": (from_day, _own("begin") - width),
        "to_day": (_own("day"), _own("begin") - 1),
    }
    frame = frame.with_columns(
        _named(**{name: nw.when(_own("closes")).then(value) for name, (value, _) in window.items()})
    )
    frame = frame.with_columns(_named(**{name: every(_own(name).fill_null(strategy="forward")) for name in window}))
    return frame.with_columns(
        _named(
            **{
                name: nw.when(_own(name).is_null()).then(start).otherwise(_own(name))
                for name, (_, start) in window.items()
            }
        )
    )


def _over(engine: Engine, *within: str) -> Callable[[nw.Expr], nw.Expr]:
    """Return how a column is reckoned along the days of each place."""
    return lambda expr: expr.over(engine.place, *(OWN + name for name in within), order_by=engine.date)


def _known() -> nw.Expr:
    """Return whether a day has an average: the window is whole (rule 6), and nothing is withheld (rule 8)."""
    return _own("begun") & ((_own("late") == 0) | (_own("from") > 0)) & ~nw.col(UNTOLD)


def _average() -> nw.Expr:
    return nw.when(_known()).then(_own("sum") / (_own("to") - _own("from") + 1))


def _detailed(engine: Engine, frame: LazyFrame, metric: str, width: int) -> LazyFrame:
    """Return the frame with what the average of each day is made of, named after the metric."""
    first, last = engine.bounds or (_EPOCH, _EPOCH)
    for name in ("from_day", "to_day"):
        days = engine.days(first - dt.timedelta(days=width), last).select(
            nw.col(engine.date).alias(OWN + name.removesuffix("_day") + "_date"), nw.col(f"{OWN}day").alias(OWN + name)
        )
        frame = frame.join(days, on=OWN + name, how="left")
    shown = {
        "omitted": _own("omitted"),
        "anomaly": _own("anomaly"),
        "window_start": nw.when(_known()).then(_own("from_date")),
        "window_end": nw.when(_known()).then(_own("to_date")),
        "window_days": nw.when(_known()).then((_own("to") - _own("from") + 1).cast(nw.Int32)),
    }
    return frame.with_columns(shown[name].alias(f"{metric}_{name}") for name in _DETAILS)
