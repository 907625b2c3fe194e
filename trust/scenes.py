"""What is disturbed: small books, what is done with them, and what they hold afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

NOON: Final = dt.datetime(2020, 5, 3, 16, tzinfo=dt.UTC)
HEADER: Final = "date,state,fips,cases,deaths\n"
LIVE: Final = "date,state,fips,cases,deaths,confirmed_cases,confirmed_deaths,probable_cases,probable_deaths\n"
STATES: Final = {"Ohio": "39", "Texas": "48"}
DAYS: Final = 8
VERSIONS: Final = 40
OFFSET: Final = "TALLYBOOK_TRUST_HOURS"


@dataclass(frozen=True)
class Scene:
    """Something that is done with a book.

    Attributes:
        name: what it is called in the report.
        stage: makes the book, in a folder of its own, up to where it begins.
        hours: the hour it is then, counted from noon of the first day.
        command: what is done, as words of the command line; ``{home}`` stands for the folder the book is in.
        work: what is done instead where a process is killed, given the folder and where to say what is done.
        changes_record: whether the ledger has more records afterwards.
    """

    name: str
    stage: Callable[[Path], None]
    hours: int
    command: tuple[str, ...]
    work: Callable[[Path, Path], None] | None = None


def command_line(scene: Scene, home: Path, hours: float | None = None) -> None:
    """Do it as a user does, with the clock at its hour."""
    from tallybook.cli import main

    _set_clock(scene.hours if hours is None else hours)
    words = [word.format(home=home) for word in scene.command]
    sys.argv = ["tallybook", *words, "--book", str(home / "book")]
    main()


def do(scene: Scene, home: Path, said: Path) -> None:
    """Do it, and say what was done."""
    if scene.work is not None:
        _set_clock(scene.hours)
        scene.work(home, said)
    else:
        try:
            command_line(scene, home)
        except SystemExit as end:
            if end.code:
                raise
    say(said, "done")


def say(said: Path, what: str) -> None:
    """Say that something is done, outside of what is disturbed."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{what}\n".encode())
    os.close(handle)


def _set_clock(hours: float) -> None:
    from tallybook.book.book import Book

    now = NOON + dt.timedelta(hours=hours)
    (Book.__init__.__kwdefaults__ or {})["clock"] = lambda: now


def table(*totals: int, header: str = HEADER, last: str = "") -> str:
    """Return a file of totals by state and day, from 1 May on; zeros are left out."""
    rows = [
        f"2020-05-{day:02},{state},{fips},{total + int(fips)},{total // 9}{last}\n"
        for day, total in enumerate(totals, start=1)
        for state, fips in STATES.items()
    ]
    return header + "".join(rows)


def live(total: int, day: str = "2020-05-03") -> str:
    """Return a file of live counts."""
    rows = (f"{day},{state},{fips},{total + int(fips)},2,{total},1,{fips},1\n" for state, fips in STATES.items())
    return LIVE + "".join(rows)


def feed(home: Path, *totals: int, lives: str | None = None) -> Path:
    """Write what the feed has now."""
    folder = home / "feed"
    (folder / "live").mkdir(parents=True, exist_ok=True)
    (folder / "us-states.csv").write_text(table(*totals))
    nation = "".join(f"2020-05-{day:02},{2 * total + 87},{2 * (total // 9)}\n" for day, total in enumerate(totals, 1))
    (folder / "us.csv").write_text(f"date,cases,deaths\n{nation}")
    (folder / "live/us-states.csv").unlink(missing_ok=True)
    if lives is not None:
        (folder / "live/us-states.csv").write_text(lives)
    return folder


def _book(home: Path, hours: float) -> Any:
    from tallybook import Book

    return Book(home / "book", clock=lambda: NOON + dt.timedelta(hours=hours))


def stage_recorded(home: Path) -> None:
    """A book that was recorded and published once, whose feed has more now: new days, a revision, live counts."""
    from tallybook import Book

    Book.init(home / "book", template="nyt")
    _book(home, 0).record("nyt", feed(home, 7, 9, lives=live(30)))
    _book(home, 1).publish(site=False)
    feed(home, 7, 10, 40, lives=live(50, "2020-05-04"))


def stage_closing(home: Path) -> None:
    """A book with the live counts of two days that are over."""
    stage_recorded(home)
    _book(home, 20).record("nyt", feed(home, 7, 9, lives=live(50, "2020-05-04")))


def stage_publishing(home: Path) -> None:
    """A published book that knows more by now, and has a day to close."""
    stage_closing(home)
    (home / "book/public/robots.txt").write_text("of somebody else")


def stage_site(home: Path) -> None:
    """The same with pages."""
    stage_publishing(home)
    _book(home, 21).publish(site=True)
    _book(home, 44).record("nyt", feed(home, 7, 9, 45, lives=live(70, "2020-05-05")))


def stage_git(home: Path) -> None:
    """A book, and a git repository with many versions of its file."""
    stage_recorded(home)
    versions = home / "versions"
    versions.mkdir()
    who = ["-c", "user.name=Agency", "-c", "user.email=agency@example.org", "-c", "gc.auto=0"]
    _git(versions, "init", "--quiet")
    for number in range(VERSIONS):
        (versions / "us-states.csv").write_text(table(7, 9, 20 + number))
        moment = (NOON + dt.timedelta(hours=24, minutes=number)).isoformat()
        _git(versions, "add", "us-states.csv")
        _git(versions, *who, "commit", "--quiet", "-m", f"version {number}", date=moment)


def _git(folder: Path, *words: str, date: str = "") -> None:
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date} if date else {}
    subprocess.run(["git", "-C", str(folder), *words], check=True, env={**os.environ, **dates}, capture_output=True)


def stage_compacting(home: Path) -> None:
    """A book whose next record is the one after which the log is put together and the index made anew."""
    from tallybook.model.reports import REPORT_SCHEMA, Reports

    from tallybook.ledger import store

    store._TAIL_FILES = 1000  # the index waits for what is tried
    stage_recorded(home)
    ledger = _book(home, 0).ledger
    begun = ledger.writable().version()
    for number in range(begun + 1, 99):
        rows = [("USA-53", "cases", dt.date(2020, 5, 1), float(number), "reported")]
        frame = pl.DataFrame(rows, schema=REPORT_SCHEMA, orient="row")
        ledger.record(Reports(frame, "nyt", str(number), ""), as_of=NOON + dt.timedelta(minutes=number))


def _import(home: Path, said: Path) -> None:
    """Import the history of a file, and say each version that is recorded."""
    from tallybook import Book
    from tallybook.sources.vintages import GitHistory

    with closing(GitHistory(home / "versions", "us-states.csv")) as past:
        for number, _ in enumerate(Book(home / "book").record_vintages("nyt", past)):
            say(said, str(number))


RECORD: Final = Scene("record", stage_recorded, 24, ("record", "nyt", "{home}/feed"))
CLOSE: Final = Scene("close-day", stage_closing, 96, ("close-day",))
PUBLISH: Final = Scene("publish", stage_publishing, 40, ("publish", "--no-site"))
SITE: Final = Scene("publish with its site", stage_site, 66, ("publish", "--site"))
IMPORT: Final = Scene(
    "import of a git history", stage_git, 48, ("record", "nyt", "us-states.csv", "--git", "{home}/versions"), _import
)
COMPACT: Final = Scene("compaction (log and index)", stage_compacting, 24, ("record", "nyt", "{home}/feed"))
REBUILD: Final = Scene("rebuild", stage_closing, 30, ("rebuild",))
SCENES: Final = (RECORD, CLOSE, PUBLISH, SITE, IMPORT, COMPACT, REBUILD)


@dataclass(frozen=True)
class Held:
    """What a book holds.

    Attributes:
        records: what was recorded, by table.
        observed: the digest of the observations of each record, by table.
        known: the digest of what each table says is known.
        release: the digests of the files of the public folder, by path.
        releases: the log of releases.
        damage: what the checksums say is wrong.
        untold: whether all of that is writing that was interrupted.
        left: files that are only there while something is written.
    """

    records: dict[str, list[list[str]]]
    observed: dict[str, dict[str, str]]
    known: dict[str, str]
    release: dict[str, str]
    releases: str
    damage: list[str]
    untold: bool
    left: list[str]


def held(home: Path) -> dict[str, Any]:
    """Return what the book holds; everything is opened as users open it."""
    book = _book(home, 200)
    tables = {"observations": book.ledger, "live": book.live}
    damage = book.verify()
    log = home / "book/ledger/releases.jsonl"
    return asdict(
        Held(
            records={
                name: [list(map(str, row)) for row in ledger.records().sort("record").rows()]
                for name, ledger in tables.items()
            },
            observed={name: dict(_observed(ledger)) for name, ledger in tables.items()},
            known={name: _digest(ledger.values()) + _digest(ledger.as_of()) for name, ledger in tables.items()},
            release=public(home / "book/public"),
            releases=log.read_text() if log.exists() else "",
            damage=[f"{found.file.name} {found.what}" for found in damage],
            untold=all(found.untold for found in damage),
            left=sorted(
                path.relative_to(home).as_posix()
                for path in (home / "book").rglob(".*next*")
                if ".previous" not in path.as_posix()
            ),
        )
    )


def _observed(ledger: Any) -> Iterator[tuple[str, str]]:
    from tallybook.model.reports import OBSERVATION_SCHEMA

    rows = ledger._store.collect(ledger._store.scan("observation", OBSERVATION_SCHEMA))
    for (record,), some in rows.sort(pl.all()).group_by("record", maintain_order=True):
        yield str(record), _digest(some)


def _digest(frame: pl.DataFrame) -> str:
    return hashlib.sha256(frame.write_csv().encode()).hexdigest()[:16]


def public(folder: Path) -> dict[str, str]:
    """Return the digests of a public folder's files.

    Raises:
        ValueError: it is not one whole release.
    """
    if not folder.exists():
        return {}
    there = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    card = json.loads((folder / "release.json").read_text())
    for file in card["files"]:
        if there.get(file["path"]) != file["sha256"]:
            raise ValueError(f"{file['path']} is not what the release says")
    return there


def looked_done_looked(scene: Scene, home: Path, said: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the book holds, do it again, and return what it holds then."""
    found = held(home)
    do(scene, home, said)
    return found, held(home)


def rebuilt(home: Path) -> dict[str, Any]:
    """Make the ledger anew, and return what the book holds then, and what was lost."""
    done = _book(home, 200).rebuild()
    if done.lost or not done.compared:
        raise ValueError(f"lost: {done.lost}")
    return held(home)
