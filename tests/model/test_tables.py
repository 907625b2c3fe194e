import gzip

import pytest

from tallybook.errors import DataRefusedError
from tallybook.model import decoding
from tallybook.model.tables import LINE, read_table

COLUMNS = ("date", "state", "cases")


@pytest.mark.parametrize(
    "data",
    [
        b"date,state,cases\n2020-01-21,Washington,1\n",
        b"date,state,cases\n2020-01-21,Washington,1",
        b"date,state,cases\r\n2020-01-21,Washington,1\r\n",
        b"\xef\xbb\xbfdate,state,cases\n2020-01-21,Washington,1\n",
        b'"date","state","cases"\n"2020-01-21","Washington","1"\n',
        gzip.compress(b"date,state,cases\n2020-01-21,Washington,1\n"),
        b"cases,date,state\n1,2020-01-21,Washington\n\n\n",
    ],
    ids=["plain", "no final newline", "CRLF", "BOM", "quoted", "gzip", "other order, blank lines at the end"],
)
def test_the_ways_a_table_may_be_written(data: bytes) -> None:
    assert read_table(data, file="f.csv", columns=COLUMNS).rows.rows() == [("2020-01-21", "Washington", "1", 2)]


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MOST_BYTES", 1000)
    says = {
        gzip.compress(b"0" * 100_000): "the gzip file unpacks to more than 1,000",
        b"0" * 1001: "is larger than 1,000",
    }
    for data, said in says.items():
        with pytest.raises(DataRefusedError, match=f"{said} bytes"):
            read_table(data, file="f.csv", columns=COLUMNS)


def test_a_header_without_rows_has_no_rows() -> None:
    assert read_table(b"date,state,cases\n", file="f.csv", columns=COLUMNS).rows.rows() == []


def test_quoted_cells_may_hold_commas_quotes_and_line_ends_and_lines_are_still_counted() -> None:
    data = b'date,state,cases\n2020-01-21,"a ""b"", c\nd\r\ne",1\n2020-01-22,f,x\n'
    table = read_table(data, file="f.csv", columns=COLUMNS)
    assert table.rows["state"].to_list() == ['a "b", c\nd\r\ne', "f"]
    assert table.rows[LINE].to_list() == [2, 5]
    with pytest.raises(DataRefusedError, match="line 5, column cases: 'x' is no whole number"):
        table.with_integers("cases")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "f.csv: the file is empty"),
        (b"\n\n", "f.csv: the file is empty"),
        (b"date,cases\n", "line 1: the column state is missing; the file has date, cases"),
        (b"date;state;cases\n", "between its columns stands ';'; save it with another, or say so as `delimiter`"),
        (b"date,States,cases\n", "line 1: the column state is missing; is it the one called 'States'"),
        (b"date,state,cases,deaths\n", "line 1: unexpected column 'deaths'; expected date, state, cases"),
        (b"date,state,cases,cases\n", "line 1: the column cases stands there twice"),
        (b"date,state,cases\ra,b,1\r", "lines end in CR alone; save it with LF or CRLF"),
        (b"date,state,cases\r\r\na,b,1\r\r\n", "lines end in more than one CR; save it with LF or CRLF"),
        (b"\n<!doctype html>\n<html>", "this is a web page, not a table; is the address still right?"),
        (b"date,state,cases\na,b,1\na,b\n", "line 3: 2 cells where the header has 3"),
        (b"date,state,cases\na,b,c,1\n", "line 2: 4 cells where the header has 3; a comma inside a cell"),
        (b"date,state,cases\na,b,1\n\na,b,1\n", "line 3: 1 cells where the header has 3"),
        (b"date,state,cases\na,b\na,b,c,1\n", "line 2: 2 cells where the header has 3"),
        (b"PK\x03\x04\x14\x00", "this is a workbook or a ZIP file, not a table; save the sheet as CSV"),
        (b'date,state,cases\na,b,1\na,"b,1\n', "line 3: a quotation mark neither opens nor closes a cell"),
        (b'date,state,cases\n2020-03-03,"Ohio"x,1\n', "line 2: a quotation mark neither opens nor closes a cell"),
        (b'date,state,cases\n2020-03-03,"Ohio" ,1\n', "line 2: a quotation mark neither opens nor closes a cell"),
        (b'date,state,cases\na"b,c"d,1\n', "line 2: a quotation mark neither opens nor closes a cell"),
        (b'date,state,cases\na,said "hi, you" ok,1\n', "line 2: a quotation mark neither opens nor closes a cell"),
        (b'date,state,cases\na,b"c,1\na,d"e,1\n', "line 2: a quotation mark neither opens nor closes a cell"),
        (b'"', "line 1: the header cannot be read"),
        (b'"date,state,cases\n', "line 1: the header cannot be read"),
        (b"\ndate,state,cases\n", "line 1: the first line is blank"),
        (b"# counts\ndate,state,cases\n", "line 1: the column date is missing; the file has # counts"),
        (b'"foo\nbar",x\x1b,y\n', r"the column date is missing; the file has 'foo\nbar', 'x\x1b', y"),
        (b"x," * 9_000 + b"y\n", "the file has x, x, x, x, x, x, x, x, x, x, x, x and 8,989 more"),
        (b"x," * 90_000 + b"y\n", "line 1: 90,001 columns are more than 16,384; is this a table, a row per line?"),
        (b"date,state,cases\na,\xff,1\n", "line 2: the text is not UTF-8"),
        (b"date,state,cases\na,\0,1\n", "line 2: a NUL character"),
        ("date,state,cases\n".encode("utf-16"), "the file is UTF-16; save it as UTF-8"),
        (gzip.compress(b"date,state,cases\n")[:-9], "the gzip file is damaged or cut short"),
    ],
)
def test_what_no_table_is_is_refused_with_its_address(data: bytes, says: str) -> None:
    with pytest.raises(DataRefusedError) as refused:
        read_table(data, file="f.csv", columns=COLUMNS)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["1.0", " 1", "1e3", "1,", "one", "+1", "9" * 30, "٣"])
def test_numbers_are_digits_and_nothing_else(text: str) -> None:
    table = read_table(f'date,state,cases\na,b,"{text}"\n'.encode(), file="f.csv", columns=COLUMNS)
    with pytest.raises(DataRefusedError, match=r"f\.csv, line 2, column cases: .* is no whole number"):
        table.with_integers("cases")


@pytest.mark.parametrize(
    "text", ["2020-13-01", "2020-02-30", "01/21/2020", "2020-1-1", "yesterday", "2020-01-21T00:00"]
)
def test_dates_are_days_of_the_calendar(text: str) -> None:
    table = read_table(f"date,state,cases\n{text},b,1\n".encode(), file="f.csv", columns=COLUMNS)
    with pytest.raises(DataRefusedError, match=r"line 2, column date: .* is no date; write dates as YYYY-MM-DD"):
        table.with_dates("date")


def test_what_cannot_be_so_many_or_so_long_ago_is_refused() -> None:
    table = read_table(b"date,state,cases\n0202-03-04,b,10000000001\n", file="f.csv", columns=COLUMNS)
    with pytest.raises(DataRefusedError, match="line 2, column cases: '10000000001' is more than there are people"):
        table.with_integers("cases")
    with pytest.raises(DataRefusedError, match="line 2, column date: '0202-03-04' is long ago; is the year right"):
        table.with_dates("date")


def test_a_refusal_names_the_first_and_counts_the_others() -> None:
    rows = "".join(f"2020-01-21,b,x{number}\n" for number in range(1000))
    table = read_table(f"date,state,cases\n{rows}".encode(), file="f.csv", columns=COLUMNS)
    with pytest.raises(
        DataRefusedError, match=r"line 2, column cases: 'x0' is no whole number \(and 999 more like it\)"
    ):
        table.with_integers("cases")
