import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook import Book, gazetteer
from tallybook.charts.bubble_rows import LARGEST
from tallybook.charts.bubbles import bubbles
from tallybook.charts.compare import compare
from tallybook.charts.map import counties, grid, tiles
from tallybook.charts.measures import measure_of, measures_of, values_of
from tallybook.charts.picture import source_line
from tallybook.charts.place import place
from tallybook.charts.revisions import revisions
from tallybook.charts.shapes import CREDIT, county_shapes, shapes_available
from tallybook.charts.style import DIVISIONS, LOOKS, PLACES, REGIONS, THEMES, place_number
from tallybook.charts.ticks import EPOCH, apart, beside, date_ticks, day_ticks, nice_top
from tallybook.errors import ContractError, TallybookError

SOURCE = "Source: The agencies. As of Mar 7, 2021, 09:00 EST. Licence: CC0."


def totals(**first: tuple[str, list[int | None]]) -> pl.DataFrame:
    """Totals of places: by geoid (with an underscore) the first date and the cases of each day; deaths a tenth."""
    frames = []
    for name, (start, cases) in first.items():
        begin = dt.date.fromisoformat(start)
        days = [begin + dt.timedelta(days=day) for day in range(len(cases))]
        deaths = [None if count is None else count // 10 for count in cases]
        frames.append(pl.DataFrame({"geoid": name.replace("_", "-"), "date": days, "cases": cases, "deaths": deaths}))
    return pl.concat(frames)


def shown(chart: alt.LayerChart, *columns: str) -> pl.DataFrame:
    """The rows of the data source that has these columns, and few besides."""
    found = [rows for rows in chart.to_dict()["datasets"].values() if rows and set(columns) <= set(rows[0])]
    return pl.DataFrame(min(found, key=lambda rows: len(rows[0]))).select(columns)


def words(chart: alt.LayerChart) -> str:
    """Everything that is written in the finished picture."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(chart.to_dict()))


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_stands_out_4_5_times_and_marks_3_times(name: Any) -> None:
    theme = THEMES[name]
    at = ("light", "dark").index(name)
    for text in (theme.text, theme.quiet):
        assert contrast(text, theme.ground) >= 4.5
    marks = (theme.cases, theme.deaths, theme.context, *theme.places)
    grouped = [pair[at] for groups in (REGIONS, DIVISIONS) for pair in groups.values()]
    for mark in (*marks, *grouped):
        assert contrast(mark, theme.ground) >= 3, mark
    # The labels of lines are text in the colours of places.
    for mark in theme.places:
        assert contrast(mark, theme.ground) >= 4.5, mark


def test_every_division_is_spelled_in_one_way_and_has_a_colour() -> None:
    states = gazetteer().frame.filter(level="state")
    assert set(states["region"]) == set(REGIONS)
    assert set(states["division"]) == set(DIVISIONS)
    assert len({pair[0] for pair in DIVISIONS.values()}) == len(DIVISIONS)


def test_no_two_of_the_places_shown_first_look_the_same() -> None:
    numbers = pl.DataFrame({"geoid": PLACES}).select(place_number(pl.col("geoid"))).to_series()
    assert numbers.n_unique() == len(PLACES)
    every = gazetteer().frame.select(place_number(pl.col("geoid"))).to_series()
    assert (every.min(), every.max()) == (0, LOOKS - 1)


def test_day_numbers_are_whole_across_a_clock_change() -> None:
    known = totals(USA_53=("2020-03-06", [3, 4, 5, 6, 9, 12]))
    rows = shown(compare(known, places=["USA-53"]), "date", "x")
    assert rows["x"].to_list() == [1, 2, 3, 4, 5, 6]


def test_earlier_cases_are_no_new_cases_of_day_1() -> None:
    known = totals(USA_53=("2020-02-24", [40, 50, 60, 75, 95]))
    chart = compare(known, places=["USA-53"], measure="new_cases", since=dt.date(2020, 2, 27))
    rows = shown(chart, "x", "value")
    assert rows.rows() == [(1, 15.0), (2, 20.0)]


def test_a_line_ends_at_its_last_day() -> None:
    known = totals(USA_53=("2020-03-01", [1, 2, 4, 8]), USA_36=("2020-03-01", [5, 9]))
    rows = shown(compare(known, places=["USA-36", "USA-53"]), "geoid", "x")
    assert dict(rows.group_by("geoid").agg(pl.col("x").max()).rows()) == {"USA-36": 2, "USA-53": 4}


def test_colours_and_labels_do_not_depend_on_the_order_or_number_of_places() -> None:
    known = totals(USA_53=("2020-03-01", [1, 2]), USA_36=("2020-03-01", [5, 9]), USA_12=("2020-03-01", [7, 8]))
    colours: dict[str, set[int]] = {}
    for some in itertools.chain(itertools.permutations(["USA-12", "USA-36", "USA-53"]), [["USA-53"], ["USA-36"]]):
        rows = shown(compare(known, places=list(some)), "geoid", "colour", "text")
        for geoid, colour, _ in rows.rows():
            colours.setdefault(geoid, set()).add(colour)
        assert rows["geoid"].to_list() == sorted(some)
    assert all(len(found) == 1 for found in colours.values())


def test_a_logarithmic_scale_leaves_out_what_is_not_above_zero() -> None:
    known = totals(USA_53=("2020-03-01", [0, 1, 4]))
    assert shown(compare(known, places=["USA-53"], measure="cases", by="date"), "date", "value").height == 2
    with pytest.raises(TallybookError, match="nothing to show"):
        compare(known, places=["USA-53"], measure="deaths", log=True)


def test_averages_have_to_be_given_for_a_measure_that_is_one() -> None:
    known = totals(USA_53=("2020-03-01", [1, 2]))
    with pytest.raises(ContractError, match="averages=book"):
        compare(known, places=["USA-53"], measure="cases_avg")
    with pytest.raises(ContractError, match="no measure 'case'"):
        measure_of("case")


def test_a_place_without_population_has_no_value_per_head() -> None:
    known = totals(USA_29997=("2020-07-01", [10, 20]), USA_53=("2020-07-01", [10, 20]))
    values = values_of(known, measure_of("cases_per_1000"))
    assert dict(values.group_by("geoid").agg(pl.col("value").null_count()).rows()) == {"USA-29997": 2, "USA-53": 0}


def test_a_day_without_a_report_is_missing_and_not_zero() -> None:
    known = totals(USA_53=("2020-03-01", [1, None, 5]))
    assert values_of(known, measure_of("cases"))["value"].to_list() == [1.0, None, 5.0]
    assert values_of(known, measure_of("new_cases"))["value"].to_list() == [1.0, None, 4.0]


def test_the_area_and_not_the_radius_is_proportional() -> None:
    known = totals(USA_06=("2020-03-01", [100]), USA_53=("2020-03-01", [50]))
    areas = dict(shown(bubbles(known), "geoid", "area").rows())
    places = gazetteer()
    share = (places["USA-53"].population or 0) / (places["USA-06"].population or 1)
    assert areas["USA-06"] == LARGEST
    assert areas["USA-53"] / areas["USA-06"] == pytest.approx(share)


def test_montana_has_no_gross_domestic_product_and_no_other_states() -> None:
    known = totals(USA_30=("2020-03-01", [10]), USA_29=("2020-03-01", [20]))
    assert gazetteer()["USA-30"].gdp_2019_musd is None
    chart = bubbles(known, size="gdp")
    assert shown(chart, "geoid", "area")["geoid"].to_list() == ["USA-29"]
    assert "1 left out: no GDP figure" in words(chart)


def test_bubbles_show_the_day_asked_for() -> None:
    known = totals(USA_53=("2020-03-01", [10, 20, 40]))
    chart = bubbles(known, day=dt.date(2020, 3, 2), x="cases", y="deaths")
    picture = words(chart)
    assert "Mar 2, 2020" in picture
    assert "Mar 3, 2020" not in picture
    for measure in ("cases_avg", "new_cases"):
        with pytest.raises(ContractError, match="bubbles show totals"):
            bubbles(known, x=measure)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["compare", "bubbles", "place", "revisions", "tiles"])
def test_every_picture_has_its_headline_and_source(kind: str, theme: Any) -> None:
    known = totals(USA_53=("2020-03-01", [1, 2, 4]), USA_36=("2020-03-01", [5, 9, 12]))
    told: Any = {"headline": "What <b>it</b> shows", "source": SOURCE, "theme": theme}
    average = known.with_columns(
        cases_avg=pl.lit(1.0), cases_omitted=pl.lit(value=False), cases_anomaly=pl.lit(None, pl.List(pl.String))
    )
    charts = {
        "compare": lambda: compare(known, places=["USA-53"], **told),
        "bubbles": lambda: bubbles(known, **told),
        "place": lambda: place(average, "USA-53", **told),
        "revisions": lambda: revisions(known, known, "USA-53", as_of=dt.date(2020, 3, 4), **told),
        "tiles": lambda: tiles(pl.DataFrame({"geoid": ["USA-53", "USA-36"], "value": [1.5, None]}), **told),
    }
    picture = words(charts[kind]())
    assert SOURCE in picture
    assert "What &lt;b&gt;it&lt;/b&gt; shows" in picture
    assert THEMES[theme].ground in picture


def test_what_cannot_be_drawn_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    known = totals(USA_53=("2020-03-01", [1, 2, 4]))
    average = known.with_columns(
        cases_avg=pl.lit(1.0), cases_omitted=pl.lit(value=False), cases_anomaly=pl.lit(None, pl.List(pl.String))
    )
    weight: Any = "weight"
    with pytest.raises(ContractError, match="no size 'weight'; use one of population, "):
        bubbles(known, size=weight)
    with pytest.raises(ContractError, match="no place has cases_per_1000, deaths_per_1000 and gdp; give another size"):
        bubbles(totals(USA_30=("2020-03-01", [10])), size="gdp")
    with pytest.raises(ContractError, match="there is nothing of New York; give a place that the averages have"):
        place(average, "USA-36")
    with pytest.raises(ContractError, match="there is nothing of New York; give a place that was known then"):
        revisions(known, known, "USA-36", as_of=dt.date(2020, 3, 4))
    monkeypatch.setattr("tallybook.charts.shapes.shapes_available", lambda: False)
    county_shapes.cache_clear()
    with pytest.raises(
        ContractError, match=r"the shapes of the counties are not installed; pip install 'tallybook\[maps\]'"
    ):
        counties(pl.DataFrame({"geoid": ["USA-53033"], "value": [4.0]}))


def test_three_places_are_named_in_the_headline_and_more_are_counted() -> None:
    day: tuple[str, list[int | None]] = ("2020-03-01", [1, 2])
    known = totals(USA_53=day, USA_36=day, USA_12=day, USA_39=day)
    four = ["USA-12", "USA-36", "USA-39", "USA-53"]
    named, counted = compare(known, places=[four[0], four[1], four[3]]), compare(known, places=four)
    assert "in Florida, New York and Washington" in " ".join(named.to_dict()["title"]["text"])
    assert "in 4 places" in " ".join(counted.to_dict()["title"]["text"])


def test_a_text_from_the_register_is_text() -> None:
    known = totals(USA_53=("2020-03-01", [1, 2, 4]))
    average = known.with_columns(
        cases_avg=pl.lit(1.0), cases_omitted=pl.lit(value=True), cases_anomaly=pl.lit(["a1"], pl.List(pl.String))
    )
    entries = pl.DataFrame({"id": ["a1"], "description": ["<img src=x onerror=alert(1)>"]})
    chart = place(average, "USA-53", register=entries)
    assert shown(chart, "id", "text").rows() == [("a1", "<img src=x onerror=alert(1)>")]
    assert "<img" not in words(chart)


def test_every_state_has_one_tile_and_an_empty_one_says_so() -> None:
    places = grid()
    assert places.height == places.select("column", "row").n_unique() == 56
    picture = words(tiles(pl.DataFrame({"geoid": ["USA-53", "USA-36"], "value": [1.5, 3.0]}), source=SOURCE))
    assert "Outlined: no figure (54)" in picture


def test_counties_have_their_shapes_and_credit_who_drew_them() -> None:
    assert shapes_available()
    shapes = county_shapes()
    assert len(shapes) > 3200
    known = set(gazetteer().frame["geoid"])
    assert sum(shape["id"] not in known for shape in shapes) == 0
    # A ring the wrong way round would cover the world.
    seattle = next(shape for shape in shapes if shape["id"] == "USA-53033")
    assert len(json.dumps(seattle)) < 20_000
    chart = counties(pl.DataFrame({"geoid": ["USA-53033"], "value": [4.0]}), source=SOURCE)
    assert CREDIT in words(chart)


def test_pictures_are_saved_without_a_browser(tmp_path: Path) -> None:
    known = totals(USA_53=("2020-03-01", [1, 2, 4]))
    chart = compare(known, places=["USA-53"], source=SOURCE)
    for kind, begins in (("png", b"\x89PNG"), ("svg", b"<svg"), ("pdf", b"%PDF")):
        file = tmp_path / f"chart.{kind}"
        chart.save(str(file))
        assert file.read_bytes().startswith(begins)


@given(st.lists(st.floats(0, 400), min_size=1, max_size=30), st.floats(1, 14))
def test_labels_keep_their_gap_their_order_and_the_height(wanted: list[float], gap: float) -> None:
    placed = apart(wanted, gap, 400)
    order = np.argsort(wanted, kind="stable")
    kept = placed[order]
    assert (np.diff(kept) >= min(gap, 400 / max(1, len(wanted) - 1)) - 1e-6).all()
    assert kept.min() >= -1e-6
    assert kept.max() <= 400 + 1e-6


def test_names_beside_bubbles_hide_no_other_name() -> None:
    spots = beside([(100, 100, 10, "NY"), (102, 101, 10, "FL"), (101, 99, 10, "TX"), (99, 100, 10, "CA")] * 2)
    taken = [(spot.dx, spot.dy) for spot in spots if spot]
    assert len(taken) == len(set(taken)) == 4


@pytest.mark.parametrize("last", [1, 2, 5, 30, 61, 365, 1158, 3000])
def test_axes_have_at_most_six_ticks_and_a_few(last: int) -> None:
    assert 1 <= len(day_ticks(last)) <= 6
    first = dt.date(2020, 1, 21)
    dates = date_ticks(first, first + dt.timedelta(days=last))
    assert len(dates) <= 7
    assert all(EPOCH + dt.timedelta(days=day) >= first for day in dates)


@given(st.floats(1e-6, 1e12))
def test_a_linear_axis_ends_at_or_above_the_largest_value(most: float) -> None:
    assert most * (1 - 1e-6) <= nice_top(most) <= most * 2


def test_every_metric_has_its_measures_by_their_names() -> None:
    names = [measure.name for measure in measures_of()]
    assert names[:5] == ["cases_per_1000", "cases", "new_cases", "cases_avg", "cases_avg_per_100k"]
    assert all(measure_of(name).name == name for name in names)


def test_the_source_line_says_when_in_the_books_zone() -> None:
    from zoneinfo import ZoneInfo

    moment = dt.datetime(2021, 3, 7, 14, tzinfo=dt.UTC)
    said = source_line(attribution="The agencies.", licence="CC0", as_of=moment, zone=ZoneInfo("America/New_York"))
    assert said == SOURCE


def test_a_real_book_is_drawn_in_its_own_figures(real_book: Book) -> None:
    averages = real_book.averages("state")
    chart = compare(real_book.totals("state"), averages=averages, measure="cases_avg", by="date", places=["USA-31"])
    day = (dt.date(2020, 2, 25) - EPOCH).days
    assert shown(chart, "x", "value").filter(x=day)["value"].item() == pytest.approx(3 / 8)


@pytest.mark.parametrize(("width", "between"), [(360, False), (760, True)])
def test_the_legend_of_a_map_says_both_ends_of_a_shade_where_there_is_room(width: int, between: bool) -> None:
    values = pl.DataFrame({"geoid": ["USA-53", "USA-36"], "value": [1.5, 30.0]})
    picture = words(tiles(values, source="nobody", width=width))
    assert ("–" in picture, "≥" in picture) == (between, not between)
