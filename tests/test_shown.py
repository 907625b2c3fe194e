"""Objects say what they are, in a line and, in a notebook, as a table; hostile words stay words there, too."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import pytest

from tallybook import Book, Ledger, read, simulate
from tallybook.model.shown import as_html
from tallybook.release.write import Release

EVENING = datetime(2020, 6, 1, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Book, Release]:
    """A book of two states, whose title is hostile, and its release."""
    folder = tmp_path_factory.mktemp("shown")
    book = Book.init(folder / "book", template="simulated")
    config = book.folder / "book.toml"
    config.write_text(config.read_text().replace("A simulated outbreak", "Cases <script>"))
    rows = [f"2020-05-{day:02},Ohio,39,{day * 10},1\n2020-05-{day:02},Iowa,19,{day},0" for day in range(1, 11)]
    (folder / "feed").mkdir()
    (folder / "feed/us-states.csv").write_text("\n".join(["date,state,fips,cases,deaths", *rows, ""]))
    nation = [f"2020-05-{day:02},{day * 11},1" for day in range(1, 11)]
    (folder / "feed/us.csv").write_text("\n".join(["date,cases,deaths", *nation, ""]))
    book = Book(book.folder)
    book.record("simulated", folder / "feed", as_of=EVENING)
    return book, book.publish(site=False)


class Shown(Protocol):
    """What notebooks show."""

    def _repr_html_(self) -> str: ...


def html(shown: Shown) -> str:
    told = shown._repr_html_()
    assert told.startswith("<div><strong>")
    assert told.endswith("</div>")
    return told


def test_a_book_shows_what_it_is(made: tuple[Book, Release]) -> None:
    book, _ = made
    assert repr(book) == f"<Book 'Cases <script> (invented numbers)' in {book.folder}>"
    assert "<strong>Cases &lt;script&gt; (invented numbers)</strong>" in html(book)
    for said in ("nation, state, county", "cases, deaths", "CC0-1.0", "as of 2020-06-01 21:00 UTC", "Every number"):
        assert said in html(book)
    assert repr(book.sources) == "<Catalogue of simulated>"
    assert repr(book.ledger) == f"<Ledger in {book.folder / 'ledger'}>"


def test_a_book_that_published_nothing_says_so(tmp_path: Path) -> None:
    assert "none yet" in html(Book.init(tmp_path / "book"))


def test_a_release_shows_its_files(made: tuple[Book, Release]) -> None:
    release = made[1]
    there = read(release.folder)
    assert repr(release) == f"<Release of {len(release.files)} files as of {EVENING.isoformat()} in {release.folder}>"
    assert repr(there).startswith("<Release of 'Cases <script>")
    for shown in (html(release), html(there)):
        assert (
            '<td style="text-align:left;vertical-align:top">us-states.csv</td><td style="text-align:right">20</td>'
            in shown
        )
        assert "<script>" not in shown
    assert "Licence: CC0-1.0" in html(there)


def test_an_explanation_shows_its_days_or_its_parts(made: tuple[Book, Release]) -> None:
    book, _ = made
    ohio, nation = (book.explain(place, date(2020, 5, 8), "cases") for place in ("Ohio", "USA"))
    assert repr(ohio) == "<cases of USA-39 on 2020-05-08: 10.00 a day = 70 ÷ 7 days, 2020-05-02 to 2020-05-08>"
    assert "Ohio, cases, Friday 2020-05-08: 10.00 a day = 70 ÷ 7 days" in html(ohio)
    assert html(ohio).count("<tr>") == 8
    assert "counted" in html(ohio)
    assert repr(nation) == "<cases of USA on 2020-05-08: 11.00 a day = the sum of 2 averages>"
    assert html(nation).index("USA-39") < html(nation).index("USA-19")


def test_others_say_what_they_are_in_a_line() -> None:
    outbreak = simulate(states=["USA-53"], days=60)
    assert repr(outbreak).startswith("<Outbreak of 2 places, 2020-03-01 to 2020-04-29, ")
    assert repr(Ledger("s3://bucket/ledger")) == "<Ledger in s3://bucket/ledger, read only>"


def test_numbers_stand_to_the_right_and_what_is_missing_is_blank() -> None:
    shown = as_html("a", [(1234, None, "b")], columns=("x", "y", "z"))
    assert '<td style="text-align:right">1,234</td><td style="text-align:left;vertical-align:top"></td>' in shown
