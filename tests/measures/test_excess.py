import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mortality import months, published, terms, weeks
from tallybook import excess_deaths
from tallybook.errors import ContractError
from tallybook.measures.coverage import interval_coverage
from tallybook.measures.regression import fit
from tallybook.measures.spline import spline
from tallybook.measures.uncertainty import History, half_widths
from tallybook.release.excess import agreement

ADDED = ["expected_deaths", "expected_low", "expected_high", "cumulative_excess_low", "cumulative_excess_high"]
NOISE = np.random.default_rng(0).integers(-9, 10, (40, 54))


def season(year: int, week: int) -> int:
    """Deaths of a place with a winter, a trend and some chance."""
    return int(200 + 3 * (year - 2015) + 30 * np.cos(2 * np.pi * week / 52)) + int(NOISE[year - 2010, week])


def test_all_published_figures_are_reproduced(shared_data: Path, tmp_path: Path) -> None:
    deaths = published(shared_data)
    made = excess_deaths(deaths, terms=terms(tmp_path))
    table = agreement(made, deaths)
    assert table.height == 35
    assert table["published"].sum() == made.height == 1_268
    assert table.select("further_off", "missing").sum().row(0) == (0, 0)
    assert table["equal"].sum() / 1_268 >= 0.98
    # Whatever is not equal is half way between two whole numbers.
    both = made.with_columns(off=(pl.col("expected_deaths") - pl.col("published_expected_deaths")).abs())
    assert both.filter(pl.col("off") > 0.5 + 1e-9).is_empty()
    rounded = both["expected_deaths"].round(mode="half_to_even")
    assert np.allclose(both.filter(rounded != both["published_expected_deaths"])["off"], 0.5, atol=1e-9)
    modelled = table.filter(pl.col("model").str.starts_with("year + "))
    assert (modelled["equal"] == modelled["published"]).all()


def test_without_its_bank_holidays_the_united_kingdom_is_far_off(shared_data: Path) -> None:
    deaths = published(shared_data).filter(country="United Kingdom")
    plain = agreement(excess_deaths(deaths), deaths)
    assert plain.select("equal", "published").row(0) == (0, 50)


def test_intervals_hold_what_happened_in_years_held_back(shared_data: Path, tmp_path: Path) -> None:
    told = interval_coverage(published(shared_data), until=2019, terms=terms(tmp_path))
    weekly = told.filter(frequency="weekly")
    assert weekly.select("years", "periods").sum().row(0) == (59, 3_003)
    assert 0.90 <= weekly["periods_inside"].sum() / 3_003 <= 0.98
    assert weekly["years_inside"].sum() / 59 >= 0.85
    assert (weekly["coverage_percent"] > 80).all()
    assert set(weekly["place"]) >= {"Austria", "France", "United Kingdom", "Finland"}


def test_places_named_by_one_column_are_held_back_by_it() -> None:
    rows = pl.concat([weeks(season, geoid=geoid) for geoid in ("USA-39", "USA-53")])
    told = interval_coverage(rows, until=2019, place="geoid")
    assert told.select("place", "frequency", "years", "periods").rows() == [
        ("USA-39", "weekly", 3, 156),
        ("USA-53", "weekly", 3, 156),
    ]


def test_a_basis_of_the_spline_spans_what_bends_and_its_penalty_is_of_bending() -> None:
    made = spline(tuple(range(2, 53)))
    at = np.arange(2.0, 53.0)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(51), at, made.at(at)])) == 10
    assert np.linalg.eigvalsh(made.penalty).min() > 0
    # The integral of the squared second derivative, from the curve itself.
    fine = np.linspace(2, 52, 20_001)
    curve = made.at(fine) @ np.ones(8)
    bending = np.gradient(np.gradient(curve, fine), fine)[2:-2]
    assert np.isclose((bending**2).sum() * (fine[1] - fine[0]), made.penalty.sum(), rtol=1e-3)


def test_the_strength_of_the_penalty_has_the_lowest_score_there_is() -> None:
    at = np.tile(np.arange(1.0, 53.0), 5)
    curve = spline(tuple(np.unique(at)))
    design = np.column_stack([np.ones(len(at)), at, curve.at(at)])
    rng = np.random.default_rng(1)
    series = 100 + 20 * np.cos(at / 8)[:, None] + rng.normal(0, [1, 5, 60], (len(at), 3))
    made = fit(design, curve.penalty, series)
    scores = len(at) * (made.residuals**2).sum(axis=0) / made.freedom**2
    for strength in 10.0 ** np.linspace(-9, 9, 181):
        penalty = np.zeros((10, 10))
        penalty[2:, 2:] = strength * curve.penalty
        hat = design @ np.linalg.solve(design.T @ design + penalty, design.T)
        other = len(at) * ((series - hat @ series) ** 2).sum(axis=0) / (len(at) - np.trace(hat)) ** 2
        assert (scores <= other * (1 + 1e-9)).all()


@given(shift=st.integers(0, 10**6), seed=st.integers(0, 99))
def test_as_many_more_deaths_in_every_week_are_as_many_more_expected(shift: int, seed: int) -> None:
    chance = np.random.default_rng(seed).integers(0, 60, (6, 53))
    deaths = weeks(lambda year, week: int(chance[year - 2015, week]))
    made = excess_deaths(deaths, place="geoid")
    more = excess_deaths(deaths.with_columns(pl.col("deaths") + shift), place="geoid")
    assert np.allclose(more["expected_deaths"] - shift, made["expected_deaths"], atol=1e-3)
    assert np.allclose(more["cumulative_excess"], made["cumulative_excess"], atol=0.1)


@given(seed=st.integers(0, 99))
def test_the_order_of_rows_and_other_places_change_nothing(seed: int) -> None:
    short = weeks(season, years=range(2018, 2021), geoid="USA-41")
    both = pl.concat([weeks(season), short])
    made = excess_deaths(both, place="geoid")
    shuffled = excess_deaths(both.sample(fraction=1, shuffle=True, seed=seed), place="geoid")
    key = ["geoid", "year", "week"]
    assert shuffled.sort(key).equals(made.sort(key))
    assert excess_deaths(short, place="geoid").select(ADDED).equals(made.filter(geoid="USA-41").select(ADDED))


@given(start=st.integers(100, 10_000), slope=st.integers(-9, 50))
def test_a_trend_goes_on(start: int, slope: int) -> None:
    for made in (
        excess_deaths(weeks(lambda year, _week: start + slope * (year - 2015)), place="geoid"),
        excess_deaths(months(lambda year, month: start + 20 * month + slope * (year - 2015)), place="geoid"),
    ):
        assert np.allclose(made["excess_deaths"], 0, atol=1e-4)
        assert made["model"].str.starts_with("year + ").all()


def test_short_histories_are_means_and_rows_of_averages_stand_for_their_years() -> None:
    two = months(lambda year, month: 100 + 10 * (year - 2018) + month, years=range(2018, 2021))
    made = excess_deaths(two, place="geoid")
    # January of 2020 belongs to what is fitted to: the mean of 101, 111 and 121.
    assert made["expected_deaths"].to_list()[:2] == [111.0, 107.0]
    assert made["model"].unique().to_list() == ["mean of month"]
    average = two.filter(year=2019).with_columns(year=pl.lit("2015-2019 average"))
    rows = pl.concat([average, two.filter(year=2020).with_columns(pl.col("year").cast(pl.String))])
    summed = excess_deaths(rows, place="geoid")
    assert summed["expected_deaths"].to_list()[:2] == [116.0, 112.0]
    assert summed["baseline_years"].unique().to_list() == ["2015-2019"]
    assert summed["expected_low"].null_count() == 12
    assert summed["remark"].unique().to_list() == ["no interval: nothing tells how years differ"]
    alone = excess_deaths(rows, place="geoid", terms=[{"place": "USA-39", "january": False}])
    assert alone["expected_deaths"].to_list()[:2] == [111.0, 112.0]


def test_of_several_dated_averages_the_latest_holds() -> None:
    dates = {"start_date": [dt.date(2018, 3, 5), dt.date(2019, 3, 4), None], "end_date": [None] * 3}
    rows = pl.DataFrame(
        {
            "geoid": "USA-39",
            "year": ["2015-2018 average", "2015-2018 average", "2020"],
            "week": 10,
            "month": 3,
            "deaths": [10, 20, 30],
            **dates,
        },
        schema_overrides={"end_date": pl.Date},
    )
    assert excess_deaths(rows, place="geoid")["expected_deaths"].to_list() == [20.0]


def test_the_baseline_can_be_chosen_and_what_follows_is_estimated() -> None:
    deaths = weeks(season, years=range(2012, 2022))
    made = excess_deaths(deaths, place="geoid", baseline=(2012, 2018))
    assert made["year"].unique().sort().to_list() == [2019, 2020, 2021]
    assert made["baseline_years"].unique().to_list() == ["2012-2018"]
    usual = excess_deaths(deaths, place="geoid")
    assert usual["year"].unique().to_list() == [2021]
    assert usual["baseline_years"].unique().to_list() == ["2016-2020"]
    with pytest.raises(ContractError, match="the baseline 2019 to 2015 ends before it begins"):
        excess_deaths(deaths, place="geoid", baseline=(2019, 2015))


def test_sums_are_less_certain_than_weeks_that_were_independent_would_make_them() -> None:
    made = excess_deaths(weeks(season), place="geoid")
    each = (made["expected_high"] - made["expected_deaths"]).to_numpy()
    together = (made["cumulative_excess_high"] - made["cumulative_excess"]).to_numpy()
    assert np.isclose(together[0], each[0])
    assert (together[1:] > np.sqrt(np.cumsum(each**2))[1:] * 0.999).all()
    assert (together <= np.cumsum(each) * 1.001).all()
    assert np.isclose(made["cumulative_excess"][-1], float(made["excess_deaths"].sum()))
    p_scores = made["excess_deaths"] * 100 / made["expected_deaths"]
    assert np.allclose(made["p_score_percent"], p_scores)


def test_the_interval_of_a_sum_is_that_of_the_whole_covariance_matrix() -> None:
    """Of the mean of months, whose covariance can be written down."""
    deaths = months(season, years=range(2017, 2021))
    plain = [{"place": "USA-39", "january": False}]
    made = excess_deaths(deaths, place="geoid", terms=plain)
    past = deaths.filter(pl.col("year") < 2020)["deaths"].to_numpy().reshape(3, 12).astype(float)
    residuals = past - past.mean(axis=0)
    variance, row = (residuals**2).sum() / 24, residuals.ravel()
    alike = max((row[1:] * row[:-1]).sum() / (row**2).sum(), 0)
    between = (residuals.mean(axis=1) ** 2).sum() / 2
    distance = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    covariance = variance * (np.eye(12) / 3 + alike**distance) + between * (1 + 1 / 3)
    quantile = 2.0638985616  # of Student's t with 24 degrees of freedom
    half = [quantile * np.sqrt(covariance[:n, :n].sum()) for n in range(1, 13)]
    assert np.allclose(made["cumulative_excess_high"] - made["cumulative_excess"], half)
    assert np.allclose(made["expected_high"] - made["expected_deaths"], quantile * np.sqrt(np.diag(covariance)))


@pytest.mark.parametrize("smooth", [True, False])
def test_intervals_are_those_of_the_covariance_written_out(smooth: bool) -> None:
    """Of a straight line over years and periods, over two years to come."""
    rng = np.random.default_rng(3)
    years, periods = np.repeat(np.arange(2015, 2020), 8), np.tile(np.arange(8), 5)
    design = np.column_stack([np.ones(40), years - 2017, periods - 3.5])
    noise = np.convolve(rng.normal(0, 5, 42), [1, 0.8, 0.3], "valid")
    counts = (200 + 3 * (years - 2017) + periods + noise)[:, None]
    ahead = np.repeat([2020, 2021], 6)
    wanted = np.column_stack([np.ones(12), ahead - 2017, np.tile(np.arange(6), 2) - 3.5])
    made = half_widths(fit(design, None, counts), wanted, ahead, History(years, trend=True, smooth=smooth))
    residuals = (counts - design @ np.linalg.lstsq(design, counts)[0]).ravel()
    variance = (residuals**2).sum() / 37
    alike = (residuals[1:] * residuals[:-1]).sum() / (residuals**2).sum()
    assert 0.2 < alike < 0.9
    between = sum(residuals[years == year].mean() ** 2 for year in range(2015, 2020)) / 3
    known_less = (1 + alike) / (1 - alike) if smooth else 1
    of_line = wanted @ np.linalg.inv(design.T @ design) @ wanted.T
    distance = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    same_year = ahead[:, None] == ahead
    of_years = same_year + 1 / 5 + np.outer(ahead - 2017, ahead - 2017) / 10
    covariance = variance * (known_less * of_line + alike**distance) + between * of_years
    quantile = 2.0261924630  # of Student's t with 37 degrees of freedom
    assert np.allclose(made[0].ravel(), quantile * np.sqrt(np.diag(covariance)))
    sums = [covariance[:n, :n].sum() for n in range(1, 13)]
    assert np.allclose(made[1].ravel(), quantile * np.sqrt(sums))


def test_no_interval_goes_below_zero() -> None:
    made = excess_deaths(weeks(lambda year, week: int(NOISE[year - 2010, week] > 4)), place="geoid")
    assert (made["expected_low"] == 0).any()
    assert (made["expected_low"] >= 0).all()
    assert np.allclose(made["excess_high"], made["deaths"] - made["expected_low"])


def test_the_terms_of_a_place_are_only_its_own() -> None:
    hot = weeks(season).with_columns(heat=pl.Series(NOISE[:6, :52].ravel().astype(float)))
    both = pl.concat([hot, hot.with_columns(geoid=pl.lit("USA-41"))])
    said = [{"place": "USA-41", "columns": ["heat"]}]
    made = excess_deaths(both, place="geoid", terms=said)
    assert dict(made.select("geoid", "model").unique().rows()) == {
        "USA-39": "year + s(week)",
        "USA-41": "year + s(week) + heat",
    }
    alone = excess_deaths(hot, place="geoid")
    assert made.filter(geoid="USA-39")["expected_deaths"].equals(alone["expected_deaths"])
    assert not np.allclose(made.filter(geoid="USA-41")["expected_deaths"], alone["expected_deaths"])


def test_deaths_that_were_not_reported_are_left_out_and_end_the_sum() -> None:
    deaths = weeks(lambda year, week: None if (year, week) in {(2017, 8), (2020, 30)} else season(year, week))
    made = excess_deaths(deaths, place="geoid")
    assert made["expected_deaths"].null_count() == 0
    assert made["excess_deaths"].null_count() == 1
    assert made["cumulative_excess"].count() == 29
    assert made.filter(week=30)["remark"].item() == "deaths were not reported"


def test_what_cannot_be_expected_is_said_and_the_rest_is_there() -> None:
    new = weeks(season, years=range(2020, 2021), geoid="USA-02")
    one = weeks(season, years=range(2019, 2021), geoid="USA-04")
    extra = weeks(season, years=range(2020, 2021), geoid="USA-39", last=53).filter(pl.col("week") == 53)
    made = excess_deaths(pl.concat([weeks(season), new, one, extra]), place="geoid")
    remarks = {place: set(rows["remark"]) for (place,), rows in made.group_by("geoid")}
    assert remarks == {
        "USA-02": {"nothing is known of 2015 to 2019"},
        "USA-04": {"no interval: nothing tells how years differ"},
        "USA-39": {None, "no history of week 53"},
    }
    assert made.filter(geoid="USA-02")["expected_deaths"].count() == 0
    assert made.filter(geoid="USA-39", week=53).select("expected_deaths", "model").row(0) == (None, None)
    assert made.filter(geoid="USA-39")["expected_deaths"].count() == 52


def test_terms_that_cannot_be_told_apart_or_have_too_few_years_are_said() -> None:
    deaths = weeks(season).with_columns(heat=pl.lit(1.0))
    made = excess_deaths(deaths, place="geoid", terms=[{"place": "USA-39", "columns": ["heat"]}])
    assert made["remark"].unique().to_list() == ["the terms of its model cannot be told apart"]
    short = excess_deaths(
        deaths.filter(pl.col("year") > 2017), place="geoid", terms=[{"place": "USA-39", "columns": ["heat"]}]
    )
    assert short["remark"].unique().to_list() == ["too few years for terms of its own"]


def test_a_column_of_a_frame_and_some_days_can_be_terms() -> None:
    days = pl.col("year").cast(pl.String) + "-" + pl.col("week").cast(pl.String) + "-1"
    dated = weeks(season).with_columns(start_date=days.str.to_date("%Y-%W-%u"))
    dated = dated.with_columns(end_date=pl.col("start_date") + pl.duration(days=6))
    strike = [dt.date(2016, 5, 11), dt.date(2020, 9, 2)]
    hit = pl.any_horizontal(pl.lit(day).is_between("start_date", "end_date") for day in strike)
    hot = pl.Series("heat", NOISE[:6, :52].ravel().astype(float))
    changed = dated.with_columns(hot, deaths=pl.col("deaths") - 150 * hit.cast(pl.Int64) + 4 * hot.cast(pl.Int64))
    said = {"place": "USA-39", "dates": strike, "columns": "heat"}
    made = excess_deaths(changed, place="geoid", terms=[said])
    plain = excess_deaths(dated, place="geoid")
    struck = made.filter(pl.lit(strike[1]).is_between("start_date", "end_date"))
    assert made["model"].unique().to_list() == ["year + s(week) + dates + heat"]
    assert abs(struck["excess_deaths"].item()) < 40
    assert np.allclose(made["excess_deaths"], plain["excess_deaths"], atol=40)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"deaths": -1}, "USA-39: -1 deaths are fewer than none; bring one row per place and period"),
        ({"week": 0}, "USA-39: 0 is no weekly period; bring one row per place and period"),
        ({"week": 54}, "USA-39: 54 is no weekly period; bring one row per place and period"),
        ({"year": "2015 or so"}, "USA-39: the year '2015 or so' is none; bring one row per place and period"),
        ({"week": 2}, "USA-39: a second row for weekly period 2 of 2020; bring one row per place and period"),
        ({"geoid": None}, "a row has no place; bring one row per place and period"),
        ({"frequency": "daily"}, "USA-39: the frequency 'daily' is none; bring one row per place and period"),
    ],
)
def test_a_frame_that_breaks_the_contract_is_refused_with_place_and_period(
    change: dict[str, object], says: str
) -> None:
    deaths = weeks(season).with_columns(pl.col("year").cast(pl.String), frequency=pl.lit("weekly"))
    last = (pl.col("week") == 52) & (pl.col("year") == "2020")
    changed = deaths.with_columns(
        pl.when(last).then(pl.lit(value, deaths.schema[name])).otherwise(name).alias(name)
        for name, value in change.items()
    )
    with pytest.raises(ContractError) as refused:
        excess_deaths(changed, place="geoid")
    assert str(refused.value) == says


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"columns": ["heat"]}, "the frame has no column 'heat'"),
        ({"place": "Ohio"}, "there is no 'Ohio' to have terms of its own; is it called so in the frame?"),
        ({"columns": ["geoid"]}, "column 'geoid' holds no numbers; it is a term of USA-39"),
        ({"holidays": {"country": "US"}}, "the term 'holidays' of USA-39 is not known of every period"),
    ],
)
def test_a_term_that_cannot_be_made_is_refused(said: dict[str, object], says: str) -> None:
    with pytest.raises(ContractError) as refused:
        excess_deaths(weeks(season), place="geoid", terms=[{"place": "USA-39"} | said])
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize("blank", ["start_date", "end_date"])
def test_a_week_without_a_beginning_or_an_end_has_no_holidays(blank: str) -> None:
    began = pl.date("year", 1, 1) + pl.duration(days=7 * (pl.col("week") - 1))
    deaths = weeks(season).with_columns(start_date=began, end_date=began + pl.duration(days=6))
    said = [{"place": "USA-39", "holidays": {"country": "US"}}]
    assert excess_deaths(deaths, place="geoid", terms=said)["expected_deaths"].null_count() < deaths.height
    last = (pl.col("year") == 2020) & (pl.col("week") == 52)
    without = deaths.with_columns(pl.when(~last).then(blank).alias(blank))
    with pytest.raises(ContractError, match="the term 'holidays' of USA-39 is not known of every period"):
        excess_deaths(without, place="geoid", terms=said)


def test_unknown_holidays_are_refused_with_those_there_are(shared_data: Path) -> None:
    deaths = published(shared_data).filter(country="United Kingdom")
    wrong = {"place": "United Kingdom", "holidays": {"country": "GB", "names": ["Guy Fawkes"]}}
    with pytest.raises(ContractError, match=r"no holiday 'Guy Fawkes' in GB; there are .*Boxing Day"):
        excess_deaths(deaths, terms=[wrong])
    with pytest.raises(ContractError, match="no holidays are known of XX"):
        excess_deaths(deaths, terms=[wrong | {"holidays": {"country": "XX"}}])


def test_the_published_file_can_be_read_in_a_notebook_as_it_is(shared_data: Path) -> None:
    file = shared_data / "nyt/excess-deaths/deaths.csv"
    raw = pl.read_csv(file, schema_overrides={"year": pl.String}, try_parse_dates=True, infer_schema_length=None)
    made = excess_deaths(raw)
    assert made.columns[: len(raw.columns) - 2] == [
        name for name in raw.columns if name not in {*ADDED, "excess_deaths"}
    ]
    assert made.columns.count("expected_deaths") == 1
    assert made["expected_deaths"].equals(excess_deaths(published(shared_data))["expected_deaths"])


def test_pandas_comes_back_as_pandas() -> None:
    made = excess_deaths(weeks(season).to_pandas(), place="geoid")
    assert type(made).__module__.startswith("pandas")
    assert len(made) == 52


def test_nothing_to_estimate_is_said() -> None:
    rows = weeks(season, years=range(2019, 2020)).with_columns(year=pl.lit("2015-2019 average"))
    with pytest.raises(ContractError, match="no row has a year to estimate"):
        excess_deaths(rows, place="geoid")
    with pytest.raises(ContractError, match="no year can be held back"):
        interval_coverage(weeks(season, years=range(2019, 2021)), until=2019, place="geoid")


def test_weeks_and_months_of_one_place_are_expected_each_by_itself() -> None:
    weekly = weeks(season)
    monthly = months(lambda year, month: 900 + 10 * (year - 2015) + 20 * month)
    made = excess_deaths(pl.concat([weekly, monthly], how="diagonal"), place="geoid")["expected_deaths"].to_list()
    apart = [excess_deaths(rows, place="geoid")["expected_deaths"].to_list() for rows in (weekly, monthly)]
    assert made == pytest.approx(apart[0] + apart[1])


def test_a_spline_is_read_between_its_weeks_and_months_are_not() -> None:
    known = pl.col("year") == 2020
    made = excess_deaths(weeks(season).filter(known | (pl.col("week") != 26)), place="geoid")
    assert made.filter(week=26)["expected_deaths"].item() == pytest.approx(170 + 3 * 5, abs=15)
    rows = months(lambda year, month: 900 + 10 * (year - 2015) + 20 * month).filter(known | (pl.col("month") != 6))
    made = excess_deaths(rows, place="geoid")
    assert made.filter(pl.col("expected_deaths").is_null())["month"].to_list() == [6]
