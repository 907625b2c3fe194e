"""The scripts of the site: bundled without a tool of another language, and the small modules that need no page."""

import datetime as dt
import json
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Browser, Page

from sites import EASTERN, built
from tallybook import Book
from tallybook.charts.shapes import SHAPES
from tallybook.charts.ticks import apart, beside, date_ticks, day_ticks, nice_top
from tallybook.errors import ContractError
from tallybook.site import bundle
from tallybook.site.compiled import compiled
from tallybook.site.kept import kept
from tallybook.site.opened import Opened
from tallybook.site.series import series_scripts

Call = Callable[..., Any]

_CALL = """async ([address, name, given, then]) => {
  const plain = (value) => {
    if (value instanceof Set || ArrayBuffer.isView(value) || Array.isArray(value)) return [...value].map(plain);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
    }
    return Number.isNaN(value) ? null : value;
  };
  const made = (await import(address))[name](...given);
  return plain(then ? made[then[0]](...then[1]) : made);
}"""


@pytest.fixture(scope="module")
def call(browser: Browser, host: Callable[[Path], str]) -> Call:
    """Call a function of a module in the browser; what it returns."""
    address = host(Path(bundle.__file__).parent / "static" / "js")
    page: Page = browser.new_page()
    page.goto(f"{address}csv.js")

    def called(module: str, name: str, *arguments: Any, then: tuple[str, list[Any]] | None = None) -> Any:
        return page.evaluate(_CALL, [f"{address}{module}.js", name, list(arguments), then and list(then)])

    return called


def said(script: bytes) -> Any:
    """What a script sets."""
    text = re.search(r"JSON\.parse\((.*)\);\n$", script.decode(), re.DOTALL)
    assert text is not None
    return json.loads(json.loads(text[1]))


def modules(folder: Path, monkeypatch: pytest.MonkeyPatch, **sources: str) -> None:
    for name, source in sources.items():
        (folder / f"{name}.js").write_text(source)
    monkeypatch.setattr(bundle, "_folder", lambda: folder)


def test_a_module_and_what_it_imports_become_one_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    modules(
        tmp_path,
        monkeypatch,
        entry='import { twice as doubled, BASE } from "./lib.js";\n\nwindow.answer = doubled(BASE);\n',
        lib='import { one } from "./deep.js";\n// said once\nexport const BASE = 20 + one();\n'
        "export function twice(x) {\n  return 2 * x;\n}\n",
        deep="/** A thing. */\nexport function one() {\n  return 1;\n}\n",
    )
    script = bundle.bundled("entry.js").decode()
    assert "said once" not in script
    assert "A thing" not in script
    page = browser.new_page()
    page.evaluate(
        "(script) => { const tag = document.createElement('script'); tag.text = script; document.head.append(tag); }",
        script,
    )
    assert page.evaluate("window.answer") == 42
    assert page.evaluate("typeof module_lib") == "undefined"
    page.close()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("export default 1;\n", "'export default 1;' cannot be bundled"),
        ('import "./lib.js";\n', "cannot be bundled"),
        ('import { a } from "./entry.js";\nexport const b = 1;\n', "imports itself"),
    ],
)
def test_what_the_bundle_has_no_words_for_is_refused(
    source: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules(tmp_path, monkeypatch, entry=source, lib="")
    with pytest.raises(ContractError, match=re.escape(says)):
        bundle.bundled("entry.js")


def test_a_picture_of_a_page_knows_shapes_and_tiles_and_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [{"type": "Feature", "id": "USA-53033"}]
    monkeypatch.setattr("tallybook.site.compiled.county_shapes", lambda: shapes)
    known = {source["name"]: source.get("values") for source in compiled("counties")["counties"]["data"]}
    assert (known[SHAPES], known["values"]) == (shapes, None)
    tiles = compiled("tiles")["tiles"]
    assert [source.get("values") for source in tiles["data"] if source["name"] == "values"] == [None]
    # Where each tile stands is said once for all releases.
    assert "USA-53" in json.dumps(tiles)


def test_what_is_kept_is_made_once_and_again_when_it_is_made_of_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[bytes] = []

    def make() -> bytes:
        made.append(b"x")
        return b"made %d" % len(made)

    assert [kept("a.js", [b"1"], make), kept("a.js", [b"1"], make), kept("a.js", [b"2"], make)] == [
        b"made 1",
        b"made 1",
        b"made 2",
    ]
    # Where nothing can be kept it is made each time.
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert [kept("a.js", [b"1"], make), kept("a.js", [b"1"], make)] == [b"made 3", b"made 4"]


def test_the_scripts_of_figures_hold_the_release_to_the_digit(real_site: Path) -> None:
    site = Opened(real_site)
    scripts = {name: said(data) for name, data in series_scripts(site).items()}
    known = scripts["series.js"]
    at = [place["geoid"] for place in known["places"]].index("USA-53")
    assert known["since"] == (dt.date(2020, 2, 27) - dt.date(1970, 1, 1)).days
    cases = pl.Series(scripts["series/cases.js"]["steps"][at]).cum_sum()
    totals = pl.read_parquet(real_site / "us-states.parquet").filter(state="Washington").sort("date")
    assert cases.to_list() == totals["cases"].to_list()
    average = [hundredths / 100 for hundredths in accumulate(scripts["series/cases_avg.js"]["steps"][at])]
    published = pl.read_csv(real_site / "rolling-averages/us-states.csv", infer_schema_length=None)
    assert average == published.filter(state="Washington").sort("date")["cases_avg"].to_list()


def test_a_day_without_a_report_is_missing_in_the_figures_and_in_new_counts(tmp_path: Path, call: Call) -> None:
    book = built(tmp_path / "book")
    rows = ["2020-05-01,Washington,53,10,1", "2020-05-03,Washington,53,16,1", "2020-05-02,New York,36,9,0"]
    (tmp_path / "us-states.csv").write_text("date,state,fips,cases,deaths\n" + "\n".join(rows) + "\n")
    book.record("nyt", tmp_path / "us-states.csv", as_of=dt.datetime(2020, 5, 4, 9, tzinfo=EASTERN))
    folder = Book(book.folder).publish(site=False).folder
    column = said(series_scripts(Opened(folder))["series/cases.js"])
    assert column["steps"] == [[9], [10, None, 6]]
    nan = float("nan")
    assert call("series", "newCounts", [10, nan, 16], False) == [10, None, 6]
    # Where counting began before, nobody knows how much of the first total is new.
    assert call("series", "newCounts", [10, 12], True) == [None, 2]


def test_csv_has_no_formulas(call: Call) -> None:
    rows = [["=1+1", -5, None], ["@x", 1.5, 'a "b", c'], ["-2", 0, "\ttab"], ["plain", 3, "+7"]]
    text = call("csv", "csvText", ["a", "b", "c"], rows)
    assert text == 'a,b,c\r\n\'=1+1,-5,\r\n\'@x,1.5,"a ""b"", c"\r\n\'-2,0,\'\ttab\r\nplain,3,\'+7\r\n'


@pytest.mark.parametrize("last", [1, 5, 30, 365, 1158])
def test_ticks_and_labels_follow_the_same_rules_as_pictures(last: int, call: Call) -> None:
    assert call("ticks", "dayTicks", last) == day_ticks(last)
    first = dt.date(2020, 1, 21)
    number = (first - dt.date(1970, 1, 1)).days
    assert call("ticks", "dateTicks", number, number + last) == date_ticks(first, first + dt.timedelta(days=last))
    assert call("ticks", "niceTop", last * 1.7) == pytest.approx(nice_top(last * 1.7))
    wanted = [float(last * step % 97) for step in range(12)]
    assert call("ticks", "apart", wanted, 13, 100) == pytest.approx(apart(wanted, 13, 100).tolist())
    bubbles = [(float(step * last % 31), float(step * 7 % 23), 5.0, "NY") for step in range(6)]
    spots = call(
        "beside", "beside", [dict(zip(("x", "y", "radius", "name"), bubble, strict=True)) for bubble in bubbles]
    )
    assert [spot and spot["align"] for spot in spots] == [spot and spot.align for spot in beside(bubbles)]


def test_days_are_read_and_written_whole(call: Call) -> None:
    assert call("format", "parseDay", "2020-03-08") == (dt.date(2020, 3, 8) - dt.date(1970, 1, 1)).days
    assert [call("format", "parseDay", text) for text in ("2020-02-30", "2020-3-8", "x")] == [None, None, None]
    assert call("format", "dayText", 18329) == "Mar 8, 2020"
    texts = [call("format", "numberText", value) for value in (1234567.8, 12.345, 0.123, 3, None)]
    assert texts == ["1,234,568", "12.3", "0.12", "3", "–"]


NONE: dict[str, Any] = {"region": [], "division": [], "ranges": {}, "rank": None}
PLACES: list[dict[str, Any]] = [
    {"geoid": "A", "title": "Montana", "region": "West", "population": 5, "gdp": None, "cases": 3},
    {"geoid": "B", "title": "Nevada", "region": "West", "population": 9, "gdp": 7, "cases": 1},
    {"geoid": "C", "title": "Ohio", "region": "Midwest", "population": 12, "gdp": 8, "cases": 2},
]


@pytest.mark.parametrize(
    ("filters", "left", "lacking"),
    [
        ({}, ["A", "B", "C"], []),
        ({"region": ["West"]}, ["A", "B"], []),
        ({"region": ["South"]}, [], []),
        ({"region": ["West"], "ranges": {"population": [6, None]}}, ["B"], []),
        ({"ranges": {"gdp": [0, None]}}, ["B", "C"], ["Montana"]),
        ({"ranges": {"gdp": [None, None]}}, ["A", "B", "C"], []),
        ({"rank": {"key": "gdp", "count": 2, "end": "bottom"}}, ["B", "C"], ["Montana"]),
        ({"rank": {"key": "cases", "count": 1, "end": "top"}, "region": ["Midwest"]}, [], []),
    ],
)
def test_filters_leave_what_each_of_them_leaves_if_that_is_nothing(
    filters: dict[str, Any], left: list[str], lacking: list[str], call: Call
) -> None:
    found = call("filters", "filtered", PLACES, NONE | filters)
    assert found["left"] == left
    assert [title for one in found["lacking"] for title in one["titles"]] == lacking


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (("numberOf", 5, 0, 10), "7", 7),
        (("numberOf", 5, 0, 10), "70", None),
        (("numberOf", 5, 0, 10), "1e1", None),
        (("oneOf", ["a", "b"], "a"), "b", "b"),
        (("oneOf", ["a", "b"], "a"), "constructor", None),
        (("someOf", ["a", "b", "c"], []), "c,a", ["a", "c"]),
        (("someOf", ["a", "b", "c"], ["a"]), "", []),
        (("someOf", ["a", "b", "c"], []), "a,z", None),
        (("rangeOf",), "10..", [10, None]),
        (("rangeOf",), "..2.5", [None, 2.5]),
        (("rangeOf",), "5", None),
        (("rangeOf",), "1..2..3", None),
        (("dayOf", 18300, 18300, 18400), "2020-03-08", 18329),
        (("dayOf", 18300, 18300, 18400), "2030-03-08", None),
        (("rankOf", ["cases"]), "top:3:cases", {"end": "top", "count": 3, "key": "cases"}),
        (("rankOf", ["cases"]), "top:0:cases", None),
        (("rankOf", ["cases"]), "top:3:deaths", None),
    ],
)
def test_a_text_of_the_address_is_a_value_or_none(field: tuple[Any, ...], text: str, value: Any, call: Call) -> None:
    assert call("state", field[0], *field[1:], then=("parse", [text])) == value
