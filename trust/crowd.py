"""Many at once: processes that write a ledger, and read it and the public folder, for a while."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Callable
from itertools import repeat
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, Final

from crash import Tally, expect, told
from scenes import NOON, feed, live, stage_recorded
from watched import run

DAYS: Final = 12
_HANGS_SECONDS: Final = 90
_STATES: Final = ("39", "48", "53", "06", "36", "12", "17", "25")
CARD: Final = """---
title: Agency of {fips}
publisher: Agency
license: Public domain
cadence: daily
layout: table
reporting: explicit
level: state
coverage: dates
date: {{column: day, format: "%Y-%m-%d"}}
place: {{fips: fips}}
metrics: {{cases: cases}}
---
"""


def stage(home: Path, writers: int) -> None:
    """A book with a source for every writer."""
    from tallybook import Book

    book = Book.init(home / "book", template="plain")
    (book.folder / "sources/agency.md").unlink()
    for fips in _STATES[:writers]:
        (book.folder / f"sources/s{fips}.md").write_text(CARD.format(fips=fips))
    config = (book.folder / "book.toml").read_text().splitlines()
    levels = ['levels = ["state"]' if line.startswith("levels") else line for line in config]
    (book.folder / "book.toml").write_text("\n".join(levels))


def write(home: Path, writer: int, until: float, back: Queue[Any]) -> None:
    """Record file after file, in each of which every value is the file's number; tell how many were recorded."""
    from tallybook import Book

    fips, number = _STATES[writer], 0
    file = home / f"{fips}.csv"
    while time.monotonic() < until:
        number += 1
        rows = (f"{dt.date(2020, 3, day)},{fips},{number}\n" for day in range(1, DAYS + 1))
        file.write_text("day,fips,cases\n" + "".join(rows))
        moment = NOON + dt.timedelta(seconds=number)
        Book(home / "book", clock=repeat(moment).__next__).record(f"s{fips}", file)
    back.put(("wrote", writer, number))


def read(home: Path, reader: int, until: float, back: Queue[Any]) -> None:
    """Read what is known again and again: of every place all days are of one file, and no earlier one than before."""
    from tallybook import Ledger

    looks, newest = 0, dict.fromkeys(_STATES, 0)
    while time.monotonic() < until:
        state = Ledger(home / "book/ledger").as_of()
        for (place,), rows in state.group_by("place"):
            values = set(rows["value"].to_list())
            expect(len(values) == 1 and rows.height == DAYS, f"a torn read: {place} {sorted(values)}")
            value, fips = int(values.pop()), str(place)[-2:]
            expect(value >= newest[fips], f"{place} went back from {newest[fips]} to {value}")
            newest[fips] = value
        looks += 1
    back.put(("read", reader, looks))


def crowd(folder: Path, *, writers: int, readers: int, seconds: float) -> Tally:
    """Let writers and readers at a ledger at the same time, and count."""
    tally = Tally(f"{writers} writers and {readers} readers of a ledger for {seconds:g} s")
    home = folder / "crowd"
    home.mkdir(parents=True)
    told(run(stage, home, writers, within=home))
    jobs = [(write, number) for number in range(writers)] + [(read, number) for number in range(readers)]
    counts = _together(home, jobs, seconds, tally)
    wrote = {_STATES[number]: count for what, number, count in counts if what == "wrote"}
    looks = sum(count for what, _, count in counts if what == "read")
    tally.tries = tally.hit = sum(wrote.values())
    tally.note = f"{looks:,} reads, none torn"
    try:
        kept = told(run(recorded, home, within=home))
        expect(kept == {fips: list(range(1, count + 1)) for fips, count in wrote.items()}, "records are lost or mixed")
        tally.survived = sum(map(len, kept.values()))
    except AssertionError as error:
        tally.wrong.append(str(error))
    return tally


def recorded(home: Path) -> dict[str, list[int]]:
    """Return the values each place had, in order, after checking the files and making the ledger anew."""
    from tallybook import Book

    book = Book(home / "book")
    kept = _values(book)
    expect(book.verify() == [], "damage")
    expect(book.ledger.records()["record"].is_unique().all(), "two records have one number")
    done = book.rebuild()
    expect(not done.lost and _values(Book(home / "book")) == kept, "made anew, it is another ledger")
    return kept


def _values(book: Any) -> dict[str, list[int]]:
    values = book.ledger.values().filter(date=dt.date(2020, 3, 1)).sort("place", "as_of")
    return {str(place)[-2:]: [int(value) for value in rows["value"]] for (place,), rows in values.group_by("place")}


def publish(home: Path, _number: int, until: float, back: Queue[Any]) -> None:
    """Record and publish again and again."""
    from tallybook import Book

    number = 0
    while time.monotonic() < until:
        number += 1
        lives = live(50 + number, "2020-05-04") if number % 2 else None
        now = NOON + dt.timedelta(hours=24, minutes=number)
        book = Book(home / "book", clock=repeat(now).__next__)
        book.record("nyt", feed(home, 7, 10, 40 + number, lives=lives))
        book.publish(site=False)
    back.put(("wrote", 0, number))


def visit(home: Path, number: int, until: float, back: Queue[Any]) -> None:
    """Open the public folder again and again, and read it through what was opened: it is one whole release."""
    visits = 0
    while time.monotonic() < until:
        folder = os.open(home / "book/public", os.O_RDONLY)
        try:
            card = json.loads(_bytes("release.json", folder))
            opened = [(os.open(file["path"], os.O_RDONLY, dir_fd=folder), file) for file in card["files"]]
        except FileNotFoundError:
            # It was the old one already, and the one after the next took its place while it was being opened.
            os.close(folder)
            continue
        for handle, file in opened:
            with os.fdopen(handle, "rb") as data:
                expect(hashlib.sha256(data.read()).hexdigest() == file["sha256"], f"{file['path']} of another release")
        os.close(folder)
        visits += 1
    expect(visits > 0, "never a whole release")
    back.put(("read", number, visits))


def _bytes(name: str, folder: int) -> bytes:
    with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as data:
        return data.read()


def publishing_crowd(folder: Path, *, readers: int, seconds: float) -> Tally:
    """Let one publish, and readers at the public folder at the same time."""
    tally = Tally(f"publishing again and again before {readers} readers for {seconds:g} s")
    home = folder / "crowd"
    home.mkdir(parents=True)
    told(run(stage_recorded, home, within=home))
    counts = _together(home, [(publish, 0), *((visit, number) for number in range(readers))], seconds, tally)
    tally.tries = tally.hit = tally.survived = sum(count for what, _, count in counts if what == "read")
    tally.note = f"{sum(count for what, _, count in counts if what == 'wrote'):,} releases; tries are visits"
    return tally


def _together(home: Path, jobs: list[tuple[Callable[..., None], int]], seconds: float, tally: Tally) -> list[Any]:
    """Let all work at the same time, each in a process; return what each told, and say which failed or hung."""
    context = get_context("forkserver")
    back = context.Queue()
    until = time.monotonic() + seconds
    processes = [context.Process(target=work, args=(home, number, until, back)) for work, number in jobs]
    for process in processes:
        process.start()
    counts = []
    try:
        for _ in processes:
            counts.append(back.get(timeout=seconds + _HANGS_SECONDS))
            if any(process.exitcode for process in processes):
                break
    except Exception as error:
        tally.wrong.append(f"not all came to an end: {error!r}")
    for process, (work, number) in zip(processes, jobs, strict=True):
        process.join(_HANGS_SECONDS if not tally.wrong else 1)
        if process.exitcode is None:
            process.kill()
            process.join()
        if process.exitcode:
            tally.wrong.append(f"{work.__name__} {number} ended with {process.exitcode}")
    return counts
