"""The page of excess deaths, in a browser."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

from sites import drawn

Opener = Callable[..., Page]


def test_a_place_that_is_chosen_is_drawn_told_and_kept_in_the_address(
    real_site: Path, host: Callable[[Path], str], open_page: Opener
) -> None:
    page = open_page(host(real_site) + "excess.html")
    drawn(page, 1)
    assert page.locator("#excess-headline").inner_text() == "Peru: about 110,000 more deaths than expected"
    line = "document.querySelector('#excess .mark-line path').getAttribute('d')"
    before = page.evaluate(line)
    page.select_option("#excess-place", "United Kingdom")
    page.wait_for_function(
        "document.querySelector('#excess-headline').textContent.startsWith('United Kingdom: about 75')"
    )
    page.wait_for_function(f"{line} !== {before!r}")
    assert "95 % interval 41,581 to 107,653" in page.locator("#excess-subtitle").inner_text()
    assert page.url.endswith("?place=United+Kingdom")
    page.reload()
    drawn(page, 1)
    assert page.locator("#excess-place").input_value() == "United Kingdom"
    page.go_back()
    page.wait_for_function("document.querySelector('#excess-headline').textContent.startsWith('Peru')")


def test_the_keyboard_reads_week_by_week(real_site: Path, host: Callable[[Path], str], open_page: Opener) -> None:
    page = open_page(host(real_site) + "excess.html?place=Austria")
    drawn(page, 1)
    page.locator("#excess-canvas").focus()
    page.keyboard.press("Home")
    # The first published row of Austria: 1,702 deaths, 1,806 expected.
    told = page.locator("#excess-live").inner_text()
    assert told.startswith("Week to Jan 12, 2020: Deaths 1,702, Expected 1,806")


def test_a_place_that_is_not_there_is_said(real_site: Path, host: Callable[[Path], str], open_page: Opener) -> None:
    page = open_page(host(real_site) + "excess.html?place=Zembla")
    drawn(page, 1)
    assert "asks for a place that is not here" in page.locator("#excess .chart-notice").inner_text()
    assert page.locator("#excess-place").input_value() == "Peru"
