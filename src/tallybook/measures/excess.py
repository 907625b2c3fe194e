"""Deaths that were expected, had the years before gone on, and how many more there were.

What is fitted to: the years of the baseline, and January of the first year after it (month of a week's last day).

- Weeks, four years or more: ``deaths ~ year + s(week)``, a thin plate regression spline of rank 10 with knots at the
  distinct weeks, its penalty chosen by generalised cross-validation; ``year`` is a number.
- Months, four years or more: least squares, ``deaths ~ year + month``, an effect for each month.
- Fewer years: the mean of each week or month; no trend.
- No years, but a row with their average for each period: the mean of that row and January's, where there is one.

These are the rules behind the expected deaths of the New York Times' Covid-19 dataset, all of which they reproduce.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

import narwhals.typing as nwt
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.frames import as_dates, require, take, with_counts
from tallybook.measures.models import estimates
from tallybook.measures.terms import with_terms
from tallybook.model.mortality import AVERAGE, FREQUENCIES, PLACE, PlaceTerms, title

ESTIMATES: Final = {
    "expected_deaths": pl.Float64,
    "expected_low": pl.Float64,
    "expected_high": pl.Float64,
    "excess_deaths": pl.Float64,
    "excess_low": pl.Float64,
    "excess_high": pl.Float64,
    "p_score_percent": pl.Float64,
    "cumulative_excess": pl.Float64,
    "cumulative_excess_low": pl.Float64,
    "cumulative_excess_high": pl.Float64,
    "baseline_years": pl.String,
    "model": pl.String,
    "remark": pl.String,
}
"""What ``excess_deaths`` adds to the columns it is given."""

DEFAULT_YEARS: Final = 5
"""How many years before the latest one are the baseline, unless it is said."""

_AT_ONCE: Final = 256
_ROW: Final = "\N{PILCROW SIGN}row"


def excess_deaths(
    deaths: nwt.IntoFrameT,
    *,
    baseline: tuple[int, int] | None = None,
    terms: Iterable[PlaceTerms | Mapping[str, Any]] = (),
    place: str | Sequence[str] = PLACE,
) -> nwt.IntoFrameT:
    """Return the expected and excess deaths of the periods after the baseline, with intervals, unrounded.

    Args:
        deaths: deaths from all causes, one row per place and period: the place columns, ``year``, ``deaths`` and
            ``week`` or ``month``, or both, the month being that of the week's last day. A row without a week is of a
            month, unless there is a column ``frequency``. ``year`` is a number or, of a row with the average of some
            years, text such as ``2017-2019 average``. ``start_date`` and ``end_date`` are needed for terms that are
            about dates. Null deaths: not reported.
        baseline: the first and last year of the baseline; the five years before the latest year by default. What comes
            later is estimated.
        terms: what is particular in a place: more terms of its model, whether January counts; see ``PlaceTerms``.
        place: the columns that make a place.

    Returns:
        The rows after the baseline, as given and in that order, with ``expected_deaths``, ``expected_low``,
        ``expected_high`` (the 95 % prediction interval of a row), ``excess_deaths``, ``excess_low``, ``excess_high``
        (deaths, and what the interval leaves of them), ``p_score_percent`` (excess, of 100 expected),
        ``cumulative_excess``, ``cumulative_excess_low``, ``cumulative_excess_high`` (since the baseline's end; null
        from the first period that was not reported), ``baseline_years``, ``model`` and ``remark`` (why something is
        missing; null where nothing is).

    Raises:
        ContractError: a column is missing, deaths are negative or no whole numbers, a year is none, a week is none of 1
            to 53 or a month none of 1 to 12, a place has two rows for a period, or a term cannot be made.

    Source: the specification behind the expected deaths of the New York Times' Covid-19 dataset; S. N. Wood (2003),
    Thin plate regression splines, JRSS B 65.

    Two years tell a mean, and with its spread an interval:

    >>> years = pl.DataFrame({"geoid": "USA-39", "year": [2018, 2019, 2020], "month": 3, "deaths": [90, 110, 140]})
    >>> excess_deaths(years, place="geoid").select("expected_deaths", "excess_deaths", "p_score_percent").rows()
    [(100.0, 40.0, 40.0)]
    """
    frame, give = take(deaths)
    frame = frame.drop(ESTIMATES, strict=False)
    columns = (place,) if isinstance(place, str) else tuple(place)
    rows = read_periods(frame, columns)
    span = baseline or _usual_baseline(rows)
    if span[0] > span[1]:
        raise ContractError(
            f"the baseline {span[0]} to {span[1]} ends before it begins", hint="put the first year first"
        )
    said = [PlaceTerms.model_validate(one) for one in terms]
    rows, names = with_terms(rows, said)
    without_january = {one.place for one in said if not one.january}
    # Part by part, so that the memory it takes does not grow with the number of places.
    firsts = range(1, max(rows["series"].n_unique(), 1) + 1, _AT_ONCE)
    parts = (rows.filter(pl.col("series").is_between(first, first + _AT_ONCE - 1)) for first in firsts)
    found = pl.concat(estimates(part, span, names, without_january) for part in parts)
    estimated = rows.filter(pl.col("year") > span[1]).select(_ROW, "series", "deaths")
    made = _with_excess(estimated.join(found, on=_ROW, how="left", maintain_order="left"))
    kept = frame.with_row_index(_ROW).join(made.select(_ROW, *ESTIMATES), on=_ROW, maintain_order="left")
    return cast("nwt.IntoFrameT", give(kept.drop(_ROW)))


def read_periods(frame: pl.DataFrame, place: Sequence[str]) -> pl.DataFrame:
    """Return the rows in the columns the models need, and those they came with, sorted by series and time.

    Adds the row's number, ``place`` (one text), ``series`` (a number for each place and frequency), ``period`` (week or
    month), and ``average`` (null, or the years of an average row, whose ``year`` is null).

    Raises:
        ContractError: as for ``excess_deaths``.
    """
    require(frame, [*place, "year", "deaths"])
    blank = [pl.lit(None, pl.Int64).alias(name) for name in ("week", "month") if name not in frame.columns]
    blank += [pl.lit(None, pl.Date).alias(name) for name in ("start_date", "end_date") if name not in frame.columns]
    rows = with_counts(frame.with_row_index(_ROW).with_columns(blank), ["deaths", "week", "month"])
    rows = rows.with_columns(as_dates(rows["start_date"]), as_dates(rows["end_date"]), title(tuple(place)))
    if "frequency" not in rows.columns:
        weekly = pl.col("week").is_not_null()
        rows = rows.with_columns(pl.when(weekly).then(pl.lit("weekly")).otherwise(pl.lit("monthly")).alias("frequency"))
    text = pl.col("year").cast(pl.String).str.strip_suffix(".0")
    years = text.cast(pl.Int64, strict=False)
    span = pl.concat_str(text.str.extract(AVERAGE, 1), pl.lit("-"), text.str.extract(AVERAGE, 2))
    rows = rows.with_columns(
        year=years,
        average=span,
        written=text,
        period=pl.when(pl.col("frequency") == "weekly").then("week").otherwise("month"),
        series=pl.struct("place", "frequency").rank("dense"),
    )
    _refuse_wrong(rows)
    return rows.sort("series", "year", "period", "start_date")


def _refuse_wrong(rows: pl.DataFrame) -> None:
    """Raise for the first row that is none of a place and period, or counts fewer than no deaths."""
    frequency, average = pl.col("frequency"), pl.col("average").is_not_null()
    last = pl.when(frequency == "weekly").then(53).otherwise(12)
    # Of an average a place may have several, each dated.
    dated = pl.when(average).then("start_date").alias("dated")
    for wrong, says in (
        (pl.col("place") == "", "a row has no place"),
        (~frequency.is_in(FREQUENCIES) | frequency.is_null(), "{place}: the frequency {frequency!r} is none"),
        (pl.col("year").is_null() & ~average, "{place}: the year {written!r} is none"),
        (~pl.col("period").is_between(1, last).fill_null(value=False), "{place}: {period} is no {frequency} period"),
        (pl.col("deaths") < 0, "{place}: {deaths} deaths are fewer than none"),
        (
            ~pl.struct("series", "written", "period", dated).is_first_distinct(),
            "{place}: a second row for {frequency} period {period} of {written}",
        ),
    ):
        bad = rows.filter(wrong).head(1).to_dicts()
        if bad:
            raise ContractError(says.format_map(bad[0]), hint="bring one row per place and period")


def _usual_baseline(rows: pl.DataFrame) -> tuple[int, int]:
    latest = rows["year"].max()
    if not isinstance(latest, int):
        raise ContractError("no row has a year to estimate", hint="bring the years after the baseline, too")
    return latest - DEFAULT_YEARS, latest - 1


def _with_excess(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with what follows from expected deaths and the widths of their intervals."""
    deaths, expected = pl.col("deaths"), pl.col("expected_deaths")
    excess = deaths - expected
    whole = excess.is_null().cum_sum().over("series") == 0
    # An interval of counts has nothing below none.
    low = (expected - pl.col("half_width")).clip(lower_bound=0)
    total = pl.when(whole).then(excess.cum_sum().over("series"))
    return rows.with_columns(
        expected_low=low,
        expected_high=expected + pl.col("half_width"),
        excess_deaths=excess,
        excess_low=excess - pl.col("half_width"),
        excess_high=deaths - low,
        p_score_percent=pl.when(expected > 0).then(excess * 100 / expected),
        cumulative_excess=total,
        cumulative_excess_low=total - pl.col("cumulative_half_width"),
        cumulative_excess_high=total + pl.col("cumulative_half_width"),
    ).with_columns(pl.col(name).cast(dtype) for name, dtype in ESTIMATES.items())
