import datetime as dt
import re
from pathlib import Path
from typing import Any

import altair as alt
import polars as pl
import pytest

from mortality import months, published, terms, weeks
from tallybook import excess_deaths
from tallybook.charts.excess import excess
from tallybook.charts.style import THEMES, ThemeName
from tallybook.errors import ContractError


@pytest.fixture(scope="module")
def estimates(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return excess_deaths(published(shared_data), terms=terms(tmp_path_factory.mktemp("card")))


def titles(chart: alt.LayerChart) -> list[str]:
    said: dict[str, Any] = chart.to_dict()["title"]
    return [" ".join(said["text"]), *" ".join(said["subtitle"]).rstrip(".").split(". ")]


def ends(chart: alt.LayerChart) -> list[dict[str, Any]]:
    """The ends of the areas that are drawn."""
    made = chart.to_dict()
    rows: list[dict[str, Any]] = made["datasets"][made["layer"][1]["data"]["name"]]
    return rows


def test_the_headline_says_in_words_what_can_be_said(estimates: pl.DataFrame) -> None:
    assert titles(excess(estimates, "Austria")) == [
        "Austria: about 6,900 more deaths than expected",
        "Weekly deaths from all causes, weeks that ended 12 January 2020 to 13 December 2020",
        "In all 6,879 more than expected (+9.0 %); 95 % interval 1,675 to 12,084",
    ]
    assert titles(excess(estimates, "Denmark")) == [
        "Denmark: about as many deaths as expected",
        "Weekly deaths from all causes, weeks that ended 12 January 2020 to 13 December 2020",
        "In all 875 fewer than expected (−1.7 %); 95 % interval −3,510 to 1,760",
    ]
    assert titles(excess(estimates, "Italy"))[1:] == [
        "Monthly deaths from all causes, January 2020 to November 2020",
        "In all 80,026 more than expected (+13.7 %); no interval can be told",
    ]
    assert titles(excess(estimates, "Turkey, Istanbul"))[0].startswith("Turkey, Istanbul: about 15,000 more")


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_it_is_drawn_without_a_browser(estimates: pl.DataFrame, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"austria.{ending}"
    excess(estimates, "Austria", source="Source: Statistik Austria.").save(str(file))
    assert file.read_bytes().startswith(b"\x89PNG" if ending == "png" else b"<svg")
    if ending == "svg":
        text = " ".join(re.findall(r">([^<>]+)</(?:text|tspan)>", file.read_text()))
        assert "deaths expected" in text
        assert "Source: Statistik Austria." in text
        assert "year + s(week), fitted to 2015–2019" in text


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_has_the_colours_of_its_theme_and_a_description(
    estimates: pl.DataFrame, tmp_path: Path, theme: ThemeName
) -> None:
    made = excess(estimates, "Austria", theme=theme)
    made.save(str(tmp_path / "austria.svg"))
    drawn = (tmp_path / "austria.svg").read_text()
    assert f'fill="{THEMES[theme].ground}"' in drawn
    assert f'stroke="{THEMES[theme].deaths}"' in drawn
    assert "about 6,900 more deaths than expected" in made.to_dict()["description"]


def test_the_shaded_area_ends_where_the_lines_cross() -> None:
    deaths = {1: 100, 2: 100, 3: 140}
    rows = months(lambda year, month: deaths.get(month, 120) if year == 2020 else 120, years=range(2018, 2021))
    few = excess_deaths(rows.filter(pl.col("month") <= 3), place="geoid", terms=[{"place": "USA-39", "january": False}])
    drawn = ends(excess(few, "USA-39"))
    crossing = drawn[2]
    assert crossing["deaths"] == crossing["expected"] == 120
    assert crossing["date"] == dt.datetime(2020, 2, 15, 12, tzinfo=dt.UTC).timestamp() * 1000
    assert [row["deaths"] for row in drawn] == [100, 100, 120, 140]


def test_a_hole_stays_one_and_weeks_without_dates_have_their_place() -> None:
    rows = weeks(lambda year, week: None if (year, week) == (2020, 9) else 100 + week % 3)
    (hole,) = (row for row in ends(excess(excess_deaths(rows, place="geoid"), "USA-39")) if row["deaths"] is None)
    assert hole["date"] == dt.datetime(2020, 3, 1, tzinfo=dt.UTC).timestamp() * 1000


def test_what_cannot_be_drawn_is_said(estimates: pl.DataFrame) -> None:
    with pytest.raises(ContractError, match="nothing is expected of 'Atlantis'; is it called so in the frame"):
        excess(estimates, "Atlantis")
    with pytest.raises(ContractError, match="the frame has no column 'expected_low'"):
        excess(estimates.drop("expected_low"), "Austria")
    new = excess_deaths(weeks(lambda _year, week: week, years=range(2020, 2021)), place="geoid")
    with pytest.raises(ContractError, match="nothing is expected of 'USA-39'"):
        excess(new, "USA-39")


def test_a_place_without_any_deaths_is_drawn() -> None:
    made = excess_deaths(months(lambda _year, _month: 0, years=range(2017, 2021)), place="geoid")
    assert titles(excess(made, "USA-39"))[0] == "USA-39: about as many deaths as expected"


def test_without_any_excess_the_words_claim_none() -> None:
    rows = months(lambda year, month: None if year == 2020 else 120, years=range(2017, 2021))
    made = excess_deaths(rows, place="geoid")
    assert titles(excess(made, "USA-39")) == [
        "USA-39: deaths beside those expected",
        "Monthly deaths from all causes, January 2020 to December 2020",
    ]
