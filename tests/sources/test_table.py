import datetime as dt
import gzip
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook import Book, gazetteer
from tallybook.errors import ContractError, DataRefusedError, TallybookError
from tallybook.model.cards import Card
from tallybook.model.reports import REPORT_SCHEMA, Reports
from tallybook.sources.table import parse_table

TODAY = dt.date(2020, 12, 31)
TOWNS = {
    "title": "Towns",
    "layout": "table",
    "reporting": "explicit",
    "level": "town",
    "state": "CT",
    "date": {"column": "Date", "format": "%m/%d/%Y"},
    "place": {"name": "Town", "code": "Number"},
    "metrics": {"cases": "Cases ", "tests": {"column": "Tests", "since": "2020-05-31"}},
}
HEADER = "Date,Number,Town,Cases ,Tests\n"
REAL = "COVID-19_Tests__Cases__and_Deaths__By_Town_.csv"


def parse(text: str | bytes, **changes: Any) -> Reports:
    data = text if isinstance(text, bytes) else text.encode()
    card = Card.model_validate({**TOWNS, **changes})
    return parse_table(data, file="t.csv", source="towns", card=card, places=gazetteer(), today=TODAY)


def rows(made: Reports) -> list[tuple[Any, ...]]:
    assert made.frame.schema == REPORT_SCHEMA
    return made.frame.drop("date").rows()


def test_a_blank_is_not_collected_before_the_start_and_not_reported_after() -> None:
    made = parse(HEADER + "05/30/2020,125,Sharon,3,\n05/31/2020,125,Sharon,,\n")
    assert rows(made) == [
        ("USA-09-125", "cases", 3.0, "reported"),
        ("USA-09-125", "cases", None, "not_reported"),
        ("USA-09-125", "tests", None, "not_collected"),
        ("USA-09-125", "tests", None, "not_reported"),
    ]


def test_words_for_no_number_have_their_reason_and_thousands_are_parted() -> None:
    card = {"missing": {"<5": "withheld", "NA": "not_collected"}, "thousands": ","}
    made = parse(HEADER + '06/01/2020,125,Sharon,<5,"1,234"\n06/01/2020,25,Cheshire,NA,0\n', **card)
    assert rows(made) == [
        ("USA-09-125", "cases", None, "withheld"),
        ("USA-09-025", "cases", None, "not_collected"),
        ("USA-09-125", "tests", 1234.0, "reported"),
        ("USA-09-025", "tests", 0.0, "reported"),
    ]


@pytest.mark.parametrize("cell", ["1,5", "12,34", "1,2345", ",123", "1234,567", "1,234,56"])
def test_a_thousands_mark_that_stands_elsewhere_is_refused(cell: str) -> None:
    with pytest.raises(DataRefusedError, match=f"'{cell}' is no whole number"):
        parse(HEADER + f'06/01/2020,125,Sharon,1,"{cell}"\n', thousands=",")


def test_other_delimiters_gzip_and_columns_that_are_not_read() -> None:
    text = 'Date;Number;Town;Cases ;Tests;Remark\r\n06/01/2020;125;Sharon;3;4;"a;b"\r\n'
    made = parse(gzip.compress(text.encode()), delimiter=";", ignore="Remark")
    assert [row[2] for row in rows(made)] == [3.0, 4.0]
    assert parse(text.replace(";", "\t"), delimiter="tab", ignore="*").frame.equals(made.frame)
    with pytest.raises(DataRefusedError, match="unexpected column 'Remark'"):
        parse(text, delimiter=";")


def states(place: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"level": "state", "place": place, "date": {"column": "day"}, "metrics": {"cases": "n"}, **more}


@pytest.mark.parametrize(
    ("place", "cells"),
    [
        ({"name": "where"}, ("Washington", "WA", "washington")),
        ({"fips": "where"}, ("53",)),
        ({"geoid": "where"}, ("USA-53",)),
    ],
)
def test_states_are_known_by_name_abbreviation_fips_and_id(place: dict[str, str], cells: tuple[str, ...]) -> None:
    for cell in cells:
        made = parse(f"day,where,n\n2020-05-01,{cell},1\n", **states(place))
        assert made.frame["place"].to_list() == ["USA-53"]


def test_counties_are_known_by_name_and_state_however_the_state_is_said() -> None:
    card = {"level": "county", "date": {"column": "day"}, "metrics": {"cases": "n"}}
    text = "day,where,st,n\n2020-05-01,Snohomish County,WA,1\n2020-05-01,Orleans Parish,Louisiana,2\n"
    made = parse(text, **card, place={"name": "where", "state": "st"})
    assert made.frame["place"].to_list() == ["USA-53061", "USA-22071"]
    text = "day,where,n\n2020-05-01,Snohomish,1\n"
    assert parse(text, **card, place={"name": "where"}, state="Washington").frame["place"].to_list() == ["USA-53061"]


def test_the_nation_needs_no_place() -> None:
    made = parse("day,n\n2020-05-01,1\n", level="nation", date={"column": "day"}, metrics={"cases": "n"}, place=None)
    assert made.frame["place"].to_list() == ["USA"]


def test_columns_may_be_called_as_we_call_our_own() -> None:
    card = states({"name": "place"}, date={"column": "date"}, metrics={"cases": "value", "deaths": "status"})
    made = parse("date,place,value,status\n2020-05-01,Ohio,1,2\n", **card)
    assert [row[2] for row in rows(made)] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("06/01/2020,125,Sharn,1,1", "line 2, column Town: unknown town 'Sharn'; did you mean 'Sharon'?"),
        ("06/01/2020,25,Sharon,1,1", "line 2, column Number: '25' is not the code of 'Sharon'"),
        ("06/01/2020,125,,1,1", "line 2, column Town: the Town is blank"),
        ("2020-06-01,125,Sharon,1,1", "line 2, column Date: '2020-06-01' is no date; write dates as %m/%d/%Y"),
        ("13/01/2020,125,Sharon,1,1", "'13/01/2020' is no date"),
        (",125,Sharon,1,1", "line 2, column Date: the Date is blank"),
        ("06/01/2021,125,Sharon,1,1", "is in the future; it is known as of 2020-12-31"),
        ("06/01/2020,125,Sharon,1.5,1", "line 2, column Cases : '1.5' is no whole number"),
        ("06/01/2020,125,Sharon,-1,1", "line 2, column Cases : the Cases  '-1' is negative"),
        ("06/01/2020,125,Sharon,1,1\n06/01/2020,125,Sharon,1,1", "line 3, column Date: a second row for"),
        ("06/01/2020,125,Sharon,1", "line 2: 4 cells where the header has 5"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_line_column_text_and_hint(row: str, says: str) -> None:
    with pytest.raises(DataRefusedError) as refused:
        parse(HEADER + row + "\n")
    assert says in str(refused.value)


@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)), front=st.booleans())
def test_no_bytes_break_the_reading_of_tables(data: bytes, front: bool) -> None:
    with suppress(TallybookError):
        parse(HEADER.encode() + data if front else data)


def rows_json(table: pl.DataFrame, *, dates: str | None = None) -> str:
    """The table as Socrata gives it: its own columns first, every cell as text, dates as moments."""
    own = [{"name": name, "dataTypeName": "meta_data", "position": 0} for name in ("sid", "id")]
    named = [{"name": name, "dataTypeName": "calendar_date" if name == dates else "text"} for name in table.columns]
    data = [[f"row-{number}", number, *row] for number, row in enumerate(table.rows())]
    return json.dumps({"meta": {"view": {"columns": own + named}}, "data": data})


def test_rows_json_says_what_rows_csv_says() -> None:
    text = HEADER + "05/30/2020,125,Sharon,3,\n05/31/2020,25,Cheshire,4,5\n"
    table = pl.read_csv(text.encode(), infer_schema=False)
    moments = pl.col("Date").str.to_date("%m/%d/%Y").dt.to_string("%Y-%m-%dT00:00:00.000")
    as_json = rows_json(table.with_columns(moments), dates="Date")
    assert parse(as_json).frame.equals(parse(text).frame)


def test_rows_json_without_rows_is_a_table_without_rows() -> None:
    table = pl.read_csv((HEADER + "2020-06-01,125,Sharon,3,1\n").encode(), infer_schema=False)
    assert rows(parse(rows_json(table.clear(), dates="Date"))) == rows(parse(HEADER)) == []


def test_json_that_is_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallybook.sources.socrata._MOST", 10)
    with pytest.raises(
        DataRefusedError, match="more than 10 characters, too many for JSON; record the table's CSV file"
    ):
        parse('{"meta": 1}')


def test_a_card_of_another_layout_describes_no_table() -> None:
    card = Card.model_validate({"title": "Published", "layout": "published", "reporting": "explicit"})
    with pytest.raises(ContractError, match="the card of 'nyt' describes no table; set layout: table"):
        parse_table(b"", file="t.csv", source="nyt", card=card, places=gazetteer(), today=TODAY)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"Sharon"', '"Sharn"', "t.csv, row 1, column Town: unknown town 'Sharn'; did you mean 'Sharon'?"),
        ('"Sharon"', '{"a": 1}', "t.csv, row 1, column Town: a cell is neither text nor number"),
        ('"Sharon", ', "", "row 1: a row has not the 7 cells of meta.view.columns"),
        ('"Town"', '"Place"', "the column Town is missing"),
        ('"meta": {', '"mate": {', "this is not Socrata's rows.json"),
        ("]}", "", "this is no JSON"),
        ('"data": [', '"data": ' + "[" * 100_000, "this is JSON within JSON without end"),
    ],
)
def test_wrong_json_is_refused(old: str, new: str, says: str) -> None:
    table = pl.read_csv((HEADER + "2020-06-01,125,Sharon,3,1\n").encode(), infer_schema=False)
    text = rows_json(table, dates="Date").replace(old, new)
    with pytest.raises(DataRefusedError) as refused:
        parse(text)
    assert says in str(refused.value)


@pytest.fixture(scope="session")
def towns(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Connecticut's towns, recorded and published; nobody may change them."""
    book = Book.init(tmp_path_factory.mktemp("ct") / "book", template="connecticut")
    book.record("ct-towns", shared_data / "ct-towns" / REAL)
    book.publish()
    return book


def test_connecticut_comes_in_whole(towns: Book, shared_data: Path) -> None:
    file = pl.read_csv(shared_data / "ct-towns" / REAL, infer_schema=False)
    known = towns.ledger.as_of()
    assert known.height == file.height * 13 == 29_237 * 13
    assert known["place"].n_unique() == 169
    codes = pl.format("USA-09-{}", pl.col("Town number").str.zfill(3))
    keyed = file.with_columns(codes.alias("place"), pl.col("Last update date").str.to_date("%m/%d/%Y").alias("date"))
    for metric, column in towns.sources["ct-towns"].card.metrics.items():
        theirs = keyed.select("place", "date", pl.col(column.column).cast(pl.Float64).alias("value")).sort(
            "place", "date"
        )
        ours = known.filter(metric=metric).select("place", "date", "value").sort("place", "date")
        assert ours.equals(theirs)
    blank = known.filter(pl.col("value").is_null())
    assert blank["status"].unique().to_list() == ["not_collected"]


def test_recording_a_later_vintage_adds_only_what_changed(shared_data: Path, tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="connecticut")
    text = (shared_data / "ct-towns" / REAL).read_text()
    (tmp_path / "ct.csv").write_text(text)
    assert book.record("ct-towns", tmp_path / "ct.csv")[0].added == 380_081
    assert book.record("ct-towns", tmp_path / "ct.csv")[0].unchanged == 380_081
    (tmp_path / "ct.csv").write_text(
        text.replace("10/13/2020,169,Woodstock,40,40,0", "10/13/2020,169,Woodstock,41,40,1")
    )
    again = book.record("ct-towns", tmp_path / "ct.csv")[0]
    assert (again.added, again.revised, again.unchanged) == (0, 2, 380_079)


def test_the_release_has_towns_with_tests_positivity_and_rates(towns: Book) -> None:
    folder = towns.folder / "public"
    totals = pl.read_csv(folder / "towns.csv", infer_schema_length=None)
    assert totals.height == 29_237
    last = totals.filter(date="2020-10-13", town="Hartford").row(0, named=True)
    assert round(last["cases"] * 100_000 / 122_587, 2) == last["cases_per_100k"]
    averages = pl.read_csv(folder / "rolling-averages/towns.csv", infer_schema_length=None).filter(town="Hartford")
    sunday = averages.filter(date="2020-10-11").row(0, named=True)
    # A Sunday's row has the counts of three days; the week has seven, and the sum is of its four rows.
    assert sunday["days_since_last_report"] == 3
    assert sunday["tests_avg"] == round((1023 + 771 + 1881 + 752 + 5354) / 7, 2)
    assert sunday["positivity_avg_percent"] == pytest.approx(
        sunday["positive_tests_avg"] * 100 / sunday["tests_avg"], abs=0.01
    )
    # Tests were first counted on 31 May: their total of that day is nothing new, and no week is whole before 8 June.
    tests = averages.filter(pl.col("tests_avg").is_not_null())
    assert tests["date"].min() == "2020-06-08"
    assert averages.filter(date="2020-05-31")["tests"].item() is None


def test_real_examples_of_the_documentation(towns: Book) -> None:
    found = towns.check()
    assert set(found["code"]) == {"confirmed-probable", "decline", "gap", "jump", "rate-count"}
    assert found.filter(code="decline", metric="cases").height > 0
    rates = found.filter(code="rate-count").sort("date", "place")
    assert rates.height == 23
    sums = found.filter(code="confirmed-probable").row(0, named=True)
    seen = (sums["place"], sums["date"], sums["seen"], sums["expected"])
    assert seen == ("USA-09-164", dt.date(2020, 5, 31), "498 confirmed, 50 probable: 548 in all", "551")
    assert rates["date"].value_counts(sort=True).rows() == [(dt.date(2020, 5, 17), 21), (dt.date(2020, 4, 22), 2)]
    assert rates.select("place", "seen", "expected").row(0) == (
        "USA-09-015",
        "1046.0 per 100,000",
        "1044.9 from 1514 and 144900 people",
    )
