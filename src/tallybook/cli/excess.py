"""The command about excess deaths."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import typer

from tallybook.cli.documents import print_json
from tallybook.cli.moments import moment_of
from tallybook.cli.options import AsJson, BookFolder, Format, Limit, examples
from tallybook.cli.printing import out, print_rows
from tallybook.errors import ContractError, UnknownPlaceError
from tallybook.model.names import meant

if TYPE_CHECKING:
    import polars as pl

    from tallybook.book import Book


EXAMPLES: Final = examples(
    "tallybook excess --book covid",
    "tallybook excess Austria --book covid",
    "tallybook excess --compare-published recorded --book covid",
    "tallybook excess --interval-coverage 2019 --book covid",
    "tallybook excess --baseline 2016-2019 --format csv --book covid > excess.csv",
)

Shown: TypeAlias = Literal["table", "csv", "json"]

RECORDED: Final = "recorded"
"""What is said instead of a file for the figures that came with the recorded one."""

_OF_SUMMARY: Final = (
    *("place", "until", "deaths", "expected_deaths", "excess_deaths", "excess_low", "excess_high", "p_score_percent"),
    *("baseline_years", "model"),
)
_OF_PERIODS: Final = (
    *("start_date", "year", "month", "week", "deaths", "expected_deaths", "expected_low", "expected_high"),
    *("excess_deaths", "p_score_percent", "cumulative_excess", "cumulative_excess_low", "cumulative_excess_high"),
)


def excess(
    place: Annotated[
        str | None, typer.Argument(help="A country, or place and country; all of them if left out.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="YEARS", help="Fit to these years, such as 2015-2019, not those of book.toml.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(metavar="MOMENT", help="As it was then; by default now.")] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            "--compare-published",
            metavar="FILE|recorded",
            help="How well it agrees with the expected deaths in a deaths.csv, or in the one that was recorded.",
        ),
    ] = None,
    coverage: Annotated[
        int | None,
        typer.Option(
            "--interval-coverage",
            metavar="YEAR",
            help="How often intervals held what happened, in years held back through this one.",
        ),
    ] = None,
    output: Format = "table",
    limit: Limit = 60,
    *,
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Show deaths from all causes beside those expected from the years before, and the excess with its interval."""
    from tallybook.book import Book
    from tallybook.model.mortality import title
    from tallybook.release.excess import extended_table, summary

    shown: Shown = "json" if as_json else output
    book = Book(folder)
    if coverage is not None:
        _print(book.interval_coverage(coverage), shown, limit)
        return
    moment = None if as_of is None else moment_of(as_of, book)
    made = book.excess(as_of=moment, baseline=None if baseline is None else _years(baseline))
    if compare is not None:
        _compare(book, made, compare, shown, limit)
        return
    rows = made if place is None else made.filter(made.select(title())["place"] == place_of(place, made))
    if shown != "table":
        _print(extended_table(rows), shown, limit)
    elif place is None:
        _print(summary(rows).select(_OF_SUMMARY), shown, limit)
    else:
        _print(rows.select(_OF_PERIODS), shown, limit)


def _compare(book: Book, made: pl.DataFrame, compare: str, shown: Shown, limit: int) -> None:
    """Print the table of agreement, and in a line what it adds up to."""
    from tallybook.model.files import read_file
    from tallybook.release.excess import agreement
    from tallybook.sources.all_cause import parse_deaths

    if compare == RECORDED:
        published = book.all_cause_deaths()
    else:
        published = parse_deaths(read_file(Path(compare)), file=compare, today=date.max, ignored=["*"])
    table = agreement(made, published)
    if table.is_empty():
        raise ContractError(
            f"{compare} has no expected deaths to compare with", hint="they are in a published deaths.csv"
        )
    _print(table, shown, limit)
    if shown == "table":
        rows, equal, one, more, lost = (
            table.select("published", "equal", "one_off", "further_off", "missing").sum().row(0)
        )
        out.print(
            f"{equal:,} of {rows:,} published figures are equal ({equal / rows:.1%}), {one:,} one off, "
            f"{more:,} further off, {lost:,} not estimated"
        )


def _print(rows: pl.DataFrame, shown: Shown, limit: int) -> None:
    if shown == "json":
        print_json("excess", rows)
        return
    print_rows(rows, shown, limit)


def _years(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
    if not found or int(found[1]) > int(found[2] or found[1]):
        raise ContractError(f"{text!r} is no baseline", hint="write its first and last year, as 2015-2019")
    return int(found[1]), int(found[2] or found[1])


def place_of(name: str, made: pl.DataFrame) -> str:
    """Return the place of this name, however it is capitalised; of a part of a country its own name is enough.

    Raises:
        UnknownPlaceError: there is none.
    """
    import polars as pl

    from tallybook.model.mortality import title

    known = made.select(title(), "placename").unique(maintain_order=True)
    for column in ("place", "placename"):
        found = known.filter(pl.col(column).str.to_lowercase() == name.lower())["place"]
        if found.len() == 1:
            return str(found[0])
    raise UnknownPlaceError(f"no deaths from all causes of {name!r}", hint=meant(name, known["place"].to_list()))
