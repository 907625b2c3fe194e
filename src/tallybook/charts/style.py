"""The look of every chart: its colours in light and in dark, its type, its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

ThemeName = Literal["light", "dark"]
"""What a chart is drawn for."""

SANS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
"""The type of everything but headlines."""

SERIF: Final = "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, 'Liberation Serif', serif"
"""The type of headlines."""

PLACES: Final = (
    *("USA-06", "USA-12", "USA-15", "USA-17", "USA-22"),
    *("USA-26", "USA-34", "USA-36", "USA-42", "USA-53"),
)
"""The places shown first: CA FL HI IL LA MI NJ NY PA WA."""

_STRIDE, _PRIME = 11, 61
"""What spreads FIPS codes over the looks so that no two of the places shown first look the same."""

LOOKS: Final = 14
"""What lines of places can look like: seven colours, solid; the same, dashed."""


@dataclass(frozen=True)
class Theme:
    """The colours of a theme, as CSS writes them.

    Attributes:
        ground: what a chart stands on.
        text: headlines and labels; at least 4.5 : 1 against the ground.
        quiet: subtitles, axes and sources; at least 4.5 : 1.
        line: grid lines.
        context: marks that are not selected.
        cases: the accent of cases.
        deaths: the accent of deaths.
        places: what selected places are told apart by, also by the colour-blind; at least 3 : 1.
    """

    ground: str
    text: str
    quiet: str
    line: str
    context: str
    cases: str
    deaths: str
    places: tuple[str, ...]


THEMES: Final[dict[ThemeName, Theme]] = {
    "light": Theme(
        ground="#ffffff",
        text="#1a1a1a",
        quiet="#5a5a5a",
        line="#e4e4e0",
        context="#8f8f8b",
        cases="#b5482f",
        deaths="#3b4a6b",
        places=("#4477aa", "#cc4455", "#228833", "#8f6f00", "#0e7a99", "#aa3377", "#5e5e5e"),
    ),
    "dark": Theme(
        ground="#16181c",
        text="#ececea",
        quiet="#a9acb1",
        line="#2e3238",
        context="#767a80",
        cases="#ee8866",
        deaths="#9db4e0",
        places=("#77aadd", "#ee7788", "#66cc77", "#d9bb44", "#66ccee", "#dd77bb", "#bbbbbb"),
    ),
}
"""Light and dark; the places after Paul Tol's "bright" set, darkened or lightened until they stand out."""

REGIONS: Final = {
    "Northeast": ("#4477aa", "#77aadd"),
    "Midwest": ("#228833", "#66cc77"),
    "South": ("#cc4455", "#ee7788"),
    "West": ("#997700", "#d9bb44"),
    "Territories": ("#5e5e5e", "#bbbbbb"),
}
"""The colours of the Census regions, in light and in dark."""

DIVISIONS: Final = {
    "New England": ("#2f5f91", "#5c94cc"),
    "Middle Atlantic": ("#5f93c6", "#a3c8ec"),
    "East North Central": ("#1b6e29", "#4fb562"),
    "West North Central": ("#479f55", "#93e0a0"),
    "South Atlantic": ("#a62b3c", "#e0596d"),
    "East South Central": ("#cc4455", "#f08c9a"),
    "West South Central": ("#d6707d", "#f9b9c2"),
    "Mountain": ("#7d6100", "#c4a22f"),
    "Pacific": ("#a98a1a", "#ecd67f"),
    "Territories": REGIONS["Territories"],
}
"""The colours of the Census divisions: shades of that of their region. Each is spelled in one way only."""

ALL: Final = "All places"
"""The group of places that have none, such as towns."""

_ALL: Final = {ALL: REGIONS["Northeast"]}

GROUPS: Final = {"region": REGIONS | _ALL, "division": DIVISIONS | _ALL}
"""What bubbles are coloured by."""


def place_number(geoid: pl.Expr) -> pl.Expr:
    """Return which of the looks of places a place has: its own, whatever else is shown.

    From 0 to 6 a colour, from 7 on the same seven with a dashed line.

    >>> pl.DataFrame({"geoid": ["USA-36", "USA-53"]}).select(place_number(pl.col("geoid")))["geoid"].to_list()
    [2, 6]
    """
    digits = geoid.str.replace_all(r"\D", "").cast(pl.Int64, strict=False).fill_null(0)
    return digits * _STRIDE % _PRIME % LOOKS
