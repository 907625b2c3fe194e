"""What every chart is set in: headline, subtitle, source line, axes and colours; light or dark by one parameter."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, TypedDict, Unpack
from zoneinfo import ZoneInfo

import altair as alt

from tallybook.charts.style import SANS, SERIF, THEMES, ThemeName

WIDTH: Final = 760
HEIGHT: Final = 420

_AXIS_ROOM: Final = 44
"""The pixels below the plot that the horizontal axis takes."""

_PER_CHARACTER: Final = {"headline": 10.5, "subtitle": 6.6, "source": 5.6}
"""About how many pixels a character of each takes: enough to know where a line ends."""

NUMBER: Final = (
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, ',.3~f') + ' million' : "
    "abs(datum.value) >= 1 ? format(datum.value, ',.4~f') : format(datum.value, '.3~f')"
)
"""How axes write numbers: thousands separated, millions in words."""

POWERS: Final = [10.0**power for power in range(-4, 11)]
"""The ticks of logarithmic axes: powers of ten only."""


class Words(TypedDict, total=False):
    """What every chart can be told: its words, and how it is set.

    Attributes:
        headline: what it shows, in words; made from what is shown by default.
        subtitle: measure, unit, dates; made from what is shown by default.
        source: where the numbers come from, as ``source_line`` returns it.
        theme: light or dark; light by default.
        width: of the plot, in pixels.
        height: of the plot, in pixels.
    """

    headline: str
    subtitle: str
    source: str
    theme: ThemeName
    width: int
    height: int


Drawn = Callable[..., alt.LayerChart]
"""A picture still to be given its words."""


def source_line(*, attribution: str, licence: str, as_of: datetime, zone: ZoneInfo) -> str:
    """Return where a chart's numbers come from, as it stands in the picture.

    Args:
        attribution: how to name the source.
        licence: its licence, by name.
        as_of: the moment of the latest observation, with a time zone.
        zone: the time zone it is told in.

    >>> from datetime import UTC
    >>> moment = datetime(2021, 3, 7, 14, tzinfo=UTC)
    >>> source_line(attribution="The agencies", licence="CC0", as_of=moment, zone=ZoneInfo("America/New_York"))
    'Source: The agencies. As of Mar 7, 2021, 09:00 EST. Licence: CC0.'
    """
    local = as_of.astimezone(zone)
    said = f"{day(local)}, {local:%H:%M %Z}"
    return f"Source: {attribution.rstrip('.')}. As of {said}. Licence: {licence.rstrip('.')}."


def day(value: date) -> str:
    """Return a date in words.

    >>> day(date(2020, 3, 3))
    'Mar 3, 2020'
    """
    return f"{value:%b} {value.day}, {value.year}"


def wrapped(text: str, width: float, kind: str) -> list[str]:
    """Return the lines of a text that has so many pixels."""
    return textwrap.wrap(text, max(24, int(width / _PER_CHARACTER[kind]))) or [""]


def by_theme(role: str) -> alt.ExprRef:
    """Return a colour of the palette that follows the parameter ``dark``.

    >>> by_theme("cases").expr
    "dark ? '#ee8866' : '#b5482f'"
    """
    light, dark = (getattr(THEMES[name], role) for name in ("light", "dark"))
    return alt.ExprRef(f"dark ? '{dark}' : '{light}'")


def place_colour(index: str) -> alt.ExprRef:
    """Return the colour of a place whose number is the expression ``index``, as ``place_number`` has it."""
    light, dark = (list(THEMES[name].places) for name in ("light", "dark"))
    return alt.ExprRef(f"(dark ? {dark} : {light})[{index} % {len(light)}]")


def axis(**options: Any) -> alt.Axis:
    """Return an axis as all charts have it: quiet labels, at most six ticks."""
    defaults: dict[str, Any] = {"labelExpr": NUMBER, "tickCount": 5, "labelOverlap": True, "title": None}
    return alt.Axis(**{**defaults, **options})


def levels(**options: Any) -> alt.Axis:
    """Return a vertical axis: light grid lines, no line of its own."""
    return axis(grid=True, domain=False, ticks=False, labelPadding=8, **options)


def rows(data: Any) -> Any:
    """Return data as Altair takes it: a frame, or the name of what a page fills in."""
    return alt.NamedData(name=data) if isinstance(data, str) else data


def picture(
    *layers: alt.Chart | alt.LayerChart,
    parameters: tuple[alt.Parameter, ...] = (),
    below: int = _AXIS_ROOM,
    **words: Unpack[Words],
) -> alt.LayerChart:
    """Return layers as a finished picture: what it shows above, where it comes from beneath, in the picture itself.

    Args:
        layers: the marks, the lowest first.
        parameters: parameters of the layers.
        below: the pixels between plot and source line.
        words: see ``Words``.
    """
    headline, subtitle, source = words.get("headline", ""), words.get("subtitle", ""), words.get("source", "")
    width, height, theme = words.get("width", WIDTH), words.get("height", HEIGHT), words.get("theme", "light")
    dark = alt.param("dark", value=theme == "dark")
    said = alt.param("source", value=wrapped(source, width, "source"))
    foot = (
        alt.Chart(rows("once"))
        # Where a page says it in its own text there is no room for it in the picture.
        .transform_filter("length(source) && source[0]")
        .mark_text(
            align="left", baseline="top", x=0, y=alt.expr(f"height + {below}"), text=alt.ExprRef("source"),
            fontSize=11, lineHeight=15, fill=by_theme("quiet"), aria=False,
        )
    )  # fmt: skip
    title = alt.Title(
        text=wrapped(headline, width, "headline"),
        subtitle=wrapped(subtitle, width, "subtitle") if subtitle else [],
    )
    told = ". ".join(filter(None, [headline, subtitle]))
    chart = alt.layer(*layers, foot, datasets={"once": [{"one": 1}]})
    return _configured(
        chart.add_params(dark, said, *parameters).properties(
            title=title,
            **({"description": told} if told else {}),
            width=width,
            height=height,
            background=by_theme("ground"),
        )
    )


def _configured(chart: Any) -> alt.LayerChart:
    """Return a chart with the type, axes and legends of all charts."""
    quiet, text = by_theme("quiet"), by_theme("text")
    made: alt.LayerChart = (
        chart.configure(font=SANS, padding=8)
        .configure_view(stroke=None)
        .configure_title(
            anchor="start", frame="group", font=SERIF, fontSize=21, fontWeight="bold", color=text, offset=18,
            subtitleFont=SANS, subtitleFontSize=13, subtitleColor=quiet, subtitlePadding=8, subtitleLineHeight=18,
            lineHeight=26,
        )
        .configure_axis(
            labelColor=quiet, labelFontSize=12, gridColor=by_theme("line"), domainColor=quiet, tickColor=quiet,
            titleColor=quiet, titleFontSize=12, titleFontWeight="normal",
        )
        .configure_axisX(grid=False)
        .configure_legend(labelColor=text, labelFontSize=12)
        .configure_text(font=SANS, fontSize=12)
    )  # fmt: skip
    return made
