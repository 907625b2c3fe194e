"""The commands about what was known when."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from tallybook.cli import completion
from tallybook.cli.documents import print_json
from tallybook.cli.moments import moment_of
from tallybook.cli.options import AsJson, BookFolder, Format, Limit, PlaceName, examples
from tallybook.cli.printing import out, print_rows, working, write
from tallybook.errors import ContractError
from tallybook.model.metrics import COUNTS, RATES, level_of
from tallybook.model.names import meant

if TYPE_CHECKING:
    import polars as pl

    from tallybook.book import Book


EXAMPLES: Final = {
    "as_of": examples(
        "tallybook as-of 2020-06-01 --level state --book covid > us-states.csv",
        "tallybook as-of 2021-03-05T02:15-05:00 --place WA --book covid",
    ),
    "revisions": examples(
        "tallybook revisions --place Texas --since 2021-01-01 --book covid",
        "tallybook revisions --summary --book covid",
        "tallybook revisions --format csv --book covid > revisions.csv",
    ),
    "diff": examples("tallybook diff 2020-06-01 2020-07-01 --book covid", "tallybook diff old/public new/public"),
}

_OF_SUMMARY: Final = (
    *("place", "metric", "values", "revised_percent", "revisions", "longest_lag_days", "largest_change_percent"),
    *("median_days_to_1_percent", "median_days_to_5_percent"),
)

_OF_REVISIONS: Final = ("as_of", "place", "metric", "date", "old", "new", "difference")
_OF_ORIGINS: Final = ("geoid", "status", "source", "file", "sha256", "note")


def as_of(
    moment: Annotated[str, typer.Argument(help="Such as 2021-03-05T02:15-05:00, or a date: its beginning.")],
    level: Annotated[
        str | None,
        typer.Option(help="nation, state, county or town; the widest the book has.", autocompletion=completion.levels),
    ] = None,
    place: PlaceName = None,
    *,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Print the totals as they were known at a moment, as CSV in the published columns."""
    from tallybook.book import Book
    from tallybook.release.layout import known_table

    book = Book(folder)
    found = None if place is None else book.places.find(place, among=book.config.levels)
    levels = list(book.config.levels)
    wanted = level or (found.level if found else min(levels, key=list(type(levels[0])).index))
    known_at = moment_of(moment, book)
    with working("reading the ledger"):
        totals = book.totals(wanted, as_of=known_at)
    if found:
        totals = totals.filter(geoid=found.geoid)
    table = known_table(totals, wanted, book.places)
    if as_json:
        print_json("as-of", table, as_of=known_at, level=str(level_of(wanted)))
    else:
        write(table.write_csv())


def revisions(
    since: Annotated[str | None, typer.Option(metavar="MOMENT", help="Only what changed after this moment.")] = None,
    place: PlaceName = None,
    metric: Annotated[str | None, typer.Option(help="Of this metric only.", autocompletion=completion.metrics)] = None,
    output: Format = "table",
    limit: Limit = 40,
    *,
    as_json: AsJson = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Per place: how many revisions, how late, how large.")
    ] = False,
    folder: BookFolder = Path(),
) -> None:
    """Show what was corrected: old and new value, since when, by whom."""
    import polars as pl

    from tallybook.book import Book

    book = Book(folder)
    if metric is not None and metric not in (*COUNTS, *RATES):
        raise ContractError(f"no metric {metric!r}", hint=meant(metric, (*COUNTS, *RATES), otherwise="use one of"))
    wanted = [pl.lit(value=True) if metric is None else pl.col("metric") == metric]
    if place is not None:
        wanted.append(pl.col("place") == book.places.find(place, among=book.config.levels).geoid)
    if summary:
        if since is not None:
            raise ContractError("a summary is of all that is known", hint="leave --since out")
        _summary(book, wanted, output, limit, as_json=as_json)
        return
    moment = None if since is None else moment_of(since, book)
    with working("reading the ledger"):
        rows = _named(book.ledger.revisions(since=moment).filter(wanted), book)
    if output == "table" and rows.is_empty() and not as_json:
        out.print("nothing was revised")
    told = rows.with_columns(difference=pl.col("new") - pl.col("old")).select(*_OF_REVISIONS, *_OF_ORIGINS)
    latest = told.sort("as_of", descending=True, maintain_order=True)
    if as_json:
        print_json("revisions", latest, summary=False)
        return
    if output == "table":
        latest = latest.select(_OF_REVISIONS).with_columns(pl.col("as_of").dt.convert_time_zone(book.config.time_zone))
    print_rows(latest, output, limit)


def _summary(book: Book, wanted: list[pl.Expr], output: Literal["table", "csv"], limit: int, *, as_json: bool) -> None:
    """Print per place and metric how many revisions there were, how late and how large."""
    from tallybook.measures.revisions import revision_summary

    with working("reading the ledger"):
        told = _named(revision_summary(book.ledger.values().filter(wanted)), book)
    if as_json:
        print_json("revisions", told, summary=True)
    else:
        print_rows(told.select(_OF_SUMMARY) if output == "table" else told, output, limit)


def _named(rows: pl.DataFrame, book: Book) -> pl.DataFrame:
    """Return the rows with the names of their places, as releases have them, and the ids as ``geoid``."""
    titles = book.places.titles.select(place="geoid", title="title")
    named = rows.join(titles, on="place", how="left", maintain_order="left")
    return named.rename({"place": "geoid", "title": "place"}).select(
        "geoid", "place", *(name for name in rows.columns if name != "place")
    )


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A release's folder, or a moment.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same, later.")],
    output: Format = "table",
    limit: Limit = 40,
    *,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Show what differs between two releases: their folders, or two moments of a book."""
    import polars as pl
    from rich.table import Table

    from tallybook.book import Book
    from tallybook.release.changes import compare_releases

    folders = Path(before), Path(after)
    if all(place.is_dir() for place in folders):
        places = Book(folder).places if (folder / "book.toml").is_file() else None
        rows = compare_releases(*folders, places)
    elif any(place.is_dir() for place in folders):
        raise ContractError(f"{before!r} and {after!r} are a folder and a moment", hint="give two of one kind")
    else:
        book = Book(folder)
        with working("reading the ledger"):
            rows = book.changes(moment_of(before, book), moment_of(after, book))
    if as_json:
        print_json("diff", rows)
        return
    if output == "table":
        counts = rows.group_by("change").len().sort("change")
        table = Table("change", "values", box=None, pad_edge=False)
        for kind, number in counts.rows():
            table.add_row(kind, f"{number:,}")
        out.print(table if counts.height else "nothing differs")
        rows = rows.filter(pl.col("change") != "new").drop("geoid", "as_of", "source")
    print_rows(rows, output, limit)
