"""Places compared from the day their outbreak began, or by date: a line each, its name at its end."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any, Final, Literal, Unpack

import altair as alt
import numpy as np
import polars as pl

from tallybook.charts import picture as look
from tallybook.charts.measures import DEFAULT, Unit, measure_of, values_of
from tallybook.charts.style import PLACES, place_number
from tallybook.charts.ticks import EPOCH, apart, date_ticks, day_ticks, nice_top, week_ticks
from tallybook.errors import ContractError
from tallybook.measures.alignment import DAY, day_of_outbreak
from tallybook.measures.frames import take
from tallybook.model.places import Gazetteer, gazetteer

_GAP: Final = 13
_AWAY: Final = 12
_MOVED: Final = "abs(datum.at - scale('y', datum.value)) > 4 ? 0.8 : 0"
_OWN: Final = look.place_colour("datum.colour")
_FAINT: Final = alt.ExprRef("!focus || focus === datum.geoid ? 1 : 0.25")
_EXTENT: Final = {"bydate": False, "weekly": False, "left": 1, "right": 2, "top": 10, "ticks": [1], "dates": "%b %Y"}
_DASH: Final = alt.ExprRef("datum.colour < 7 ? [] : [5, 3]")
_X_LABEL: Final = (
    "bydate ? utcFormat(datum.value * 864e5, dates) : (datum.value === 1 ? weekly ? 'Week ' : 'Day ' : '')"
    " + format(weekly ? (datum.value - 1) / 7 + 1 : datum.value, ',')"
)


def compare(
    totals: Any,
    *,
    averages: Any = None,
    places: Sequence[str] = PLACES,
    measure: str = DEFAULT,
    by: Literal["day", "date"] = "day",
    since: dt.date | None = None,
    log: bool | None = None,
    unit: Unit = "day",
    known: Gazetteer | None = None,
    **words: Unpack[look.Words],
) -> alt.LayerChart:
    """Return a line per place: a measure by day of outbreak, or by date.

    Args:
        totals: ``geoid``, ``date`` and cumulative counts, as ``Book.totals`` returns them.
        averages: as ``Book.averages`` returns them; needed for measures that are averages.
        places: the geoids to show. Colours belong to places, whatever others are shown.
        measure: such as ``cases_per_1000``, ``cases``, ``new_cases``, ``cases_avg``, ``cases_avg_per_100k``.
        by: day of outbreak, or date.
        since: the first date that can be day 1; see ``day_of_outbreak``.
        log: a logarithmic scale; by default for totals. It leaves out values that are not above 0.
        unit: what is counted by; where it is weeks, the outbreak is counted in weeks.
        known: the gazetteer the places are of; the built-in one by default.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: no such measure, a column is missing, or none of the places has a value.
    """
    shown, gazette = measure_of(measure).counted_by(unit), known or gazetteer()
    logarithmic = shown.log if log is None else log
    own = pl.col("geoid").is_in(list(places))
    values = values_of(
        take(totals)[0].filter(own),
        shown,
        averages=None if averages is None else take(averages)[0].filter(own),
        populations=gazette.frame,
    )
    # An average that is not known leaves a gap in its line; between counts nobody reported, lines lead to the next.
    values = _between(values) if shown.kind == "average" else values.drop_nulls("value")
    lines = _lines(values, take(totals)[0].filter(own), by, since, positive=logarithmic)
    if lines.is_empty():
        raise ContractError(f"there is nothing to show of {', '.join(places)}", hint="give other places")
    extent = _extent(lines, by, unit, log=logarithmic)
    ends = _labels(lines, gazette, words.setdefault("height", look.HEIGHT), extent, log=logarithmic)
    words.setdefault("headline", f"{shown.title} in {_named(ends['geoid'].to_list(), gazette)}")
    words.setdefault("subtitle", _subtitle(lines, by, unit, since))
    hover = lines.head(0).with_columns(rule=pl.lit(value=True))
    return drawn(lines, ends, hover, log=logarithmic, parameters=extent)(**words)


def drawn(series: Any, labels: Any, hover: Any, *, log: bool, parameters: dict[str, Any] | None = None) -> look.Drawn:
    """Return the picture of lines still to be given its words; a page names the data, a notebook brings frames.

    Args:
        series: ``geoid``, ``x`` (day number, or days since 1970), ``value``, ``colour``.
        labels: ``x``, ``value``, ``at`` (pixels from the top), ``text``, ``colour``, ``geoid``.
        hover: rows of the series at the day that is looked at; ``rule``, true of one of them.
        log: whether the vertical scale is logarithmic.
        parameters: ``bydate``, ``weekly``, ``left``, ``right``, ``bottom``, ``top``, ``ticks``, ``dates``; a page
            sets them.
    """
    given = {**_EXTENT, "bottom": 1 if log else 0, **(parameters or {})}
    signals = [alt.param(name, value=value) for name, value in given.items()]
    focus = alt.param("focus", value=None)
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=alt.ExprRef("[left, right]"), nice=False, zero=False),
        axis=look.axis(values=alt.ExprRef("ticks"), labelExpr=_X_LABEL, labelFlush=False),
    )
    kind: dict[str, Any] = {"type": "log"} if log else {"zero": False}
    scale = alt.Scale(domain=alt.ExprRef("[bottom, top]"), nice=False, **kind)
    y = alt.Y("value:Q", scale=scale, axis=look.levels(**({"values": look.POWERS} if log else {})))
    lines = (
        alt.Chart(look.rows(series))
        .mark_line(strokeWidth=2, stroke=_OWN, strokeDash=_DASH, opacity=_FAINT, aria=False)
        .encode(x, y, detail="geoid:N")
    )
    names, leaders = _ends(alt.Chart(look.rows(labels)), x, y, log=log)
    at_day = alt.Chart(look.rows(hover)).encode(x)
    # One line, not one above the other for each place.
    rule = at_day.transform_filter("datum.rule").mark_rule(stroke=look.by_theme("quiet"), strokeWidth=1, aria=False)
    dots = at_day.mark_circle(size=45, fill=_OWN, opacity=1, stroke=look.by_theme("ground"), aria=False).encode(y)

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        return look.picture(rule, leaders, lines, dots, names, parameters=(*signals, focus), **words)

    return finished


def _ends(labels: alt.Chart, x: alt.X, y: alt.Y, *, log: bool) -> tuple[alt.Chart, alt.Chart]:
    """Return the names of lines, and what leads to them from the ends of lines, where they had to move."""
    names = labels.mark_text(
        align="left",
        dx=_AWAY + 2,
        y=alt.expr("datum.at"),
        text=alt.expr("datum.text"),
        fill=_OWN,
        opacity=_FAINT,
        fontWeight=alt.expr("focus === datum.geoid ? 'bold' : 'normal'"),
        aria=False,
    )
    edge = "bottom * pow(top / bottom, 1 - datum.at / height)" if log else "top - (top - bottom) * datum.at / height"
    leaders = labels.transform_calculate(end=f"datum.x + {_AWAY} * (right - left) / width", edge=edge).mark_rule(
        stroke=_OWN, strokeWidth=0.75, opacity=alt.expr(_MOVED), aria=False
    )
    return names.encode(x), leaders.encode(x, y, x2="end", y2="edge")


def _between(values: pl.DataFrame) -> pl.DataFrame:
    """Return the values of each place from its first that is known to its last."""
    known = pl.col("date").filter(pl.col("value").is_not_null())
    return values.filter(pl.col("date").is_between(known.min().over("geoid"), known.max().over("geoid")))


def _lines(
    values: pl.DataFrame, totals: pl.DataFrame, by: str, since: dt.date | None, *, positive: bool
) -> pl.DataFrame:
    """Return what the lines are made of: geoid, date, value, x, colour."""
    if by == "day":
        days = day_of_outbreak(totals, since=since)
        first = days.filter(pl.col(DAY) == 1).select("geoid", _first="date")
        values = values.join(first, on="geoid", maintain_order="left")
        x = (pl.col("date") - pl.col("_first")).dt.total_days() + 1
        values = values.with_columns(x=x).filter(pl.col("x") >= 1).drop("_first")
    else:
        values = values.with_columns(x=(pl.col("date") - EPOCH).dt.total_days())
    if positive:
        values = values.filter(pl.col("value") > 0)
    return values.with_columns(colour=place_number(pl.col("geoid")))


def _extent(values: pl.DataFrame, by: str, unit: Unit, *, log: bool) -> dict[str, Any]:
    """Return the ends of the axes and the ticks between."""
    ends = [
        getattr(pl.col(name), end)().alias(f"{name}_{end}") for name in ("date", "x", "value") for end in ("min", "max")
    ]
    first, last, left, right, least, most = values.select(ends).row(0)
    across = {"left": left, "right": max(right, left + 1)}
    if log:
        up = {"bottom": 10.0 ** math.floor(math.log10(least)), "top": max(most, least * 10)}
    else:
        up = {"bottom": -nice_top(-least) if least < 0 else 0, "top": nice_top(most)}
    if by == "day":
        weekly = unit == "week"
        return {**across, **up, "ticks": week_ticks(right) if weekly else day_ticks(right), "weekly": weekly}
    dates = "%b %-d, %Y" if (last - first).days < 62 else "%b %Y"
    return {**across, **up, "ticks": date_ticks(first, last), "bydate": True, "dates": dates}


def _labels(values: pl.DataFrame, known: Gazetteer, height: int, extent: dict[str, Any], *, log: bool) -> pl.DataFrame:
    """Return the name of each line, at its last day, kept apart from the others."""
    ends = values.sort("geoid", "x").group_by("geoid", maintain_order=True).last()
    to = np.log if log else np.asarray
    bottom, top = to(extent["bottom"]), to(extent["top"])
    wanted = height * (1 - (to(ends["value"].to_numpy()) - bottom) / (top - bottom))
    text = known.frame.select("geoid", text=pl.coalesce("abbreviation", "name"))
    return ends.with_columns(at=pl.Series(apart(wanted, _GAP, height))).join(text, on="geoid", maintain_order="left")


def _subtitle(values: pl.DataFrame, by: str, unit: Unit, since: dt.date | None) -> str:
    first, last = values.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
    span = f"{look.day(first)} to {look.day(last)}"
    if by == "date":
        return span
    after = "" if since is None else f" from {look.day(since)} on"
    return f"By {unit} of outbreak: {unit} 1 is the first {unit} with a case{after}. {span}"


def _named(geoids: Sequence[str], known: Gazetteer) -> str:
    """Return the places by name, or how many they are."""
    if len(geoids) > 3:
        return f"{len(geoids)} places"
    titles = [known.title(geoid) for geoid in geoids]
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"
