"""The front page."""

from __future__ import annotations

from collections.abc import Iterator

from tallybook.site.opened import Opened
from tallybook.site.page import Page


def overview(site: Opened) -> Iterator[Page]:
    """Yield the front page."""
    yield Page("index.html", "overview.html", "Overview", f"{site.title}: the latest figures of every place.")
