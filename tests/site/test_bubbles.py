"""The page of bubbles, in a browser; every defect of the page it follows has a test here."""

import datetime as dt
import math
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page

from reading import canvas, circles, downloaded, ground, pick, rows_of, settled, texts
from sites import EASTERN, built, drawn, keep
from tallybook import gazetteer
from tallybook.charts.style import DIVISIONS, REGIONS

Opener = Callable[..., Page]


@pytest.fixture
def opened(real_site: Path, host: Callable[[Path], str], open_page: Opener) -> Opener:
    """Open the page of the real record with a query."""

    def at(query: str = "", **options: object) -> Page:
        page = open_page(f"{host(real_site)}bubbles.html{query}", **options)
        drawn(page)
        settled(page)
        return page

    return at


def test_the_area_of_a_bubble_and_not_its_radius_is_its_population(opened: Opener) -> None:
    page = opened()
    rows, drawings = rows_of(page), circles(page)
    assert rows.height == len(drawings) == 56
    people = rows["population"].to_list()
    for (_, _, radius, _), population in zip(drawings, people, strict=True):
        assert radius**2 / drawings[0][2] ** 2 == pytest.approx(population / people[0], rel=0.01)
    keep(page, "bubbles")


def test_each_readout_is_of_the_bubble_below_the_pointer(opened: Opener) -> None:
    page = opened("?size=none")
    rows, drawings = rows_of(page), circles(page)
    seen = 0
    for row, (x, y, _, _) in list(zip(rows.to_dicts(), drawings, strict=True))[::5]:
        near = [other for other in drawings if math.hypot(other[0] - x, other[1] - y) < 12]
        if len(near) > 1:
            continue
        page.mouse.move(x, y)
        settled(page)
        lines = page.locator(".readout li span").all_inner_texts()
        assert page.locator(".readout strong").inner_text() == row["place"]
        assert float(lines[0].replace(",", "")) == pytest.approx(row["cases_per_1000"], abs=0.06)
        assert float(lines[1]) == pytest.approx(row["deaths_per_1000"], abs=0.006)
        seen += 1
    assert seen >= 5
    page.mouse.move(3, 3)
    settled(page)
    assert page.locator(".readout").is_hidden()


def test_colours_are_of_regions_or_divisions_each_with_one_name(opened: Opener) -> None:
    page = opened()
    assert set(REGIONS) <= set(texts(page))
    pick(page, "colour", "division")
    names = [text for text in texts(page) if text in DIVISIONS or "Central" in text or "Atlantic" in text]
    assert sorted(names) == sorted(DIVISIONS)
    inks: dict[str, set[str]] = {}
    for row, (_, _, _, ink) in zip(rows_of(page).to_dicts(), circles(page), strict=True):
        inks.setdefault(row["division"], set()).add(ink)
    assert all(len(found) == 1 for found in inks.values())
    assert len(set.union(*inks.values())) == len(inks) == len(DIVISIONS)


def test_the_slider_ends_with_the_data_and_an_address_beyond_it_is_refused(opened: Opener) -> None:
    page = opened("?day=2023-03-25")
    assert "unknown of day" in page.locator(".chart-notice").inner_text()
    assert page.locator("#date").inner_text() == "Mar 24, 2023"
    slider = page.locator("#day")
    last = (dt.date(2023, 3, 24) - dt.date(1970, 1, 1)).days
    assert (slider.get_attribute("max"), slider.input_value()) == (str(last), str(last))
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == str(last)
    page.keyboard.press("ArrowLeft")
    settled(page)
    assert "Mar 23, 2023" in texts(page)
    assert "day=2023-03-23" in page.url


def test_filters_that_leave_nothing_say_so_and_show_nothing(opened: Opener) -> None:
    page = opened("?region=South&division=Pacific")
    assert "No place passes all filters" in page.locator(".chart-notice").inner_text()
    assert page.locator("#left").inner_text() == "0 of 56 places"
    assert circles(page) == []
    assert rows_of(page).height == 0
    page.locator("#filters > summary").click()
    page.locator("#unfilter").click()
    settled(page)
    assert len(circles(page)) == 56
    assert page.locator(".chart-notice").is_hidden()


def test_filters_combine(opened: Opener) -> None:
    page = opened("?region=Northeast&population=5000000..&rank=top:20:density")
    places = (
        gazetteer().frame.filter(level="state").with_columns(density=pl.col("population") / pl.col("land_area_km2"))
    )
    densest = places.top_k(20, by="density")["geoid"].implode()
    left = places.filter(pl.col("geoid").is_in(densest), pl.col("population") >= 5_000_000, region="Northeast")
    assert set(rows_of(page)["geoid"]) == set(left["geoid"])
    page.locator("#filters > summary").click()
    assert page.get_by_role("checkbox", name="Northeast").is_checked()
    page.locator("#population-from").fill("10000000")
    page.locator("#population-from").press("Enter")
    settled(page)
    assert set(rows_of(page)["place"]) == {"New York", "Pennsylvania"}
    assert "population=10000000.." in page.url


def test_montana_is_left_out_of_filters_of_gdp_and_counted(opened: Opener) -> None:
    page = opened("?gdp=0..")
    rows = rows_of(page)
    assert rows.height == 50
    assert "Montana" not in set(rows["place"])
    said = page.locator("#lacking").inner_text()
    assert "6 places left out, without GDP figure" in said
    assert "Montana" in said
    page = opened("?size=gdp")
    rows = rows_of(page)
    missouri = rows.filter(place="Missouri")["gdp"].item()
    assert missouri == gazetteer()["USA-29"].gdp_2019_musd
    assert "Montana" not in set(rows["place"])
    assert page.locator("#left").inner_text() == "50 of 56 places"


def test_playing_goes_through_the_days_pauses_and_stops_at_the_last(opened: Opener) -> None:
    page = opened("?day=2021-01-01")
    page.locator("#speed").select_option("120")
    page.locator("#play").click()
    page.wait_for_function("() => Number(document.getElementById('day').value) > 18650")
    assert page.locator("#play").inner_text() == "Pause"
    page.locator("#play").click()
    held = page.locator("#day").input_value()
    settled(page)
    assert page.locator("#day").input_value() == held
    assert page.locator("#play").inner_text() == "Play"
    assert page.locator("#date").inner_text() in page.locator(".chart-subtitle").inner_text()
    assert page.locator("#date").inner_text() in texts(page)
    page = opened("?day=2023-03-01")
    page.locator("#play").click()
    page.wait_for_function("() => document.getElementById('date').textContent === 'Mar 24, 2023'")
    page.wait_for_function("() => document.getElementById('play').textContent === 'Play'")
    assert "day=" not in page.url


def test_a_click_selects_and_gives_a_trail_and_the_rest_is_as_faint_as_wanted(opened: Opener) -> None:
    page = opened("?size=none&x=cases&y=deaths")
    rows, drawings = rows_of(page), circles(page)
    california = rows["place"].to_list().index("California")
    page.mouse.click(*drawings[california][:2])
    settled(page)
    assert "selected=USA-06" in page.url
    assert page.locator(".chart-drawing svg .mark-line path").count() == 1
    shades = page.locator(".chart-drawing svg .mark-symbol.role-mark path")
    opacities = [float(path.get_attribute("opacity") or 1) for path in shades.all()]
    assert sorted(set(opacities)) == [0.2, 0.82]
    assert opacities.count(0.82) == 1
    page.locator("#places > summary").click()
    page.locator("#faint").fill("0.5")
    settled(page)
    assert {float(path.get_attribute("opacity") or 1) for path in shades.all()} == {0.5, 0.82}
    assert "CA" in texts(page)
    x, y = circles(page)[california][:2]
    page.mouse.click(x, y)
    settled(page)
    assert "selected" not in page.url


def test_the_keyboard_does_all_of_it(opened: Opener) -> None:
    page = opened("?day=2021-03-03")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('chart-canvas')"):
            break
    live = page.locator(".chart-live")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.chart-live').textContent.startsWith('Mar 4, 2021')")
    page.keyboard.press("ArrowDown")
    assert re.match(r"Mar 4, 2021\. New Jersey: Cases per 1,000 people [\d.]+; Deaths", live.inner_text())
    page.keyboard.press("ArrowDown")
    assert "New Jersey" not in live.inner_text()
    page.keyboard.press("Enter")
    settled(page)
    assert "selected=USA-" in page.url
    page.keyboard.press("Escape")
    assert page.locator(".readout").is_hidden()


def test_switching_the_theme_and_reloading_lose_nothing(opened: Opener) -> None:
    query = "?x=cases&xscale=log&y=deaths&yscale=log&size=density&colour=division&day=2020-12-25&selected=USA-06,USA-36"
    page = opened(query)
    before = rows_of(page)
    assert before["date"].unique().to_list() == ["2020-12-25"]
    page.locator("#theme").click()
    settled(page)
    assert ground(page) == "rgb(22, 24, 28)"
    assert rows_of(page).equals(before)
    keep(page, "bubbles-dark")
    page.reload()
    drawn(page)
    settled(page)
    assert rows_of(page).equals(before)
    for control, value in {"x": "cases", "yscale": "log", "size": "density", "colour": "division"}.items():
        assert page.locator(f"#{control}").input_value() == value
    pick(page, "size", "none")
    page.go_back()
    settled(page)
    assert page.locator("#size").input_value() == "density"
    ticks = [text for text in texts(page) if re.fullmatch(r"[\d,]+( million)?", text)]
    assert ticks
    assert all(re.fullmatch(r"10*( million)?", text.replace(",", "")) for text in ticks)


def test_pictures_have_title_source_licence_and_the_same_bubbles(opened: Opener) -> None:
    page = opened("?day=2021-03-03&selected=USA-36")
    svg = downloaded(page, "SVG").decode()
    written = " ".join(re.findall(r">([^<]+)</t", svg))
    for part in (
        "Deaths per 1,000 people against cases",
        "Mar 3, 2021",
        "Source: Data from The New York Times",
        "Licence:",
    ):
        assert part in written, part
    paths = page.locator(".chart-drawing svg .mark-symbol.role-mark path").all()
    assert paths
    assert all(f'd="{path.get_attribute("d")}"' in svg for path in paths)
    assert downloaded(page, "PNG").startswith(b"\x89PNG")


@pytest.mark.parametrize("width", [360, 768])
def test_bubbles_follow_the_width_of_the_window(width: int, opened: Opener) -> None:
    page = opened()
    largest = circles(page)[0][2]
    page.set_viewport_size({"width": width, "height": 800})
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert circles(page)[0][2] <= largest
    box = canvas(page).bounding_box()
    assert box is not None
    assert all(box["x"] <= x <= box["x"] + box["width"] for x, _, _, _ in circles(page))
    axes = page.locator("#axes summary")
    assert axes.is_visible() == (width == 360)
    assert page.locator("#x").is_visible() == (width == 768)
    if width == 360:  # the choices wait behind a line, for keys too
        axes.press("Enter")
        pick(page, "x", "cases")
        assert "x=cases" in page.url
        page.set_viewport_size({"width": 768, "height": 800})
        assert page.locator("#x").is_visible()
        page.set_viewport_size({"width": width, "height": 800})
    keep(page, f"bubbles-{width}")


def test_without_motion_weeks_are_shown_one_after_the_other(opened: Opener) -> None:
    page = opened("?day=2021-01-01", reduced_motion="reduce")
    page.locator("#play").click()
    page.wait_for_function("() => document.getElementById('date').textContent === 'Jan 8, 2021'", timeout=5_000)
    page.locator("#play").click()


def test_a_single_day_and_places_without_people_make_sense(
    tmp_path: Path, host: Callable[[Path], str], open_page: Opener
) -> None:
    book = built(tmp_path / "book")
    (book.folder / "places.csv").write_text("geoid,population\nUSA-53,\n")
    (tmp_path / "us-states.csv").write_text(
        "date,state,fips,cases,deaths\n2020-05-01,Washington,53,10,1\n2020-05-01,New York,36,20,2\n"
    )
    book = type(book)(book.folder)
    book.record("nyt", tmp_path / "us-states.csv", as_of=dt.datetime(2020, 5, 2, 9, tzinfo=EASTERN))
    page = open_page(host(book.publish().folder) + "bubbles.html")
    drawn(page)
    settled(page)
    assert rows_of(page)["place"].to_list() == ["New York"]
    assert "1 place left out, without population: Washington" in page.locator("#lacking").inner_text()
    pick(page, "size", "none")
    pick(page, "x", "cases")
    pick(page, "y", "deaths")
    assert set(rows_of(page)["place"]) == {"New York", "Washington"}


def test_places_of_no_region_have_one_colour_and_nothing_is_said_of_regions(
    tmp_path: Path, host: Callable[[Path], str], open_page: Opener
) -> None:
    book = built(tmp_path / "book", levels=("nation",))
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-05-01,100,4\n2020-05-02,130,5\n")
    book.record("nyt", tmp_path / "us.csv", as_of=dt.datetime(2020, 5, 3, 9, tzinfo=EASTERN))
    address = host(book.publish().folder)
    page = open_page(f"{address}bubbles.html")
    drawn(page)
    settled(page)
    assert len(circles(page)) == 1
    assert rows_of(page).row(0)[:3] == ("USA", "United States", "All places")
    assert "Census" not in page.locator(".chart-subtitle").inner_text()
    assert page.locator("#colour").is_hidden()
    lines = open_page(f"{address}compare.html")
    drawn(lines)
    settled(lines)
    assert "US" in texts(lines)
    assert rows_of(lines)["day_of_outbreak"].to_list() == [1, 2]
