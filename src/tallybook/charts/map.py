"""Maps: the states as a grid of tiles, which needs no shapes, and the counties in their shapes."""

from __future__ import annotations

from typing import Any, Final, Unpack

import altair as alt
import polars as pl

from tallybook.charts import picture as look
from tallybook.charts.shapes import CREDIT, SHAPES, county_shapes
from tallybook.charts.style import THEMES, ThemeName
from tallybook.measures.frames import require, take
from tallybook.model.places import gazetteer

_GRID: Final = (
    "AK . . . . . . . . . ME",
    ". . . . . . . . . VT NH",
    "WA ID MT ND MN IL WI MI NY RI MA",
    "OR NV WY SD IA IN OH PA NJ CT .",
    "CA UT CO NE MO KY WV VA MD DE .",
    ". AZ NM KS AR TN NC SC DC . .",
    ". . . OK LA MS AL GA . . .",
    "HI . . TX . . . . FL . PR",
    "AS GU MP . . . . . . . VI",
)
"""Where each state stands, as newspapers draw it; the territories below, where they have room."""


_FILLED: Final = alt.ExprRef("isValid(datum.value) ? 1 : 0")
"""A place without a figure has an outline only."""

_ABOVE: Final = "datum.value > 0 ? datum.value : null"
"""What the colours are shared out among: of a rare disease most places have none, which must not be the darkest."""


def tiles(
    frame: Any,
    **words: Unpack[look.Words],
) -> alt.LayerChart:
    """Return the states as tiles, each coloured by its value; a state without a value is an empty tile.

    Args:
        frame: ``geoid`` and ``value``, one row per state.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: a column is missing.
    """
    rows = take(frame)[0]
    require(rows, ["geoid", "value"])
    names = gazetteer().frame.select("geoid", "abbreviation", title="name")
    named = (
        grid()
        .join(rows.select("geoid", pl.col("value").cast(pl.Float64)), on="geoid", how="left")
        .join(names, on="geoid")
    )
    text = pl.Series([None if value is None else _text(value) for value in named["value"]])
    words.setdefault("width", 620)
    words.setdefault("height", 507)
    return drawn_tiles(named.with_columns(text=text))(**words)


def _text(value: float) -> str:
    """Return a value as a tile has room for it; one that is not zero is never written as one.

    >>> _text(1234.5), _text(0.26), _text(0.0031), _text(0)
    ('1,234', '0.3', '0.003', '0.0')
    """
    return f"{value:.1g}" if 0 < abs(value) < 0.05 else f"{value:,.{0 if value >= 100 else 1}f}"


def grid() -> pl.DataFrame:
    """Return where each state's tile stands: ``geoid``, ``column``, ``row``; key geoid.

    >>> grid().height
    56
    """
    at = [
        (name, column, row) for row, line in enumerate(_GRID) for column, name in enumerate(line.split()) if name != "."
    ]
    ids = gazetteer().frame.filter(level="state").select("geoid", "abbreviation")
    cells = pl.DataFrame(at, schema=["abbreviation", "column", "row"], orient="row")
    return cells.join(ids, on="abbreviation", maintain_order="left").select("geoid", "column", "row")


def drawn_tiles(values: Any) -> look.Drawn:
    """Return the tiles still to be given their words.

    Args:
        values: ``geoid``, ``abbreviation``, ``title``, ``value``, ``text``; and ``column``, ``row`` in a notebook. A
            page leaves those two out: the picture knows them.
    """
    across, down = max(len(line.split()) for line in _GRID), len(_GRID)
    cells = alt.Chart(look.rows(values))
    if isinstance(values, str):
        where = {geoid: [column, row] for geoid, column, row in grid().rows()}
        known = str(where).replace("'", '"')
        cells = cells.transform_calculate(column=f"({known})[datum.geoid][0]", row=f"({known})[datum.geoid][1]")
    step = f"min(width / {across}, height / {down})"
    left, up = f"datum.column * {step}", f"datum.row * {step}"
    tile = cells.transform_calculate(above=_ABOVE).mark_rect(
        x=alt.expr(left), x2=alt.expr(f"{left} + {step} - 3"), y=alt.expr(up), y2=alt.expr(f"{up} + {step} - 3"),
        stroke=look.by_theme("line"), cursor="pointer", aria=False, invalid="show",
        fillOpacity=_FILLED,
    ).encode(color=_shade(), tooltip=[alt.Tooltip("title:N", title=" "), alt.Tooltip("text:N", title="")])  # fmt: skip
    text = look.by_theme("text").expr
    # Dark letters on what is light, light ones on what is dark; on an empty tile those of the theme.
    shade = f"luminance(datum.value > 0 ? scale('color', datum.value) : {_least()})"
    ink = alt.expr(f"!isValid(datum.value) ? ({text}) : {shade} > 0.2 ? '{THEMES['light'].text}' : '#ffffff'")
    label: dict[str, Any] = {"x": alt.expr(f"{left} + {step} / 2 - 1.5"), "aria": False, "fill": ink}
    name = cells.mark_text(
        **label, y=alt.expr(f"{up} + {step} * 0.38"), text=alt.expr("datum.abbreviation"), fontWeight="bold"
    )
    value = cells.mark_text(
        **label, y=alt.expr(f"{up} + {step} * 0.68"), text=alt.expr(f"{step} < 46 ? '' : datum.text"), fontSize=11
    )

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        return look.picture(tile, name, value, *_legend(values), below=26, **words)

    return finished


def counties(
    frame: Any,
    **words: Unpack[look.Words],
) -> alt.LayerChart:
    """Return the counties in their shapes, each coloured by its value.

    Args:
        frame: ``geoid`` and ``value``, one row per county.
        words: headline, subtitle, source, theme, width, height; see ``Words``.

    Raises:
        ContractError: a column is missing, or the shapes are not installed.
    """
    rows = take(frame)[0]
    require(rows, ["geoid", "value"])
    titles = gazetteer().titles
    named = rows.select("geoid", pl.col("value").cast(pl.Float64)).join(titles, on="geoid", how="left")
    words["source"] = f"{words.get('source', '')} {CREDIT}".strip()
    words.setdefault("height", 480)
    chart = drawn_counties(named)(**words)
    # Given to the chart as it is made, each point of each shape would be checked: 18 s instead of 2.
    chart.datasets[SHAPES] = county_shapes()
    return chart


def drawn_counties(values: Any) -> look.Drawn:
    """Return the counties still to be given their words, and their shapes as the data source SHAPES.

    Args:
        values: ``geoid``, ``title``, ``value``.
    """
    shapes = alt.Chart(alt.NamedData(name=SHAPES))
    found = alt.LookupData(data=look.rows(values), key="geoid", fields=["value", "title"])
    county = (
        shapes.transform_lookup(lookup="id", from_=found)
        .transform_calculate(geoid="datum.id", above=_ABOVE)
        .mark_geoshape(
            stroke=look.by_theme("ground"),
            strokeWidth=0.25,
            cursor="pointer",
            aria=False,
            invalid="show",
            fillOpacity=_FILLED,
        )
        .encode(
            color=_shade(),
            tooltip=[alt.Tooltip("title:N", title=" "), alt.Tooltip("value:Q", format=",.4~g", title="")],
        )
        .project("albersUsa")
    )

    def finished(**words: Unpack[look.Words]) -> alt.LayerChart:
        return look.picture(county, *_legend(values), below=26, **words)

    return finished


def _shade() -> Any:
    """Return the colour of a value: one of five, each of as many places, so that one far out hides no other.

    Nothing, and what is below it, has the lightest.
    """
    shades = [alt.ExprRef(f"dark ? '{dark}' : '{light}'") for light, dark in _pairs()]
    colour = alt.Color("above:Q", scale=alt.Scale(type="quantile", range=shades), legend=None)
    none = alt.value(alt.ExprRef(_least()))
    return alt.when("isValid(datum.above)").then(colour).otherwise(none)


def _least() -> str:
    """Return the lightest colour, as an expression."""
    light, dark = _pairs()[0]
    return f"(dark ? '{dark}' : '{light}')"


def _legend(values: Any) -> tuple[Any, Any, Any]:
    """Return what the colours mean, from where to where, and what an empty place means, where there is one."""
    light, dark = map(list, zip(*_pairs(), strict=True))
    rows = pl.DataFrame({"shade": range(len(light))})
    left, shade = f"datum.shade * min(120, width / {len(light)})", f"(dark ? {dark} : {light})[datum.shade]"
    low, high = (f"format(invert('color', {shade})[{end}], ',.2~r')" for end in (0, 1))
    ends = f"width < 480 ? '≥' + {low} : {low} + '–' + {high}"  # both ends of small rates are wider than a phone
    keys = alt.Chart(rows)
    empty = alt.Chart(look.rows(values)).transform_filter("!isValid(datum.value)").transform_aggregate(count="count()")
    return (
        keys.mark_text(x=alt.expr(left), y=-14, align="left", text="■", aria=False, fill=alt.expr(shade), fontSize=15),
        keys.mark_text(
            x=alt.expr(f"{left} + 15"), y=-14, align="left", text=alt.expr(ends), fill=look.by_theme("text"),
            fontSize=11, aria=False,
        ),
        empty.mark_text(
            x=0, y=alt.expr("height + 10"), align="left", fill=look.by_theme("quiet"), fontSize=11, aria=False,
            text=alt.expr("datum.count ? 'Outlined: no figure (' + datum.count + ')' : ''"),
        ),
    )  # fmt: skip


def _pairs() -> list[tuple[str, str]]:
    return list(zip(_shades("light"), _shades("dark"), strict=True))


def _shades(theme: ThemeName) -> list[str]:
    """Return the five colours of values, from the ground's to the accent of cases."""
    ends = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in (THEMES[theme].line, THEMES[theme].cases)]
    steps = [[round(low + (high - low) * step / 4) for low, high in zip(*ends, strict=True)] for step in range(5)]
    return ["#{:02x}{:02x}{:02x}".format(*step) for step in steps]
