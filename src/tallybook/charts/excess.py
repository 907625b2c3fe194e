"""Deaths beside those expected: the band of what was to be expected, and what lies beyond."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

import polars as pl

from tallybook.charts.style import SANS, SERIF, THEMES, Theme, ThemeName
from tallybook.errors import ContractError
from tallybook.measures.frames import require, take
from tallybook.model.mortality import DEATHS_SCHEMA, PLACE, days_of_period, title

if TYPE_CHECKING:
    import altair as alt

    from tallybook.charts.picture import Drawn, Words

_NEEDED: Final = ("year", "deaths", "expected_deaths", "expected_low", "expected_high", "baseline_years", "model")
_SUMS: Final = ("cumulative_excess", "cumulative_excess_low", "cumulative_excess_high")
_DATE: Final = "utcFormat(datum.value, '%b %Y')"
_WIDTH: Final = 720
_HEIGHT: Final = 340


def excess(frame: Any, place: str, *, theme: ThemeName = "light", source: str = "") -> alt.LayerChart:
    """Return the chart of a place's excess deaths: deaths, those expected with their interval, the excess shaded.

    ``.save("austria.png")``, or ``.svg``, draws it without a browser.

    Args:
        frame: as ``excess_deaths`` returns it; any kind of frame. Columns of places other than ``country`` and
            ``placename`` have to be one called ``geoid`` or ``place``.
        place: the country, place and country as in ``Turkey, Istanbul``, or what the place column has.
        theme: 'light' or 'dark'.
        source: whom the deaths are from, for the line below.

    Raises:
        ContractError: a column is missing, or nothing is expected of the place.

    >>> from tallybook import excess_deaths
    >>> years = pl.DataFrame({"geoid": "USA-39", "year": [2018, 2019, 2020], "month": 3, "deaths": [90, 110, 140]})
    >>> excess(excess_deaths(years, place="geoid"), "USA-39").to_dict()["title"]["text"]
    'USA-39: about as many deaths as expected'
    """
    import altair as alt

    rows = place_rows(take(frame)[0], place)
    look = THEMES[theme]
    said, below = headline(rows, place), subtitle(rows)
    x = alt.X("date:T", axis=alt.Axis(title=None, format="%b %Y", labelOverlap=True, grid=False))
    layers = [*_areas(rows, x, look), *_lines(rows, x, look), _footer(source, rows, look)]
    chart: alt.LayerChart = (
        alt.layer(*layers)
        .properties(
            title=alt.TitleParams(said, subtitle=below, anchor="start", frame="group", offset=16, subtitlePadding=6),
            width=_WIDTH,
            height=_HEIGHT,
            description=". ".join([said, *below]),
            background=look.ground,
            padding=12,
        )
        .configure(font=SANS)
        .configure_view(stroke=None)
        .configure_title(
            font=SERIF, fontSize=22, color=look.text, subtitleFont=SANS, subtitleFontSize=13, subtitleColor=look.quiet
        )
        .configure_axis(
            labelColor=look.quiet, labelFontSize=12, gridColor=look.line, domainColor=look.line, tickColor=look.line
        )
    )
    return chart


def drawn(periods: str, areas: str) -> Drawn:
    """Return the picture of a place still to be given its words and its data, for a page.

    Args:
        periods: the name of ``date`` (milliseconds since 1970, UTC), ``reach`` (half a period, in milliseconds),
            ``deaths``, ``expected``, ``low``, ``high``; one row per period.
        areas: the name of ``date``, ``expected``, ``deaths``; the same, and a row wherever the two lines cross.
    """
    import altair as alt

    from tallybook.charts import picture

    ink, quiet, context = (picture.by_theme(role) for role in ("deaths", "quiet", "context"))
    scale = alt.Scale(type="utc", nice=False)
    x = alt.X("date:T", scale=scale, axis=picture.axis(labelExpr=_DATE, tickCount=6, labelFlush=True))
    y = alt.Y("expected:Q", scale=alt.Scale(zero=True), axis=picture.levels())
    every, parts = alt.Chart(picture.rows(periods)), alt.Chart(picture.rows(areas))
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
    layers = (band, *shaded, rule, expected, deaths, dot)

    def finished(**words: Unpack[Words]) -> alt.LayerChart:
        return picture.picture(*layers, parameters=(alt.param("hov", value=None),), **words)

    return finished


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


def _areas(rows: pl.DataFrame, x: alt.X, look: Theme) -> list[alt.Chart]:
    """Return the band of the interval, and the area between deaths and those expected: above it, and below."""
    import altair as alt

    deaths, expected = pl.col("deaths"), pl.col("expected_deaths")
    points = crossed(rows)
    above = points.with_columns(edge=pl.when(deaths >= expected).then(deaths).when(deaths < expected).then(expected))
    below = points.with_columns(edge=pl.when(deaths <= expected).then(deaths).when(deaths > expected).then(expected))
    y = alt.Y("expected_deaths:Q", axis=alt.Axis(title=None, format=",d", tickCount=5), scale=alt.Scale(zero=True))
    band = alt.Chart(rows.select("date", "expected_low", "expected_high")).mark_area(color=look.context, opacity=0.25)
    return [
        band.encode(x=x, y=alt.Y("expected_low:Q"), y2=alt.Y2("expected_high:Q")),
        alt.Chart(above).mark_area(color=look.deaths, opacity=0.5).encode(x=x, y=y, y2=alt.Y2("edge:Q")),
        alt.Chart(below).mark_area(color=look.deaths, opacity=0.15).encode(x=x, y=y, y2=alt.Y2("edge:Q")),
    ]


def crossed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``date``, ``expected_deaths`` and ``deaths``, and a further point wherever the two lines cross."""
    at = pl.col("date").cast(pl.Datetime("ms")).cast(pl.Float64)
    points = rows.select(at, pl.col("expected_deaths", "deaths").cast(pl.Float64))
    gap = pl.col("deaths") - pl.col("expected_deaths")
    share = gap / (gap - gap.shift(-1))
    crosses = (gap * gap.shift(-1)).fill_null(0) < 0
    between = points.select(pl.all() + (pl.all().shift(-1) - pl.all()) * share, crosses=crosses).filter("crosses")
    both = pl.concat([points, between.drop("crosses")]).sort("date")
    return both.with_columns(pl.col("date").cast(pl.Int64).cast(pl.Datetime("ms")))


def _lines(rows: pl.DataFrame, x: alt.X, look: Theme) -> list[alt.Chart]:
    """Return the two lines, each with its name at its end; the upper name above, the lower below."""
    import altair as alt

    last = rows.drop_nulls(["deaths", "expected_deaths"]).tail(1)
    upper = "deaths" if (last["deaths"] >= last["expected_deaths"]).any() else "expected_deaths"
    looks: dict[str, dict[str, Any]] = {
        "expected_deaths": {"color": look.quiet, "strokeWidth": 1.6, "strokeDash": [5, 3]},
        "deaths": {"color": look.deaths, "strokeWidth": 2.4},
    }
    layers = []
    for column, line in looks.items():
        y = alt.Y(f"{column}:Q", title=None)
        layers.append(alt.Chart(rows.select("date", column)).mark_line(**line).encode(x=x, y=y))
        name = alt.Chart(last.select("date", column)).mark_text(
            align="left", dx=6, dy=-7 if column == upper else 7, color=line["color"], font=SANS, fontSize=13
        )
        layers.append(name.encode(x=x, y=y, text=alt.value(column.removesuffix("_deaths"))))
    return layers


def _footer(source: str, rows: pl.DataFrame, look: Theme) -> alt.Chart:
    """Return the lines below: how deaths were expected, and whom they are from."""
    import altair as alt

    model, years = rows.drop_nulls("model").select("model", "baseline_years").row(0)
    said = [f"Expected: {model}, fitted to {years.replace('-', '–')}; the band is the 95 % prediction interval."]
    said += [f"Source: {source}."] if source else []
    line = alt.Chart(pl.DataFrame({"x": [0]})).mark_text(
        align="left", baseline="top", color=look.quiet, font=SANS, fontSize=11, lineBreak="\n", lineHeight=15
    )
    made: alt.Chart = line.encode(x=alt.value(0), y=alt.value(_HEIGHT + 34), text=alt.value("\n".join(said)))
    return made
