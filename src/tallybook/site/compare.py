"""The page that compares places, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from tallybook.model.metrics import Level
from tallybook.site.opened import Opened
from tallybook.site.page import Page
from tallybook.site.series import level_compared, metrics_compared

THINGS = {Level.STATE: "states", Level.COUNTY: "counties", Level.TOWN: "towns", Level.NATION: "the nation"}
"""What the places of a level are called."""


def compare_page(site: Opened) -> Iterator[Page]:
    """Yield the page; none where the release has no figures."""
    level = level_compared(site)
    if level is None:
        return
    context = {"things": THINGS[level]}
    scripts = ("vega.js", "series.js", f"series/{metrics_compared(site)[0]}.js", "specs/compare.js", "compare.js")
    said = f"{site.title}: {THINGS[level]} compared from the day their outbreak began, or by date."
    yield Page("compare.html", "compare.html", f"Compare {THINGS[level]}", said, scripts, context)
