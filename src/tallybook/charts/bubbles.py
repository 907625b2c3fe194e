"""Places as bubbles: two measures against each other on a day, the area their size, the colour their region."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, Unpack

import altair as alt
import polars as pl

from tallybook.charts import picture as look
from tallybook.charts.bubble_rows import (
    SMALLEST,
    Group,
    Size,
    bubble_rows,
    ends_of,
    histories,
    sized_by,
    trail_rows,
    with_names,
)
from tallybook.charts.measures import measure_of
from tallybook.charts.style import ALL, GROUPS
from tallybook.charts.ticks import EPOCH
from tallybook.errors import ContractError
from tallybook.model.places import Gazetteer, gazetteer

_SELECTED: Final = "indexof(selected, datum.geoid) >= 0"


def bubbles(
    totals: Any,
    *,
    x: str = "cases_per_1000",
    y: str = "deaths_per_1000",
    size: Size = "population",
    colour: Group = "region",
    day: dt.date | None = None,
    log: tuple[bool, bool] = (False, False),
    selected: Sequence[str] = (),
    known: Gazetteer | None = None,
    **words: Unpack[look.Words],
) -> alt.LayerChart:
    """Return a bubble per place; in a notebook the day is a slider.

    Args:
        totals: ``geoid``, ``date`` and cumulative counts, as ``Book.totals`` returns them.
        x: a measure that is a total, or per 1,000 people.
        y: another.
        size: what the area is proportional to. A place without it has no bubble; the subtitle says how many lack it.
        colour: region or division.
        day: the day shown first; the last one by default.
        log: whether the horizontal and the vertical scale are logarithmic; they leave out values that are not above 0.
        selected: geoids that are named and have trails; the others are faint then.
        known: the gazetteer the places are of; the built-in one by default.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: no such measure or size, a column is missing, or no place has all that is needed.
    """
    across, up, gazette = measure_of(x), measure_of(y), known or gazetteer()
    places, days = histories(totals, across, up, gazette)
    # The largest first, so that the small ones stand before them.
    sized = sized_by(places, size).filter(pl.col("size").is_not_null()).sort("size", descending=True)
    if sized.is_empty():
        raise ContractError(f"no place has {x}, {y} and {size}", hint="give another size, or other places")
    lacking = places.height - sized.height
    chosen = sized.filter(pl.col("geoid").is_in(list(selected)))
    parameters = {
        "groups": [name for name in GROUPS[colour] if name in set(sized[colour].fill_null(ALL))],
        "selected": list(selected),
        "xtitle": across.title,
        "ytitle": up.title,
        **ends_of("x", sized["xs"].explode(), log=log[0]),
        **ends_of("y", sized["ys"].explode(), log=log[1]),
    }
    left_out = f"; {lacking} left out: no {_WORDS[size]}" if lacking else ""
    words.setdefault("headline", f"{up.title} against {across.title.lower()}")
    told = "" if sized[colour].is_null().all() else f"; colour: Census {colour}"
    words.setdefault("subtitle", f"{_area(size)}{told}{left_out}")
    words.setdefault("height", 480)
    shown = (*days, (day - EPOCH).days if day else days[1])
    named = with_names(bubble_rows(sized, size, colour), selected, parameters, shown[2], log, words)
    finished = drawn(named, trail_rows(chosen, colour), log=log, colour=colour,
                     parameters=parameters, days=shown)  # fmt: skip
    return finished(**words)


def drawn(
    places: Any,
    trails: Any,
    *,
    log: tuple[bool, bool],
    colour: Group = "region",
    parameters: dict[str, Any] | None = None,
    days: tuple[int, int, int] | None = None,
) -> look.Drawn:
    """Return the picture of bubbles still to be given its words; a page names the data, a notebook brings frames.

    One row is one place with its whole history, so that playing moves a number and not the data.

    Args:
        places: ``geoid``, ``title``, ``text``, ``group``, ``area`` (square pixels), ``first`` (days since 1970),
            ``xs``, ``ys`` (a value per day from then on); ``named``, and where its name stands: ``dx``, ``dy``,
            ``align``.
        trails: ``geoid``, ``day``, ``x``, ``y``, ``group``.
        log: whether the horizontal and the vertical scale are logarithmic.
        colour: region or division.
        parameters: ``xleft``, ``xright``, ``yleft``, ``yright``, ``xtitle``, ``ytitle``, ``groups``, ``selected``,
            ``faint``; a page sets them.
        days: the first day, the last, and the one shown, since 1970: for a slider in a notebook.
    """
    given = {
        "xleft": 0,
        "xright": 1,
        "yleft": 0,
        "yright": 1,
        "groups": [],
        "selected": [],
        "faint": 0.2,
        "focus": None,
        "xtitle": "",
        "ytitle": "",
    }
    signals = [alt.param(name, value=value) for name, value in {**given, **(parameters or {})}.items()]
    slider = alt.binding_range(min=days[0], max=days[1], step=1, name="day ") if days else alt.Undefined
    day = alt.param("day", value=days[2] if days else 0, bind=slider)
    zoom = alt.param("zoom", expr=f"clamp(width / {look.WIDTH}, {SMALLEST}, 1)")
    x, y = (_axis(name, log=logarithmic) for name, logarithmic in zip("xy", log, strict=True))
    ink = _group_colour(colour)
    now = (
        alt.Chart(look.rows(places))
        .transform_calculate(x="datum.xs[day - datum.first]", y="datum.ys[day - datum.first]")
        .transform_filter(_drawable(log))
    )
    trail = (
        alt.Chart(look.rows(trails))
        .transform_filter("datum.day <= day")
        .transform_filter(_drawable(log))
        .mark_line(strokeWidth=1.5, opacity=0.7, aria=False)
        .encode(x, y, ink, detail="geoid:N", order="day:Q")
    )

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        layers = (*_captions(), trail, _circles(now).encode(x, y, ink), *(name.encode(x, y) for name in _names(now)))
        return look.picture(*layers, parameters=(*signals, day, zoom), below=58, **words)

    return finished


def _circles(now: alt.Chart) -> Any:
    text, ground = look.by_theme("text").expr, look.by_theme("ground").expr
    return now.mark_circle(
        size=alt.expr("datum.area * zoom"),
        opacity=alt.ExprRef(f"datum.geoid === focus || !length(selected) || {_SELECTED} ? 0.82 : faint"),
        stroke=alt.expr(f"datum.geoid === focus || {_SELECTED} ? ({text}) : ({ground})"),
        strokeWidth=alt.expr("datum.geoid === focus ? 2 : 1"),
        cursor="pointer",
        aria=False,
    )


def _names(now: alt.Chart) -> tuple[alt.Chart, alt.Chart]:
    """Return the names of bubbles on a rim of the ground's colour, to be read upon other bubbles."""
    named = "datum.geoid === focus || datum.named"
    label: dict[str, Any] = {
        "text": alt.expr(f"{named} ? datum.text : ''"),
        "align": alt.expr("datum.align"),
        "dx": alt.expr("datum.dx"),
        "dy": alt.expr("datum.dy"),
        "fontWeight": alt.expr("datum.geoid === focus ? 'bold' : 'normal'"),
        "aria": False,
    }
    ground = look.by_theme("ground")
    rim = now.mark_text(**label, fill=ground, stroke=ground, strokeWidth=3, strokeJoin="round")
    return rim, now.mark_text(**label, fill=look.by_theme("text"))


def _captions() -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    """Return the date, large, behind the bubbles, and what the axes are."""
    once = alt.Chart(look.rows("once"))
    quiet: dict[str, Any] = {"fill": look.by_theme("quiet"), "aria": False}
    at_right: dict[str, Any] = {"x": alt.expr("width"), "align": "right", **quiet}
    date = alt.expr("utcFormat(day * 864e5, '%b %-d, %Y')")
    up = alt.expr("ytitle ? '↑ ' + ytitle : ''")
    across = alt.expr("xtitle ? xtitle + ' →' : ''")
    size, low = alt.expr("max(18, width / 22)"), alt.expr("height - 14")
    return (
        once.mark_text(**at_right, y=low, baseline="bottom", fontSize=size, text=date, opacity=0.55),
        once.mark_text(**quiet, x=0, y=-6, align="left", baseline="bottom", text=up),
        once.mark_text(**at_right, y=alt.expr("height + 38"), text=across),
    )


_WORDS: Final = {"population": "population", "density": "land area or population", "gdp": "GDP figure", "none": ""}


def _area(size: Size) -> str:
    told = {
        "population": "population",
        "density": "people per square kilometre",
        "gdp": "gross domestic product of 2019",
    }
    return f"Area: {told[size]}" if size in told else "Every bubble is of one size"


def _axis(name: str, *, log: bool) -> alt.X | alt.Y:
    options: dict[str, Any] = {"values": look.POWERS} if log else {}
    kind: dict[str, Any] = {"type": "log"} if log else {"zero": False}
    scale = alt.Scale(domain=alt.ExprRef(f"[{name}left, {name}right]"), nice=False, **kind)
    if name == "x":
        return alt.X("x:Q", scale=scale, axis=look.axis(**options))
    return alt.Y("y:Q", scale=scale, axis=look.levels(**options))


def _group_colour(colour: Group) -> alt.Color:
    names = GROUPS[colour]
    ranges = [alt.ExprRef(f"dark ? '{dark}' : '{light}'") for light, dark in names.values()]
    return alt.Color(
        "group:N",
        scale=alt.Scale(domain=list(names), range=ranges),
        legend=alt.Legend(
            title=None,
            orient="top",
            offset=26,
            symbolType="circle",
            symbolOpacity=1,
            columns=alt.ExprRef("max(2, min(5, floor(width / 130)))"),
            values=alt.ExprRef("groups"),
        ),
    )


def _drawable(log: tuple[bool, bool]) -> str:
    tests = [
        f"isValid(datum.{name})" + (f" && datum.{name} > 0" if on else "") for name, on in zip("xy", log, strict=True)
    ]
    return " && ".join(tests)
