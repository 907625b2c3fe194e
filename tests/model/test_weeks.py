"""MMWR weeks, against the package ``epiweeks``."""

import datetime as dt

import polars as pl
from epiweeks import Week, Year

from tallybook.model.weeks import mmwr_week, mmwr_year, week_ends, week_label


def test_every_day_of_a_century_has_the_week_that_epiweeks_says() -> None:
    days = pl.DataFrame({"date": pl.date_range(dt.date(1985, 1, 1), dt.date(2085, 1, 1), eager=True)})
    made = days.select("date", year=mmwr_year(pl.col("date")), week=mmwr_week(pl.col("date")))
    assert [(year, week) for _, year, week in made.rows()] == [Week.fromdate(day).weektuple() for day in days["date"]]


def test_every_week_ends_on_the_saturday_that_epiweeks_says_and_others_are_none() -> None:
    asked = [(year, week) for year in range(1985, 2085) for week in range(55)]
    weeks = pl.DataFrame(asked, ["year", "week"], orient="row")
    expected = [Week(y, w).enddate() if 1 <= w <= Year(y).totalweeks() else None for y, w in asked]
    assert weeks.select(end=week_ends(pl.col("year"), pl.col("week")))["end"].to_list() == expected


def test_a_week_is_called_by_its_year_even_where_it_ends_in_the_next() -> None:
    assert week_label(dt.date(2020, 12, 30)) == week_label(dt.date(2021, 1, 2)) == "2020 week 53, ending Jan 2, 2021"
