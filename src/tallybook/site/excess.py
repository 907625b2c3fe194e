"""The page of excess deaths, where the release has any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from tallybook.site.latest import curve
from tallybook.site.opened import Opened
from tallybook.site.page import Page

FILE: Final = "excess-deaths/extended.parquet"
"""The file it is made of: a row per place and week or month, with deaths, those expected, the excess and intervals."""

_PLACE: Final = ("country", "placename")
_LINES: Final = ("deaths", "expected_deaths")


def excess_page(site: Opened) -> Iterator[Page]:
    """Yield the page: the sums of each place, or that there are none."""
    there = FILE in site.files
    rows = _places(site.table(FILE)) if there else []
    says = "deaths from all causes beyond those expected." if there else "this release has no excess deaths."
    yield Page(
        "excess.html",
        "excess.html",
        "Excess deaths",
        f"{site.title}: {says}",
        ("tables.js",),
        {"rows": rows, "there": there, "file": FILE},
    )


def _places(extended: pl.DataFrame) -> list[dict[str, Any]]:
    """Return per place and frequency its sums up to the first period without deaths or expected ones.

    The largest excess in percent first; where nothing is expected, ``remark`` says why.
    """
    whole = pl.col("cumulative_excess").is_not_null()
    end = pl.coalesce(
        "end_date", pl.date(pl.col("year").cast(pl.Int32), pl.col("month").fill_null(1), 1).dt.month_end()
    )
    begin = pl.coalesce("start_date", pl.date(pl.col("year").cast(pl.Int32), pl.col("month").fill_null(1), 1))
    ends = ("cumulative_excess", "cumulative_excess_low", "cumulative_excess_high")
    sums = (
        extended.with_columns(place=pl.concat_str(_PLACE, separator=", ", ignore_nulls=True), begin=begin, end=end)
        .sort("place", "frequency", "end")
        .group_by("place", "frequency", maintain_order=True)
        .agg(
            pl.col("begin").filter(whole).first(),
            pl.col("end").filter(whole).last(),
            *(pl.col(name).filter(whole).sum() for name in _LINES),
            *(pl.col(name).filter(whole).last() for name in ends),
            *(pl.col(name).alias(f"all_{name}") for name in _LINES),
            pl.col("model").drop_nulls().first(),
            expected_by=pl.format("{}, fitted to {}", "model", "baseline_years").drop_nulls().first(),
            remark=pl.col("remark").drop_nulls().unique(maintain_order=True).str.join("; "),
        )
    )
    percent = pl.when(pl.col("expected_deaths") > 0).then(pl.col("cumulative_excess") * 100 / pl.col("expected_deaths"))
    ordered = sums.with_columns(percent=percent).sort("percent", "place", descending=[True, False], nulls_last=True)
    return [{**row, "lines": _lines(row)} for row in ordered.iter_rows(named=True)]


def _lines(row: Mapping[str, Any]) -> dict[str, str]:
    """Return deaths and expected deaths as the points of two lines on one scale, from zero."""
    values = {name: row[f"all_{name}"] for name in _LINES}
    top = max((value for line in values.values() for value in line if value is not None), default=0)
    return {name: curve(line, top=top) for name, line in values.items()}
