"""The page that compares places, line by line."""

from __future__ import annotations

from collections.abc import Iterator

from tallybook.model.metrics import PLURALS
from tallybook.site.opened import Opened
from tallybook.site.page import Page
from tallybook.site.series import level_compared, metrics_compared


def compare_page(site: Opened) -> Iterator[Page]:
    """Yield the page; one that says so where the release has no figures to compare."""
    level = level_compared(site)
    if level is None:
        yield nothing_yet("compare.html", "Compare places", site)
        return
    context = {"things": PLURALS[level], "unit": site.unit(level)}
    scripts = ("vega.js", "series.js", f"series/{metrics_compared(site)[0]}.js", "specs/compare.js", "compare.js")
    said = f"{site.title}: {PLURALS[level]} compared from the {site.unit(level)} their outbreak began, or by date."
    yield Page("compare.html", "compare.html", f"Compare {PLURALS[level]}", said, scripts, context)


def nothing_yet(path: str, title: str, site: Opened) -> Page:
    """Return a page in the place of a chart whose figures the release does not have yet."""
    return Page(path, "nothing.html", title, f"{site.title}: there are no final figures yet.")
