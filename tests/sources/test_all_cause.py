"""Every way in which a file of deaths from all causes can be wrong, and what is said about it."""

import datetime as dt
from pathlib import Path

import pytest

from mortality import HEADER, csv_of
from tallybook.errors import DataRefusedError
from tallybook.sources.all_cause import parse_deaths

TODAY = dt.date(2021, 1, 15)
FIRST = "Austria,,weekly,2019-01-07,2019-01-13,2019,1,2,1702"
SECOND = "Austria,,weekly,2020-01-06,2020-01-12,2020,1,2,1797"
AVERAGE = "Brazil,,weekly,2019-01-06,2019-01-12,2015-2019 average,1,2,20970"


def refused(data: bytes) -> str:
    with pytest.raises(DataRefusedError) as error:
        parse_deaths(data, file="deaths.csv", today=TODAY)
    return str(error.value)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,1,3,many", "deaths: 'many' is no whole number"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,1,3,-4", "deaths: '-4' deaths are fewer than none"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,January,3,4", "month: 'January' is no whole number"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,1,third,4", "week: 'third' is no whole number"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,1,0,4", "week: a year has no week '0'; weeks go from 1 to 53"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,1,54,4", "week: a year has no week '54'; weeks go from 1 to 53"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,1,,4", "week: a weekly row has no week"),
        ("Austria,,monthly,,,2020,,,4", "month: a monthly row has no month"),
        ("Austria,,monthly,,,2020,13,,4", "month: a year has no month '13'"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2020,7,3,4", "month: '7' is not the month of '2020-01-13' to"),
        ("Austria,,weekly,2020-01-13,2020-01-19,2018,1,3,4", "year: '2018' is not the year of '2020-01-13' to"),
        ("Austria,,weekly,2020-01-19,2020-01-13,2020,1,3,4", "end_date: the end '2020-01-13' is before the start"),
        ("Austria,,weekly,2020-01-13,,2020,1,3,4", "end_date: one date of the period is blank; give both or none"),
        ("Austria,,weekly,13/1/2020,2020-01-19,2020,1,3,4", "start_date: '13/1/2020' is no date; write dates as"),
        (
            "Austria,,weekly,2021-01-11,2021-01-17,2021,1,2,4",
            "year: '2021', '2021-01-17' is in the future; it is known",
        ),
        ("Austria,,monthly,,,2022,1,,4", "year: '2022', blank is in the future; it is known as of 2021-01-15"),
        ("Austria,,weekly,2020-01-13,2020-01-19,,1,3,4", "year: the year is blank"),
        ("Austria,,weekly,2020-01-13,2020-01-19,twenty,1,3,4", "year: 'twenty' is no year; write a year, or the years"),
        ("Austria,,weekly,,,2017-2019 mean,1,3,4", "year: '2017-2019 mean' is no year; write a year, or the years"),
        ("Austria,,weekly,,,2019-2017 average,1,3,4", "year: the average '2019-2017 average' ends before it begins"),
        ("Austria,,weekly,,,2017-2019 average,1,3,4", "year: the average '2017-2019 average' stands beside the years"),
        (
            "Austria,,daily,2020-01-13,2020-01-13,2020,1,3,4",
            "frequency: unknown frequency 'daily'; use weekly, monthly",
        ),
        (",,weekly,2020-01-13,2020-01-19,2020,1,3,4", "country: the country is blank"),
        (SECOND, "year: a second row of 'Austria' for 'weekly' period '2' of '2020'"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_column(row: str, says: str) -> None:
    assert refused(csv_of(FIRST, SECOND, row)).startswith(f"deaths.csv, line 4, column {says}")


def test_averages_are_history_and_nothing_else() -> None:
    current = "Brazil,,weekly,2020-01-05,2020-01-11,2020,1,2,23174"
    rows = parse_deaths(csv_of(AVERAGE, current), file="deaths.csv", today=TODAY)
    assert rows["year"].to_list() == ["2015-2019 average", "2020"]
    header = f"{HEADER},expected_deaths,excess_deaths,baseline"
    text = f"{header}\n{AVERAGE},9,,\n{current},20970,2204,2015-2019 historical data\n"
    assert refused(text.encode()) == (
        "deaths.csv, line 2, column expected_deaths: an average row has '9' here; leave it blank"
    )
    assert refused(csv_of(AVERAGE)) == "deaths.csv: no row is of a year of its own; there is nothing to estimate"
    again = AVERAGE.replace("2019-01", "2018-01")
    assert parse_deaths(csv_of(AVERAGE, again, current), file="deaths.csv", today=TODAY).height == 3
    assert "a second row of 'Brazil'" in refused(csv_of(AVERAGE, AVERAGE, current))


def test_what_was_expected_is_read_as_strictly_and_a_missing_column_named() -> None:
    header = f"{HEADER},expected_deaths,excess_deaths,baseline"
    text = f"{header}\n{FIRST},,,\n{SECOND},1806,x,2015-2019 historical data\n"
    assert refused(text.encode()) == (
        "deaths.csv, line 3, column excess_deaths: 'x' is no whole number; "
        "write digits only; leave it blank if not reported"
    )
    good = parse_deaths(text.replace(",x,", ",-9,").encode(), file="deaths.csv", today=TODAY)
    assert good["published_expected_deaths"].to_list() == [None, 1806]
    assert refused(csv_of(FIRST).replace(b",week,", b",wek,")).startswith(
        "deaths.csv, line 1: the column week is missing; is it the one called 'wek'?"
    )


def test_a_blank_is_not_zero_and_a_month_is_that_of_the_last_day() -> None:
    rows = ["Austria,,weekly,2019-12-30,2020-01-05,2020,,1,", "Peru,,monthly,,,2020,1,,9"]
    read = parse_deaths(csv_of(FIRST, *rows), file="deaths.csv", today=TODAY)
    assert read.select("month", "week", "deaths").rows() == [(1, 2, 1702), (1, 1, None), (1, None, 9)]


def test_a_row_may_be_of_the_year_before_its_last_day() -> None:
    row = "Austria,,weekly,2016-12-26,2017-01-01,2016,1,52,2160"
    assert parse_deaths(csv_of(row), file="deaths.csv", today=TODAY)["year"].item() == "2016"


def test_further_columns_are_read_where_a_card_names_them() -> None:
    text = csv_of(FIRST, SECOND).decode().replace("deaths\n", "deaths,heat\n").replace("1702\n", "1702,1.5\n")
    data = text.replace("1797\n", "1797,-2\n").encode()
    read = parse_deaths(data, file="deaths.csv", today=TODAY, columns=["heat"])
    assert read["heat"].to_list() == [1.5, -2.0]
    assert refused(data).startswith("deaths.csv, line 1: unexpected column 'heat'")


def test_the_published_file_is_taken_as_it_is(shared_data: Path) -> None:
    data = (shared_data / "nyt/excess-deaths/deaths.csv").read_bytes()
    read = parse_deaths(data, file="deaths.csv", today=TODAY)
    assert read.height == 7_258
    assert read["published_expected_deaths"].count() == 1_268
