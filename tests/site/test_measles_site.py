"""The pages of a disease that is counted by week."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from sites import drawn
from tallybook.book import weekly_book
from tallybook.model.weeks import week_label


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weekly_book(tmp_path_factory.mktemp("measles") / "book").publish().folder


def test_pages_speak_of_weeks_and_of_no_other_disease(site: Path) -> None:
    home = (site / "index.html").read_text()
    assert "up to 2025 week 30, ending Jul 26, 2025" in home
    assert "Source: Made by Tallybook&#39;s simulator; every number is invented" in home
    pages = [home, *(file.read_text() for file in site.glob("place/*.html")), (site / "data.html").read_text()]
    for page in pages:
        assert not [word for word in ("Covid", "covid", "tests", "deaths a day") if word in page]


def test_a_withheld_count_is_called_so_on_every_page_and_no_older_one_stands_for_it(site: Path) -> None:
    weeks = pl.read_parquet(site / "weeks.parquet").sort("date")
    latest = weeks.group_by("geoid").agg(pl.col("status").last()).filter(status="withheld")["geoid"].to_list()
    assert latest
    home = (site / "index.html").read_text()
    assert home.count(">withheld</td>") == len(latest)
    for geoid in latest:
        page = (site / f"place/{geoid}.html").read_text()
        assert "of 2025 week 30, ending Jul 26, 2025, is withheld, so there is no average." in page
        assert '<span class="figure">withheld</span>' in page


def test_a_place_has_its_weeks_with_those_that_are_provisional(site: Path) -> None:
    page = (site / "place/USA-24.html").read_text()
    assert page.count("reported, provisional</td>") == 4
    assert '<th scope="row">2025 week 12, ending Mar 22, 2025</th>' in page
    assert "on its last day, and their average a day" in page


def test_charts_go_from_week_to_week_and_say_what_is_withheld(
    site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    root = host(site)
    page = open_page(f"{root}compare.html?x=date&measure=cases_avg")
    drawn(page)
    page.locator(".chart-canvas").press("End")
    live = page.locator(".chart-live").first
    expect(live).to_contain_text(f"{week_label(dt.date(2025, 7, 26))}: ")
    page.locator(".chart-canvas").press("ArrowLeft")
    expect(live).to_contain_text(week_label(dt.date(2025, 7, 19)))
    page.goto(f"{root}bubbles.html")
    drawn(page)
    assert page.locator("#day").get_attribute("step") == "7"
    expect(page.locator("#date")).to_have_text(week_label(dt.date(2025, 7, 26)))
    weeks = pl.read_parquet(site / "weeks.parquet").filter(pl.col("date") == pl.col("date").max())
    page.goto(f"{root}place/{weeks.filter(status='withheld')['geoid'][0]}.html")
    drawn(page)
    page.locator(".chart-canvas").first.press("End")
    last = page.locator(".chart-live").first
    expect(last).to_have_text(f"{week_label(dt.date(2025, 7, 26))}: new cases withheld, average –.")


def test_what_was_known_then_is_drawn_from_week_to_week(
    site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{host(site)}revisions.html?place=USA-15")
    drawn(page)
    expect(page.locator("#then .chart-headline")).to_contain_text("New cases a week in Hawaii")
    expect(page.locator("#then .chart-subtitle")).to_contain_text("weeks were changed")
    lines = page.locator("#then svg .mark-line path").evaluate_all("all => all.map(one => one.getAttribute('d'))")
    assert len([line for line in lines if line and line.count("L") >= 5]) == 2
    page.locator("#then .chart-canvas").press("End")
    expect(page.locator("#then .chart-live")).to_contain_text(
        re.compile(r"2025 week \d+, ending .*: \d+ as known on .*, \d+ now")
    )
