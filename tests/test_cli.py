import json
import os
import pty
import re
import select
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import HERE
from tallybook import Book


def tallybook(*arguments: str | Path, folder: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tallybook", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1"} | env,
    )


def on_a_terminal(*arguments: str, folder: Path) -> tuple[int, str]:
    """Return the exit code, and what a terminal shows of what goes to standard error."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tallybook", *arguments]
    env = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=theirs, env=env) as running:
        shown, ended = b"", False
        # Our own copy of the other end stays open: where it is closed, systems say so each in their way.
        while (readable := select.select([ours], [], [], 0.05)[0]) or not ended:
            shown += os.read(ours, 65536) if readable else b""
            ended = running.poll() is not None
    for end in (ours, theirs):
        os.close(end)
    return running.returncode, shown.decode()


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "feed").mkdir()
    (tmp_path / "feed/us-states.csv").write_text(
        "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n2020-05-02,Ohio,39,14,1\n"
    )
    return tmp_path / "feed"


def test_a_book_from_nothing_to_an_explained_figure(tmp_path: Path, feed: Path) -> None:
    book = tmp_path / "covid"
    made = tallybook("init", book, "--template", "nyt")
    assert (made.returncode, made.stderr) == (0, "")
    assert "tallybook record nyt" in made.stdout
    recorded = tallybook("record", "nyt", feed, "--as-of", "2020-05-03T09:00-04:00", "--book", book)
    assert (recorded.returncode, recorded.stderr) == (0, "")
    assert "us-states.csv: 4 new, 0 revised, 0 known already" in recorded.stdout
    published = tallybook("publish", folder=book)
    assert (published.returncode, published.stderr) == (0, "")
    assert "as of 2020-05-03 09:00 EDT" in published.stdout
    assert (book / "public/us-states.csv").read_text() == (feed / "us-states.csv").read_text()
    explained = tallybook("explain", "oh", "2020-05-02", "cases", "--book", book)
    assert (explained.returncode, explained.stderr) == (0, "")
    assert "2.00 cases a day = 14 ÷ 7 days, 2020-04-26 to 2020-05-02" in explained.stdout
    elsewhere = tallybook("publish", "--book", book, "--out", tmp_path / "www")
    assert (tmp_path / "www/us-states.csv").exists(), elsewhere.stderr


def test_a_moment_without_an_offset_is_one_where_the_book_is(tmp_path: Path, feed: Path) -> None:
    book = Book.init(tmp_path / "covid", template="nyt")
    tallybook("record", "nyt", feed, "--as-of", "2020-07-01T12:00", "--book", book.folder)
    assert str(book.ledger.as_of()["as_of"].max()) == "2020-07-01 16:00:00+00:00"


def test_a_refusal_is_one_line_and_exit_code_1(tmp_path: Path, feed: Path) -> None:
    book = Book.init(tmp_path / "covid", template="nyt").folder
    (feed / "us-states.csv").write_text("date,state,fips,cases,deaths\n2020-05-01,Ohoi,39,7,0\n")
    for arguments, says in {
        ("record", "nyt", feed): "us-states.csv, line 2, column state: unknown state 'Ohoi'; did you mean 'Ohio'?",
        ("record", "nyt", feed, "--as-of", "noon"): "'noon' is no moment; write it as 2021-03-05T02:15-05:00",
        ("record", "nyt", tmp_path / "none"): "no file or folder",
        ("publish",): "there is nothing to publish; record a feed first",
        ("explain", "Ohoi", "2020-05-01", "cases"): "no place 'Ohoi'; did you mean 'Ohio'?",
        ("explain", "Ohio", "May", "cases"): "'May' is no date; write it as YYYY-MM-DD",
    }.items():
        refused = tallybook(*arguments, "--book", book)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("error: ")
        assert says in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert not (book / "ledger").exists()
    assert not (book / "public").exists()


def test_a_table_in_a_pipe_is_not_cut(tmp_path: Path, feed: Path) -> None:
    book = Book.init(tmp_path / "covid", template="nyt")
    (feed / "us-states.csv").write_text((feed / "us-states.csv").read_text() + "2020-05-03,Ohio,39,2,1\n")
    book.record("nyt", feed)
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    command = [sys.executable, "-m", "tallybook", "check", "--book", str(book.folder)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert re.search(r"USA-39 +cases +decline +the total fell by 12 to 2 +no decline", printed.stdout)


def test_what_no_room_foresaw_is_one_line_too(tmp_path: Path, feed: Path) -> None:
    book = Book.init(tmp_path / "My Data", template="nyt")
    long = tallybook("record", "nyt", "x" * 5000, "--book", book.folder)
    assert (long.returncode, long.stderr.count("\n")) == (1, 1)
    assert "File name too long" in long.stderr
    for location in ("http://[::1", "//[x"):
        assert tallybook("record", "nyt", location, "--book", book.folder).stderr.startswith("error: ")
    gap = tallybook("record", "nyt", feed, "--as-of", "2021-03-14T02:30", "--book", book.folder)
    assert gap.returncode == 0, gap.stderr
    assert tallybook("publish", "--book", book.folder).returncode == 0


def test_wrong_usage_is_exit_code_2() -> None:
    assert tallybook("explain").returncode == 2
    assert tallybook("dance").returncode == 2


def test_the_demo_says_that_its_numbers_are_invented_and_can_be_run_again(tmp_path: Path) -> None:
    first, again = (tallybook("demo", tmp_path / "demo") for _ in range(2))
    assert (first.returncode, first.stderr) == (0, "")
    assert "Every number here is invented" in first.stdout
    assert "omitted [1]" in first.stdout
    assert re.search(r"us-counties\.csv: 0 new, 0 revised, [\d,]+ known already", again.stdout)
    assert "invented" in (tmp_path / "demo/public/release.json").read_text()
    page = tmp_path / "demo/public/index.html"
    assert first.stdout.splitlines()[-1] == f"open {page} in a browser"
    assert "Every number here is invented" in page.read_text()


def test_every_command_has_examples_and_is_in_the_readme() -> None:
    commands = re.findall(r"^│ (\w[\w-]*) ", tallybook("--help").stdout, flags=re.MULTILINE)
    assert commands == [
        "init",
        "record",
        "publish",
        "close-day",
        "check",
        "suggest-anomalies",
        "explain",
        "demo",
        "as-of",
        "revisions",
        "diff",
        "excess",
        "serve",
        "verify",
        "rebuild",
        "sources",
        "chart",
    ]
    shown = "".join(page.read_text() for page in [HERE / "README.md", *(HERE / "docs").rglob("*.md")])
    for command in commands:
        assert "Example" in tallybook(command, "--help").stdout
        assert f"tallybook {command}" in shown


@pytest.fixture
def revised(tmp_path: Path) -> Path:
    """A book whose only figure was corrected, from a folder of versions, one of which cannot be taken."""
    book = Book.init(tmp_path / "covid", template="nyt").folder
    (tmp_path / "old").mkdir()
    for day, state, cases in ((2, "Ohio", 7), (3, "Ohio", 9), (4, "Ohi", 9)):
        file = tmp_path / f"old/2020-05-0{day}T0900-0400_us-states.csv"
        file.write_text(f"date,state,fips,cases,deaths\n2020-05-01,{state},39,{cases},0\n")
    said = tallybook("record", "nyt", "--vintages", tmp_path / "old", "--book", book)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.count("\n") == 1
    assert "2020-05-04T0900-0400_us-states.csv, line 2, column state" in said.stderr
    said = tallybook("record", "nyt", "--vintages", tmp_path / "old", "--skip-refused", "--book", book)
    assert (said.returncode, said.stdout) == (
        0,
        "recorded 0 of 3 versions: 0 new, 0 revised, 0 withdrawn; 1 left out\n",
    )
    assert "2020-05-04T0900-0400_us-states.csv, line 2, column state" in said.stderr
    return book


def test_what_was_known_when_is_told(revised: Path, tmp_path: Path) -> None:
    known = tallybook("as-of", "2020-05-02T10:00", "--place", "oh", "--book", revised)
    assert known.stdout == "date,state,fips,cases,deaths\n2020-05-01,Ohio,39,7,0\n"
    told = tallybook("revisions", "--place", "Ohio", "--since", "2020-05-02", "--metric", "cases", "--book", revised)
    assert told.stdout.splitlines()[1].split() == ["2020-05-03", "09:00", "Ohio", "cases", "2020-05-01", "7", "9", "2"]
    assert tallybook("revisions", "--metric", "deaths", "--book", revised).stdout == "nothing was revised\n"
    summary = tallybook("revisions", "--summary", "--format", "csv", "--book", revised).stdout.splitlines()
    assert summary[1].startswith("USA-39,Ohio,cases,1,100,1,1,1,")
    differs = tallybook("diff", "2020-05-02T10:00", "2020-05-04", "--book", revised)
    assert "revised  2020-05-01  Ohio   cases     7    9           2" in differs.stdout
    for moment, out in (("2020-05-02T10:00", "then"), ("2020-05-03T10:00", "now")):
        assert tallybook("publish", "--as-of", moment, "--out", tmp_path / out, "--book", revised).returncode == 0
    folders = tallybook("diff", tmp_path / "then", tmp_path / "now")
    assert folders.stdout == differs.stdout
    assert tallybook("diff", tmp_path / "now", tmp_path / "now").stdout == "nothing differs\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("as-of", "yesterday"), "'yesterday' is no moment; write it as 2021-03-05T02:15-05:00"),
        (("revisions", "--metric", "case"), "no metric 'case'; did you mean 'cases'?"),
        (("revisions", "--summary", "--since", "2020-05-03"), "a summary is of all that is known; leave --since out"),
        (("as-of", "2100-05-03"), "is in the future; nothing is known then yet"),
        (("diff", "2020-05-03", "2100-05-03"), "is in the future"),
        (("as-of", "2020-05-03", "--place", "Ohi"), "no place 'Ohi'; did you mean 'Ohio'?"),
        (("as-of", "2020-05-03", "--level", "planet"), "planet"),
        (("as-of", "2020-05-03", "--level", "town"), "the book has no level 'town'; it has nation, state"),
        (("publish", "--as-of", "2020-05-03"), "a past release needs a folder of its own"),
        (("publish", "--as-of", "2100-05-03", "--out", "then"), "is in the future"),
        (("diff", "nothing", "2020-05-03"), "'nothing' is no moment"),
        (("diff", ".", "2020-05-03"), "are a folder and a moment"),
        (("diff", ".", "sources"), "holds no release"),
        (("record", "nyt", "--vintages", "none"), "no folder 'none'"),
        (("record", "nyt", "--vintages", ".", "--as-of", "2020-05-02"), "past versions have moments of their own"),
        (("record", "nyt", "us.csv", "--vintages", "old"), "'us.csv' is none of the versions in old; leave it out"),
        (("record", "nyt", "--git", "."), "give --vintages DIR, or --git REPO and a file in it"),
        (("record", "nyt", "us-states.csv", "--git", "sources"), "cannot read the repository sources"),
    ],
)
def test_what_cannot_be_told_is_one_line(revised: Path, arguments: tuple[str, ...], says: str) -> None:
    said = tallybook(*arguments, folder=revised)
    assert (said.returncode, said.stdout) == (1, "")
    assert says in said.stderr
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "step"),
    [
        (("record", "nyt", "feed"), "recording"),
        (("record", "nyt", "--vintages", "old"), "recording"),
        (("publish",), "writing the release"),
        (("check",), "checking"),
        (("suggest-anomalies",), "checking"),
        (("close-day",), "closing what is over"),
        (("explain", "Ohio", "2020-05-02", "cases"), "computing averages"),
        (("as-of", "2020-05-03", "--level", "state"), "reading the ledger"),
        (("revisions",), "reading the ledger"),
        (("revisions", "--summary"), "reading the ledger"),
        (("diff", "2020-05-02", "2020-05-03"), "reading the ledger"),
    ],
)
def test_what_may_take_long_shows_on_a_terminal_what_it_is_doing(
    tmp_path: Path, feed: Path, arguments: tuple[str, ...], step: str
) -> None:
    book = Book.init(tmp_path / "covid", template="nyt").folder
    feed.rename(book / "feed")
    (book / "old").mkdir()
    (book / "old/2020-05-03T0900-0400_us-states.csv").write_bytes((book / "feed/us-states.csv").read_bytes())
    Book(book).record("nyt", book / "feed")
    code, shown = on_a_terminal(*arguments, folder=book)
    assert code == 0
    assert step in shown
    assert tallybook(*arguments, folder=book, FORCE_COLOR="1").stderr == ""


def test_sources_lists_the_book_and_elsewhere_the_templates_and_checks_cards(tmp_path: Path) -> None:
    book = Book.init(tmp_path / "towns", template="connecticut").folder
    assert "ct-towns" in tallybook("sources", "--book", book).stdout
    everywhere = tallybook("sources", "--book", tmp_path).stdout
    assert "ct-towns" in everywhere
    assert "The New York Times" in everywhere
    card = book / "sources/ct-towns.md"
    assert tallybook("sources", "check", card).stdout == f"{card}: nothing is wrong\n"
    card.write_text(card.read_text().replace("level: town", "level: village"))
    checked = tallybook("sources", "check", card)
    assert (checked.returncode, checked.stderr) == (1, "")
    assert f"{card}, line 15: wrong: level: 'village' is not 'nation', " in checked.stdout
    refused = tallybook("record", "ct-towns", "x.csv", "--book", book)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "ct-towns.md, line 15: level: 'village' is not" in refused.stderr


def test_check_prints_findings_and_is_strict_when_asked(tmp_path: Path, feed: Path) -> None:
    book = Book.init(tmp_path / "covid", template="nyt").folder
    tallybook("record", "nyt", feed, "--book", book)
    assert tallybook("check", "--book", book).stdout == "nothing looks wrong\n"
    (feed / "us-states.csv").write_text(
        "date,state,fips,cases,deaths\n2019-05-01,Ohio,39,7,0\n2020-05-02,Ohio,39,14,1\n2020-05-03,Ohio,39,9,1\n"
    )
    tallybook("record", "nyt", feed, "--book", book)
    shown = tallybook("check", "--book", book, "--limit", "1")
    assert shown.returncode == 0
    assert "the total fell by 5 to 9" in shown.stdout
    assert "too-early  error     1" in re.sub(r" +(?=\d)", "     ", shown.stdout)
    assert tallybook("check", "--book", book, "--strict").returncode == 2
    findings = json.loads(tallybook("check", "--book", book, "--json").stdout)["rows"]
    assert {"code": "decline", "date": "2020-05-03", "place": "USA-39"}.items() <= findings[-1].items()
    drafts = tallybook("suggest-anomalies", "--book", book).stdout
    assert "2020-05-03,,,Ohio,USA-39,cases,,,0," in drafts


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("compare.png", ("compare", "--places", "OH", "--by", "date")),
        ("bubbles.svg", ("bubbles", "--x", "cases", "--y", "deaths", "--select", "Ohio", "--x-log")),
        ("place.pdf", ("place", "--place", "39", "--theme", "dark")),
        ("revisions.svg", ("revisions", "--place", "OH", "--as-of", "2020-05-03T12:00-04:00")),
        ("map.svg", ("map", "--measure", "cases", "--pixels", "400x330", "--headline", "Where <b>it</b> is")),
    ],
)
def test_charts_are_drawn_from_a_book(name: str, arguments: tuple[str, ...], tmp_path: Path, feed: Path) -> None:
    book = Book.init(tmp_path / "covid", template="nyt")
    book.record("nyt", feed, as_of=datetime(2020, 5, 3, 13, tzinfo=UTC))
    done = tallybook("chart", *arguments, "-o", tmp_path / name, "--book", book.folder)
    assert (done.returncode, done.stderr) == (0, "")
    begins = {".png": b"\x89PNG", ".svg": b"<svg", ".pdf": b"%PDF"}
    data = (tmp_path / name).read_bytes()
    assert data.startswith(begins[Path(name).suffix])
    if name.endswith(".svg"):
        assert "Data from The New York Times" in data.decode()
    if name == "map.svg":
        assert "Where &lt;b&gt;it&lt;/b&gt; is" in data.decode()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("compare", "--places", "Ohoi", "-o", "x.png"), "no place 'Ohoi'"),
        (("compare", "--measure", "case", "-o", "x.png"), "did you mean 'cases'?"),
        (("bubbles", "--date", "May 2", "-o", "x.png"), "write it as YYYY-MM-DD"),
        (("compare", "--pixels", "big", "-o", "x.png"), "such as 760x420"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_refused_in_one_line(
    arguments: tuple[str, ...], says: str, tmp_path: Path, feed: Path
) -> None:
    book = Book.init(tmp_path / "covid", template="nyt")
    book.record("nyt", feed)
    done = tallybook("chart", *arguments, "--book", book.folder, folder=tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "x.png").exists()


def test_a_file_that_is_no_picture_is_wrong_usage(tmp_path: Path) -> None:
    done = tallybook("chart", "compare", "-o", "x.txt", folder=tmp_path)
    assert done.returncode == 2
    assert "does not end in .png, .svg, .pdf" in " ".join(done.stderr.split())
