"""Writing a release."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.anomalies import write_anomalies
from tallybook.model.metrics import Level
from tallybook.model.shown import as_html
from tallybook.release.changelog import CHANGES_CSV, CHANGES_MD, DEATHS_CSV, FEED, atom_feed, changes_markdown
from tallybook.release.changes import Changes
from tallybook.release.dictionary import DICTIONARY, dictionary
from tallybook.release.figures import Figures
from tallybook.release.folder import CARD, new_release
from tallybook.release.layout import (
    AVERAGES,
    SPREADSHEET_ROWS,
    STEMS,
    Sheet,
    averages_table,
    csv_files,
    in_spreadsheets,
    plain_numbers,
    published_numbers,
    totals_table,
    with_context,
)
from tallybook.release.metadata import write_formats, write_metadata

PROVENANCE: Final = "provenance.parquet"
"""The file that says where each value comes from; the live files have one of their own."""


@dataclass(frozen=True)
class ReleaseFile:
    """A file of a release.

    Attributes:
        path: below the release's folder.
        rows: its rows, the header left out; None where it has none.
        bytes: its size.
        sha256: the digest of its bytes, in hex.
    """

    path: str
    rows: int | None
    bytes: int
    sha256: str


class Published(Protocol):
    """A release, and what it changed."""

    @property
    def as_of(self) -> datetime:
        """The moment of the latest observation in it."""

    @property
    def changes(self) -> Mapping[str, int]:
        """How many values are new, revised and withdrawn."""


@dataclass(frozen=True)
class History:
    """The releases up to one, and what it changes.

    Attributes:
        releases: the releases, the oldest first, this one the last.
        changes: what changed since the one before.
        method: how its figures are made.
        zone: where the book is.
    """

    releases: Sequence[Published]
    changes: Changes
    method: Mapping[str, Any]
    zone: ZoneInfo

    @property
    def as_of(self) -> datetime:
        """The moment of the release."""
        return self.releases[-1].as_of

    @property
    def since(self) -> datetime | None:
        """The moment of the one before; None where there is none."""
        return self.releases[-2].as_of if len(self.releases) > 1 else None


@dataclass(frozen=True, repr=False)
class Release:
    """What the public gets.

    Attributes:
        folder: where it is.
        as_of: the moment of the latest observation in it.
        notes: what a reader has to know about the files.
        files: its files.
    """

    folder: Path
    as_of: datetime
    notes: tuple[str, ...]
    files: tuple[ReleaseFile, ...]

    def __repr__(self) -> str:
        return f"<Release of {len(self.files)} files as of {self.as_of.isoformat()} in {self.folder}>"

    def _repr_html_(self) -> str:
        files = ((file.path, file.rows, file.bytes) for file in self.files)
        heading = f"Release as of {self.as_of:%Y-%m-%d %H:%M %Z} in {self.folder}"
        return as_html(heading, files, columns=("file", "rows", "bytes"), notes=self.notes)


def write_release(
    out: Path,
    levels: Sequence[Figures],
    *,
    notes: Sequence[str],
    tables: Mapping[str, pl.DataFrame | str],
    register: pl.DataFrame,
    provenance: Mapping[str, pl.DataFrame],
    history: History,
    about: Mapping[str, Any],
    site: Callable[[Path, Path], None] | None = None,
) -> Release:
    """Write a release beside the one in ``out`` and put it in its place, whole.

    What somebody else put there, such as a ``robots.txt``, is taken along; the card does not name it.

    Args:
        out: a folder ``check_target`` found nothing wrong with.
        levels: the figures of each level.
        notes: what a reader has to know, besides what is said of the levels' files.
        tables: further CSV and Parquet files, by their path below the folder, and files that are text.
        register: the anomalies, with their ids.
        provenance: where each value comes from; Parquet files, by their path below the folder.
        history: the releases up to this one, and what it changes.
        about: what the release says of itself: title, publisher, licence, and so on.
        site: given the new folder and the old one once the files and the card are written, it adds pages to read them,
            and ``site.json``; None: there are none.

    Raises:
        BookError: ``out`` cannot be written.
    """
    with new_release(out) as new:
        (new / AVERAGES).mkdir()
        notes = [*notes, *(note for made in levels for note in _write_level(new, made))]
        for path, table in tables.items():
            notes += write_table(new, path, table)
        write_register(new, register)
        for path, rows in provenance.items():
            (new / path).parent.mkdir(exist_ok=True)
            rows.write_parquet(new / path)
        notes += _write_history(new, history, about)
        said = {
            **about,
            "as_of": history.as_of.isoformat(),
            "previous": history.since and history.since.isoformat(),
            "changes": history.changes.counts(),
            "method": history.method,
            "notes": notes,
        }
        files = write_card(new, said)
        if site:
            site(new, out.resolve())
    return Release(out, history.as_of, tuple(notes), files)


def write_register(folder: Path, register: pl.DataFrame) -> None:
    """Write the anomalies of a release."""
    (folder / AVERAGES / "anomalies.csv").write_text(write_anomalies(register), encoding="utf-8")
    register.write_parquet(folder / AVERAGES / "anomalies.parquet")


def write_card(folder: Path, said: Mapping[str, Any]) -> tuple[ReleaseFile, ...]:
    """Write what the columns of a release's files mean, and its card; return its files."""
    meanings = dictionary(folder)
    meanings.write_csv(folder / DICTIONARY)
    write_formats(folder, said, meanings)
    data = [_file(folder, path) for path in sorted(path for path in folder.rglob("*") if path.is_file())]
    card = {**said, "files": [asdict(file) for file in data]}
    told = [_file(folder, path) for path in write_metadata(folder, card, meanings)]
    files = tuple(sorted([*data, *told], key=lambda file: Path(file.path)))
    card["files"] = [asdict(file) for file in files]
    (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return files


def provenance(known: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return where each value comes from: its source, its file and that file's digest, since when, the how-manieth.

    Args:
        known: as ``Ledger.as_of`` returns it.
        records: as ``Ledger.records`` returns them.

    Returns:
        ``geoid``, ``metric``, ``date``, ``value``, ``status``, ``as_of``, ``revision`` (0: the first), ``source``,
        ``file`` (its name) and ``sha256``; key the first three. Values that were withdrawn are among them.
    """
    name = pl.col("file").str.split("/").list.last()
    files = records.select("record", name, "sha256")
    columns = ("geoid", "metric", "date", "value", "status", "as_of", "revision", "source", "file", "sha256")
    return known.rename({"place": "geoid"}).join(files, on="record", how="left", maintain_order="left").select(columns)


def lacks(level: Level) -> str:
    """Return what a reader has to know of a level that has no figures."""
    return f"nothing is recorded of level {level.value!r}: there is no {STEMS[level]}.csv"


def _write_history(folder: Path, history: History, about: Mapping[str, Any]) -> list[str]:
    notes = list(write_table(folder, CHANGES_CSV, plain_numbers(history.changes.rows)))
    if history.changes.deaths is not None:
        notes += write_table(folder, DEATHS_CSV, plain_numbers(history.changes.deaths))
    words = changes_markdown(
        history.changes, title=about["title"], as_of=history.as_of, since=history.since, zone=history.zone
    )
    (folder / CHANGES_MD).write_text(words, encoding="utf-8")
    releases = [(release.as_of, release.changes) for release in history.releases]
    rights = f"Source: {about['attribution'].rstrip('.')}. Licence: {about['licence'].rstrip('.')}."
    said = {key: about[key] for key in ("title", "publisher", "notice")}
    feed = atom_feed(releases, **said, rights=rights)
    (folder / FEED).write_bytes(feed)
    return notes


def _too_long(folder: str, sheet: Sheet) -> str:
    return (
        f"{folder}{sheet.name} would have {sheet.height:,} rows, more than a spreadsheet holds ({SPREADSHEET_ROWS:,}); "
        f"it is published {f'by {sheet.parts}' if sheet.parts else 'as Parquet only'} instead."
    )


def write_table(folder: Path, path: str, table: pl.DataFrame | str) -> Iterator[str]:
    """Write a table, or a text, as it is; yield what a reader has to know about its files."""
    (folder / path).parent.mkdir(exist_ok=True)
    if isinstance(table, str):
        (folder / path).write_text(table, encoding="utf-8")
    elif path.endswith(".parquet"):
        table.write_parquet(folder / path)
    elif "date" not in table.columns:
        table.write_csv(folder / path)
    else:
        for sheet in in_spreadsheets(path.removesuffix(".csv"), table):
            if sheet.rows is None:
                yield _too_long("", sheet)
            else:
                sheet.rows.write_csv(folder / sheet.name)


def _write_level(folder: Path, made: Figures) -> Iterator[str]:
    """Write the files of a level; yield what a reader has to know about them."""
    for below, table in (("", totals_table(made)), (AVERAGES, averages_table(made))):
        for sheet in csv_files(table, made.level):
            if sheet.rows is None:
                yield f"{_too_long(f'{below}/' if below else '', sheet)} The Parquet file is whole."
            else:
                published_numbers(sheet.rows).write_csv(folder / below / sheet.name)
        with_context(table, made).write_parquet(folder / below / f"{STEMS[made.level]}.parquet")


def _file(folder: Path, path: Path) -> ReleaseFile:
    with path.open("rb") as data:
        digest = hashlib.file_digest(data, "sha256").hexdigest()  # a database may be larger than memory
    rows = None
    if path.suffix == ".parquet":
        rows = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
    elif path.suffix == ".csv":
        rows = pl.scan_csv(path, infer_schema=False, glob=False).select(pl.len()).collect().item()
    return ReleaseFile(path.relative_to(folder).as_posix(), rows, path.stat().st_size, digest)
