import datetime as dt

import pytest

from tallybook import Level, gazetteer
from tallybook.errors import DataRefusedError
from tallybook.model.reports import REPORT_SCHEMA, Reports
from tallybook.sources import published

TODAY = dt.date(2020, 5, 2)


def parse(text: str, level: Level) -> Reports:
    return published.parse(text.encode(), file="f.csv", source="nyt", level=level, places=gazetteer(), today=TODAY)


def test_a_blank_count_is_a_report_of_nothing() -> None:
    frame = parse("date,county,state,fips,cases,deaths\n2020-05-01,Adjuntas,Puerto Rico,72001,3,\n", Level.COUNTY).frame
    assert frame.schema == REPORT_SCHEMA
    assert frame.drop("date").rows() == [
        ("USA-72001", "cases", 3, "reported"),
        ("USA-72001", "deaths", None, "not_reported"),
    ]


def test_exceptions_and_unknown_counties_are_places() -> None:
    rows = [
        "2020-05-01,New York City,New York,,1,0",
        "2020-05-01,Kansas City,Missouri,,1,0",
        "2020-05-01,Unknown,Missouri,,1,0",
        "2020-05-01,New York,New York,36061,1,0",
    ]
    frame = parse("\n".join(["date,county,state,fips,cases,deaths", *rows]), Level.COUNTY).frame
    assert frame.filter(metric="cases")["place"].to_list() == ["USA-36998", "USA-29998", "USA-29999", "USA-36061"]


def test_a_decline_is_data() -> None:
    assert parse("date,cases,deaths\n2020-05-01,9,1\n2020-05-02,4,0\n", Level.NATION).frame.height == 4


STATE = "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,1,0\n"


@pytest.mark.parametrize(
    ("level", "text", "says"),
    [
        (Level.STATE, STATE + "2020-05-01,Washingtn,53,1,0", "line 3, column state: unknown state 'Washingtn'; did you mean 'Washington'?"),
        (Level.STATE, STATE + "2020-05-01,Washington,54,1,0", "line 3, column fips: '54' is not the FIPS code of 'Washington', which is '53'"),
        (Level.STATE, STATE + "2020-05-01,Alabama,1,1,0", "codes keep their leading zeros"),
        (Level.STATE, STATE + "2020-05-01,,53,1,0", "line 3, column state: the state is blank"),
        (Level.STATE, STATE + "2020-05-01,Ohio,39,2,0", "line 3, column state: a second row for 'Ohio' on '2020-05-01'"),
        (Level.STATE, STATE + "2020-05-03,Ohio,39,2,0", "line 3, column date: '2020-05-03' is in the future; it is known as of 2020-05-02"),
        (Level.STATE, STATE + "2020-05-32,Ohio,39,2,0", "line 3, column date: '2020-05-32' is no date"),
        (Level.STATE, STATE + ",Ohio,39,2,0", "line 3, column date: the date is blank"),
        (Level.STATE, STATE + "2020-05-02,Ohio,39,-2,0", "line 3, column cases: the total '-2' is negative"),
        (Level.STATE, STATE + "2020-05-02,Ohio,39,2,few", "line 3, column deaths: 'few' is no whole number"),
        (Level.NATION, "date,cases,deaths\n2020-05-01,1,0\n2020-05-01,1,0", "line 3, column date: a second row for '2020-05-01'"),
        (Level.COUNTY, "date,county,state,fips,cases,deaths\n2020-05-01,Kings,Washington,53033,1,0", "line 2, column county: unknown county 'Kings'; did you mean 'King'?"),
        (Level.COUNTY, "date,county,state,fips,cases,deaths\n2020-05-01,King,Washingto,53033,1,0", "column state: unknown state 'Washingto'; did you mean 'Washington'?"),
        (Level.COUNTY, "date,county,state,fips,cases,deaths\n2020-05-01,King,Washington,53031,1,0", "'53031' is not the FIPS code of 'King', which is '53033'"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_with_line_column_text_and_hint(level: Level, text: str, says: str) -> None:
    with pytest.raises(DataRefusedError) as refused:
        parse(text, level)
    assert says in str(refused.value)
    assert str(refused.value).startswith("f.csv, line ")
