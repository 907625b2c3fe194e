"""The page that compares places, in a browser; every defect of the page it follows has a test here."""

import datetime as dt
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from reading import canvas, chosen, downloaded, ground, pick, rows_of, settled, texts
from sites import EASTERN, built, drawn, keep
from tallybook import gazetteer
from tallybook.charts.style import PLACES

Opener = Callable[..., Page]
FIRST = ["CA", "FL", "HI", "IL", "LA", "MI", "NJ", "NY", "PA", "WA"]


@pytest.fixture
def opened(real_site: Path, host: Callable[[Path], str], open_page: Opener) -> Opener:
    """Open the page of the real record with a query."""

    def at(query: str = "", **options: object) -> Page:
        page = open_page(f"{host(real_site)}compare.html{query}", **options)
        drawn(page)
        settled(page)
        return page

    return at


@pytest.fixture(scope="session")
def totals(real_site: Path) -> pl.DataFrame:
    return pl.read_parquet(real_site / "us-states.parquet")


def test_ten_states_are_shown_first_each_named_at_its_end_and_no_name_hides_another(opened: Opener) -> None:
    page = opened()
    assert sorted(text for text in texts(page) if re.fullmatch("[A-Z]{2}", text)) == FIRST
    boxes = [
        box.bounding_box()
        for box in page.locator(".chart-drawing svg text").all()
        if re.fullmatch("[A-Z]{2}", box.text_content() or "")
    ]
    ends = sorted((box["y"], box["y"] + box["height"]) for box in boxes if box)
    assert all(lower >= upper - 2 for (_, upper), (lower, _) in pairwise(ends))
    keep(page, "compare")


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_day_numbers_are_whole_and_the_same_in_every_time_zone(zone: str, opened: Opener) -> None:
    rows = rows_of(opened("?places=WA,NY", timezone_id=zone))
    days = rows.with_columns(pl.col("date").str.to_date())
    assert days["day_of_outbreak"].dtype == pl.Int64
    # Clocks went forward on 8 March 2020 and back on 1 November.
    for place, first in (("Washington", dt.date(2020, 2, 27)), ("New York", dt.date(2020, 3, 1))):
        own = days.filter(place=place)
        assert own["date"][0] == first
        assert own["day_of_outbreak"].to_list() == list(range(1, own.height + 1))
        assert (own["date"].diff().drop_nulls() == dt.timedelta(days=1)).all()


def test_new_cases_of_day_1_are_its_own(opened: Opener, totals: pl.DataFrame) -> None:
    rows = rows_of(opened("?places=CA,WA&measure=new_cases"))
    for name in ("California", "Washington"):
        own = totals.filter(state=name).sort("date").with_columns(new=pl.col("cases").diff().fill_null(pl.col("cases")))
        first = own.filter(pl.col("date") >= dt.date(2020, 2, 27)).row(0, named=True)
        shown = rows.filter(place=name, day_of_outbreak=1).row(0, named=True)
        assert (shown["date"], shown["new_cases"]) == (str(first["date"]), first["new"])
        assert first["cases"] > first["new"] or name == "Washington"


def test_a_line_ends_at_the_last_day_of_its_place(
    tmp_path: Path, host: Callable[[Path], str], open_page: Opener
) -> None:
    book = built(tmp_path / "book")
    days = [f"2020-05-0{day}" for day in range(1, 6)]
    rows = [f"{day},Washington,53,{10 * at + 10},1" for at, day in enumerate(days)]
    rows += [f"{day},New York,36,{20 * at + 10},1" for at, day in enumerate(days[:3])]
    (tmp_path / "us-states.csv").write_text("date,state,fips,cases,deaths\n" + "\n".join(rows) + "\n")
    book.record("nyt", tmp_path / "us-states.csv", as_of=dt.datetime(2020, 5, 6, 9, tzinfo=EASTERN))
    page = open_page(host(book.publish().folder) + "compare.html?places=NY,WA")
    drawn(page)
    shown = rows_of(page).group_by("place").agg(pl.col("date").max(), pl.col("day_of_outbreak").max())
    assert dict(shown.select("place", "date").rows()) == {"New York": "2020-05-03", "Washington": "2020-05-05"}
    canvas(page).focus()
    page.keyboard.press("End")
    assert "New York" not in page.locator(".readout").inner_text()


def test_every_measure_shows_the_figures_of_the_release(opened: Opener, real_site: Path, totals: pl.DataFrame) -> None:
    page = opened("?places=WA&x=date")
    averages = (
        pl.read_csv(real_site / "rolling-averages/us-states.csv", infer_schema_length=None)
        .filter(state="Washington")
        .sort("date")
    )
    own = totals.filter(state="Washington").sort("date")
    people = gazetteer()["USA-53"].population or 0
    expected = {
        "cases": own["cases"],
        "deaths_per_1000": own["deaths"] * 1000 / people,
        "cases_avg": averages["cases_avg"],
        "deaths_avg_per_100k": averages["deaths_avg_per_100k"],
        "new_deaths": own["deaths"].diff().fill_null(own["deaths"][0]),
    }
    for measure, values in expected.items():
        pick(page, "measure", measure)
        page.wait_for_function("(name) => location.search.includes(`measure=${name}`)", arg=measure)
        settled(page)
        shown = rows_of(page)[measure].cast(pl.Float64)
        # A total of 0 has no place on a logarithmic scale.
        known = shown.is_not_null()
        assert known.sum() > 1000
        assert (shown.filter(known) - values.cast(pl.Float64).filter(known)).abs().max() < 1e-9  # type: ignore[operator]


def test_a_logarithmic_axis_has_powers_of_ten_only(opened: Opener) -> None:
    page = opened("?measure=cases&x=date")
    ticks = [text for text in texts(page) if re.fullmatch(r"[\d,.]+( million)?", text)]
    numbers = [float(text.replace(",", "").replace(" million", "e6")) for text in ticks]
    assert len(numbers) >= 3
    assert all(re.fullmatch("10*", f"{number:.0f}") for number in numbers)


def test_switching_the_theme_loses_nothing_and_draws_nothing_anew(opened: Opener) -> None:
    page = opened("?places=NY,WA&measure=deaths_per_1000&at=300")
    page.locator(".chart-drawing svg").evaluate("svg => { svg.dataset.same = 'yes'; }")
    before, read = rows_of(page), page.locator(".readout").inner_text()
    page.locator("#theme").click()
    settled(page)
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert page.locator(".chart-drawing svg").get_attribute("data-same") == "yes"
    assert ground(page) == "rgb(22, 24, 28)"
    assert rows_of(page).equals(before)
    assert page.locator(".readout").inner_text() == read
    assert page.locator("#measure").input_value() == "deaths_per_1000"
    keep(page, "compare-dark")
    page.reload()
    drawn(page)
    assert page.locator("html").get_attribute("data-theme") == "dark"
    assert rows_of(page).equals(before)


def test_paper_is_white(opened: Opener) -> None:
    page = opened(theme="dark")
    assert ground(page) == "rgb(22, 24, 28)"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    settled(page)
    assert ground(page) == "rgb(255, 255, 255)"


def test_the_address_holds_the_whole_state_and_the_back_button_goes_back(opened: Opener) -> None:
    page = opened()
    pick(page, "measure", "cases_avg_per_100k")
    pick(page, "x", "date")
    assert "measure=cases_avg_per_100k" in page.url
    assert "x=date" in page.url
    page.go_back()
    settled(page)
    assert page.locator("#x").input_value() == "day"
    assert page.locator("#measure").input_value() == "cases_avg_per_100k"
    page.go_back()
    settled(page)
    assert page.locator("#measure").input_value() == "cases_per_1000"
    page.go_forward()
    settled(page)
    assert page.locator("#measure").input_value() == "cases_avg_per_100k"


def test_a_broken_address_falls_back_to_the_usual_and_says_so(opened: Opener) -> None:
    page = opened("?places=WA,ZZ&measure=<img src=x>&at=-7&x=date")
    assert chosen(page) == "10 of 56"
    assert page.locator("#measure").input_value() == "cases_per_1000"
    assert page.locator("#x").input_value() == "date"
    said = page.locator(".chart-notice").inner_text()
    assert "places, measure, at" in said
    assert "the usual is shown" in said


def test_colours_and_labels_do_not_depend_on_the_order_of_selection(opened: Opener) -> None:
    one, other = opened("?places=NY,WA,CA"), opened("?places=CA,WA,NY")
    assert downloaded(one, "SVG") == downloaded(other, "SVG")
    page = opened("?places=WA")
    washington = page.locator(".chart-drawing svg text", has_text=re.compile("^WA$"))
    ink = washington.get_attribute("fill")
    page.locator("#places > summary").click()
    page.get_by_role("checkbox", name="Alabama").check()
    settled(page)
    assert "AL" in texts(page)
    assert washington.get_attribute("fill") == ink
    inks = [path.get_attribute("stroke") for path in page.locator(".chart-drawing svg .mark-line path").all()]
    assert len(inks) == 2
    assert ink in inks


def test_pointing_reads_every_line_in_order_a_click_holds_it_and_leaving_hides_it(opened: Opener) -> None:
    page = opened()
    box = canvas(page).bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + 200)
    page.mouse.move(*middle)
    settled(page)
    readout = page.locator(".readout")
    assert readout.is_visible()
    values = [float(text.replace(",", "")) for text in readout.locator("li span").all_text_contents()]
    assert len(values) == 10
    assert values == sorted(values, reverse=True)
    day = readout.locator("strong").inner_text()
    page.mouse.click(*middle)
    page.mouse.move(middle[0] + 200, middle[1])
    settled(page)
    assert readout.locator("strong").inner_text() == day
    assert f"at={day.removeprefix('Day ').replace(',', '')}" in page.url
    page.mouse.click(*middle)
    page.mouse.move(middle[0] + 200, middle[1])
    settled(page)
    assert readout.locator("strong").inner_text() != day
    page.mouse.move(5, 5)
    settled(page)
    assert readout.is_hidden()


def test_the_keyboard_does_all_of_it(opened: Opener) -> None:
    page = opened("?places=NY,WA")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('chart-canvas')"):
            break
    live = page.locator(".chart-live")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    # Washington's outbreak began three days before that of New York, whose line ends on day 1,119.
    assert re.match(r"Day 1,121: Washington [\d.]+, 1 of 1\. Cases per 1,000 people\.", live.inner_text())
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert re.match(r"Day 2 \((Feb 28|Mar 2), 2020\): (Washington|New York) 0", live.inner_text())
    page.keyboard.press("Enter")
    assert "held" in live.inner_text()
    assert "at=2" in page.url
    page.keyboard.press("ArrowRight")
    assert "at=3" in page.url
    page.keyboard.press("Escape")
    assert page.locator(".readout").is_hidden()
    assert "at=" not in page.url


@pytest.mark.parametrize(
    ("batch", "count", "expected"),
    [
        ("most-cases", 3, {"California", "Texas", "Florida"}),
        ("fewest-cases", 1, {"American Samoa"}),
        ("most-people", 4, {"California", "Texas", "Florida", "New York"}),
        ("fewest-people", 2, {"American Samoa", "Northern Mariana Islands"}),
        ("densest", 2, {"District of Columbia", "New Jersey"}),
        (
            "division-New England",
            10,
            {"Connecticut", "Maine", "Massachusetts", "New Hampshire", "Rhode Island", "Vermont"},
        ),
    ],
)
def test_batches_choose_what_they_say(batch: str, count: int, expected: set[str], opened: Opener) -> None:
    page = opened()
    page.locator("#places > summary").click()
    page.locator("#batch").select_option(batch)
    if page.locator("#count").is_visible():
        page.locator("#count").fill(str(count))
    page.locator("#take").click()
    settled(page)
    assert set(rows_of(page)["place"]) == expected


def test_batches_per_head_and_of_regions_are_those_of_the_release(opened: Opener, totals: pl.DataFrame) -> None:
    page = opened()
    page.locator("#places > summary").click()
    people = gazetteer().frame.select("geoid", "population", "region")
    last = (
        totals.sort("date")
        .group_by("geoid")
        .last()
        .join(people, on="geoid")
        .with_columns(rate=pl.col("cases") / pl.col("population"))
    )
    for batch, expected in (
        ("most-rate", last.top_k(5, by="rate")["geoid"]),
        ("fewest-rate", last.bottom_k(5, by="rate")["geoid"]),
        ("region-South", last.filter(region="South")["geoid"]),
    ):
        page.locator("#batch").select_option(batch)
        if page.locator("#count").is_visible():
            page.locator("#count").fill("5")
        page.locator("#take").click()
        settled(page)
        assert set(rows_of(page)["geoid"]) == set(expected)


def test_places_are_chosen_one_by_one_by_typing_all_and_none(opened: Opener) -> None:
    page = opened()
    page.locator("#places > summary").click()
    search = page.get_by_label("Find a place")
    search.fill("wyom")
    assert (
        page.locator(".picker-list label:visible").all_inner_texts() == [" Wyoming"]
        or page.locator(".picker-list label:visible").count() == 1
    )
    search.press("Enter")
    settled(page)
    assert chosen(page) == "11 of 56"
    search.fill("ny")
    search.press("Enter")
    settled(page)
    assert "New York" not in set(rows_of(page)["place"])
    page.locator("#all").click()
    settled(page)
    assert chosen(page) == "56 of 56"
    assert len([text for text in texts(page) if re.fullmatch("[A-Z]{2}", text)]) == 56
    page.locator("#none").click()
    settled(page)
    assert "No place is chosen" in page.locator(".chart-notice").inner_text()
    assert rows_of(page).height == 0
    page.locator("#reset").click()
    settled(page)
    assert chosen(page) == "10 of 56"
    assert page.url.endswith("compare.html")


def test_day_1_can_be_another(opened: Opener, totals: pl.DataFrame) -> None:
    page = opened("?places=WA&measure=cases&start=cases&least=1000")
    first = totals.filter(pl.col("cases") >= 1000, state="Washington")["date"].min()
    assert rows_of(page).row(0, named=True)["date"] == str(first)
    assert "the first day with 1,000 cases" in page.locator(".chart-subtitle").inner_text()
    pick(page, "start", "first")
    assert rows_of(page).row(0, named=True)["date"] == "2020-01-21"


def test_pictures_have_title_source_licence_date_and_what_is_read(opened: Opener) -> None:
    page = opened("?places=NY,WA&at=300")
    svg = downloaded(page, "SVG").decode()
    written = " ".join(re.findall(r">([^<]+)</t", svg))
    for part in (
        "Cases per 1,000 people in New York and Washington",
        "Source: Data from The New York Times",
        "Licence:",
        "As of",
        "Day 300:",
    ):
        assert part in written, part
    lines = page.locator(".chart-drawing svg .mark-line path").all()
    assert len(lines) == 2
    assert all(f'd="{path.get_attribute("d")}"' in svg for path in lines)
    png = downloaded(page, "PNG")
    assert png.startswith(b"\x89PNG")
    width = int.from_bytes(png[16:20], "big")
    assert width >= 2 * 1000
    rows = rows_of(page)
    assert set(rows["place"]) == {"New York", "Washington"}
    assert rows.columns == ["geoid", "place", "date", "day_of_outbreak", "cases_per_1000"]


def test_the_numbers_are_in_a_table_and_the_chart_can_be_shown_elsewhere(opened: Opener) -> None:
    page = opened("?places=WA")
    page.get_by_text("Show the numbers as a table").click()
    cells = page.locator(".chart-table tbody tr").first.locator("td").all_inner_texts()
    assert cells[:4] == ["USA-53", "Washington", "2020-02-27", "1"]
    page.get_by_text("Embed", exact=True).click()
    expect(page.locator(".embed textarea")).to_have_value(re.compile("iframe"))
    snippet = page.locator(".embed textarea").input_value()
    assert re.match(
        r'<iframe src="http://127\.0\.0\.1:\d+/[^"]*compare\.html\?places=WA&amp;embed=1#compare" title=', snippet
    )
    inner = opened("?places=WA&embed=1")
    assert inner.locator("nav").is_hidden()
    assert inner.locator("h1").is_hidden()
    assert inner.locator(".chart-drawing svg").is_visible()
    assert "Source:" in inner.locator(".chart-source").inner_text()


@pytest.mark.parametrize("width", [360, 768])
def test_the_chart_follows_the_width_of_the_window(width: int, opened: Opener) -> None:
    page = opened()
    page.set_viewport_size({"width": width, "height": 800})
    settled(page)
    box = page.locator(".chart-drawing svg").bounding_box()
    assert box is not None
    assert box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "WA" in texts(page)
    keep(page, f"compare-{width}")


def test_it_opens_from_a_disk(real_site: Path, open_page: Opener) -> None:
    page = open_page((real_site / "compare.html").as_uri() + "?places=WA,NY")
    drawn(page)
    pick(page, "measure", "cases_avg")
    page.wait_for_function("() => document.querySelector('.chart-headline').textContent.includes('rolling average')")
    assert chosen(page) == "2 of 56"
    page.reload()
    drawn(page)
    assert page.locator("#measure").input_value() == "cases_avg"
    assert chosen(page) == "2 of 56"


def test_nothing_but_the_page_itself_is_loaded_and_that_is_small(opened: Opener) -> None:
    import gzip

    page = opened()
    loaded = page.evaluate("[...performance.getEntriesByType('resource')].map((entry) => entry.name)")
    assert loaded
    assert all(address.startswith("http://127.0.0.1:") for address in loaded)
    sizes = [len(gzip.compress(page.request.get(address).body(), 9)) for address in [page.url, *loaded]]
    assert sum(sizes) < 500_000
    assert len(PLACES) == 10
