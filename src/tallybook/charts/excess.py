"""Deaths beside those expected: the band of what was to be expected, and what lies beyond."""

from __future__ import annotations

from typing import Any, Final, Unpack

import altair as alt

from tallybook.charts import picture as look
from tallybook.charts.excess_rows import areas, expected_by, headline, periods, place_rows, subtitle
from tallybook.measures.frames import take

_DATE: Final = "utcFormat(datum.value, '%b %Y')"
_HEIGHT: Final = 340


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

    >>> import polars as pl
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


def drawn(every: Any, ends: Any) -> look.Drawn:
    """Return the picture of a place still to be given its words; a page names the data, a notebook brings frames.

    Args:
        every: as ``periods`` returns it.
        ends: as ``areas`` returns it.
    """
    ink, quiet, context = (look.by_theme(role) for role in ("deaths", "quiet", "context"))
    scale = alt.Scale(type="utc", nice=False)
    x = alt.X("date:T", scale=scale, axis=look.axis(labelExpr=_DATE, tickCount=6, labelFlush=True))
    y = alt.Y("expected:Q", scale=alt.Scale(zero=True), axis=look.levels())
    days, parts = alt.Chart(look.rows(every)), alt.Chart(look.rows(ends))
    band = days.mark_area(fill=context, opacity=0.25, aria=False).encode(x, alt.Y("low:Q"), y2="high:Q")
    shaded = [
        parts.transform_calculate(edge=f"datum.deaths === null ? null : {side}(datum.deaths, datum.expected)")
        .mark_area(fill=ink, opacity=opacity, aria=False)
        .encode(x, y, y2="edge:Q")
        for side, opacity in (("max", 0.5), ("min", 0.15))
    ]
    expected = days.mark_line(stroke=quiet, strokeWidth=1.6, strokeDash=[5, 3], aria=False).encode(x, y)
    deaths = days.mark_line(stroke=ink, strokeWidth=2.4, aria=False).encode(x, alt.Y("deaths:Q"))
    at = days.transform_filter("hov !== null && abs(datum.date - hov) <= datum.reach").encode(x)
    rule = at.mark_rule(stroke=quiet, aria=False)
    dot = at.mark_circle(size=45, fill=ink, opacity=1, aria=False).encode(alt.Y("deaths:Q"))
    layers = (band, *shaded, rule, expected, deaths, dot, *_names(days, x, {"deaths": ink, "expected": quiet}))

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
