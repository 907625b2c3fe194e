"""What a source says: its files, whatever their layout, as reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath

from tallybook.errors import DataRefusedError
from tallybook.model.metrics import Level
from tallybook.model.places import Gazetteer
from tallybook.sources import all_cause, published
from tallybook.sources.archive import Archive, Fetched, Progress
from tallybook.sources.cards import Source
from tallybook.sources.coverage import covering
from tallybook.sources.fetch import fetch, fetch_file, named_by
from tallybook.sources.published import Feed
from tallybook.sources.table import parse_table


def fetch_source(
    source: Source,
    location: str,
    *,
    levels: Sequence[Level],
    today: date,
    archive: Archive,
    progress: Progress,
    private_hosts: Sequence[str] = (),
) -> list[Fetched]:
    """Return the files of a source.

    Args:
        source: the source.
        location: a folder, a file or an address.
        levels: the levels of the book.
        today: the day it is.
        archive: what was fetched before.
        progress: called with a file's name, the bytes read and the bytes expected (0: not known).
        private_hosts: hosts that are not on the internet and may be fetched from.

    Raises:
        SourceError: nothing is there, or it cannot be read.
    """
    if source.card.layout == "published":
        wanted = published.wanted(levels, today.year)
        return fetch(location, wanted, archive=archive, progress=progress, private_hosts=private_hosts)
    file = fetch_file(location, archive=archive, progress=progress, private_hosts=private_hosts)
    return [replace(file, name=all_cause.FILE) if source.card.layout == "all-cause-deaths" else file]


def name_in_feed(source: Source, name: str, *, levels: Sequence[Level], today: date) -> str | None:
    """Return which of the layout's files a file of this name is, whatever stands before it; None where it is none."""
    if source.card.layout == "table":
        return PurePosixPath(name).name
    if source.card.layout == "all-cause-deaths":
        return all_cause.FILE
    wanted = published.wanted(levels, today.year)
    known = [file for alternatives in wanted for files in alternatives for file in files]
    return named_by(PurePosixPath(name), known)


def parse_source(
    source: Source, found: Sequence[Fetched], *, levels: Sequence[Level], places: Gazetteer, today: date
) -> Feed:
    """Return what the files of a source say.

    Args:
        source: the source.
        found: its files.
        levels: the levels of the book.
        places: the gazetteer.
        today: the last date that can have been reported.

    Raises:
        DataRefusedError: a file says something that cannot be taken, or is of a level the book does not have.
    """
    card = source.card
    if card.layout == "published":
        return published.parse_feed(
            found, source=source.name, levels=levels, places=places, today=today, coverage=card.coverage
        )
    if card.layout == "all-cause-deaths":
        return Feed([], [], None, found[0])
    if card.level is None or card.level not in levels:
        raise DataRefusedError(
            f"{source.name} reports by {card.level}, which is none of the book's levels",
            file=found[0].address,
            hint=f"add {card.level} to levels in book.toml",
        )
    file = found[0]
    said = parse_table(file.data, file=file.address, source=source.name, card=card, places=places, today=today)
    return Feed([covering(said, card.level, [*card.metrics], card.coverage)], [], None)
