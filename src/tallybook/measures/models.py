"""Which model a place's history allows, and its estimates; places with the same design are fitted at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np
import polars as pl

from tallybook.measures.regression import SingularDesignError, fit
from tallybook.measures.spline import RANK, FloatArray, spline
from tallybook.measures.terms import TERM
from tallybook.measures.uncertainty import History, half_widths

TREND_YEARS: Final = 4
"""The years of history that a trend needs."""

_ROW: Final = "\N{PILCROW SIGN}row"
_ESTIMATED: Final = {
    _ROW: pl.UInt32,
    "expected_deaths": pl.Float64,
    "half_width": pl.Float64,
    "cumulative_half_width": pl.Float64,
}


def estimates(
    rows: pl.DataFrame,
    baseline: tuple[int, int],
    terms: Mapping[str, Sequence[str]],
    without_january: AbstractSet[str],
) -> pl.DataFrame:
    """Return the expected deaths of every period after the baseline, and half the widths of their intervals.

    Args:
        rows: as ``read_periods`` returns them, and the columns of the terms.
        baseline: the first and last year that is fitted to.
        terms: the terms of a place's own, by place.
        without_january: the places whose January after the baseline is not fitted to.

    Returns:
        The row's number, ``expected_deaths``, ``half_width``, ``cumulative_half_width``, ``baseline_years``, ``model``
        and ``remark``; one row per period after the baseline.
    """
    training = _training(rows, baseline, without_january)
    models = _models(training, terms)
    later = rows.filter(pl.col("year") > baseline[1])
    targets = later.join(models, on="series").filter(_within(pl.col("periods"), pl.col("kind")))
    found = pl.concat([pl.DataFrame(schema=_ESTIMATED), *_of_designs(training, targets, models, terms)])
    told = later.join(models, on="series", how="left", maintain_order="left").join(
        found, on=_ROW, how="left", maintain_order="left"
    )
    return told.select(
        *_ESTIMATED,
        "baseline_years",
        pl.when(pl.col("expected_deaths").is_not_null()).then("model").alias("model"),
        _remark(baseline).alias("remark"),
    )


def _training(rows: pl.DataFrame, baseline: tuple[int, int], without_january: AbstractSet[str]) -> pl.DataFrame:
    """Return the rows that are fitted to, with ``whole``: the year, 0 of what is no part of a year of the baseline."""
    known = rows.filter(pl.col("deaths").is_not_null())
    history = known.filter(pl.col("year").is_between(*baseline))
    averages = (
        known.filter(pl.col("average").is_not_null())
        .join(history, on="series", how="anti")
        .unique(["series", "period"], keep="last", maintain_order=True)
    )
    past = pl.concat([history.with_columns(whole="year"), averages.with_columns(whole=pl.lit(0, pl.Int64))])
    first = (pl.col("year") == baseline[1] + 1) & (pl.col("month") == 1)
    january = (
        known.filter(first, ~pl.col("place").is_in(list(without_january)))
        .join(past, on="series", how="semi")
        .with_columns(whole=pl.lit(0, pl.Int64))
    )
    return pl.concat([past, january]).sort("series", "year", "period")


def _models(training: pl.DataFrame, terms: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Return what is fitted in each series: the kind of its model, that in words, and the periods fitted to."""
    whole = pl.col("whole") > 0
    ends = [pl.col("year").filter(whole).min(), pl.col("year").filter(whole).max()]
    span = pl.when(ends[0] == ends[1]).then(ends[0].cast(pl.String)).otherwise(pl.format("{}-{}", *ends))
    own = {place: "".join(f" + {name}" for name in names) for place, names in terms.items()}
    return (
        training.group_by("series", maintain_order=True)
        .agg(
            pl.first("frequency"),
            years=pl.col("year").filter(whole).n_unique(),
            periods=pl.col("period").unique().sort(),
            january=(pl.col("average").is_null() & ~whole).any(),
            baseline_years=pl.coalesce(span, pl.col("average").drop_nulls().last()),
            design=pl.format("{}/{}", "whole", "period").str.join(" "),
            terms=pl.first("place").replace_strict(own, default="", return_dtype=pl.String),
            own=pl.when(pl.first("place").is_in(list(own))).then(pl.first("place")),
        )
        .with_columns(kind=_kind())
        .with_columns(model=_in_words())
        .drop("frequency")
    )


def _kind() -> pl.Expr:
    weekly, trend = pl.col("frequency") == "weekly", pl.col("years") >= TREND_YEARS
    return (
        pl.when(pl.col("years") == 0)
        .then(pl.lit("average"))
        .when(~trend | (weekly & (pl.col("periods").list.len() < RANK)))
        .then(pl.lit("mean"))
        .when(weekly)
        .then(pl.lit("spline"))
        .otherwise(pl.lit("months"))
    )


def _in_words() -> pl.Expr:
    unit = pl.when(pl.col("frequency") == "weekly").then(pl.lit("week")).otherwise(pl.lit("month"))
    january = pl.when("january").then(pl.lit(" and January")).otherwise(pl.lit(""))
    words = {
        "spline": pl.format("year + s(week){}", "terms"),
        "months": pl.format("year + month{}", "terms"),
        "mean": pl.format("mean of {}", unit),
        "average": pl.format("average row{}", january),
    }
    return pl.coalesce(pl.when(pl.col("kind") == name).then(text) for name, text in words.items())


def _within(periods: pl.Expr, kind: pl.Expr) -> pl.Expr:
    """Return whether a row's period is among those fitted to; a spline may be read between them."""
    between = pl.col("period").is_between(periods.list.min(), periods.list.max())
    return pl.when(kind == "spline").then(between).otherwise(periods.list.contains(pl.col("period")))


def _remark(baseline: tuple[int, int]) -> pl.Expr:
    """Return why an estimate or its interval is missing, or what is missing in it; null where nothing is."""
    unit = pl.when(pl.col("frequency") == "weekly").then(pl.lit("week")).otherwise(pl.lit("month"))
    lacks, known = pl.col("expected_deaths").is_null(), pl.col("kind").is_not_null()
    first, last = baseline
    reasons = (
        (lacks & ~known, pl.lit(f"nothing is known of {first} to {last}")),
        (
            lacks & known & ~_within(pl.col("periods"), pl.col("kind")),
            pl.format("no history of {} {}", unit, "period"),
        ),
        (
            lacks & known & _within(pl.col("periods"), pl.col("kind")),
            pl.lit("the terms of its model cannot be told apart"),
        ),
        (~lacks & pl.col("half_width").is_null(), pl.lit("no interval: nothing tells how years differ")),
        (
            ~lacks & (pl.col("terms") != "") & pl.col("kind").is_in(["mean", "average"]),
            pl.lit("too few years for terms of its own"),
        ),
        (pl.col("deaths").is_null(), pl.lit("deaths were not reported")),
    )
    words = pl.concat_str([pl.when(holds).then(says) for holds, says in reasons], separator="; ", ignore_nulls=True)
    return pl.when(words != "").then(words)


def _of_designs(
    training: pl.DataFrame,
    targets: pl.DataFrame,
    models: pl.DataFrame,
    terms: Mapping[str, Sequence[str]],
) -> Iterator[pl.DataFrame]:
    """Yield the estimates of each set of series that have the same periods to fit to and to predict."""
    wanted = targets.group_by("series", maintain_order=True).agg(
        wanted=pl.format("{}/{}", pl.col("year"), pl.col("period")).str.join(" ")
    )
    alike = ["kind", "design", "wanted", "own"]
    groups = models.join(wanted, on="series").select("series", "kind", group=pl.struct(alike).rank("dense"))
    order = ["group", "series", "year", "period"]
    fitted = training.join(groups, on="series").sort(order)
    predicted = targets.drop("kind").join(groups, on="series").sort(order)
    sizes = [
        frame.group_by("group", maintain_order=True).agg(pl.len(), pl.col("series").n_unique(), pl.first("kind"))
        for frame in (fitted, predicted)
    ]
    starts = [0, 0]
    for (_, rows, series, kind), (_, later, _, _) in zip(sizes[0].rows(), sizes[1].rows(), strict=True):
        past, future = fitted.slice(starts[0], rows), predicted.slice(starts[1], later)
        yield _of_one_design(past, future, series, kind, terms.get(past["place"][0], ()))
        starts = [starts[0] + rows, starts[1] + later]


def _of_one_design(
    past: pl.DataFrame, future: pl.DataFrame, series: int, kind: str, terms: Sequence[str]
) -> pl.DataFrame:
    """Return the estimates of series with the same design, whose rows follow one another."""
    head, ahead = past.head(past.height // series), future.head(future.height // series)
    trend = kind in ("spline", "months")
    design, wanted, penalty = _designs(head, ahead, kind, terms if trend else ())
    counts = past["deaths"].cast(pl.Float64).to_numpy().reshape(series, -1).T
    widths = (np.full((ahead.height, series), np.nan),) * 2
    try:
        if trend or len(design) > design.shape[1]:
            made = fit(design, penalty, counts)
            history = History(head["whole"].to_numpy(), trend=trend, smooth=kind == "spline")
            widths = half_widths(made, wanted, ahead["year"].to_numpy(), history)
        # The mean of whole numbers is exact only if it is taken as one.
        expected = made.predict(wanted) if trend else wanted @ ((design.T @ counts) / design.sum(axis=0)[:, None])
    except SingularDesignError:
        return pl.DataFrame(schema=_ESTIMATED)
    columns = {"expected_deaths": expected, "half_width": widths[0], "cumulative_half_width": widths[1]}
    flat = {name: pl.Series(values.T.reshape(-1)).fill_nan(None) for name, values in columns.items()}
    return pl.DataFrame({_ROW: future[_ROW], **flat}, schema=_ESTIMATED)


def _designs(
    head: pl.DataFrame, ahead: pl.DataFrame, kind: str, terms: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return the designs of what is fitted to and of what is predicted, and the penalty of their last columns."""
    periods = np.unique(head["period"].to_numpy()).astype(np.float64)
    middle = head["year"].mean() if kind != "average" else 0
    curve = spline(tuple(periods)) if kind == "spline" else None
    made = []
    for rows in (head, ahead):
        years, at = rows["year"].cast(pl.Float64).to_numpy(), rows["period"].cast(pl.Float64).to_numpy()
        own = [rows[f"{TERM}{name}"].to_numpy() for name in terms]
        trend = [] if kind in ("mean", "average") else [years - middle]
        line = [np.ones(len(at)), at - periods.mean()] if curve else []
        last = curve.at(at) if curve else (at[:, None] == periods).astype(np.float64)
        made.append(np.column_stack([*line, *trend, *own, last]))
    return made[0], made[1], curve.penalty if curve else None
