"""What is drawn and said of a place's excess deaths; nothing here draws, for what does takes long to import."""

from __future__ import annotations

from typing import Final

import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.frames import require
from tallybook.model.mortality import DEATHS_SCHEMA, PLACE, days_of_period, title

_NEEDED: Final = ("year", "deaths", "expected_deaths", "expected_low", "expected_high", "baseline_years", "model")
_SUMS: Final = ("cumulative_excess", "cumulative_excess_low", "cumulative_excess_high")
_REACH_DAYS: Final = {True: 3.5, False: 16.0}
_MS: Final = 86_400_000


def periods(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what is drawn of a place's periods, one row each.

    Args:
        rows: as ``place_rows`` returns them.

    Returns:
        ``date`` (milliseconds since 1970, UTC), ``reach`` (half a period, in milliseconds), ``deaths``, ``expected``,
        ``low``, ``high``.
    """
    reach = _REACH_DAYS[bool(rows["week"].is_not_null().any())] * _MS
    named = {"expected_deaths": "expected", "expected_low": "low", "expected_high": "high"}
    return rows.select(_ms(), pl.lit(reach).alias("reach"), "deaths", *named).rename(named)


def areas(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the ends of the shaded areas: ``date``, ``expected``, ``deaths``, as ``periods`` has them.

    There is a further row wherever the two lines cross.
    """
    points = rows.select(_ms().cast(pl.Float64), pl.col("expected_deaths", "deaths").cast(pl.Float64))
    gap = pl.col("deaths") - pl.col("expected_deaths")
    share = gap / (gap - gap.shift(-1))
    crosses = (gap * gap.shift(-1)).fill_null(0) < 0
    between = points.select(pl.all() + (pl.all().shift(-1) - pl.all()) * share, crosses=crosses).filter("crosses")
    both = pl.concat([points, between.drop("crosses")]).sort("date")
    return both.with_columns(pl.col("date").cast(pl.Int64)).rename({"expected_deaths": "expected"})


def _ms() -> pl.Expr:
    return pl.col("date").cast(pl.Datetime("ms")).cast(pl.Int64)


def expected_by(rows: pl.DataFrame) -> str:
    """Return how deaths were expected."""
    model, years = rows.drop_nulls("model").select("model", "baseline_years").row(0)
    return f"Expected: {model}, fitted to {years.replace('-', '–')}; the band is the 95 % prediction interval"


def headline(rows: pl.DataFrame, place: str) -> str:
    """Return in words how many more deaths there were than expected, as far as anybody can tell."""
    total, low, high = _sums(rows)
    if total is None:
        return f"{place}: deaths beside those expected"
    if abs(total) < 0.5 or (low is not None and high is not None and low <= 0 <= high):
        return f"{place}: about as many deaths as expected"
    number = abs(total)
    digits = max(len(f"{number:.0f}") - 2, 0)
    about = "about " if digits else ""
    return f"{place}: {about}{round(number, -digits):,.0f} {_than(total)} deaths than expected"


def subtitle(rows: pl.DataFrame) -> list[str]:
    """Return what is shown, of when, and the excess with its interval, line by line."""
    weekly = rows["week"].is_not_null().any()
    first, last = rows.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    written = "%-d %B %Y" if weekly else "%B %Y"
    ended = "weeks that ended " if weekly else ""
    what = f"{'Weekly' if weekly else 'Monthly'} deaths from all causes, {ended}{first:{written}} to {last:{written}}"
    total, low, high = _sums(rows)
    if total is None:
        return [what]
    known = rows.filter(pl.col("cumulative_excess").is_not_null())
    expected = float(known["expected_deaths"].sum())
    share = f" ({total * 100 / expected:+.1f} %)" if expected else ""
    interval = "no interval can be told" if low is None else f"95 % interval {low:,.0f} to {high:,.0f}"
    told = f"In all {abs(total):,.0f} {_than(total)} than expected{share}; {interval}"
    return [what, told.replace("-", "−")]


def _than(total: float) -> str:
    return "more" if total > 0 else "fewer"


def place_rows(frame: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return the rows of a place, with ``date`` (the last of a week, the first of a month), in order.

    Raises:
        ContractError: a column is missing, or nothing is expected of the place.
    """
    require(frame, [*_NEEDED, *_SUMS])
    names: list[str] = [name for name in ("geoid", "place") if name in frame.columns] or [*PLACE]
    require(frame, names)
    rows = frame.filter(frame.select(title(tuple(names)))["place"] == place)
    if rows["expected_deaths"].count() == 0:
        raise ContractError(f"nothing is expected of {place!r}", hint="is it called so in the frame?")
    given = ("week", "month", "start_date", "end_date")
    blank = [pl.lit(None, DEATHS_SCHEMA[name]).alias(name) for name in given if name not in rows.columns]
    rows = rows.with_columns(blank).cast({name: DEATHS_SCHEMA[name] for name in given})
    first, last = days_of_period()
    date = pl.coalesce("end_date", pl.when(pl.col("week").is_null()).then(first).otherwise(last))
    return rows.with_columns(date=date).sort("date")


def _sums(rows: pl.DataFrame) -> list[float | None]:
    known = rows.drop_nulls("cumulative_excess").select(_SUMS).tail(1).rows()
    return list(known[0]) if known else [None, None, None]
