"""What is built: every link leads somewhere, every page is strict, numbers are those of the release."""

import datetime as dt
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
import pytest

from sites import COUNTIES, EASTERN, HOSTILE, built
from tallybook import Book
from tallybook.measures.rates import half_up
from tallybook.model.policy import CONTENT_SECURITY_POLICY
from tallybook.site.build import build_site
from tallybook.site.page import EXCESS_FILE, EXCESS_PAGE, NAV

DATA = ("application/json", "application/ld+json")
"""What a script may be that is not run."""


class Parsed(HTMLParser):
    """The links, ids and elements of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def all(self, name: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


@pytest.mark.parametrize("which", ["real_site", "small_site"])
def test_every_link_leads_to_a_file_and_every_fragment_to_an_element(
    which: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(which)
    parsed = {page: Parsed(page) for page in pages(folder)}
    broken = []
    for page, content in parsed.items():
        for link in [*content.all("href"), *content.all("src")]:
            address = urlsplit(link)
            if address.scheme:
                continue
            target = (page.parent / unquote(address.path)).resolve() if address.path else page
            if (
                not target.is_file()
                or folder.resolve() not in target.parents
                or (address.fragment and target in parsed and unquote(address.fragment) not in parsed[target].all("id"))
            ):
                broken.append((page.name, link))
    assert broken == []
    assert len(parsed) > 5


@pytest.mark.parametrize("which", ["real_site", "small_site"])
def test_every_page_is_strict_and_has_what_a_page_needs(which: str, request: pytest.FixtureRequest) -> None:
    for page in pages(request.getfixturevalue(which)):
        content = Parsed(page)
        metas = {
            attributes.get("name") or attributes.get("http-equiv"): attributes.get("content")
            for tag, attributes in content.elements
            if tag == "meta"
        }
        assert metas["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert metas["description"]
        assert ("html", {"lang": "en"}) in content.elements
        tags = [tag for tag, _ in content.elements]
        assert tags.count("title") == 1
        assert tags.count("h1") == 1
        assert "style" not in tags
        assert not content.all("style")
        assert not [name for _, attributes in content.elements for name in attributes if name.startswith("on")]
        scripts = [attributes for tag, attributes in content.elements if tag == "script"]
        assert all("src" in attributes or attributes.get("type") in DATA for attributes in scripts)
        ids = content.all("id")
        assert len(ids) == len(set(ids)), page


@pytest.mark.parametrize("name", ["index.html", "data.html"])
@pytest.mark.parametrize("which", ["real_site", "small_site"])
def test_search_engines_are_told_what_the_dataset_is(which: str, name: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(which)
    card = json.loads((folder / "release.json").read_text())
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', (folder / name).read_text(), re.DOTALL)
    said = json.loads(found[0])
    assert len(found) == 1
    assert (said["@context"], said["@type"], said["name"]) == ("https://schema.org/", "Dataset", card["title"])
    assert 50 <= len(said["description"]) <= 5000
    assert said["creditText"] == card["attribution"]
    assert said["conditionsOfAccess"] == "Non-commercial use only"
    assert said["license"].startswith("https://")
    assert {"deaths_avg_per_100k": "per 100,000 people a day"}.items() <= {
        one["name"]: one["unitText"] for one in said["variableMeasured"]
    }.items()
    tables = {file["path"] for file in card["files"] if file["rows"] is not None}
    assert {one["contentUrl"] for one in said["distribution"]} == tables
    assert all(re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", one["encodingFormat"]) for one in said["distribution"])


def test_what_a_source_asks_for_stands_on_every_page_and_below_every_chart(tmp_path: Path) -> None:
    made = Book.init(tmp_path / "book", template="plain")
    card = made.folder / "sources/agency.md"
    card.write_text(card.read_text().replace("license: CC-BY-4.0", "license: CC-BY-NC-4.0\nattribution: The Agency"))
    (tmp_path / "us-states.csv").write_text(
        "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n2020-05-02,Ohio,39,9,1\n"
    )
    made.record("agency", tmp_path / "us-states.csv")
    out = made.publish().folder
    for page in [page for page in pages(out) if page.name != "404.html"]:
        text = page.read_text()
        footer, charts = text[text.index('<footer class="site-foot">') :], re.findall(r'class="chart-source".*', text)
        for said in (footer, *charts):
            assert "CC-BY-4.0; non-commercial use only, as The Agency asks" in said
            assert "based on reports of health agencies; The Agency" in said
    assert "<strong>Non-commercial use only.</strong>" in (out / "data.html").read_text()
    assert 'class="chart-source"' in (out / "place/USA-39.html").read_text()
    workbook = '<a href="us-states.xlsx">us-states.xlsx</a> opens in Excel'
    assert workbook in (out / "data.html").read_text()


def test_the_menu_says_where_one_is(real_site: Path) -> None:
    for path, _ in NAV:
        current = [attributes for _, attributes in Parsed(real_site / path).elements if "aria-current" in attributes]
        assert [attributes["href"] for attributes in current] == [path]


def test_excess_deaths_are_in_the_menu_where_there_are_any(real_site: Path, small_site: Path) -> None:
    for folder, any_there in ((real_site, True), (small_site, False)):
        links = {attributes["href"] for _, attributes in Parsed(folder / "index.html").elements if "href" in attributes}
        assert (EXCESS_PAGE in links) == any_there == (folder / EXCESS_PAGE).exists()


def test_there_is_a_page_for_every_place_and_no_other(real_site: Path) -> None:
    places = pl.read_parquet(real_site / "places.parquet")["geoid"].to_list()
    assert {page.stem for page in (real_site / "place").iterdir()} == set(places)
    assert len(places) == 57


def test_hostile_words_stay_words(small_site: Path) -> None:
    text = (small_site / "place/USA-53.html").read_text()
    assert "<img" not in text
    assert text.count("</script>") == text.count("<script")
    assert "&lt;img src=x onerror=" in text
    data = json.loads(re.findall(r'id="place-data">(.*?)</script>', text, re.DOTALL)[0])
    assert data["metrics"]["cases"]["anomalies"][0]["text"] == HOSTILE


def test_the_sums_of_a_page_are_those_that_explain_shows(shared_data: Path, tmp_path: Path) -> None:
    book = built(tmp_path / "book")
    book.record("nyt", shared_data / "nyt", as_of=dt.datetime(2023, 3, 24, 2, tzinfo=EASTERN))
    release = book.publish()
    last = pl.read_csv(release.folder / "us-states.csv", try_parse_dates=True)["date"].max()
    assert isinstance(last, dt.date)
    for geoid in ("USA-48", "USA-31", "USA-66", "USA-18"):
        text = (release.folder / f"place/{geoid}.html").read_text()
        for metric in ("cases", "deaths"):
            why = book.explain(geoid, last, metric)
            days = f"{why.window_days} day{'s' if why.window_days > 1 else ''}"
            sums = f"{why.total:,} {metric} ÷ {days} = <strong>{why.average:,.2f} a day</strong>"
            assert sums in text
    assert (
        f"{half_up(book.explain('USA', last, 'cases').average):,.2f} a day"
        in (release.folder / "place/USA.html").read_text()
    )


def test_notes_about_other_places_are_left_out(real_site: Path) -> None:
    told = {
        geoid: "Joplin, Missouri" in (real_site / f"place/{geoid}.html").read_text()
        for geoid in ("USA", "USA-29", "USA-53")
    }
    assert told == {"USA": True, "USA-29": True, "USA-53": False}


DATED = pl.Schema({"start_date": pl.Date(), "end_date": pl.Date(), "month": pl.Int64()})


def excess_text(extended: pl.DataFrame, site: Path, at: Path) -> str:
    """Return the words of the page of excess deaths that a release with this file has."""
    folder = shutil.copytree(site, at / "release")
    (folder / "excess-deaths").mkdir()
    extended.write_parquet(folder / EXCESS_FILE)
    card = json.loads((folder / "release.json").read_text())
    card["files"].append({"path": EXCESS_FILE, "rows": extended.height, "bytes": 1, "sha256": ""})
    (folder / "release.json").write_text(json.dumps(card))
    build_site(folder, folder)
    return re.sub(r"<[^>]+>|\s+", " ", (folder / "excess.html").read_text())


@pytest.mark.parametrize("month", [None, 1])
def test_weeks_without_dates_are_summed_up_in_their_order(month: int | None, small_site: Path, tmp_path: Path) -> None:
    weeks = pl.DataFrame({"week": range(1, 54)}).with_columns(
        country=pl.lit("Peru"),
        placename=pl.lit(None, pl.String),
        frequency=pl.lit("weekly"),
        start_date=pl.lit(None),
        end_date=pl.lit(None),
        year=pl.lit("2020"),
        month=pl.lit(month),
        deaths=pl.lit(11),
        expected_deaths=pl.lit(10.0),
        expected_low=pl.lit(8.0),
        expected_high=pl.lit(12.0),
        cumulative_excess=pl.col("week").cast(pl.Float64),
        cumulative_excess_low=pl.col("week") - 40.0,
        cumulative_excess_high=pl.col("week") + 40.0,
        baseline_years=pl.lit("2015-2019"),
        model=pl.lit("linear trend"),
        remark=pl.lit(None, pl.String),
    )
    text = excess_text(
        weeks.reverse().with_columns(pl.col(name).cast(dtype) for name, dtype in DATED.items()), small_site, tmp_path
    )
    assert re.search(r"Peru\s+Dec 30, 2019 to Jan 3, 2021, weekly\s+583\s+530\s+\+53\s+\+13 to \+93\s+10.0%", text)


def test_excess_deaths_are_shown_where_the_release_has_them(small_site: Path, tmp_path: Path) -> None:
    weeks = {
        "country": ["Austria", "Austria", "Turkey"],
        "placename": [None, None, "Istanbul"],
        "frequency": ["weekly", "weekly", "monthly"],
        "start_date": [dt.date(2020, 1, 6), dt.date(2020, 1, 13), None],
        "end_date": [dt.date(2020, 1, 12), dt.date(2020, 1, 19), None],
        "year": ["2020"] * 3,
        "month": [1, 1, 3],
        "week": [2, 3, None],
        "deaths": [1702, 1900, 7000],
        "expected_deaths": [1806.0, 1800.0, None],
        "expected_low": [1700.0, 1710.0, None],
        "expected_high": [1910.0, 1920.0, None],
        "cumulative_excess": [-104.0, -4.0, None],
        "cumulative_excess_low": [-200.0, -150.0, None],
        "cumulative_excess_high": [0.0, 140.0, None],
        "baseline_years": ["2015-2019", "2015-2019", None],
        "model": ["linear trend", "linear trend", None],
        "remark": [None, None, "no years before"],
    }
    text = excess_text(pl.DataFrame(weeks, schema_overrides=DATED), small_site, tmp_path)
    assert re.search(
        r"Austria\s+Jan 6, 2020 to Jan 19, 2020, weekly\s+3,602\s+3,606\s+−4\s+−150 to \+140\s+−0.1%", text
    )
    assert re.search(r"Turkey, Istanbul\s+1\s+–\s+–\s+–\s+–\s+–", text)
    assert re.search(r"1\s+No years before\.", text)
    assert "linear trend, fitted to 2015-2019" in text


def test_pages_that_did_not_change_are_not_written_again(small_site: Path, tmp_path: Path) -> None:
    book = Book(small_site.parent)
    book.publish(tmp_path / "out")
    before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (tmp_path / "out/place/USA-36.html").unlink()
    (tmp_path / "out/place/USA-53.html").write_text("spoilt")
    book.publish(tmp_path / "out")
    after = {path: path.stat().st_ino for path in before}
    written = {path.relative_to(tmp_path / "out").as_posix() for path in before if before[path] != after[path]}
    site = set(json.loads((tmp_path / "out/site.json").read_text())["files"])
    assert written & site == {"place/USA-36.html", "place/USA-53.html"}
    assert "spoilt" not in (tmp_path / "out/place/USA-53.html").read_text()


def test_the_same_state_gives_the_same_bytes(small_site: Path, tmp_path: Path) -> None:
    book = Book(small_site.parent)
    for name in ("one", "two"):
        book.publish(tmp_path / name)
    for path in sorted((tmp_path / "one").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes(), path


def test_without_a_site_the_old_pages_go_and_what_somebody_put_there_stays(small_site: Path, tmp_path: Path) -> None:
    book, out = Book(small_site.parent), tmp_path / "out"
    book.publish(out)
    (out / "robots.txt").write_text("User-agent: *")
    (out / "place/own.txt").write_text("mine")
    book.publish(out, site=False)
    left = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    card = {file["path"] for file in json.loads((out / "release.json").read_text())["files"]}
    assert left == card | {"release.json", "robots.txt", "place/own.txt"}


def test_a_book_can_do_without_pages(small_site: Path, tmp_path: Path) -> None:
    config = small_site.parent / "book.toml"
    said = config.read_text()
    config.write_text("site = false\n" + said)
    try:
        assert not list(Book(small_site.parent).publish(tmp_path / "out").folder.rglob("*.html"))
        assert list(Book(small_site.parent).publish(tmp_path / "out", site=True).folder.rglob("*.html"))
    finally:
        config.write_text(said)


def test_the_card_lists_data_and_no_page(small_site: Path) -> None:
    card = json.loads((small_site / "release.json").read_text())
    paths = [file["path"] for file in card["files"]]
    assert not [path for path in paths if path.endswith((".html", ".js", ".css"))]
    site = json.loads((small_site / "site.json").read_text())["files"]
    assert len(site) == len(set(site)) > 20
    assert not set(site) & set(paths)
    assert all((small_site / path).is_file() for path in site)


def test_days_alike_are_one_row_and_days_that_count_are_each_their_own(tmp_path: Path) -> None:
    states = "date,state,fips,cases,deaths\n" + "".join(
        f"2020-05-{day:02},Ohio,39,{cases},0\n" for day, cases in enumerate((5, 10, 15, 15, 15, 20), start=1)
    )
    (tmp_path / "us-states.csv").write_text(states)
    book = built(tmp_path / "book", levels=("state",))
    book.record("nyt", tmp_path / "us-states.csv", as_of=dt.datetime(2020, 5, 7, 9, tzinfo=EASTERN))
    text = re.sub(r"<[^>]+>|\s+", " ", (book.publish().folder / "place/USA-39.html").read_text())
    assert "20 cases ÷ 7 days = 2.86 a day" in re.sub(r" +", " ", text)
    told = re.findall(
        r"(\w{3}, \w{3} \d+, 2020(?: to \w{3}, \w{3} \d+, 2020)?) +(\S+) +(\S+) +(counted|no data, \d days)", text
    )
    assert told == [
        ("Fri, May 1, 2020", "5", "5", "counted"),
        ("Sat, May 2, 2020", "5", "5", "counted"),
        ("Sun, May 3, 2020", "5", "5", "counted"),
        ("Mon, May 4, 2020 to Tue, May 5, 2020", "0", "0", "no data, 2 days"),
        ("Wed, May 6, 2020", "5", "5", "counted"),
    ]


def test_of_more_places_than_a_table_takes_the_highest_stand_there_and_all_below_their_states(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallybook.site.overview._TABLED", 1)
    book = built(tmp_path / "book", levels=("county",))
    (tmp_path / "us-counties.csv").write_text(COUNTIES)
    book.record("nyt", tmp_path / "us-counties.csv", as_of=dt.datetime(2020, 5, 4, 9, tzinfo=EASTERN))
    page = (book.publish().folder / "index.html").read_text()
    assert "The 1 with the highest averages; all of them are listed below." in page
    listed = re.findall(r"<summary>(.*?)</summary>\s*<ul class=\"columns\">(.*?)</ul>", page, flags=re.DOTALL)
    assert [(says, re.findall(r">([^<]+)</a>", names)) for says, names in listed] == [
        ("New York, 1 county", ["New York City"]),
        ("Washington, 2 counties", ["Snohomish", "Unknown"]),
    ]
