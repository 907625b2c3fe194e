"""The page of bubbles: two totals against each other, day by day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tallybook.model.metrics import PLURALS
from tallybook.site.compare import nothing_yet
from tallybook.site.opened import Opened
from tallybook.site.page import Page
from tallybook.site.series import level_compared, metrics_compared

_STEPS: Final = {"day": 1, "week": 7}
_SPEEDS: Final = {"day": (15, 30, 60, 120), "week": (7, 14, 28, 56)}
"""The days that may be played a second; bubble-fields.js says which is usual."""


def bubbles_page(site: Opened) -> Iterator[Page]:
    """Yield the page; one that says so where the release has no figures to compare."""
    level = level_compared(site)
    if level is None:
        yield nothing_yet("bubbles.html", "Places as bubbles", site)
        return
    unit = site.unit(level)
    columns = tuple(f"series/{metric}.js" for metric in metrics_compared(site)[:2])
    said = f"{site.title}: two totals against each other, {unit} by {unit}, a bubble for each place."
    scripts = ("vega.js", "series.js", *columns, "specs/bubbles.js", "bubbles.js")
    yield Page(
        "bubbles.html",
        "bubbles.html",
        f"{PLURALS[level].capitalize()} as bubbles",
        said,
        scripts,
        {"things": PLURALS[level], "unit": unit, "step": _STEPS[unit], "speeds": _SPEEDS[unit]},
    )
