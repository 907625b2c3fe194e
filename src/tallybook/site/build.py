"""Building the site of a release, into the release's own folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from tallybook.charts.style import SANS, SERIF, THEMES, Theme
from tallybook.release.folder import PAGES
from tallybook.site.bubbles import bubbles_page
from tallybook.site.bundle import scripts
from tallybook.site.compare import compare_page
from tallybook.site.data import data_page
from tallybook.site.excess import excess_page
from tallybook.site.opened import Opened
from tallybook.site.overview import has_county_map, overview
from tallybook.site.page import Asset, Page, rendered
from tallybook.site.places import place_pages
from tallybook.site.revisions import known_scripts, revisions_page
from tallybook.site.series import series_scripts
from tallybook.site.specs import specs


def _missing(_site: Opened) -> Iterator[Page]:
    yield Page("404.html", "404.html", "There is no such page", "There is no page at this address.")


_PAGES: Final[tuple[Callable[[Opened], Iterator[Page]], ...]] = (
    overview,
    compare_page,
    bubbles_page,
    place_pages,
    excess_page,
    revisions_page,
    data_page,
    _missing,
)


def build_site(folder: Path, old: Path) -> None:
    """Write the pages of a release beside its files, and ``site.json``, which names them.

    A page that is as it was is not written again: it is the same file as in the old release.

    Args:
        folder: a release that was just written.
        old: the release before it, if there is one.
    """
    site = Opened(folder)
    paths = []
    for asset in _assets(site):
        _put(folder, old, asset)
        paths.append(asset.path)
    for pages in _PAGES:
        for page in pages(site):
            _put(folder, old, Asset(page.path, rendered(page, site)))
            paths.append(page.path)
    (folder / PAGES).write_text(json.dumps({"files": sorted(paths)}, indent=0) + "\n", encoding="utf-8")


def _assets(site: Opened) -> Iterator[Asset]:
    yield Asset("assets/site.css", _stylesheet())
    yield Asset("assets/icon.svg", _static("icon.svg"))
    yield from known_scripts(site)
    for made in (scripts(), series_scripts(site), specs(counties=has_county_map(site))):
        yield from (Asset(f"assets/{name}", data) for name, data in made.items())


def _put(folder: Path, old: Path, asset: Asset) -> None:
    new, before = folder / asset.path, old / asset.path
    new.parent.mkdir(parents=True, exist_ok=True)
    if before.is_file() and not before.is_symlink() and before.read_bytes() == asset.data:
        try:
            os.link(before, new)
            return
        except OSError:  # this file system has no second names
            pass
    new.write_bytes(asset.data)


def _stylesheet() -> bytes:
    """Return the style sheet: the colours of the charts as properties, then the site's own rules."""
    light, dark = (_properties(THEMES[name]) for name in ("light", "dark"))
    head = (
        f":root {{ color-scheme: light; --sans: {SANS}; --serif: {SERIF};\n{light}}}\n"
        f"@media (prefers-color-scheme: dark) {{\n:root:not([data-theme=light]) {{ color-scheme: dark;\n{dark}}}\n}}\n"
        f":root[data-theme=dark] {{ color-scheme: dark;\n{dark}}}\n"
        "@media print {\n:root, :root[data-theme=dark], :root:not([data-theme=light]) "
        f"{{ color-scheme: light;\n{light}}}\n}}\n"
    )
    return head.encode() + _static("site.css")


def _properties(theme: Theme) -> str:
    named = {name: value for name, value in vars(theme).items() if isinstance(value, str)}
    places = {f"place-{number}": colour for number, colour in enumerate(theme.places, start=1)}
    return "".join(f"  --{name}: {value};\n" for name, value in {**named, **places}.items())


def _static(name: str) -> bytes:
    return resources.files("tallybook.site").joinpath(f"static/{name}").read_bytes()
