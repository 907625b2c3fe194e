"""Polars frames that may have more rows than memory holds: computed piece by piece, each of whole places.

What is made of a lazy frame is lazy, too: nothing is read before it is collected or sunk. Then the frame is read twice:
once for its places and dates, and once to put its rows aside, on disk, by place, as they may come in any order, and
files by date are what agencies have. Each piece then goes through the same kernel as a frame in memory, and all that
is done to it in a row is done in one go.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import polars as pl
from polars.io.plugins import register_io_source

from tallybook.errors import ContractError
from tallybook.measures.engines import OWN
from tallybook.measures.frames import as_dates


@dataclass(frozen=True)
class Whole:
    """What a piece has to know of the frame it is a piece of.

    Attributes:
        last: the last day, which every place is counted to; None where there are no rows.
        places: all places.
    """

    last: dt.date | None
    places: pl.Series


Step = Callable[[pl.DataFrame, Whole | None], pl.DataFrame]
"""What is done to the rows of some places; the whole is given where there are more."""

ROWS: Final = 1 << 22
"""The rows of a piece, about: a few hundred megabytes, and four times that while it is worked on."""

_MADE: Final = f"{OWN}pieces"
_PIECE: Final = f"{OWN}piece"


@dataclass(frozen=True)
class Pieces:
    """A lazy frame, and what is to be done to it.

    Attributes:
        source: the frame; rows in any order.
        place: the name of the place column.
        date: the name of the date column.
        steps: what is done to each piece, one after the other.
    """

    source: pl.LazyFrame
    place: str
    date: str
    steps: tuple[Step, ...]

    def made_of(self, rows: pl.DataFrame, whole: Whole) -> pl.DataFrame:
        """Return what the steps make of the rows of whole places."""
        for step in self.steps:
            rows = step(rows, whole)
        return rows

    def frames(self) -> Iterator[pl.DataFrame]:
        """Yield what the steps make of every piece, in the order of the places.

        Raises:
            ContractError: a row has no place, or a step raises it.
        """
        spans = self._spans()
        whole = Whole(cast("dt.date | None", spans["last"].max()), spans["place"])
        cuts = _cuts(spans)
        if cuts.is_empty():
            yield self.made_of(self.source.collect(engine="streaming"), whole)
            return
        with TemporaryDirectory(prefix=OWN) as folder:
            self._put_aside(cuts, Path(folder))
            for number in range(len(cuts) + 1):
                piece = Path(folder) / f"{_PIECE}={number}"
                yield self.made_of(pl.read_parquet(piece / "*.parquet", hive_partitioning=False), whole)
                shutil.rmtree(piece)

    @property
    def _key(self) -> pl.Expr:
        """The place, in a type whose order is that of the kernel."""
        place = pl.col(self.place)
        categories = isinstance(self.source.collect_schema()[self.place], (pl.Categorical, pl.Enum))
        return place.cast(pl.String) if categories else place

    def _spans(self) -> pl.DataFrame:
        """Return the ``place``s, sorted, with their ``first`` and ``last`` date."""
        date = pl.col(self.date)
        spans = self.source.group_by(place=self._key).agg(first=date.min(), last=date.max()).collect(engine="streaming")
        if spans["place"].has_nulls():
            raise ContractError(f"column {self.place!r} has rows without a place")
        dates = [as_dates(spans[name].alias(self.date)).alias(name) for name in ("first", "last")]
        return spans.with_columns(dates).sort("place")

    def _put_aside(self, cuts: pl.Series, folder: Path) -> None:
        """Write the rows of each piece to a folder of its own."""
        piece = self._key.map_batches(partial(_piece, cuts), return_dtype=pl.UInt32, is_elementwise=True)
        to = pl.PartitionBy(folder, key=piece.alias(_PIECE), include_key=False)
        self.source.sink_parquet(to, compression="lz4", statistics=False)


def in_pieces(frame: pl.LazyFrame, step: Step, *, columns: Sequence[str], place: str, date: str) -> pl.LazyFrame:
    """Return what a step makes of a frame, lazily, and in pieces where it is large.

    Args:
        frame: the frame, or what this function made of one: then both steps are done to a piece in one go.
        step: what is done to the rows of whole places.
        columns: the columns the step needs beside place and date.
        place: the name of the place column.
        date: the name of the date column.

    Raises:
        ContractError: the step does not take the columns of the frame.
    """
    made = getattr(frame, _MADE, None)
    if isinstance(made, Pieces) and (made.place, made.date) == (place, date):
        pieces = replace(made, steps=(*made.steps, step))
        schema = step(frame.collect_schema().to_frame(), None).schema
    else:
        schema = step(frame.collect_schema().to_frame(), None).schema
        pieces = Pieces(frame.select(place, date, *columns), place, date, (step,))
    lazy = register_io_source(partial(_read, pieces), schema=dict(schema), explain_name="tallybook")
    setattr(lazy, _MADE, pieces)
    return lazy


def _read(
    pieces: Pieces, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _: int | None
) -> Iterator[pl.DataFrame]:
    """Yield the pieces in the way polars asks for them."""
    for frame in pieces.frames():
        kept = frame if rows is None else frame.head(rows)
        rows = None if rows is None else rows - kept.height
        chosen = kept if predicate is None else kept.filter(predicate)
        yield chosen if columns is None else chosen.select(columns)
        if rows == 0:
            return


def _cuts(spans: pl.DataFrame) -> pl.Series:
    """Return the first place of each piece but the first; a piece has about so many days of places."""
    days = (pl.col("last").max() - pl.col("first")).dt.total_days() + 1
    return spans.filter((days.cum_sum() // ROWS).diff() > 0)["place"]


def _piece(cuts: pl.Series, places: pl.Series) -> pl.Series:
    return cuts.search_sorted(places, side="right").alias(places.name)
