"""What the commands print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

BROKEN_PIPE: Final = 141
"""What shells say of a program that SIGPIPE ended."""

if TYPE_CHECKING:
    import polars as pl
    from rich.table import Table

    from tallybook.book import Book
    from tallybook.ledger import Recorded
    from tallybook.measures.explain import Day, Explanation, Origin
    from tallybook.release.write import Release


class _Printer(Console):
    """A console that ends quietly where nobody reads on, as behind ``| head``."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # What is flushed at the end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(BROKEN_PIPE)


_WHOLE: Final = 10_000
"""As wide as any table is."""


def _width() -> int | None:
    """Return a width where no terminal has one: in a pipe tables are as wide as they are, for grep to find all."""
    return None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WHOLE


out = _Printer(soft_wrap=True, highlight=False, width=_width())
"""What was asked for."""

err = Console(stderr=True, soft_wrap=True, highlight=False)
"""What is going on, and what went wrong."""


def write(text: str) -> None:
    """Write to standard output as it is; quietly end where nobody reads on."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        out.on_broken_pipe()


def print_findings(findings: pl.DataFrame, limit: int) -> None:
    """Print the latest findings, and how many there are of each code."""
    import polars as pl
    from rich.table import Table

    if findings.is_empty():
        out.print("nothing looks wrong")
        return
    explained = pl.col("anomaly").is_not_null().sum()
    summary = findings.group_by("code", "severity").agg(pl.len(), explained).sort("code")
    shown = findings.sort("date", descending=True, maintain_order=True).head(limit)
    table = Table("date", "place", "metric", "code", "seen", "expected", "explained by", box=None, pad_edge=False)
    table.columns[-1].overflow = "fold"  # an anomaly's id is there to be copied
    for row in shown.iter_rows(named=True):
        cells = str(row["date"]), row["place"], row["metric"], row["code"], row["seen"], row["expected"]
        table.add_row(*map(escape, cells), ", ".join(row["anomaly"] or ()))
    out.print(table)
    if findings.height > limit:
        out.print(f"and {findings.height - limit:,} earlier ones; --limit or --json shows more")
    counts = Table("code", "severity", "findings", "explained", box=None, pad_edge=False)
    for code, severity, number, known in summary.rows():
        counts.add_row(code, severity, f"{number:,}", f"{known:,}")
    out.print("", counts, sep="\n")


def in_numbers(file: Recorded) -> str:
    """Return what recording a file added, in words."""
    gone = f", {file.withdrawn:,} withdrawn" if file.withdrawn else ""
    return f"{file.added:,} new, {file.revised:,} revised{gone}, {file.unchanged:,} known already"


def print_rows(rows: pl.DataFrame, output: str, limit: int) -> None:
    """Print a frame as CSV, or its first rows as a table."""
    from rich.table import Table

    from tallybook.model.texts import for_spreadsheets
    from tallybook.release.layout import plain_numbers

    if output == "csv":
        write(plain_numbers(for_spreadsheets(rows)).write_csv())  # numbers last: one below zero is no formula
        return
    if rows.is_empty():
        return
    table = Table(box=None, pad_edge=False)
    for name, dtype in rows.schema.items():
        number = dtype.is_numeric()
        table.add_column(name.replace("_", " "), justify="right" if number else "left", no_wrap=not number)
    for row in rows.head(limit).rows():
        table.add_row(*(escape(_shown(cell)) for cell in row))
    out.print(table)
    if rows.height > limit:
        out.print(f"and {rows.height - limit:,} more; --limit or --format csv shows them")


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:,.0f}" if cell.is_integer() else f"{cell:,.1f}"
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else str(cell)


def print_release(book: Book, release: Release) -> None:
    """Print the files of a release, and as of when it is."""
    from rich.table import Table

    table = Table("file", "rows", "size", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    for file in release.files:
        table.add_row(file.path, "" if file.rows is None else f"{file.rows:,}", f"{file.bytes / 1000:,.0f} kB")
    out.print(table)
    for note in release.notes:
        out.print(f"note: {escape(note)}")
    moment = release.as_of.astimezone(book.config.zone)
    out.print(f"published in {escape(str(release.folder))}, as of {moment:%Y-%m-%d %H:%M %Z}")
    if book.config.notice:
        out.print(f"[bold yellow]{escape(book.config.notice)}[/]")


def print_explanation(book: Book, made: Explanation) -> None:
    """Print what an average is made of."""
    from tallybook.measures.rates import half_up
    from tallybook.model.cards import REPORTING

    place = book.places.title(made.place)
    out.print(f"[bold]{escape(place)}, {made.metric}, {made.date:%A} {made.date}[/]")
    rate = "" if made.per_100k is None else f"; {half_up(made.per_100k):,.2f} per 100,000 people"
    if made.parts:
        many = len(made.parts)
        parts = f"the sum of the averages of {many} states and territories" if many > 1 else "the average of one state"
        out.print(
            f"{half_up(made.average):,.2f} {made.metric} a day, {parts}{rate}", _parts_table(book, made), sep="\n"
        )
    else:
        sums = f"{made.total:,} ÷ {made.window_days} days, {made.window_start} to {made.window_end}"
        out.print(f"{half_up(made.average):,.2f} {made.metric} a day = {sums}{rate}", _days_table(made), sep="\n")
    for number, (name, words) in enumerate(made.anomalies.items(), start=1):
        out.print(escape(f"[{number}] {words or 'no description'} ({name})"))
    if made.origin:
        out.print(f"[dim]{escape(_came_from(made.origin, book.config.zone))}[/]")
    for note in made.notes:
        out.print(escape(f"the source: {note}"))
    if made.window_end < made.date and not made.parts:
        out.print(f"[dim]Nothing to add since {made.window_end}: its average is carried forward.[/]")
    if not made.parts:
        out.print(f"[dim]{REPORTING[made.reporting]}[/]")


def _came_from(origin: Origin, zone: ZoneInfo) -> str:
    total = "no total" if origin.total is None else f"the total {origin.total:,}"
    times = f", revised {origin.revision} times" if origin.revision > 1 else ", revised once" if origin.revision else ""
    since = f"{origin.as_of.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    where = f"{origin.file}, SHA-256 {origin.sha256[:12]}…"
    return f"From {origin.source}: {total}, known since {since}{times} ({where})."


def _days_table(made: Explanation) -> Table:
    from rich.table import Table

    table = Table("day", "", "new", "adjusted by", "in the sum", "", box=None, pad_edge=False)
    for column in (2, 3, 4):
        table.columns[column].justify = "right"
    numbers = {name: number for number, name in enumerate(made.anomalies, start=1)}
    for day in made.days:
        notes = "".join(f" [{numbers[name]}]" for name in day.anomalies)
        table.add_row(*_day_cells(day), escape(day.role + notes), style="" if day.in_divisor else "dim")
    return table


def _day_cells(day: Day) -> tuple[str, ...]:
    return (
        str(day.date),
        f"{day.date:%a}",
        "not reported" if day.count is None else f"{day.count:,}",
        f"{day.adjustment:+,}" if day.adjustment else "",
        f"{day.contribution:,}" if day.in_divisor else "–",
    )


def _parts_table(book: Book, made: Explanation) -> Table:
    from rich.table import Table

    from tallybook.measures.rates import half_up

    table = Table("place", "average", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for part in sorted(made.parts, key=lambda part: -part.average):
        table.add_row(book.places.title(part.place), f"{half_up(part.average):,.2f}")
    return table


@contextmanager
def progress() -> Iterator[_Bar]:
    """Show what is going on while the block runs, on a terminal only, whatever FORCE_COLOR says."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as shown:
        yield _Bar(shown)


@contextmanager
def working(step: str) -> Iterator[None]:
    """Show one step of unknown length while the block runs."""
    with progress() as bar:
        bar(step, 0, 0)
        yield


class _Bar:
    """The progress of a book's work, as one bar."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task = shown.add_task("", total=None)

    def __call__(self, step: str, done: int, total: int) -> None:
        self._shown.update(self._task, description=escape(step), completed=done, total=total or None)
