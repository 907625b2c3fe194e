"""Excess deaths as they are published: in the layout of the New York Times, and with all that is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl
from polars import selectors as cs

from tallybook.measures.excess import ESTIMATES
from tallybook.model.mortality import DEATHS_SCHEMA, PUBLISHED_COLUMNS, title
from tallybook.release.layout import published_numbers

FOLDER: Final = "excess-deaths"
"""The folder of deaths from all causes."""

_SHOWN: Final = 20
_DIGITS: Final = 6


def excess_tables(deaths: pl.DataFrame, estimates: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the files of excess deaths, by their paths below a release's folder.

    ``deaths.csv`` has every row that was recorded, in its order, and expected and excess deaths as whole numbers,
    halves to the even one, as R rounds and the New York Times published. ``extended`` has the rows that were estimated.

    Args:
        deaths: DEATHS_SCHEMA, the rows as recorded.
        estimates: as ``excess_deaths`` returns them; those of the rows after the baseline.
    """
    key = [name for name in DEATHS_SCHEMA if name != "deaths"]
    extended = extended_table(estimates)
    whole = pl.col("expected_deaths").round(mode="half_to_even").cast(pl.Int64)
    figures = estimates.select(*key, whole, "baseline_years")
    label = pl.when(pl.col("expected_deaths").is_not_null()).then(pl.format("{} historical data", "baseline_years"))
    published = deaths.join(figures, on=key, how="left", nulls_equal=True, maintain_order="left").with_columns(
        excess_deaths=pl.col("deaths") - pl.col("expected_deaths"), baseline=label
    )
    return {
        f"{FOLDER}/deaths.csv": published.select(PUBLISHED_COLUMNS),
        f"{FOLDER}/extended.csv": published_numbers(extended),
        f"{FOLDER}/extended.parquet": extended,
    }


def extended_table(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return estimates in the columns of ``extended.csv``, without the noise of the last digits of a computer."""
    source = [name for name in ("source", "as_of") if name in estimates.columns]
    return estimates.select(*DEATHS_SCHEMA, *ESTIMATES, *source).with_columns(cs.float().round(_DIGITS))


def missing(deaths: pl.DataFrame, estimates: pl.DataFrame) -> Iterator[str]:
    """Yield of which places and periods there are no expected deaths, and why, a line each.

    Args:
        deaths: as for ``excess_tables``.
        estimates: as ``excess_deaths`` returns them.
    """
    lacking = pl.col("expected_deaths").is_null()
    key = ["place", "frequency"]
    known = estimates.with_columns(title())
    ended = deaths.with_columns(title()).join(known, on=key, how="anti").unique(key, maintain_order=True)
    places = (
        pl.concat([known, ended.with_columns(remark=pl.lit("its rows end before"))], how="diagonal")
        .group_by(key, maintain_order=True)
        .agg(lacking.sum(), pl.len(), pl.col("remark").filter(lacking).unique(maintain_order=True).str.join(", "))
        .filter(pl.col("expected_deaths") > 0)
    )
    for place, frequency, without, periods, why in places.head(_SHOWN).rows():
        some = "" if without == periods else f" in {without:,} of {periods:,} {_UNIT[frequency]}"
        yield f"{FOLDER}/deaths.csv has no expected deaths of {place}{some}: {why}"
    if places.height > _SHOWN:
        yield f"nor of {places.height - _SHOWN:,} more places; {FOLDER}/extended.csv says why (remark)"


_UNIT: Final = {"weekly": "weeks", "monthly": "months"}


def agreement(estimates: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    """Return how well expected deaths agree with published ones, place by place.

    Args:
        estimates: as ``excess_deaths`` returns them.
        published: DEATHS_SCHEMA and ``published_expected_deaths``.

    Returns:
        ``place``, ``frequency``, ``model``, ``baseline_years``, ``published`` (rows with a published figure),
        ``equal``, ``one_off``, ``further_off``, ``missing`` (of which there is no estimate) and ``largest_difference``
        (before rounding); by place.
    """
    key = [*DEATHS_SCHEMA.names()[:3], "year", "month", "week"]
    theirs = published.drop_nulls("published_expected_deaths").select(*key, "published_expected_deaths")
    both = theirs.join(estimates, on=key, how="left", nulls_equal=True, maintain_order="left")
    ours = pl.col("expected_deaths")
    off = (ours.round(mode="half_to_even") - pl.col("published_expected_deaths")).abs()
    return (
        both.with_columns(title())
        .group_by("place", "frequency", maintain_order=True)
        .agg(
            pl.col("model", "baseline_years").drop_nulls().first(),
            published=pl.len(),
            equal=(off == 0).sum(),
            one_off=(off == 1).sum(),
            further_off=(off > 1).sum(),
            missing=ours.is_null().sum(),
            largest_difference=(ours - pl.col("published_expected_deaths")).abs().max(),
        )
        .sort("place", "frequency")
    )


def summary(estimates: pl.DataFrame) -> pl.DataFrame:
    """Return a row per place: its deaths, those expected, the excess and its interval, over the periods estimated.

    Args:
        estimates: as ``excess_deaths`` returns them.

    Returns:
        ``place``, ``frequency``, ``until`` (the last date or month), ``deaths``, ``expected_deaths``,
        ``excess_deaths``, ``excess_low``, ``excess_high``, ``p_score_percent``, ``baseline_years``, ``model``,
        ``remark``; over the periods before the first that was not reported or has no expected deaths.
    """
    whole = pl.col("cumulative_excess").is_not_null()
    month = pl.format("{}-{}", "year", pl.col("month").cast(pl.String).str.zfill(2))
    until = pl.coalesce(pl.col("end_date").dt.to_string(), month)
    sums = [pl.col(name).filter(whole).sum() for name in ("deaths", "expected_deaths")]
    cumulative = {"excess_deaths": "cumulative_excess"} | {
        f"excess_{end}": f"cumulative_excess_{end}" for end in ("low", "high")
    }
    return (
        estimates.with_columns(title(), until=until)
        .sort("place", "frequency", pl.col("year").cast(pl.Int64), pl.coalesce("week", "month"))
        .group_by("place", "frequency", maintain_order=True)
        .agg(
            pl.col("until").filter(whole).last(),
            *sums,
            *(pl.col(column).filter(whole).last().alias(name) for name, column in cumulative.items()),
            p_score_percent=pl.when(sums[1] > 0).then((sums[0] - sums[1]) * 100 / sums[1]),
            baseline_years=pl.col("baseline_years").first(),
            model=pl.col("model").drop_nulls().first(),
            remark=pl.col("remark").drop_nulls().unique(maintain_order=True).str.join("; "),
        )
    )
