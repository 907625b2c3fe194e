"""Writing a release whose tables an engine holds: each a dataset of Parquet files, one folder per year."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import narwhals as nw
import polars as pl

from tallybook.errors import BookError
from tallybook.measures.engines import LazyFrame, collected
from tallybook.model.metrics import Level
from tallybook.release.distributed import YEAR, datasets
from tallybook.release.figures import Method
from tallybook.release.folder import new_release
from tallybook.release.layout import AVERAGES
from tallybook.release.write import Release, write_card, write_register, write_table

NOTES: Final = (
    "The tables are datasets of Parquet files, a folder per year; the column year is in the names of the folders.",
    "There are no CSV files of the figures, no workbook or database, no live files, no changes, revisions or "
    "provenance, and no pages: "
    "they are in the release that is made without an engine.",
)
"""What a reader has to know of such a release."""

_STAGED: Final = ".staged"

Table = pl.DataFrame | str


class Store(Protocol):
    """An engine that keeps frames in folders, which this process sees as well."""

    @property
    def name(self) -> str:
        """What the engine is called."""

    def keep(self, frame: LazyFrame, folder: Path) -> LazyFrame:
        """Compute a frame, and return it as it was computed into a new folder."""

    def write(self, frame: LazyFrame, folder: Path) -> None:
        """Write a frame into a new folder, its rows by date, then geoid; the files of a year in a folder of its own."""


def write_partitioned(
    out: Path,
    state: LazyFrame,
    store: Store,
    *,
    levels: Sequence[Level],
    method: Method,
    since: datetime | None,
    notes: Sequence[str],
    tables: Callable[[pl.Series], Mapping[str, Table]],
    about: Mapping[str, Any],
) -> Release:
    """Write a release beside the one in ``out`` and put it in its place, whole.

    Args:
        out: a folder ``check_target`` found nothing wrong with.
        state: what is known, as ``portable_state`` returns it.
        store: the engine that holds it.
        levels: the levels the book publishes.
        method: how the averages are made.
        since: the moment of the latest observation in ``tables``; None where they have none.
        notes: what a reader has to know of ``tables``.
        tables: given the geoids that have figures, returns further tables and texts by their path below the folder.
        about: what the release says of itself: title, publisher, licence, method and so on.

    Raises:
        BookError: ``out`` cannot be written, nothing is recorded, or the engine writes where this process cannot read.
    """
    with new_release(out) as new:
        (new / AVERAGES).mkdir()
        staged = new / _STAGED
        state = store.keep(state, staged / "state")
        moment = max((one for one in (_latest(state), since) if one is not None), default=None)
        if moment is None:
            raise BookError("there is nothing to publish", hint="record a feed first")
        paths = _write_datasets(new, state, store, levels=levels, method=method)
        shutil.rmtree(staged)
        if not paths:
            raise BookError(f"nothing is recorded of {', '.join(levels)}", hint="are the levels in book.toml right?")
        notes = [*NOTES, *notes]
        for path, table in tables(_geoids(new, paths)).items():
            notes += write_table(new, path, table)
        write_register(new, method.register)
        said = {"as_of": moment.isoformat(), "engine": store.name, "formats": []}
        files = write_card(new, {**about, **said, "notes": notes, "datasets": paths})
    return Release(out, moment, tuple(notes), files)


def _write_datasets(
    folder: Path, state: LazyFrame, store: Store, *, levels: Sequence[Level], method: Method
) -> list[str]:
    """Write the tables of a release, and return their paths."""
    paths: list[str] = []
    steps = iter(range(1_000))

    def kept(frame: LazyFrame) -> LazyFrame:
        return store.keep(frame, folder / _STAGED / f"{next(steps)}")

    for dataset in datasets(state, levels=levels, method=method, kept=kept):
        store.write(dataset.rows, folder / dataset.path)
        _settle(folder / dataset.path)
        paths.append(dataset.path)
    return paths


def _settle(folder: Path) -> None:
    """Give the files of a dataset names that are the same every time, and remove what else the engine left there."""
    years = sorted(folder.glob(f"{YEAR}=*"))
    if not any(year.glob("*.parquet") for year in years):
        raise BookError(
            f"the engine wrote nothing that is seen in {folder}", hint="its machines and this one have to share a disk"
        )
    for path in folder.iterdir():
        if path not in years:
            path.unlink()
    for year in years:
        for number, part in enumerate(sorted(year.glob("*.parquet"))):
            part.rename(year / f"part-{number:05}.parquet")
        for path in year.iterdir():
            if not path.name.startswith("part-") or path.suffix != ".parquet":
                path.unlink()


def _latest(state: LazyFrame) -> datetime | None:
    latest = collected(state.select(nw.col("as_of").max())).item()
    return latest if isinstance(latest, datetime) else None


def _geoids(folder: Path, paths: Sequence[str]) -> pl.Series:
    """Return the places in the averages."""
    files = [str(file) for path in paths if path.startswith(AVERAGES) for file in (folder / path).rglob("*.parquet")]
    return pl.concat(pl.scan_parquet(file, glob=False).select("geoid").unique() for file in files).collect()["geoid"]
