import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from tallybook import Book
from tallybook.errors import BookError, ContractError, DataRefusedError, SourceError
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.model.config import read_config

STATES = "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n2020-05-02,Ohio,39,707,0\n"
REGISTER = ",".join(ANOMALY_COLUMNS) + "\n2020-05-02,,,Ohio,USA-39,cases,yes,,0,A backlog.\n"


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    folder = tmp_path / "feed"
    (folder / "rolling-averages").mkdir(parents=True)
    (folder / "us-states.csv").write_text(STATES)
    (folder / "rolling-averages/anomalies.csv").write_text(REGISTER)
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


def test_the_register_of_the_feed_is_used_unless_the_book_has_its_own(book: Book, feed: Path) -> None:
    book.record("nyt", feed)
    assert book.averages("state")["cases_avg"].to_list() == [1.0, 1.0]
    (book.folder / "anomalies.csv").write_text(REGISTER.splitlines()[0] + "\n")
    assert Book(book.folder).averages("state")["cases_avg"].to_list() == [1.0, 101.0]


def test_a_refused_file_leaves_ledger_register_and_release_as_they_were(book: Book, feed: Path) -> None:
    book.record("nyt", feed)
    book.publish()
    before = snapshot(book.folder)
    (feed / "us.csv").write_text("date,cases,deaths\n2020-05-01,8,0\n")
    (feed / "us-states.csv").write_text(STATES + "2020-05-03,Ohio,39,708,x\n")
    (feed / "rolling-averages/anomalies.csv").write_text(REGISTER + "2020-05-02,,,Ohio,USA-39,deaths,yes,,0,\n")
    with pytest.raises(DataRefusedError):
        book.record("nyt", feed)
    assert snapshot(book.folder) == before
    (feed / "us-states.csv").write_text(STATES)
    (feed / "rolling-averages/anomalies.csv").write_text(REGISTER + "2020-05-02,,,Ohio,USA-93,deaths,yes,,0,\n")
    with pytest.raises(DataRefusedError):
        book.record("nyt", feed)
    assert snapshot(book.folder) == before


def test_recording_twice_adds_nothing(book: Book, feed: Path) -> None:
    assert [file.added for file in book.record("nyt", feed)] == [4]
    known, release = book.ledger.as_of(), snapshot(book.publish().folder)
    again = book.record("nyt", feed)
    assert [(file.added, file.revised, file.withdrawn, file.unchanged) for file in again] == [(0, 0, 0, 4)]
    assert book.ledger.as_of().equals(known)
    assert snapshot(book.publish().folder) == release


def test_a_file_that_was_cut_short_is_refused_unless_withdrawals_are_allowed(book: Book, feed: Path) -> None:
    days = [f"2020-05-{day:02},Ohio,39,{day},{day}" for day in range(1, 31)]
    states, lines = feed / "us-states.csv", [STATES.splitlines()[0], *days]
    states.write_text("\n".join(lines))
    book.record("nyt", feed)
    before = snapshot(book.folder)
    states.write_text("\n".join(lines[:16]))
    with pytest.raises(DataRefusedError, match=r"us-states\.csv: 30 of the 60 counts known of nyt are not in the file"):
        book.record("nyt", feed)
    assert snapshot(book.folder) == before
    assert [file.withdrawn for file in book.record("nyt", feed, allow_withdrawals=True)] == [30]
    states.write_text("\n".join(lines[:14]))
    assert [file.withdrawn for file in book.record("nyt", feed)] == [4]


def test_a_file_that_lost_all_its_rows_is_one_that_was_cut_short(book: Book, feed: Path) -> None:
    header, *_ = STATES.splitlines()
    (feed / "us-states.csv").write_text(
        "\n".join([header, *(f"2020-05-{day:02},Ohio,39,{day},{day}" for day in range(1, 31))])
    )
    book.record("nyt", feed)
    (feed / "us-states.csv").write_text(f"{header}\n")
    with pytest.raises(DataRefusedError, match=r"us-states\.csv: 60 of the 60 counts known of nyt are not in the file"):
        book.record("nyt", feed)
    assert [file.withdrawn for file in book.record("nyt", feed, allow_withdrawals=True)] == [60]
    assert book.totals("state").is_empty()


def test_a_day_is_in_the_future_by_the_clock_of_the_book(book: Book, feed: Path) -> None:
    with pytest.raises(DataRefusedError, match="known as of 2020-05-01"):
        book.record("nyt", feed, as_of=dt.datetime(2020, 5, 2, 3, 59, tzinfo=dt.UTC))
    assert book.record("nyt", feed, as_of=dt.datetime(2020, 5, 2, 4, 0, tzinfo=dt.UTC))


def test_moments_are_aware_and_past(book: Book, feed: Path) -> None:
    with pytest.raises(ContractError, match="has no time zone"):
        book.record("nyt", feed, as_of=dt.datetime(2020, 5, 3))
    with pytest.raises(ContractError, match="is in the future"):
        book.record("nyt", feed, as_of=dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    with pytest.raises(ContractError, match="before all time zones"):
        book.record("nyt", feed, as_of=dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))))
    book.record("nyt", feed)
    for moment, says in (
        (dt.datetime(2020, 5, 3), "has no time zone"),
        (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), "is in the future; nothing is known then yet"),
    ):
        for ask in (book.averages, book.totals):
            with pytest.raises(ContractError, match=says):
                ask("state", as_of=moment)
        with pytest.raises(ContractError, match=says):
            book.changes(dt.datetime(2020, 5, 3, tzinfo=dt.UTC), moment)


def test_a_clock_that_was_set_back_is_said(book: Book, feed: Path) -> None:
    moment = dt.datetime(2020, 5, 3, 12, tzinfo=dt.UTC)
    Book(book.folder, clock=lambda: moment).record("nyt", feed)
    with pytest.raises(
        ContractError, match=r"by the clock it is 2020-05-03T11:.* recorded at 2020-05-03T12:.* already"
    ):
        Book(book.folder, clock=lambda: moment - dt.timedelta(hours=1)).record("nyt", feed)


def test_a_release_goes_nowhere_where_it_would_take_the_place_of_something_else(book: Book, feed: Path) -> None:
    book.record("nyt", feed)
    before = snapshot(book.folder)
    for out in (book.folder, book.folder / "ledger/raw", book.folder.parent):
        with pytest.raises(BookError, match=r"a release cannot be put in .*; the book is there"):
            book.publish(out)
    with pytest.raises(BookError, match=r"us-states\.csv is a file; give --out a folder"):
        book.publish(feed / "us-states.csv")
    assert snapshot(book.folder) == before


def test_totals_are_what_is_known(book: Book, feed: Path) -> None:
    book.record("nyt", feed)
    assert book.totals("state").rows() == [
        ("USA-39", dt.date(2020, 5, 1), 7, 0),
        ("USA-39", dt.date(2020, 5, 2), 707, 0),
    ]
    assert book.totals("nation").height == 0
    with pytest.raises(BookError, match="nothing is recorded of level 'nation'"):
        book.averages("nation")
    with pytest.raises(ContractError, match="no level 'village'; use one of nation, state, county, town"):
        book.totals("village")


def test_the_populations_of_the_book_are_used(book: Book, tmp_path: Path) -> None:
    (tmp_path / "us-states.csv").write_text("date,state,fips,cases,deaths\n2020-05-01,Georgia,13,7,0\n")
    book.record("nyt", tmp_path / "us-states.csv")
    assert book.averages("state")["cases_avg_per_100k"].item() == 100_000 / 10_663_423


def test_an_explanation_has_the_editors_words(book: Book, feed: Path) -> None:
    book.record("nyt", feed)
    made = book.explain("Ohio", dt.date(2020, 5, 2), "cases")
    assert made.anomalies == {"USA-39-2020-05-02-cases": "A backlog."}
    assert (made.average, made.total, made.window_days, made.window_end) == (1.0, 7, 7, dt.date(2020, 5, 1))
    assert made.days[-1].role == "omitted"


def test_a_national_average_is_explained_by_its_states(book: Book, feed: Path) -> None:
    (feed / "us-states.csv").write_text(STATES + "2020-05-02,Utah,49,14,0\n")
    (feed / "us.csv").write_text("date,cases,deaths\n2020-05-01,7,0\n2020-05-02,721,0\n")
    book.record("nyt", feed)
    made = book.explain("USA", dt.date(2020, 5, 2), "cases")
    assert [(part.place, part.average) for part in made.parts] == [("USA-39", 1.0), ("USA-49", 2.0)]
    assert made.average == 3.0
    assert book.averages("nation").filter(date=dt.date(2020, 5, 2))["cases_avg"].item() == 3.0


@pytest.mark.parametrize("template", ["plain", "nyt", "simulated"])
def test_every_template_makes_a_book(tmp_path: Path, template: str) -> None:
    book = Book.init(tmp_path / "book", template=template)
    assert book.config.title
    with pytest.raises(BookError, match="nothing to publish; record a feed first"):
        book.publish()
    with pytest.raises(BookError, match="nothing to check; record a feed first"):
        book.check()
    with pytest.raises(BookError, match="is not empty"):
        Book.init(tmp_path / "book")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('title = "', 'titel = "', "book.toml: titel: unknown key (and 1 more); did you mean 'title'?"),
        ("America/New_York", "New York", "time_zone: 'New York' is no time zone"),
        ('"nation"', '"village"', "levels: 'village' is not 'nation', 'state', 'county' or 'town'"),
        ('"nation"', '"state"', "something stands there twice"),
        ("days = 7", "days = 0", "averages.days: 0 is less than 1"),
        ("days = 7", "days = 1000000000000", "averages.days: 1000000000000 is more than 366"),
        ("levels =", "levels = []\nmetrics =", "levels: it is empty"),
        ("levels =", "level = 1\nlevels =", "level: unknown key; did you mean 'levels'?"),
        ("levels =", "levls =", "levls: unknown key (and 1 more); did you mean 'levels'?"),
        ("[averages]", "[excess]\nbaseline = [2019, 2015]\n[averages]", "excess.baseline: 2019 is after 2015"),
        ("[averages]", "[averages]\ntwon = {}", "averages.twon: unknown key; did you mean 'town'?"),
        (
            "[averages]",
            '[contact]\nnmae = "Desk"\n[averages]',
            "contact.nmae: unknown key (and 2 more); did you mean 'name'?",
        ),
        ("[averages]", "[excess]\nyears = 5\n[averages]", "excess.years: unknown key; there are baseline"),
        ("[averages]", "[averages", "it is no TOML file"),
        ("levels =", 'metrics = ["deaths", "births"]\nlevels =', "metrics: 'births' is not 'cases', 'deaths', "),
        ("levels =", 'metrics = ["death"]\nlevels =', "'tests' or 'positive_tests'; did you mean 'deaths'?"),
        ("deaths = 30", "death = 30", "averages.county.death: 'death' is not 'cases', "),
        ("days = 7", f"days = 0x{'f' * 5000}", "averages.days: a number of thousands of digits is more than 366"),
        ("days = 7", "days = true", "averages.days: true is no whole number"),
        ("levels =", "levels2 = 1\nmetrics = ['nope']\nlevels =", "levels2: unknown key (and 1 more)"),
        (
            "[averages]",
            "[excess]\nbaseline = [2015, 2016, 2017]\n[averages]",
            "excess.baseline: it has more than 2 entries",
        ),
        ("[averages]", "[excess]\nbaseline = [2015.5, 2017]\n[averages]", "excess.baseline: 2015.5 is no whole number"),
        ("first_date = 2020-01-21", "first_date = 2020-01-21T10:00:00", "2020-01-21 10:00:00 is no date such as"),
        ("days = 7", "days = 7.5", "averages.days: 7.5 is no whole number"),
        ("levels =", "formats = 'xlsx'\nlevels =", "formats: 'xlsx' is no list"),
        ("levels =", "keywords = ['']\nlevels =", "keywords: it is empty"),
        ("levels =", "contact = 7\nlevels =", "contact: 7 has no keys with values"),
        ("first_date = 2020-01-21", "first_date = 2020", "first_date: 2020 is no date such as 2020-01-21"),
        ('id = "nyt"', 'id = "A B"', "id: 'A B' is not made of up to 40 small letters"),
        ("levels =", "site = 3\nlevels =", "site: 3 is neither true nor false"),
        ("levels =", "notice = [1]\nlevels =", "notice: [1] is no text"),
        ("[averages]", "[excess]\nbaseline = [2019]\n[averages]", "excess.baseline: an entry is missing"),
        ("[averages]\ndays = 7", "[storage]\naws_region = 1", "storage.aws_region: 1 is no text"),
    ],
)
def test_a_wrong_configuration_says_which_key(book: Book, old: str, new: str, says: str) -> None:
    file = book.folder / "book.toml"
    text = file.read_text().replace(old, new)
    with pytest.raises(BookError) as wrong:
        read_config(text, file="book.toml")
    assert says in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_what_is_not_there_is_said(book: Book, tmp_path: Path) -> None:
    with pytest.raises(BookError, match=r"no book in .*; make one with `tallybook init DIR`"):
        Book(tmp_path / "none")
    with pytest.raises(BookError, match="no template 'nty'; did you mean 'nyt'"):
        Book.init(tmp_path / "new", template="nty")
    with pytest.raises(BookError, match="no template 'zoo'; there are connecticut, measles, nyt, plain, simulated"):
        Book.init(tmp_path / "new", template="zoo")
    (tmp_path / "file").touch()
    with pytest.raises(BookError, match=r"file is a file; give a new folder"):
        Book.init(tmp_path / "file")
    with pytest.raises(BookError, match="no feed 'nty' in this book; did you mean 'nyt'"):
        book.record("nty", tmp_path)
    with pytest.raises(BookError, match="no feed 'zoo' in this book; it has nyt"):
        book.record("zoo", tmp_path)
    plain = Book.init(tmp_path / "plain")
    with pytest.raises(BookError, match="feed 'agency' has no url"):
        plain.record("agency")
    with pytest.raises(ContractError, match="no metric 'tests'; use one of cases, deaths"):
        book.explain("Ohio", dt.date(2020, 5, 2), "tests")


def test_files_of_the_book_that_cannot_be_read_are_said(book: Book, feed: Path) -> None:
    book.record("nyt", feed)
    (book.folder / "places.csv").unlink()
    (book.folder / "places.csv").mkdir()
    with pytest.raises(SourceError, match=r"cannot read .*places\.csv: Is a directory"):
        Book(book.folder).publish()
    (book.folder / "places.csv").rmdir()
    (book.folder / "anomalies.csv").mkdir()
    with pytest.raises(SourceError, match=r"cannot read .*anomalies\.csv: Is a directory"):
        Book(book.folder).publish()
    (book.folder / "book.toml").write_bytes(b'title = "\n\xff"')
    with pytest.raises(SourceError, match=r"book\.toml, line 2: the text is not UTF-8"):
        Book(book.folder)


def test_a_national_average_without_states_is_explained_by_its_own_counts(book: Book, tmp_path: Path) -> None:
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-05-01,7,0\n2020-05-02,21,0\n")
    book.record("nyt", tmp_path / "us.csv")
    made = book.explain("US", dt.date(2020, 5, 2), "cases")
    assert (made.parts, made.average, made.total) == ((), 3.0, 21)
    assert [day.count for day in made.days][-2:] == [7, 14]


def test_explicit_reporting_is_the_sources_word(book: Book, tmp_path: Path) -> None:
    file = book.folder / "sources/nyt.md"
    file.write_text(file.read_text().replace("infer-from-zero", "explicit"))
    zero = STATES.replace("707", "7")
    (tmp_path / "us-states.csv").write_text(zero + "2020-05-09,Ohio,39,7,0\n")
    explicit = Book(book.folder)
    explicit.record("nyt", tmp_path / "us-states.csv")
    made = explicit.explain("Ohio", dt.date(2020, 5, 9), "cases")
    assert (made.reporting, made.average, made.window_days) == ("explicit", 0.0, 7)
    assert pl.Series([day.role for day in made.days]).to_list() == ["no data"] * 6 + ["counted"]


def test_a_source_by_a_level_the_book_does_not_have_is_refused(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="connecticut")
    config = book.folder / "book.toml"
    config.write_text(config.read_text().replace('levels = ["town"]', 'levels = ["state"]'))
    (tmp_path / "towns.csv").write_text("Town number,Town,Last update date\n")
    with pytest.raises(
        DataRefusedError, match=r"ct-towns reports by town, .* none of the book's levels; add town to levels"
    ):
        Book(book.folder).record("ct-towns", tmp_path / "towns.csv")


def test_a_book_of_towns_can_record_the_published_layout_too(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    config = book.folder / "book.toml"
    config.write_text(config.read_text().replace('levels = ["nation", "state"]', 'levels = ["nation", "town"]'))
    (tmp_path / "us.csv").write_text("date,cases,deaths\n2020-01-21,1,0\n")
    assert Book(book.folder).record("nyt", tmp_path)[0].added == 2
