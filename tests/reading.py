"""What tests of the interactive pages share: reading what a chart shows, as a reader would."""

import re
from pathlib import Path

import polars as pl
from playwright.sync_api import Locator, Page


def downloaded(page: Page, kind: str) -> bytes:
    """The file behind a button."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=f"Download {kind}").click()
    return Path(waiting.value.path()).read_bytes()


def rows_of(page: Page) -> pl.DataFrame:
    """What is shown, as the CSV file has it."""
    return pl.read_csv(downloaded(page, "CSV"), infer_schema_length=None)


def canvas(page: Page) -> Locator:
    """The drawing."""
    return page.locator(".chart-canvas")


def texts(page: Page) -> list[str]:
    """Everything written in the drawing."""
    found: list[str] = page.locator(".chart-drawing svg text").all_text_contents()
    return [text for text in found if text]


def settled(page: Page) -> None:
    """Wait until what was asked for is drawn."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => requestAnimationFrame(done), 60)))"
    )


def chosen(page: Page) -> str:
    """How many places are chosen."""
    return page.locator("#chosen").inner_text()


def pick(page: Page, control: str, value: str) -> None:
    """Choose in a list."""
    page.locator(f"#{control}").select_option(value)
    settled(page)


def circles(page: Page) -> list[tuple[float, float, float, str]]:
    """The bubbles in the order they are drawn: middle in pixels of the window, radius, colour; scrolled into view."""
    canvas(page).evaluate("element => element.scrollIntoView({ block: 'center' })")
    found: list[list[float | str]] = page.evaluate(
        """() => [...document.querySelectorAll('.chart-drawing .mark-symbol.role-mark path')].map((path) => {
             const box = path.getBoundingClientRect();
             return [box.x + box.width / 2, box.y + box.height / 2, path.getAttribute('d'), path.getAttribute('fill')];
           })"""
    )
    return [(float(x), float(y), float(re.findall(r"[\d.]+", str(d))[0]), str(fill)) for x, y, d, fill in found]


def ground(page: Page) -> str:
    """The colour the drawing stands on."""
    found: str = page.locator(".chart-drawing svg").evaluate("svg => getComputedStyle(svg).backgroundColor")
    return found
