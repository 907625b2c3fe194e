"""Every kind of page, in a browser: no complaint, nothing that axe finds, none wider than the window."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from sites import drawn, keep

KINDS = {
    "overview": ("index.html", 3),
    "compare": ("compare.html", 1),
    "bubbles": ("bubbles.html", 1),
    "nation": ("place/USA.html", 2),
    "state": ("place/USA-48.html", 2),
    "excess": ("excess.html", 1),
    "revisions": ("revisions.html", 1),
    "data": ("data.html", 0),
}


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing_and_the_page_complains_of_nothing(
    kind: str, theme: str, real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    path, charts = KINDS[kind]
    page = open_page(host(real_site) + path, theme=theme)
    drawn(page, charts)
    for details in page.locator("details").all()[:3]:
        details.evaluate("element => { element.open = true; }")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    assert page.evaluate("document.documentElement.lang") == "en"


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_no_page_is_wider_than_the_window(
    kind: str, width: int, real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    path, charts = KINDS[kind]
    page = open_page(host(real_site) + path, width=width)
    drawn(page, charts)
    keep(page, f"{kind}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("kind", KINDS)
def test_pages_open_from_a_disk(kind: str, real_site: Path, open_page: Callable[..., Page]) -> None:
    path, charts = KINDS[kind]
    page = open_page((real_site / path).as_uri())
    drawn(page, charts)
    page.get_by_role("link", name="Data", exact=True).click()
    assert page.locator("h1").inner_text() == "The data"


@pytest.mark.parametrize("kind", KINDS)
def test_without_scripts_a_page_says_what_it_is_and_leads_to_the_files(
    kind: str, real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + KINDS[kind][0], java_script_enabled=False)
    text = page.locator("body").inner_text()
    assert "Data from The New York Times" in text
    assert "As of " in text or "as of " in text
    page.click("footer >> text=Every file")
    assert page.locator("a[href='us-states.csv']").is_visible()


def test_the_theme_is_the_readers_and_stays(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "index.html", theme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    dark = page.evaluate(ground)
    assert light != dark
    page.goto(host(real_site) + "place/USA-36.html")
    assert page.evaluate(ground) == dark


def test_the_table_of_states_sorts_by_keyboard(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "index.html")
    first = "table.places tbody tr:first-child th"
    head = page.get_by_role("button", name="All deaths")
    head.focus()
    page.keyboard.press("Enter")
    assert page.locator(first).inner_text() == "California"
    page.keyboard.press("Enter")
    assert page.locator(first).inner_text() == "American Samoa"
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("All deaths")
    page.get_by_role("button", name="Place").click()
    assert page.locator(first).inner_text() == "Alabama"


def test_the_keys_move_from_day_to_day_and_say_what_is_there(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "place/USA-48.html")
    drawn(page, 2)
    page.locator("#days-cases-canvas").focus()
    page.keyboard.press("End")
    live = page.locator("#days-cases-live")
    assert live.inner_text().startswith("Mar 24, 2023: ")
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    assert live.inner_text().startswith("Mar 15, 2023: 87,445 new cases, left out of averages")
    assert "Texas finalized case and death counts for 2021" in live.inner_text()


def test_the_pointer_reads_a_day(real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]) -> None:
    page = open_page(host(real_site) + "place/USA-48.html")
    drawn(page, 2)
    drawing = page.locator("#days-cases-canvas svg")
    box = drawing.bounding_box()
    assert box is not None
    drawing.hover(position={"x": box["width"] - 10, "y": 100}, force=True)
    assert "Average" in page.locator("#days-cases .readout").inner_text()
    page.mouse.move(5, 5)
    assert page.locator("#days-cases .readout").is_hidden()


def test_the_page_of_revisions_shows_what_was_known_then(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "revisions.html?place=USA-29&metric=cases&show=all")
    drawn(page)
    headline = page.locator("#then-headline")
    expect(headline).to_contain_text("Missouri")
    moments = page.locator("#then-moment option").all_inner_texts()
    assert len(moments) > 10
    page.locator("#then-moment").select_option(label=moments[2])
    expect(headline).to_contain_text(moments[2])
    page.locator("#then details.chart-table > summary").click()
    table = page.locator("#then table")
    expect(table).to_contain_text(moments[2])
    told = headline.inner_text()
    page.reload()
    expect(headline).to_have_text(told)


def test_the_page_of_revisions_says_what_an_address_asks_for_in_vain(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "revisions.html?place=zz&as_of=never")
    drawn(page)
    said = page.locator("#then .chart-notice")
    expect(said).to_have_text("The address asks for a place, as_of that is not here; others are shown.")
    page.locator("#then-show").select_option("all")
    expect(said).to_be_hidden()


def test_a_tile_leads_to_its_state(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "index.html")
    drawn(page, 3)
    page.locator("#tiles-canvas svg text", has_text="WA").first.click(force=True)
    page.wait_for_url("**/place/USA-53.html")
    assert page.locator("h1").inner_text() == "Washington"


def test_a_date_has_the_value_it_had_then_and_the_one_it_has_now(
    small_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(small_site) + "revisions.html?place=USA-53&metric=cases&show=all")
    drawn(page)
    expect(page.locator("#then-headline")).to_have_text("All cases in Washington, as known on May 4, 2020 and now")
    expect(page.locator("#then-subtitle")).to_contain_text("1 of 3 days were changed")
    page.locator("#then details.chart-table > summary").click()
    rows = page.locator("#then table tbody tr")
    expect(rows).to_have_count(3)
    assert [row.inner_text().split("\t") for row in rows.all()] == [
        ["2020-05-03", "70", "70", "0"],
        ["2020-05-02", "55", "58", "3"],
        ["2020-05-01", "40", "40", "0"],
    ]
    page.locator("#then-canvas").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.locator("#then-live").inner_text() == "May 2, 2020: 55 as known on May 4, 2020, 58 now."


def test_one_chart_of_a_page_is_shown_alone_where_it_is_embedded(
    real_site: Path, host: Callable[[Path], str], open_page: Callable[..., Page]
) -> None:
    page = open_page(host(real_site) + "place/USA-48.html")
    drawn(page, 2)
    page.locator("#days-deaths details.embed > summary").click()
    line = page.locator("#days-deaths textarea")
    expect(line).not_to_have_value("")
    frame = line.input_value()
    address = frame.split('src="')[1].split('"')[0].replace("&amp;", "&")
    page.goto(address)
    drawn(page, 2)
    assert page.locator("#days-deaths").is_visible()
    assert page.locator("#days-cases, h1, nav, footer, #how, #anomalies").filter(visible=True).count() == 0
