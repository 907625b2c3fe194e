"""The command that records what a source says, now or in the past."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.markup import escape

from tallybook.cli.documents import print_json
from tallybook.cli.moments import moment_of
from tallybook.cli.options import AsJson, BookFolder, Feed
from tallybook.cli.printing import err, in_numbers, out, progress
from tallybook.errors import ContractError, TallybookError

if TYPE_CHECKING:
    from tallybook.book import Book
    from tallybook.ledger import Recorded
    from tallybook.sources.vintages import FolderHistory, GitHistory

_NUMBERS: Final = ("added", "revised", "withdrawn")


def record(  # noqa: PLR0913 (the options of the command are its parameters)
    feed: Feed,
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
    as_json: AsJson = False,
    folder: BookFolder = Path(),
) -> None:
    """Record what a source says. Everything is checked first; what was known already is not stored again."""
    from tallybook.book import Book

    book = Book(folder)
    if vintages or git:
        if as_of is not None:
            raise ContractError("past versions have moments of their own", hint="leave --as-of out")
        with closing(_past(book, vintages, pattern, git, location)) as past:
            _record_past(book, feed, past, skip_refused=skip_refused, as_json=as_json)
        return
    moment = None if as_of is None else moment_of(as_of, book)
    with progress() as bar:
        added = book.record(feed, location, as_of=moment, allow_withdrawals=allow_withdrawals, progress=bar)
    if as_json:
        print_json("record", [asdict(file) for file in added], feed=feed)
        return
    for file in added:
        out.print(f"recorded {escape(file.file)}: {in_numbers(file)}")


def _past(
    book: Book, vintages: Path | None, pattern: str | None, git: Path | None, path: str | None
) -> FolderHistory | GitHistory:
    from tallybook.sources.vintages import FolderHistory, GitHistory

    if git is None and vintages is not None:
        if path is not None:
            raise ContractError(f"{path!r} is none of the versions in {vintages}", hint="leave it out")
        return FolderHistory(vintages, pattern=pattern, zone=book.config.zone)
    if git is None or vintages is not None or path is None:
        raise ContractError("give --vintages DIR, or --git REPO and a file in it", hint="one of them at a time")
    return GitHistory(git, path)


def _record_past(book: Book, feed: str, past: FolderHistory | GitHistory, *, skip_refused: bool, as_json: bool) -> None:
    refused: list[TallybookError] = []
    files: list[Recorded] = []
    with progress() as bar:
        told = book.record_vintages(feed, past, refused=refused.append if skip_refused else None, progress=bar)
        files.extend(told)
    for error in refused:
        err.print(f"[yellow]left out:[/] {escape(str(error))}")
    if as_json:
        print_json(
            "record", [asdict(file) for file in files], feed=feed, versions=len(past), left_out=list(map(str, refused))
        )
        return
    added, revised, withdrawn = (sum(getattr(file, name) for file in files) for name in _NUMBERS)
    out.print(
        f"recorded {len(files):,} of {len(past):,} versions: {added:,} new, {revised:,} revised, "
        f"{withdrawn:,} withdrawn" + (f"; {len(refused):,} left out" if refused else "")
    )
