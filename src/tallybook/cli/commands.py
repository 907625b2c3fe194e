"""The commands: parse, call, print."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from tallybook.cli import charts, damage, excess, history, serve, sources
from tallybook.cli.moments import moment_of
from tallybook.cli.printing import (
    err,
    in_numbers,
    out,
    print_explanation,
    print_findings,
    print_release,
    progress,
    working,
)
from tallybook.errors import ContractError, TallybookError

if TYPE_CHECKING:
    from tallybook.book import Book
    from tallybook.release.write import Release
    from tallybook.sources.vintages import FolderHistory, GitHistory


app = typer.Typer(
    name="tallybook",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From agency counts of an outbreak to one public, citable dataset.",
)

app.add_typer(sources.app, name="sources")
app.add_typer(charts.app, name="chart")

BookFolder = Annotated[Path, typer.Option("--book", metavar="DIR", help="The book's folder.")]


@app.command(epilog="Example: tallybook init covid --template nyt")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    template: Annotated[
        str, typer.Option(help="What the book starts as: plain, nyt, connecticut, measles or simulated.")
    ] = "plain",
) -> None:
    """Make a book: a folder with its configuration, to be kept in git by its editors."""
    from tallybook.book import Book

    book = Book.init(folder, template=template)
    feed = next(iter(book.sources))
    out.print(f"made {escape(str(folder))}: {escape(book.config.title)}")
    out.print(f"next: edit {escape(str(folder / 'book.toml'))}, then")
    out.print(escape(f"      tallybook record {feed} PATH_OR_URL --book {folder}"))


@app.command(
    epilog="Examples: tallybook record nyt ~/covid-19-data --book covid · tallybook record nyt --book covid "
    "(from the source's address) · tallybook record nyt us-states.csv --as-of 2021-03-05T02:15-05:00 · "
    "tallybook record nyt --vintages old/ · tallybook record nyt us-states.csv --git ~/covid-19-data"
)
def record(
    feed: Annotated[str, typer.Argument(help="A source: the name of a card in the folder sources.")],
    location: Annotated[
        str | None,
        typer.Argument(
            metavar="[PATH_OR_URL]",
            help="A folder, a file or an address; the source's own if left out. With --git, a file in the repository.",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="MOMENT",
            help="Since when this is known, such as 2021-03-05T02:15-05:00; without an offset, in the book's "
            "time zone. By default now.",
        ),
    ] = None,
    vintages: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Past versions of a file, each since the moment its name tells."),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(help="How the names of --vintages begin, in strftime's codes, such as %Y%m%d-%H%M."),
    ] = None,
    git: Annotated[
        Path | None, typer.Option(metavar="REPO", help="Past versions of a file, one per commit that touched it.")
    ] = None,
    *,
    skip_refused: Annotated[
        bool, typer.Option("--skip-refused", help="Leave out versions that cannot be taken, saying why.")
    ] = False,
    allow_withdrawals: Annotated[
        bool,
        typer.Option(
            "--allow-withdrawals",
            help="Take a file that lacks over a twentieth of the counts it covers; not a cut one.",
        ),
    ] = False,
    folder: BookFolder = Path(),
) -> None:
    """Record what a source says. Everything is checked first; what was known already is not stored again."""
    from tallybook.book import Book

    book = Book(folder)
    if vintages or git:
        if as_of is not None:
            raise ContractError("past versions have moments of their own", hint="leave --as-of out")
        with closing(_past(book, vintages, pattern, git, location)) as past:
            _record_past(book, feed, past, skip_refused=skip_refused)
        return
    moment = None if as_of is None else moment_of(as_of, book)
    with progress() as bar:
        added = book.record(feed, location, as_of=moment, allow_withdrawals=allow_withdrawals, progress=bar)
    for file in added:
        out.print(f"recorded {escape(file.file)}: {in_numbers(file)}")


def _past(
    book: Book, vintages: Path | None, pattern: str | None, git: Path | None, path: str | None
) -> FolderHistory | GitHistory:
    from tallybook.sources.vintages import FolderHistory, GitHistory

    if git is None and vintages is not None:
        if path is not None:
            raise ContractError(f"{path!r} is none of the versions in {vintages}", hint="leave it out")
        return FolderHistory(vintages, pattern=pattern, zone=ZoneInfo(book.config.time_zone))
    if git is None or vintages is not None or path is None:
        raise ContractError("give --vintages DIR, or --git REPO and a file in it", hint="one of them at a time")
    return GitHistory(git, path)


def _record_past(book: Book, feed: str, past: FolderHistory | GitHistory, *, skip_refused: bool) -> None:
    refused: list[TallybookError] = []
    files = added = revised = withdrawn = 0
    with progress() as bar:
        told = book.record_vintages(feed, past, refused=refused.append if skip_refused else None, progress=bar)
        for file in told:
            files, added = files + 1, added + file.added
            revised, withdrawn = revised + file.revised, withdrawn + file.withdrawn
    for error in refused:
        err.print(f"[yellow]left out:[/] {escape(str(error))}")
    out.print(
        f"recorded {files:,} of {len(past):,} versions: {added:,} new, {revised:,} revised, {withdrawn:,} withdrawn"
        + (f"; {len(refused):,} left out" if refused else "")
    )


@app.command(
    epilog="Examples: tallybook publish --book covid · tallybook publish --book covid --out /srv/www/covid · "
    "tallybook publish --as-of 2020-06-01 --out june --book covid · "
    "tallybook publish --engine spark --master spark://host:7077 --out /data/covid --book covid"
)
def publish(
    target: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to. Default: public, in the book.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="The release as it would have been then; needs --out.")
    ] = None,
    *,
    site: Annotated[
        bool | None,
        typer.Option("--site/--no-site", help="Whether to make the pages to read it, too. Default: as book.toml says."),
    ] = None,
    engine: Annotated[
        Literal["polars", "spark"],
        typer.Option(help="What computes: this machine, or Spark, which writes Parquet by year, no CSV and no pages."),
    ] = "polars",
    master: Annotated[
        str | None,
        typer.Option(help="Where Spark is: local[4], spark://host:7077, yarn; of Spark Connect sc://host:15002."),
    ] = None,
    folder: BookFolder = Path(),
) -> None:
    """Publish what is known: CSV files in the published layout, Parquet files that say more, and pages to read them."""
    from tallybook.book import Book

    book = Book(folder)
    moment = None if as_of is None else moment_of(as_of, book)
    if engine == "spark":
        release = _publish_on_spark(book, target, master, moment, site=site)
    elif master is not None:
        raise ContractError("--master is of --engine spark", hint="give both, or neither")
    else:
        with progress() as bar:
            release = book.publish(target, as_of=moment, site=site, progress=bar)
    print_release(book, release)


def _publish_on_spark(
    book: Book, target: Path | None, master: str | None, moment: datetime | None, *, site: bool | None
) -> Release:
    from tallybook.book.spark import spark_session

    if target is None or master is None or site:
        raise ContractError(
            "--engine spark makes a release without CSV files and pages", hint="give --master, --out DIR and no --site"
        )
    with working("computing on Spark"), spark_session(master) as session:
        return book.publish_on_spark(target, session=session, as_of=moment)


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
    from tallybook.book import Book

    book = Book(folder)
    with working("closing what is over"):
        closed = book.close_day(None if day is None else _date(day))
    for file in closed:
        out.print(f"closed {escape(file.file)}: {file.added:,} counts are final")
    if not closed:
        out.print("there is nothing to close")


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
    import polars as pl

    from tallybook.book import Book

    book = Book(folder)
    with progress() as bar:
        findings = book.check(progress=bar)
    if output == "json":
        print(findings.with_columns(pl.col("date").dt.to_string()).write_json())
    else:
        print_findings(findings, limit)
    if strict and (findings["severity"] == "error").any():
        raise typer.Exit(2)


@app.command(epilog="Example: tallybook suggest-anomalies --book covid > drafts.csv")
def suggest_anomalies(folder: BookFolder = Path()) -> None:
    """Draft rows of anomalies.csv for declines and jumps that no entry explains. An editor decides which to keep."""
    from tallybook.anomalies import suggest_anomalies as drafts
    from tallybook.anomalies import write_anomalies
    from tallybook.book import Book

    book = Book(folder)
    with progress() as bar:
        drafted = write_anomalies(drafts(book.check(progress=bar), book.places))
    print(drafted, end="")


@app.command(
    epilog="Examples: tallybook explain USA-31 2020-02-25 cases --book covid · tallybook explain Texas 2022-01-16 cases"
    " · tallybook explain Texas 2022-01-16 cases --as-of 2022-01-17 --book covid"
)
def explain(
    place: Annotated[str, typer.Argument(help="An id, FIPS code, name or abbreviation.")],
    day: Annotated[str, typer.Argument(metavar="DATE", help="The day of the average, YYYY-MM-DD.")],
    metric: Annotated[str, typer.Argument(help="One of the book's metrics, such as cases.")],
    as_of: Annotated[str | None, typer.Option(metavar="MOMENT", help="As it was then; now by default.")] = None,
    folder: BookFolder = Path(),
) -> None:
    """Show what an average is made of: the days of its window, what was left out and why, the sum and the division."""
    from tallybook.book import Book

    book = Book(folder)
    with working("computing averages"):
        made = book.explain(place, _date(day), metric, as_of=None if as_of is None else moment_of(as_of, book))
    print_explanation(book, made)


@app.command(epilog="Examples: tallybook demo /tmp/demo · tallybook demo /tmp/measles --template measles")
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new folder, or that of the last demo.")] = Path(
        "demo"
    ),
    template: Annotated[
        Literal["simulated", "measles"],
        typer.Option(help="What is simulated: an outbreak counted daily (simulated), or by week (measles)."),
    ] = "simulated",
) -> None:
    """Make a book of a simulated outbreak, record it, publish it and explain one figure. Its numbers are invented."""
    from tallybook.book import SIMULATED, WEEKLY, Book, weekly_book

    began = time.perf_counter()
    if template == WEEKLY:
        release = weekly_book(folder).publish()
        print_release(Book(folder), release)
        out.print(f"open {escape(str(release.folder / 'index.html'))} in a browser")
        return
    book = Book.simulated(folder)
    with progress() as bar:
        recorded = book.record(SIMULATED, book.folder / "feed", progress=bar)
        release = book.publish(progress=bar)
    out.print(f"[bold]{escape(book.config.title)}[/] in {escape(str(folder))}")
    for file in recorded:
        out.print(f"recorded {escape(file.file)}: {in_numbers(file)}")
    print_release(book, release)
    out.print()
    shown = _telling_day(book)
    out.print(f"[dim]$ tallybook explain {shown[0]} {shown[1]} cases --book {escape(str(folder))}[/]")
    print_explanation(book, book.explain(shown[0], shown[1], "cases"))
    out.print(f"\ndone in {time.perf_counter() - began:.1f} s; the release is in {escape(str(release.folder))}")
    out.print(f"open {escape(str(release.folder / 'index.html'))} in a browser")


def _telling_day(book: Book) -> tuple[str, date]:
    """Return a state and a day whose window has an omitted day within it."""
    import polars as pl

    averages = book.averages("state").sort("geoid", "date")
    omitted = pl.col("cases_omitted") & pl.col("cases_anomaly").is_not_null() & (pl.col("cases") > 0)
    within = omitted.shift(3, fill_value=False).over("geoid") & (pl.col("cases_window_end") == pl.col("date"))
    row = (averages.filter(within) if averages.select(within.any()).item() else averages).row(0, named=True)
    return row["geoid"], row["date"]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ContractError(f"{text!r} is no date", hint="write it as YYYY-MM-DD") from None


for command in (history.as_of, history.revisions, history.diff):
    app.command(epilog=history.EXAMPLES[command.__name__], name=command.__name__.replace("_", "-"))(command)
app.command(epilog=excess.EXAMPLES)(excess.excess)
app.command(epilog=serve.EXAMPLES)(serve.serve)
for repair in (damage.verify, damage.rebuild):
    app.command(epilog=damage.EXAMPLES[repair.__name__])(repair)
