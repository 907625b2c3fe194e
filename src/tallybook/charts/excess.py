"""Deaths beside those expected: the band of what was to be expected, and what lies beyond."""

from __future__ import annotations

from typing import Any, Final, Unpack

import altair as alt
import polars as pl

from tallybook.charts import picture as look
from tallybook.errors import ContractError
from tallybook.measures.frames import require, take
from tallybook.model.mortality import DEATHS_SCHEMA, PLACE, days_of_period, title

_NEEDED: Final = ("year", "deaths", "expected_deaths", "expected_low", "expected_high", "baseline_years", "model")
_SUMS: Final = ("cumulative_excess", "cumulative_excess_low", "cumulative_excess_high")
_DATE: Final = "utcFormat(datum.value, '%b %Y')"
_HEIGHT: Final = 340
_REACH_DAYS: Final = {True: 3.5, False: 16.0}
_MS: Final = 86_400_000


def excess(frame: Any, place: str, **words: Unpack[look.Words]) -> alt.LayerChart:
    """Return the chart of a place's excess deaths: deaths, those expected with their interval, the excess shaded.

    ``.save("austria.png")``, or ``.svg``, draws it without a browser.

    Args:
        frame: as ``excess_deaths`` returns it; any kind of frame. Columns of places other than ``country`` and
            ``placename`` have to be one called ``geoid`` or ``place``.
        place: the country, place and country as in ``Turkey, Istanbul``, or what the place column has.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: a column is missing, or nothing is expected of the place.

    >>> from tallybook import excess_deaths
    >>> years = pl.DataFrame({"geoid": "USA-39", "year": [2018, 2019, 2020], "month": 3, "deaths": [90, 110, 140]})
    >>> excess(excess_deaths(years, place="geoid"), "USA-39").to_dict()["title"]["text"]
    ['USA-39: about as many deaths as expected']
    """
    rows = place_rows(take(frame)[0], place)
    words.setdefault("headline", headline(rows, place))
    words.setdefault("subtitle", f"{'. '.join(subtitle(rows))}.")
    words.setdefault("height", _HEIGHT)
    words["source"] = " ".join(filter(None, [f"{expected_by(rows)}.", words.get("source")]))
    return drawn(periods(rows), areas(rows))(**words)


def drawn(periods: Any, areas: Any) -> look.Drawn:
    """Return the picture of a place still to be given its words; a page names the data, a notebook brings frames.

    Args:
        periods: as ``periods`` returns it.
        areas: as ``areas`` returns it.
    """
    ink, quiet, context = (look.by_theme(role) for role in ("deaths", "quiet", "context"))
    scale = alt.Scale(type="utc", nice=False)
    x = alt.X("date:T", scale=scale, axis=look.axis(labelExpr=_DATE, tickCount=6, labelFlush=True))
    y = alt.Y("expected:Q", scale=alt.Scale(zero=True), axis=look.levels())
    every, parts = alt.Chart(look.rows(periods)), alt.Chart(look.rows(areas))
    band = every.mark_area(fill=context, opacity=0.25, aria=False).encode(x, alt.Y("low:Q"), y2="high:Q")
    shaded = [
        parts.transform_calculate(edge=f"datum.deaths === null ? null : {side}(datum.deaths, datum.expected)")
        .mark_area(fill=ink, opacity=opacity, aria=False)
        .encode(x, y, y2="edge:Q")
        for side, opacity in (("max", 0.5), ("min", 0.15))
    ]
    expected = every.mark_line(stroke=quiet, strokeWidth=1.6, strokeDash=[5, 3], aria=False).encode(x, y)
    deaths = every.mark_line(stroke=ink, strokeWidth=2.4, aria=False).encode(x, alt.Y("deaths:Q"))
    at = every.transform_filter("hov !== null && abs(datum.date - hov) <= datum.reach").encode(x)
    rule = at.mark_rule(stroke=quiet, aria=False)
    dot = at.mark_circle(size=45, fill=ink, opacity=1, aria=False).encode(alt.Y("deaths:Q"))
    layers = (band, *shaded, rule, expected, deaths, dot, *_names(every, x, {"deaths": ink, "expected": quiet}))

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        return look.picture(*layers, parameters=(alt.param("hov", value=None),), **words)

    return finished


def _names(every: alt.Chart, x: alt.X, inks: dict[str, alt.ExprRef]) -> list[alt.Chart]:
    """Return the names of the two lines at their ends, the upper one above, the lower one below."""
    last = (
        every.transform_filter("datum.deaths !== null && datum.expected !== null")
        .transform_joinaggregate(last="max(date)")
        .transform_filter("datum.date === datum.last")
    )
    above = {"deaths": "datum.deaths >= datum.expected", "expected": "datum.deaths < datum.expected"}
    return [
        last.mark_text(
            align="left", dx=6, dy=alt.expr(f"{above[name]} ? -7 : 7"), text=name, fill=ink, fontSize=13, aria=False
        ).encode(x, alt.Y(f"{name}:Q"))
        for name, ink in inks.items()
    ]


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
    share = total * 100 / float(known["expected_deaths"].sum())
    interval = "no interval can be told" if low is None else f"95 % interval {low:,.0f} to {high:,.0f}"
    told = f"In all {abs(total):,.0f} {_than(total)} than expected ({share:+.1f} %); {interval}"
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
