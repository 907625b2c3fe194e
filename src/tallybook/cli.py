"""The command line: parse, call, print.

Exit codes: 0 done; 1 refused, with one line that says what, where and what to do; 2 wrong usage, or errors found by
``check --strict``; 130 interrupted.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, NoReturn
from zoneinfo import ZoneInfo

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from tallybook.anomalies import suggest_anomalies as drafts
from tallybook.anomalies import write_anomalies
from tallybook.book import SIMULATED, Book
from tallybook.errors import ContractError, TallybookError
from tallybook.measures.explain import Day, Explanation
from tallybook.measures.rates import half_up
from tallybook.release.write import Release

app = typer.Typer(
    name="tallybook",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From agency counts of an outbreak to one public, citable dataset.",
)

_out = Console(soft_wrap=True, highlight=False)
_err = Console(stderr=True, soft_wrap=True, highlight=False)

BookFolder = Annotated[Path, typer.Option("--book", metavar="DIR", help="The book's folder.")]


def main() -> None:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A figure with a character the terminal does not know is better than none.
            stream.reconfigure(errors="replace")
    try:
        app()
    except TallybookError as error:
        _refuse(str(error))
    except OSError as error:
        # What no room foresaw: a folder without permission, a full disk, a name too long.
        _refuse(f"{error.filename or 'the system'}: {error.strerror or error}")


def _refuse(message: str) -> NoReturn:
    line = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in message)
    _err.print(f"[bold red]error:[/] {escape(line)}")
    sys.exit(1)


@app.command(epilog="Example: tallybook init covid --template nyt")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    template: Annotated[str, typer.Option(help="What the book starts as: plain, nyt or simulated.")] = "plain",
) -> None:
    """Make a book: a folder with its configuration, to be kept in git by its editors."""
    book = Book.init(folder, template=template)
    feed = next(iter(book.config.sources))
    _out.print(f"made {escape(str(folder))}: {escape(book.config.title)}")
    _out.print(
        f"next: edit {escape(str(folder / 'book.toml'))}, then tallybook record {feed} PATH_OR_URL --book {folder}"
    )


@app.command(
    epilog="Examples: tallybook record nyt ~/covid-19-data --book covid · tallybook record nyt --book covid "
    "(from the feed's url) · tallybook record nyt us-states.csv --as-of 2021-03-05T02:15-05:00"
)
def record(
    feed: Annotated[str, typer.Argument(help="A source named in book.toml.")],
    location: Annotated[
        str | None,
        typer.Argument(metavar="[PATH_OR_URL]", help="A folder, a file or an address; the feed's url if left out."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="Since when this is known, such as 2021-03-05T02:15-05:00; without an offset, in the book's "
            "time zone. By default now.",
        ),
    ] = None,
    folder: BookFolder = Path(),
) -> None:
    """Record what a feed says. Everything is checked first; what was known already is not stored again."""
    book = Book(folder)
    moment = None if as_of is None else _moment(as_of, book)
    with _progress() as bar:
        added = book.record(feed, location, as_of=moment, progress=bar)
    for file in added:
        what = f"{file.added:,} new, {file.revised:,} revised, {file.unchanged:,} known already"
        _out.print(f"recorded {escape(file.file)}: {what}")


@app.command(epilog="Examples: tallybook publish --book covid · tallybook publish --book covid --out /srv/www/covid")
def publish(
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to. Default: public, in the book.")] = None,
    folder: BookFolder = Path(),
) -> None:
    """Publish what is known: CSV files in the published layout, and Parquet files that say more."""
    book = Book(folder)
    with _progress() as bar:
        release = book.publish(out, progress=bar)
    _print_release(book, release)


@app.command(
    "close-day", epilog="Examples: tallybook close-day --book covid · tallybook close-day 2021-03-07 --book covid"
)
def close_day(
    day: Annotated[
        str | None, typer.Argument(metavar="[DATE]", help="A day that is over; by default all that are still open.")
    ] = None,
    folder: BookFolder = Path(),
) -> None:
    """Make the last live counts of a day final, unless final ones were recorded. Publishing does it, too."""
    closed = Book(folder).close_day(None if day is None else _date(day))
    for file in closed:
        _out.print(f"closed {escape(file.file)}: {file.added:,} counts are final")
    if not closed:
        _out.print("there is nothing to close")


@app.command(
    epilog="Examples: tallybook check --book covid · tallybook check --format json > findings.json · "
    "tallybook check --strict"
)
def check(
    output: Annotated[
        Literal["table", "json"], typer.Option("--format", help="A table for people, or JSON with every finding.")
    ] = "table",
    limit: Annotated[int, typer.Option(help="How many findings the table shows, the latest first.")] = 40,
    *,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 if any finding is an error.")] = False,
    folder: BookFolder = Path(),
) -> None:
    """Say what looks wrong: declines, jumps, gaps, sums that do not add up, sources that disagree."""
    findings = Book(folder).check()
    if output == "json":
        print(findings.with_columns(pl.col("date").dt.to_string()).write_json())
    else:
        _print_findings(findings, limit)
    if strict and (findings["severity"] == "error").any():
        raise typer.Exit(2)


@app.command(epilog="Example: tallybook suggest-anomalies --book covid > drafts.csv")
def suggest_anomalies(folder: BookFolder = Path()) -> None:
    """Draft rows of anomalies.csv for declines and jumps that no entry explains. An editor decides which to keep."""
    book = Book(folder)
    print(write_anomalies(drafts(book.check(), book.places)), end="")


@app.command(
    epilog="Examples: tallybook explain USA-31 2020-02-25 cases --book covid · tallybook explain Texas 2022-01-16 cases"
)
def explain(
    place: Annotated[str, typer.Argument(help="An id, FIPS code, name or abbreviation.")],
    day: Annotated[str, typer.Argument(metavar="DATE", help="The day of the average, YYYY-MM-DD.")],
    metric: Annotated[str, typer.Argument(help="cases or deaths.")],
    folder: BookFolder = Path(),
) -> None:
    """Show what an average is made of: the days of its window, what was left out and why, the sum and the division."""
    book = Book(folder)
    _print_explanation(book, book.explain(place, _date(day), metric))


@app.command(epilog="Example: tallybook demo /tmp/demo")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new folder, or that of the last demo.")] = Path(
        "demo"
    ),
) -> None:
    """Make a book of a simulated outbreak, record it, publish it and explain one figure. Its numbers are invented."""
    began = time.perf_counter()
    book = Book.simulated(folder)
    with _progress() as bar:
        recorded = book.record(SIMULATED, book.folder / "feed", progress=bar)
        release = book.publish(progress=bar)
    _out.print(f"[bold]{escape(book.config.title)}[/] in {escape(str(folder))}")
    for file in recorded:
        _out.print(f"recorded {escape(file.file)}: {file.added:,} new, {file.unchanged:,} known already")
    _print_release(book, release)
    _out.print()
    shown = _telling_day(book)
    _out.print(f"[dim]$ tallybook explain {shown[0]} {shown[1]} cases --book {escape(str(folder))}[/]")
    _print_explanation(book, book.explain(shown[0], shown[1], "cases"))
    _out.print(f"\ndone in {time.perf_counter() - began:.1f} s; the release is in {escape(str(release.folder))}")


def _print_findings(findings: pl.DataFrame, limit: int) -> None:
    if findings.is_empty():
        _out.print("nothing looks wrong")
        return
    explained = pl.col("anomaly").is_not_null().sum()
    summary = findings.group_by("code", "severity").agg(pl.len(), explained).sort("code")
    shown = findings.sort("date", descending=True, maintain_order=True).head(limit)
    table = Table("date", "place", "metric", "code", "seen", "expected", "explained by", box=None, pad_edge=False)
    for row in shown.iter_rows(named=True):
        cells = str(row["date"]), row["place"], row["metric"], row["code"], row["seen"], row["expected"]
        table.add_row(*map(escape, cells), ", ".join(row["anomaly"] or ()))
    _out.print(table)
    if findings.height > limit:
        _out.print(f"and {findings.height - limit:,} earlier ones; --limit or --format json shows more")
    counts = Table("code", "severity", "findings", "explained", box=None, pad_edge=False)
    for code, severity, number, known in summary.rows():
        counts.add_row(code, severity, f"{number:,}", f"{known:,}")
    _out.print("", counts, sep="\n")


def _telling_day(book: Book) -> tuple[str, date]:
    """Return a state and a day whose window has an omitted day within it."""
    averages = book.averages("state").sort("geoid", "date")
    omitted = pl.col("cases_omitted") & pl.col("cases_anomaly").is_not_null() & (pl.col("cases") > 0)
    within = omitted.shift(3, fill_value=False).over("geoid") & (pl.col("cases_window_end") == pl.col("date"))
    row = (averages.filter(within) if averages.select(within.any()).item() else averages).row(0, named=True)
    return row["geoid"], row["date"]


def _print_release(book: Book, release: Release) -> None:
    table = Table("file", "rows", "size", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    for file in release.files:
        table.add_row(file.path, f"{file.rows:,}", f"{file.bytes / 1000:,.0f} kB")
    _out.print(table)
    for note in release.notes:
        _out.print(f"note: {escape(note)}")
    moment = release.as_of.astimezone(ZoneInfo(book.config.time_zone))
    _out.print(f"published in {escape(str(release.folder))}, as of {moment:%Y-%m-%d %H:%M %Z}")
    if book.config.notice:
        _out.print(f"[bold yellow]{escape(book.config.notice)}[/]")


def _print_explanation(book: Book, made: Explanation) -> None:
    place = book.places.title(made.place)
    _out.print(f"[bold]{escape(place)}, {made.metric}, {made.date:%A} {made.date}[/]")
    rate = "" if made.per_100k is None else f"; {half_up(made.per_100k):,.2f} per 100,000 people"
    if made.parts:
        parts = f"the sum of the averages of {len(made.parts)} states and territories"
        _out.print(
            f"{half_up(made.average):,.2f} {made.metric} a day, {parts}{rate}", _parts_table(book, made), sep="\n"
        )
    else:
        sums = f"{made.total:,} ÷ {made.window_days} days, {made.window_start} to {made.window_end}"
        _out.print(f"{half_up(made.average):,.2f} {made.metric} a day = {sums}{rate}", _days_table(made), sep="\n")
    for number, (name, words) in enumerate(made.anomalies.items(), start=1):
        _out.print(escape(f"[{number}] {words or 'no description'} ({name})"))
    if made.window_end < made.date and not made.parts:
        _out.print(f"[dim]Nothing to add since {made.window_end}: its average is carried forward.[/]")
    if not made.parts:
        _out.print(f"[dim]{_HOW[made.reporting]}[/]")


_HOW = {
    "infer-from-zero": "A day without new counts is taken as one without data; the next day with data covers it.",
    "explicit": "The source says which days it reported on; a reported zero is a zero.",
}


def _days_table(made: Explanation) -> Table:
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
    table = Table("place", "average", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for part in sorted(made.parts, key=lambda part: -part.average):
        table.add_row(book.places.title(part.place), f"{half_up(part.average):,.2f}")
    return table


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ContractError(f"{text!r} is no date", hint="write it as YYYY-MM-DD") from None


def _moment(text: str, book: Book) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ContractError(f"{text!r} is no moment", hint="write it as 2021-03-05T02:15-05:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(book.config.time_zone))


@contextmanager
def _progress() -> Iterator[_Bar]:
    """Show what is going on while the block runs, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as shown:
        yield _Bar(shown)


class _Bar:
    """The progress of a book's work, as one bar."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task = shown.add_task("", total=None)

    def __call__(self, step: str, done: int, total: int) -> None:
        self._shown.update(self._task, description=escape(step), completed=done, total=total or None)
