"""The index of a table: its observations in order, each with the moment that ended it, so that any state is one filter.

It holds nothing the table does not: it may be deleted at any time, and is made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Final

import polars as pl

from tallybook.ledger.states import current, in_order, merged, repeats
from tallybook.model.reports import KEY, OBSERVATION_SCHEMA, STATE_SCHEMA

NAME: Final = "index.parquet"
"""The file of an index in its folder."""

Read = tuple[pl.LazyFrame, frozenset[str]]
"""The rows of an index, and the names of the table's files in it."""

_KEY: Final = (*KEY, "source")
_FILES: Final = "tallybook.files"
_ROWS: Final = 200_000
_UNREADABLE: Final = (OSError, KeyError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException)

INDEX_SCHEMA: Final = pl.Schema({**STATE_SCHEMA, "until": OBSERVATION_SCHEMA["as_of"]})
"""An observation, from ``as_of`` until another value; null: it still holds. One that repeats ends as it begins."""


@dataclass(frozen=True)
class Index:
    """An index, and what was appended to the table since.

    Attributes:
        rows: columns of INDEX_SCHEMA, sorted by key and moment.
        tail: the later observations; columns of OBSERVATION_SCHEMA.
        files: the names of the table's files that the rows are of.
    """

    rows: pl.LazyFrame
    tail: pl.LazyFrame
    files: frozenset[str] = frozenset()

    def state(self, moment: datetime | None, where: pl.Expr | None = None) -> pl.DataFrame:
        """Return what each source says at a moment, of some keys; columns of STATE_SCHEMA, sorted by key.

        Args:
            moment: None: now.
            where: which keys, in terms of place, metric and date; None: all of them.
        """
        begun = pl.lit(value=True) if moment is None else pl.col("as_of") <= moment
        if where is not None:
            begun &= where
        holds = pl.col("until").is_null() if moment is None else pl.col("until").is_null() | (pl.col("until") > moment)
        standing = self.rows.filter(begun & holds).drop("until").collect()
        new = self.tail.filter(begun).collect()
        if new.is_empty():
            return standing
        if standing.is_empty():
            # With nothing that stands, nothing has begun: what ended was followed by what stands.
            return current(new)
        # What the tail speaks of is told anew from the beginning; the rest stands.
        before = _of_keys(self.rows.filter(begun), new).select(OBSERVATION_SCHEMA.names()).collect()
        again = current(pl.concat([before, new]))
        gone = _of_keys(standing.lazy().select(_KEY).with_row_index("row"), new).select("row").collect()["row"]
        stays = pl.repeat(True, standing.height, dtype=pl.Boolean, eager=True).scatter(gone, False)
        return merged(standing, stays, again)

    def observations(self, wanted: pl.Expr) -> pl.DataFrame:
        """Return the observations that are wanted."""
        rows = self.rows.select(OBSERVATION_SCHEMA.names())
        return pl.concat([rows.filter(wanted), self.tail.filter(wanted)]).collect()


def _of_keys(rows: pl.LazyFrame, new: pl.DataFrame) -> pl.LazyFrame:
    """Return the rows whose keys stand in ``new``; their days are few, and looked at first."""
    days = new["date"].unique()
    return rows.filter(pl.col("date").is_in(days.implode())).join(new.lazy(), on=_KEY, how="semi")


def build(observations: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of an index: columns of INDEX_SCHEMA.

    Args:
        observations: columns of OBSERVATION_SCHEMA.

    >>> from datetime import UTC, date
    >>> moments = [datetime(2020, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
    >>> key = {"place": "USA", "metric": "cases", "date": date(2020, 2, 29), "status": "reported", "source": "nyt"}
    >>> rows = pl.DataFrame({**key, "value": [1.0, 1.0, 4.0], "as_of": moments, "record": [0, 1, 2]})
    >>> made = build(rows.select(pl.col(name).cast(dtype) for name, dtype in OBSERVATION_SCHEMA.items()))
    >>> made.select("value", "revision", pl.col("until").dt.day()).rows()
    [(1.0, 0, 3), (1.0, 0, 2), (4.0, 1, None)]
    """
    ordered = in_order(observations)
    told = ~repeats(ordered)
    goes_on = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in _KEY).fill_null(value=False)
    key, change = (~goes_on).cum_sum(), pl.Series(told).cum_sum()
    later = pl.when(told).then(pl.struct(key.alias("key"), pl.col("as_of"))).shift(-1).backward_fill()
    ends = pl.when(later.struct.field("key") == key).then(later.struct.field("as_of"))
    return ordered.with_columns(
        # What only repeats is kept, for an older file may yet come to stand before it; it never holds by itself.
        until=pl.when(told).then(ends).otherwise(pl.col("as_of")),
        revision=(change - pl.when(~goes_on).then(change).forward_fill()).cast(pl.Int64),
    ).select(INDEX_SCHEMA.names())


def write(folder: Path, rows: pl.DataFrame, files: list[str]) -> Path:
    """Write an index, in the place of the last one, and return its file.

    Args:
        folder: where indexes are kept.
        rows: as ``build`` returns them.
        files: the names of the table's files that are in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / ".next.parquet"
    rows.write_parquet(new, row_group_size=_ROWS, metadata={_FILES: json.dumps(files)})
    return new.replace(folder / NAME)


def read(folder: Path, *, as_written: Callable[[BufferedReader], bool]) -> Read | None:
    """Return the index in a folder; None where there is none that can be read, or it is not what was written.

    Args:
        folder: where indexes are kept.
        as_written: whether an opened index is what was written: what one says of its own size, the engine believes.
    """
    with suppress(*_UNREADABLE), (folder / NAME).open("rb") as opened:
        # Opened once: whatever takes its place meanwhile, all that is read is of one index.
        return _read(opened, None) if as_written(opened) else None
    return None


def read_remote(address: str, options: Mapping[str, str] | None) -> Read | None:
    """Return the index at an address; None where there is none that can be read.

    Args:
        address: where indexes are kept.
        options: how to reach it.
    """
    with suppress(*_UNREADABLE):
        return _read(f"{address}/{NAME}", options)
    return None


def _read(file: BufferedReader | str, options: Mapping[str, str] | None) -> Read:
    reached = dict(options) if options else None
    said = pl.read_parquet_metadata(file, storage_options=reached)[_FILES]
    if not isinstance(file, str):
        file.seek(0)
    return pl.scan_parquet(file, glob=False, storage_options=reached), frozenset(json.loads(said))
