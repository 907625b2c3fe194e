"""The page of excess deaths, where the release has any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl
import polars.selectors as cs

from tallybook.charts.excess_rows import areas, expected_by, headline, periods, place_rows, subtitle
from tallybook.model.mortality import days_of_period, title
from tallybook.site.latest import curve
from tallybook.site.opened import Opened
from tallybook.site.page import EXCESS_FILE, EXCESS_PAGE, Page

_LINES: Final = ("deaths", "expected_deaths")


def excess_page(site: Opened) -> Iterator[Page]:
    """Yield the page, the sums of each place; none where the release has no excess deaths."""
    if EXCESS_FILE not in site.files:
        return
    rows = _places(site.table(EXCESS_FILE))
    yield Page(
        EXCESS_PAGE,
        "excess.html",
        "Excess deaths",
        f"{site.title}: deaths from all causes beyond those expected.",
        ("vega.js", "specs/excess.js", "excess.js") if rows else (),
        {"rows": rows, "file": EXCESS_FILE, "data": _charts(site.table(EXCESS_FILE), rows) if rows else []},
    )


def _charts(extended: pl.DataFrame, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what the chart shows of each place whose deaths are expected, in the order of the table.

    The first is the one that is shown at first: the largest excess of those that have an interval.
    """
    names = list(dict.fromkeys(row["place"] for row in rows if row["model"]))
    sure = next((row["place"] for row in rows if row["cumulative_excess_low"] is not None), None)
    return [_chart(extended, name) | {"first": name == (sure or names[0])} for name in names]


def _chart(extended: pl.DataFrame, place: str) -> dict[str, Any]:
    rows = place_rows(extended, place)
    shown = (
        table.with_columns(cs.float().round(1, mode="half_away_from_zero"))
        for table in (periods(rows).drop("reach"), areas(rows))
    )
    return {
        "place": place,
        "headline": headline(rows, place),
        "subtitle": f"{'. '.join(subtitle(rows))}. {expected_by(rows)}.",
        "period": "week" if rows["week"].is_not_null().any() else "month",
        **{name: table.rows() for name, table in zip(("periods", "areas"), shown, strict=True)},
    }


def _places(extended: pl.DataFrame) -> list[dict[str, Any]]:
    """Return per place and frequency its sums up to the first period without deaths or expected ones.

    The largest excess in percent first; where nothing is expected, ``remark`` says why.
    """
    whole = pl.col("cumulative_excess").is_not_null()
    begin, end = days_of_period()
    ends = ("cumulative_excess", "cumulative_excess_low", "cumulative_excess_high")
    sums = (
        extended.with_columns(title(), begin=begin, end=end)
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
