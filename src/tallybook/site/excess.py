"""The page of excess deaths, where the release has any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from tallybook.site.opened import Opened
from tallybook.site.page import Page

FILE: Final = "excess-deaths/extended.parquet"
"""The file it is made of."""

_SHOWN: Final = ("place", "start_date", "end_date", "deaths", "expected_deaths", "excess")


def excess_page(site: Opened) -> Iterator[Page]:
    """Yield the page: the sums of each place, or that there are none."""
    rows = _sums(site.table(FILE)) if FILE in site.files else []
    yield Page(
        "excess.html",
        "excess.html",
        "Excess deaths",
        f"{site.title}: deaths from all causes beyond what was expected."
        if rows
        else "This release has no excess deaths.",
        ("tables.js",),
        {"rows": rows, "file": FILE},
    )


def _sums(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return per place the deaths, those expected and the excess over all periods, in counts and in percent."""
    whole = frame.select(_SHOWN).drop_nulls(["deaths", "expected_deaths"])
    sums = whole.group_by("place", maintain_order=True).agg(
        pl.col("start_date").min(),
        pl.col("end_date").max(),
        pl.col("deaths", "expected_deaths", "excess").sum(),
        points=pl.col("excess"),
    )
    percent = pl.when(pl.col("expected_deaths") > 0).then(pl.col("excess") * 100 / pl.col("expected_deaths"))
    return sums.with_columns(percent=percent).sort("percent", descending=True, nulls_last=True).to_dicts()
