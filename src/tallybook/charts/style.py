"""The look of every chart: its colours in light and in dark, its type, its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ThemeName = Literal["light", "dark"]
"""What a chart is drawn for."""

SANS: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
"""The type of everything but headlines."""

SERIF: Final = "Charter, 'Bitstream Charter', 'Sitka Text', Cambria, 'Liberation Serif', serif"
"""The type of headlines."""


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
        places=("#4477aa", "#cc4455", "#228833", "#997700", "#0f7f9f", "#aa3377", "#5e5e5e"),
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
