"""What commands print for people, run in this process: sums, parts, what was left out, and what goes on."""

import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from typer.testing import CliRunner

from tallybook import Book
from tallybook.book.serving import ONE, SEVERAL
from tallybook.book.serving import app as served_app
from tallybook.cli import memory
from tallybook.cli.commands import app
from tallybook.errors import BookError, ContractError, TallybookError

STATES = """date,state,fips,cases,deaths
2020-05-01,Ohio,39,7,0
2020-05-01,Iowa,19,35,0
2020-05-01,Utah,49,70,0
2020-05-02,Ohio,39,14,1
2020-05-02,Utah,49,140,1
2020-05-03,Ohio,39,21,1
2020-05-03,Iowa,19,42,0
2020-05-03,Utah,49,280,1
"""
LIVE = "date,state,fips,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths\n"
REGISTER = """date,end_date,county,state,geoid,type,omit_from_rolling_average,\
omit_from_rolling_average_on_subgeographies,adjusted_daily_count_for_avg,description
2020-05-03,,,Ohio,USA-39,cases,yes,,0,A backlog of two weeks.
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with two corrections, a register, a note of the source, and live counts of a day that is over."""
    folder = tmp_path_factory.mktemp("told")
    book = Book.init(folder / "book", template="nyt").folder
    card = book / "sources/nyt.md"
    card.write_text(f"{card.read_text()}\n* 2020-05-02: Ohio's laboratories were closed.\n")
    (folder / "us-states.csv").write_text("date,state,fips,cases,deaths\n2020-05-01,Utah,49,71,1\n")
    Book(book).record("nyt", folder / "us-states.csv", as_of=datetime(2020, 5, 2, 18, tzinfo=UTC))
    for name, text in {
        "us.csv": "date,cases,deaths\n2020-05-01,77,0\n2020-05-02,154,2\n",
        "us-states.csv": STATES,
        "rolling-averages/anomalies.csv": REGISTER,
        "live/us-states.csv": f"{LIVE}2020-05-04,Ohio,39,25,1,20,1,5,0\n",
    }.items():
        (folder / "feed" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "feed" / name).write_text(text)
    Book(book).record("nyt", folder / "feed", as_of=datetime(2020, 5, 4, 18, tzinfo=UTC))
    return book


def printed(*words: str | Path) -> str:
    """Return what a command prints."""
    done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "160"})
    assert done.exception is None, done.exception
    return done.stdout


def test_a_national_average_is_the_sum_of_its_parts_the_largest_first(told: Path) -> None:
    lines = printed("explain", "US", "2020-05-02", "cases", "--book", told).splitlines()
    assert lines[0] == "United States, cases, Saturday 2020-05-02"
    assert lines[1].startswith(
        "27.00 cases a day, the sum of the averages of 3 states and territories; 0.01 per 100,000"
    )
    assert [line.split() for line in lines[3:6]] == [["Utah", "20.00"], ["Iowa", "5.00"], ["Ohio", "2.00"]]
    assert "÷" not in "".join(lines)


def test_a_day_without_a_report_has_an_average_and_no_file_it_came_from(told: Path) -> None:
    said = printed("explain", "Iowa", "2020-05-02", "cases", "--book", told)
    assert "5.00 cases a day = 35 ÷ 7 days" in said
    assert "not reported" in said
    assert "SHA-256" not in said
    assert "SHA-256" in printed("explain", "Iowa", "2020-05-03", "cases", "--book", told)


def test_of_a_day_that_nobody_reported_for_the_nation_that_is_said(told: Path) -> None:
    done = CliRunner().invoke(app, ["explain", "US", "2020-06-02", "cases", "--book", str(told)])
    assert str(done.exception) == "no average of cases on 2020-06-02; there are no reports of that day"


def test_a_state_whose_day_is_omitted_carries_its_average_forward_and_says_why(told: Path) -> None:
    said = printed("explain", "Ohio", "2020-05-03", "cases", "--book", told)
    assert "2.00 cases a day = 14 ÷ 7 days, 2020-04-26 to 2020-05-02" in said
    assert "[1] A backlog of two weeks." in said
    assert "the source: " in said
    assert "Ohio's laboratories were closed." in said
    assert "Nothing to add since 2020-05-02: its average is carried forward." in said


def test_a_long_table_ends_with_how_many_more_there_are_and_csv_has_them_all(told: Path) -> None:
    short = printed("revisions", "--limit", "1", "--book", told)
    assert short.endswith("and 1 more; --limit or --format csv shows them\n")
    rows = printed("revisions", "--format", "csv", "--book", told).splitlines()
    assert [row.split(",")[1:7] for row in rows[1:]] == [
        ["Utah", "cases", "2020-05-01", "71", "70", "-1"],
        ["Utah", "deaths", "2020-05-01", "1", "0", "-1"],
    ]
    differs = printed("diff", "2020-05-03", "2020-05-05", "--format", "csv", "--book", told).splitlines()
    assert [row.split(",")[4:7] for row in differs if row.startswith("revised")] == [
        ["cases", "71", "70"],
        ["deaths", "1", "0"],
    ]


def test_days_that_are_over_are_closed_once(told: Path) -> None:
    assert printed("close-day", "--book", told) == "closed live counts of 2020-05-04: 6 counts are final\n"
    assert printed("close-day", "--book", told) == "there is nothing to close\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("map", "--measure", "cases", "--date", "2019-05-01"),
            "there is nothing of 2019-05-01; give a day that was reported",
        ),
        (("compare", "--places", "US,OH"), "the places are of several levels; give states, or counties, or towns"),
    ],
)
def test_a_picture_of_nothing_is_refused(told: Path, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, ["chart", *words, "-o", str(tmp_path / "x.svg"), "--book", str(told)])
    assert isinstance(done.exception, ContractError)
    assert str(done.exception) == says
    assert not (tmp_path / "x.svg").exists()


def test_of_a_book_without_records_there_is_nothing_to_draw(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="nyt").folder
    done = CliRunner().invoke(app, ["chart", "compare", "-o", str(tmp_path / "x.svg"), "--book", str(book)])
    assert isinstance(done.exception, TallybookError)
    assert "record a feed first" in str(done.exception)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment, and what is done at signals, as they were."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for name in (ONE, SEVERAL):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield monkeypatch
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_a_book_without_a_release_is_served_and_the_warning_says_what_to_run(
    told: Path, environment: pytest.MonkeyPatch
) -> None:
    environment.setattr(uvicorn.Server, "run", lambda _self, sockets: None)
    done = CliRunner().invoke(app, ["serve", "--port", "0", "--book", str(told)], env={"COLUMNS": "400"})
    assert done.exit_code == 0
    assert f"nothing is published yet in {told / 'public'}; run `tallybook publish`" in " ".join(done.stderr.split())


def test_the_books_of_a_folder_are_served_and_two_of_one_id_are_refused(
    tmp_path: Path, environment: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        Book.init(tmp_path / name, template="nyt")
    environment.setenv(SEVERAL, str(tmp_path))
    with pytest.raises(BookError, match=r"two books in .* have the id 'nyt'; say `id` in their book\.toml"):
        served_app()
    config = tmp_path / "two/book.toml"
    config.write_text(config.read_text().replace('id = "nyt"', 'id = "other"'))
    assert served_app() is not None
    environment.setenv(SEVERAL, str(tmp_path / "one"))
    with pytest.raises(BookError, match="no book in the folders of"):
        served_app()


@pytest.mark.parametrize(("left", "refused"), [(100 << 20, True), (100 << 30, False)])
def test_a_limit_that_leaves_too_little_memory_is_said_before_anything_is_begun(
    monkeypatch: pytest.MonkeyPatch, left: int, refused: bool
) -> None:
    taken = memory._taken(resource.getpagesize())
    monkeypatch.setattr("resource.getrlimit", lambda _which: (taken + left, taken + left))
    with pytest.raises(TallybookError, match="there is not enough memory: the limit of") if refused else nullcontext():
        memory.check_memory()


@pytest.mark.parametrize("wanted", ["xlsx", "sqlite"])
def test_a_book_has_the_formats_it_asks_for_and_no_other(tmp_path: Path, told: Path, wanted: str) -> None:
    folder = shutil.copytree(told, tmp_path / "book")
    config = folder / "book.toml"
    config.write_text(config.read_text().replace('# formats = ["xlsx", "sqlite"]', f'formats = ["{wanted}"]'))
    out = Book(folder).publish(site=False).folder
    assert [name for name in ("us-states.xlsx", "release.sqlite") if (out / name).exists()] == [
        {"xlsx": "us-states.xlsx", "sqlite": "release.sqlite"}[wanted]
    ]
