"""The rows of bubbles: a place each with its whole history, its area, and where its name stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl

from tallybook.charts import picture as look
from tallybook.charts.measures import Measure, values_of
from tallybook.charts.style import ALL
from tallybook.charts.ticks import EPOCH, Spot, beside, nice_top
from tallybook.errors import ContractError
from tallybook.measures.frames import take
from tallybook.model.places import Gazetteer

SIZES: Final = ("population", "density", "gdp", "none")
"""What the area of a bubble can say; density is people per square kilometre."""

Size = Literal["population", "density", "gdp", "none"]
Group = Literal["region", "division"]

LARGEST: Final = 2_400
"""The area of the largest bubble, in square pixels."""

_PLAIN: Final = 90.0
_NAMED: Final = 8
SMALLEST: Final = 0.4
"""How much of their area bubbles keep, at least, where there is little room."""


def sized_by(places: pl.DataFrame, size: Size) -> pl.DataFrame:
    """Return the places with ``size``; null where it is not known."""
    if size not in SIZES:
        raise ContractError(f"no size {size!r}", hint=f"use one of {', '.join(SIZES)}")
    of = {
        "population": pl.col("population").cast(pl.Float64),
        "density": pl.col("population") / pl.col("land_area_km2"),
        "gdp": pl.col("gdp_2019_musd"),
        "none": pl.lit(1.0),
    }
    return places.with_columns(size=of[size])


def histories(totals: Any, x: Measure, y: Measure, known: Gazetteer) -> tuple[pl.DataFrame, tuple[int, int]]:
    """Return a row per place with its values from its first day on; and the first and the last day."""
    if {x.kind, y.kind} != {"total"}:
        raise ContractError("bubbles show totals", hint="use cases, deaths, cases_per_1000 or deaths_per_1000")
    rows = take(totals)[0]
    both = values_of(rows, x, populations=known.frame).rename({"value": "xs"})
    both = both.with_columns(values_of(rows, y, populations=known.frame)["value"].alias("ys"))
    days = both.with_columns(day=(pl.col("date") - EPOCH).dt.total_days())
    span = days.group_by("geoid", maintain_order=True).agg(
        pl.int_ranges(pl.col("day").min(), pl.col("day").max() + 1).first().alias("day")
    )
    whole = span.explode("day").join(days, on=["geoid", "day"], how="left", maintain_order="left")
    # A day without a report has the count of the day before: it is a total.
    filled = whole.with_columns(pl.col("xs", "ys").forward_fill().over("geoid"))
    rows_of = filled.group_by("geoid", maintain_order=True).agg(pl.col("day").first().alias("first"), "xs", "ys")
    named = rows_of.join(known.frame, on="geoid", maintain_order="left").join(
        known.titles, on="geoid", maintain_order="left"
    )
    return named, (int(filled["day"].min()), int(filled["day"].max()))  # type: ignore[arg-type]


def bubble_rows(places: pl.DataFrame, size: Size, colour: Group) -> pl.DataFrame:
    """Return a row per place as ``drawn`` takes them, the largest ``named``."""
    share = pl.col("size") / pl.col("size").max()
    rank = pl.col("size").rank("ordinal", descending=True)
    return places.select(
        *("geoid", "title", "first", "xs", "ys"),
        area=_PLAIN if size == "none" else share * LARGEST,
        group=pl.col(colour).fill_null(ALL),
        text=pl.coalesce("abbreviation", "title"),
        named=rank <= _NAMED,
    )


def with_names(
    places: pl.DataFrame,
    selected: Sequence[str],
    ends: Mapping[str, Any],
    day: int,
    log: tuple[bool, bool],
    words: look.Words,
) -> pl.DataFrame:
    """Return the bubbles with where their names stand on a day: those of the selected, or of the largest."""
    wanted = pl.col("geoid").is_in(list(selected)) if selected else pl.col("named")
    at = day - pl.col("first")
    middle = [
        _pixels(pl.col(f"{name}s").list.get(at, null_on_oob=True), ends[f"{name}left"], ends[f"{name}right"], log=on)
        for name, on in zip("xy", log, strict=True)
    ]
    width = words.get("width", look.WIDTH)
    zoom = min(1, max(SMALLEST, width / look.WIDTH))
    across = middle[0] * width
    down = (1 - middle[1]) * words.get("height", look.HEIGHT)
    there = across.is_finite() & down.is_finite()
    name = pl.when(wanted & there).then("text").otherwise(pl.lit(""))
    rows = places.select(
        across.fill_null(0), down.fill_null(0).alias("y"), (pl.col("area") * zoom / math.pi).sqrt(), name
    )
    spots = [spot or Spot(0, 0, "left") for spot in beside(rows.rows())]
    has = [bool(spot.dx or spot.dy) for spot in spots]
    return places.with_columns(
        named=pl.Series(has),
        dx=pl.Series([spot.dx for spot in spots], dtype=pl.Float64),
        dy=pl.Series([spot.dy for spot in spots], dtype=pl.Float64),
        align=pl.Series([spot.align for spot in spots]),
    )


def _pixels(value: pl.Expr, left: float, right: float, *, log: bool) -> pl.Expr:
    """Return where a value lies on an axis, from 0 to 1."""
    if log:
        return (value.log10() - math.log10(left)) / (math.log10(right) - math.log10(left))
    return (value - left) / (right - left)


def trail_rows(places: pl.DataFrame, colour: Group) -> pl.DataFrame:
    """Return a row per place and day: where its bubble was."""
    each = places.select("geoid", "first", x="xs", y="ys", group=pl.col(colour).fill_null(ALL)).explode("x", "y")
    return each.with_columns(day=pl.col("first") + pl.int_range(pl.len()).over("geoid")).drop("first")


def ends_of(name: str, values: pl.Series, *, log: bool) -> dict[str, float]:
    """Return where an axis begins and ends, for the whole record: playing moves bubbles and not axes."""
    if log:
        least = values.filter(values > 0).min()
        bottom = 10.0 ** math.floor(math.log10(least)) if isinstance(least, float) else 1.0
        return {f"{name}left": bottom, f"{name}right": max(float(values.max() or 0), bottom * 10)}  # type: ignore[arg-type]
    return {f"{name}left": 0.0, f"{name}right": nice_top(float(values.max() or 0))}  # type: ignore[arg-type]
