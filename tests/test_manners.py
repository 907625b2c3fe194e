"""The manners of the command line: JSON for programs, completion, colours, exit codes, and hints at what was meant."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from conftest import HERE
from tallybook import Book
from tallybook.cli.commands import EXIT_CODES, app
from tallybook.errors import TallybookError
from test_cli import tallybook

CODES = {"0", "1", "2", "130", "141", "143"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with a state, a corrected count, a count that was not reported, and a release."""
    folder = tmp_path_factory.mktemp("manners") / "covid"
    made = Book.init(folder, template="nyt")
    for day, rows in ((3, "2020-05-01,Ohio,39,7,\n"), (4, "2020-05-01,Ohio,39,9,\n2020-05-02,Ohio,39,8,\n")):
        (folder / "us-states.csv").write_text(f"date,state,fips,cases,deaths\n{rows}")
        made.record("nyt", folder / "us-states.csv", as_of=datetime(2020, 5, day, tzinfo=UTC))
    return folder


def document(*words: str | Path) -> dict[str, Any]:
    """Return what a command prints with --json, which is all it prints."""
    given = [*str(words[0]).split(), *map(str, words[1:]), "--json"]
    done = CliRunner().invoke(app, given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.stdout.count("\n") == 1
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["command"], done.stderr) == (words[0], "")
    assert all(row.keys() == said["rows"][0].keys() for row in said["rows"])
    return said


def test_every_command_that_prints_a_table_prints_one_json_object_for_programs(book: Path, tmp_path: Path) -> None:
    at = ("--book", book)
    recorded = document("record", "nyt", book / "us-states.csv", *at)
    assert recorded["rows"][0] | {"file": ""} == {"file": "", "added": 0, "revised": 0, "withdrawn": 0, "unchanged": 4}
    published = document("publish", "--out", tmp_path / "out", *at)
    assert {"path", "rows", "bytes", "sha256"} == published["rows"][0].keys()
    assert published["as_of"].endswith("+00:00")
    known = document("as-of", "2020-05-05", "--level", "state", *at)
    assert known["rows"][0] == {"date": "2020-05-01", "state": "Ohio", "fips": "39", "cases": 9, "deaths": None}
    revised = document("revisions", *at)["rows"]
    assert [(row["metric"], row["old"], row["new"], row["geoid"]) for row in revised] == [("cases", 7, 9, "USA-39")]
    assert document("revisions", "--summary", *at)["rows"][0]["revisions"] == 1
    assert document("diff", "2020-01-01", "2020-05-05", *at)["rows"][0]["change"] == "new"
    found = document("check", *at)["rows"]
    assert [row["code"] for row in found if row["metric"] == "cases"] == ["decline"]
    assert isinstance(found[0]["anomaly"], list | None)
    assert document("suggest-anomalies", *at)["rows"][0]["geoid"] == "USA-39"
    explained = document("explain", "Ohio", "2020-05-01", "cases", *at)
    assert (explained["average"], explained["window_days"], explained["total"]) == (9 / 7, 7, 9)
    assert explained["rows"][-1] | {"anomalies": []} == {
        "date": "2020-05-01",
        "count": 9,
        "adjustment": 0,
        "role": "counted",
        "anomalies": [],
    }
    assert document("close-day", *at)["rows"] == []
    assert document("verify", *at)["rows"] == []
    assert document("sources", *at)["rows"][0]["name"] == "nyt"
    assert document("sources", "--book", tmp_path)["rows"][-1]["template"] == "connecticut"
    assert document("sources check", book / "sources/nyt.md")["rows"] == []


def test_past_versions_tell_programs_how_many_there_are_and_which_were_left_out(tmp_path: Path) -> None:
    folder = Book.init(tmp_path / "book", template="nyt").folder
    (tmp_path / "old").mkdir()
    for day, state in ((2, "Ohio"), (3, "Ohi")):
        file = tmp_path / f"old/2020-05-0{day}T0900-0400_us-states.csv"
        file.write_text(f"date,state,fips,cases,deaths\n2020-05-01,{state},39,7,0\n")
    words = ["record", "nyt", "--vintages", str(tmp_path / "old"), "--skip-refused", "--json", "--book", str(folder)]
    done = CliRunner().invoke(app, words)
    said = json.loads(done.stdout)
    assert (said["versions"], [row["added"] for row in said["rows"]]) == (2, [2])
    (left_out,) = said["left_out"]
    assert "2020-05-03T0900-0400_us-states.csv, line 2, column state: unknown state 'Ohi'" in left_out


def test_what_is_refused_leaves_standard_output_empty_also_with_json(book: Path) -> None:
    refused = tallybook("explain", "Ohoi", "2020-05-01", "cases", "--json", "--book", book)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "error: no place 'Ohoi'; did you mean 'Ohio'?\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("record", "nty"), "no feed 'nty' in this book; did you mean 'nyt'?"),
        (("init", "new", "--template", "Connetticut"), "no template 'Connetticut'; did you mean 'connecticut'?"),
        (("explain", "Ohio", "2020-05-01", "deths"), "no metric 'deths'; did you mean 'deaths'?"),
        (("as-of", "2020-05-01", "--level", "stat"), "no level 'stat'; did you mean 'state'?"),
        (("chart", "compare", "--measure", "case_avg", "-o", "x.png"), "no measure 'case_avg'; did you mean"),
        (("revisions", "--place", "Ohoi"), "no place 'Ohoi'; did you mean 'Ohio'?"),
    ],
)
def test_a_name_that_is_mistyped_is_answered_with_what_was_meant(words: tuple[str, ...], says: str, book: Path) -> None:
    at = () if words[0] == "init" else ("--book", str(book))
    done = CliRunner().invoke(app, [*words, *at])
    assert isinstance(done.exception, TallybookError)
    assert str(done.exception).startswith(says)


@pytest.mark.parametrize(
    ("words", "says"),
    [(("publsh",), "Did you mean 'publish'?"), (("sources", "chek"), "'check'"), (("check", "--stric"), "--strict")],
)
def test_a_command_or_option_that_is_mistyped_is_wrong_usage_with_a_hint(words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())


def completed(words: str, folder: Path) -> list[str]:
    """Return what bash is offered behind these words."""
    env = os.environ | {
        "_TALLYBOOK_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    code = "import sys; sys.argv = ['tallybook']; from tallybook.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    heavy = {"polars", "numpy", "deltalake"}
    assert not heavy & {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("tallybook clo", ["close-day"]),
        ("tallybook record n", ["nyt"]),
        ("tallybook explain Wy", ["Wyoming"]),
        ("tallybook explain Ohio 2020-05-01 d", ["deaths"]),
        ("tallybook as-of --level to", ["town"]),
        ("tallybook init --template m", ["measles"]),
        ("tallybook explain Snoho", ["Snohomish, Washington"]),
    ],
)
def test_shells_complete_names_without_importing_what_is_heavy(words: str, offered: list[str], book: Path) -> None:
    assert completed(words, book) == offered


def test_colours_are_for_terminals_and_who_forces_them() -> None:
    code = "from tallybook.cli import _refuse; _refuse('no place')"
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    for env, colours in (({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)):
        done = subprocess.run(
            [sys.executable, "-c", code], env=plain | env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert ("31m" in done.stderr) is colours


def test_who_reads_no_further_is_left_quietly(book: Path) -> None:
    for words in ("revisions --json", "check"):
        command = [sys.executable, "-c", QUIET.format(words=words.split(), book=str(book))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            assert running.stdout
            assert running.stderr
            running.stdout.close()
            said = running.stderr.read()
        assert (said, running.returncode) == ("", 141)


QUIET = """
import sys, time
time.sleep(0.3)  # until nobody reads
sys.argv = ["tallybook", *{words}, "--book", {book!r}]
from tallybook.cli import main
main()
"""


def test_an_interruption_is_one_line_and_130(book: Path) -> None:
    code = "import os, signal, tallybook.book; from unittest.mock import patch\n"
    code += "def check(*_, **__): os.kill(os.getpid(), signal.SIGINT); __import__('time').sleep(9)\n"
    code += "import sys; sys.argv = ['tallybook', 'check', '--book', sys.argv[1]]\n"
    code += "patch.object(tallybook.book.Book, 'check', check).start()\nfrom tallybook.cli import main\nmain()\n"
    done = subprocess.run([sys.executable, "-c", code, book], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (
        130,
        "",
        "error: interrupted; nothing is left half done: run it again\n",
    )


def test_the_help_and_the_reference_name_every_exit_code() -> None:
    reference = (HERE / "docs/reference/command-line.md").read_text()
    assert {line.split("|")[1].strip() for line in reference.splitlines() if line[:3].strip("| ").isdigit()} == CODES
    assert {word.split()[0] for word in EXIT_CODES.removeprefix("Exit codes: ").split("; ")} == CODES
    assert "130 interrupted" in " ".join(tallybook("--help").stdout.split())


def test_every_command_with_json_is_in_the_reference_and_every_example_is_of_this_program() -> None:
    reference = (HERE / "docs/reference/command-line.md").read_text()
    for command in app.registered_commands:
        assert f"tallybook {command.name}" in (command.epilog or "")
        if "as_json" in getattr(command.callback, "__annotations__", {}):
            assert f"`{command.name}`" in reference
