import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook import Book
from tallybook.errors import BookError, DataRefusedError
from tallybook.model.cards import Card
from tallybook.sources.cards import check_card, read_source
from tallybook.sources.notes import dated_notes

TABLE = """---
title: Cases by town
publisher: A department
license: CC0-1.0
csv_url: https://example.org/towns.csv
layout: table
reporting: explicit
level: town
state: CT
date: {column: Date, format: "%m/%d/%Y"}
place: {name: Town}
metrics:
  cases: "Total cases "
  tests: {column: Tests, since: 2020-05-31}
---
Notes.

* 5/19/2020: the system was down.
"""


def card_of(file: Path, text: str = TABLE) -> Card:
    file.write_text(text)
    return read_source(file).card


def problems(text: str) -> list[str]:
    return [f"{problem.line} {problem.key} {problem.says}" for problem in check_card(text) if problem.wrong]


def test_a_card_says_where_everything_is_and_keeps_what_it_does_not_know(tmp_path: Path) -> None:
    card = card_of(tmp_path / "ct.md", TABLE.replace("state: CT", "state: CT\nuid: 28fr-iqnx\ncreated: 2020-03-24"))
    assert card.metrics["cases"].column == "Total cases "
    assert (card.metrics["tests"].since, card.created) == (dt.date(2020, 5, 31), dt.date(2020, 3, 24))
    assert card.location == "https://example.org/towns.csv"
    assert card.model_extra == {"uid": "28fr-iqnx"}


def test_words_of_yaml_stay_words(tmp_path: Path) -> None:
    # In YAML, NO is false and 09 is nine.
    card = card_of(tmp_path / "no.md", TABLE.replace("state: CT", "state: CT\ncountry: NO\ncode: 09"))
    assert card.model_extra == {"country": "NO", "code": "09"}


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("---\ntitle", "title", "1  no front matter"),
        ("title: Cases by town\n", "", "1 title the key is missing"),
        ("reporting: explicit", "reporting: guessed", "7 reporting 'guessed' is not 'infer-from-zero' or 'explicit'"),
        ("level: town\n", "", "1  a table needs level"),
        ("layout: table", "layout: published", "1  the published layout has its own level"),
        ("place: {name: Town}", "place: {state: Town}", "11 place name the column of places"),
        ("%m/%d/%Y", "%m/%d", "10 date.format '%m/%d' writes no whole date"),
        ("tests: {", "testz: {", "14 metrics.testz unknown metric 'testz'; use cases, "),
        ("since: 2020-05-31", "since: May", "14 metrics.tests.since 'May' is no date such as"),
        ("since: 2020-05-31", "sinse: 2020-05-31", "14 metrics.tests.sinse unknown key"),
        ("column: Tests", "column: 'Total cases '", "1  two things are read from the column 'Total cases '"),
        ("column: Tests", "column: ^Te.*$", "cannot be the name of a column"),
        ("https://example.org/towns.csv", "ftp://example.org", "5 csv_url 'ftp://example.org' is no http"),
        ("state: CT", "state: CT\nstate: NY", "10  the key 'state' stands there twice"),
        ("state: CT", "state: &x CT", "9  anchors and tags are not taken: x"),
        ("state: CT", "state: !!python/name:os.system CT", "9  anchors and tags are not taken"),
        ("state: CT", "state: [CT", "this cannot be read as YAML"),
        ("state: CT", "state: Zembla", "9 state no place 'Zembla'"),
        ("state: CT\n", "", "10 place the names of town places need a state"),
        ("name: Town", "name: Date", "1  two things are read from the column 'Date'"),
        (
            "state: CT",
            "state: CT\nmissing: {NA: gone}",
            "missing.NA 'gone' is not 'not_reported', 'not_collected' or",
        ),
        ("state: CT", "state: CT\nthousands: '5'", "10 thousands '5' cannot stand between thousands"),
        ("state: CT", "state: CT\nthousands: '-'", "10 thousands '-' cannot stand between thousands"),
        ("state: CT", "state: CT\n? [a, b]\n: c", "10  a key has to be a word"),
        ("state: CT", "state: CT\nexcess: [{place: Peru, january: false}]", "1  a table has no deaths from all causes"),
        ("state: CT", "delimiter: '\"'", "9 delimiter '\"' cannot stand between cells"),
    ],
)
def test_what_is_wrong_in_a_card_is_said_by_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = TABLE.replace(old, new)
    assert any(says in problem for problem in problems(text)), problems(text)
    with pytest.raises(DataRefusedError) as refused:
        card_of(tmp_path / "ct.md", text)
    assert f"ct.md, line {says.split(maxsplit=1)[0]}" in str(refused.value) or not says[0].isdigit()


def test_a_key_with_nothing_behind_it_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    card = card_of(tmp_path / "ct.md", TABLE.replace("state: CT", "state: CT\nlicence:\nnotes_url: ~\nuid: ''"))
    assert card == card_of(tmp_path / "ct.md", TABLE.replace("state: CT", "state: CT\nuid: ''"))
    assert card.model_extra == {"uid": ""}


def test_a_metric_whose_name_and_column_are_wrong_is_one_problem() -> None:
    (problem,) = problems(TABLE.replace("tests: {column: Tests, since: 2020-05-31}", "testz: [Tests]"))
    assert problem.startswith("14 metrics.testz ")


def test_all_that_is_wrong_is_said_at_once() -> None:
    text = TABLE.replace("explicit", "maybe").replace("town\n", "village\n", 1).replace("name: Town", "nam: Town")
    assert [int(problem.split()[0]) for problem in problems(text)] == sorted(
        int(problem.split()[0]) for problem in problems(text)
    )
    assert len(problems(text)) >= 2


def test_a_key_that_looks_mistyped_is_odd_and_kept() -> None:
    (odd,) = check_card(TABLE.replace("state: CT", "state: CT\nthousandz: ','"))
    assert (odd.line, odd.wrong) == (10, False)
    assert odd.says == "unknown key, kept as it is; did you mean 'thousands'?"


def test_a_note_whose_date_is_none_is_odd() -> None:
    text = TABLE.replace("5/19/2020", "5/32/2020") + "* 2020-05-20 to 2020-05-01: the wrong way round.\n"
    assert [(problem.line, problem.says) for problem in check_card(text)] == [
        (18, "'5/32/2020' is no date; the note is left out"),
        (19, "the end '2020-05-01' is before the start; the note is of the first day only"),
    ]


@given(text=st.text(max_size=200))
def test_no_text_breaks_the_reading_of_cards(text: str) -> None:
    check_card(text)
    check_card(f"---\n{text}\n---\n{text}")


def test_dated_notes_are_found_in_lists_paragraphs_and_below_headings() -> None:
    text = """Undated.

- 2020-05-19: down.
- On 6/23/2020, late.
- In 2020 nothing.

As of November 5, 2020 antigen tests count.

## 2021-01-01 to 2021-01-03

Holidays.

## Later

Nothing.
"""
    notes = dated_notes(text)
    assert [(note.date.isoformat(), note.end_date and note.end_date.isoformat(), note.line) for note in notes] == [
        ("2020-05-19", None, 3),
        ("2020-06-23", None, 4),
        ("2020-11-05", None, 7),
        ("2021-01-01", "2021-01-03", 11),
    ]
    assert notes[3].text == "Holidays."
    assert dated_notes("2020-02-30: no such day") == []


def test_notes_become_annotations_of_the_release_and_of_explanations(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="connecticut")
    rows = ["Last update date,Town number,Town," + ",".join(column for column in TOWN_COLUMNS)]
    rows += [f"0{month}/2{day}/2020,125,Sharon,{day},,,,0,,,,,,,," for month, day in ((5, 1), (6, 3), (6, 4))]
    (tmp_path / "ct.csv").write_text("\n".join(rows))
    book.record("ct-towns", tmp_path / "ct.csv")
    assert book.explain("Sharon", dt.date(2020, 6, 23), "cases").notes == (
        "2020-06-23: the data were pulled later than usual. (ct-towns)",
    )
    published = (book.publish().folder / "annotations.csv").read_text().splitlines()
    assert published[0] == "source,date,end_date,note"
    assert published[2].startswith("ct-towns,2020-06-23,,")


TOWN_COLUMNS = [
    "Total cases ", "Confirmed cases", "Probable cases", "Case rate", "Total deaths", "Confirmed deaths",
    "Probable deaths", "People tested", "Rate tested per 100k", "Number of tests", "Number of positives",
    "Number of negatives", "Number of indeterminates",
]  # fmt: skip


def test_a_book_needs_a_source_with_a_name(book: Book) -> None:
    card = book.folder / "sources/nyt.md"
    card.rename(card.with_name("New York.md"))
    with pytest.raises(BookError, match="no name for a source"):
        Book(book.folder).sources  # noqa: B018
    card.with_name("New York.md").unlink()
    with pytest.raises(BookError, match="no source in"):
        Book(book.folder).sources  # noqa: B018


def test_sources_of_a_level_report_in_one_way(book: Book, tmp_path: Path) -> None:
    card = (book.folder / "sources/nyt.md").read_text().replace("infer-from-zero", "explicit")
    (book.folder / "sources/other.md").write_text(card)
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-05-01,1,0\n")
    two = Book(book.folder)
    two.record("other", tmp_path / "us.csv")
    with pytest.raises(BookError, match="nyt and other report the level nation in different ways"):
        two.publish()
