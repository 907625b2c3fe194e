"""What changed from one release to the next: rows, anomalies, method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from tallybook.errors import BookError
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.model.metrics import COUNTS, Level
from tallybook.model.mortality import DEATHS_KEY, DEATHS_SCHEMA, SERIES, with_key
from tallybook.model.places import Gazetteer, gazetteer
from tallybook.model.reports import KEY, Status
from tallybook.release.layout import STEMS

CHANGE_SCHEMA: Final = pl.Schema(
    {
        "change": pl.String(),
        "date": pl.Date(),
        "geoid": pl.String(),
        "place": pl.String(),
        "metric": pl.String(),
        "old": pl.Float64(),
        "new": pl.Float64(),
        "difference": pl.Float64(),
        "as_of": pl.Datetime("us", "UTC"),
        "source": pl.String(),
    }
)
"""A changed value: ``change`` is new, revised or withdrawn; ``old`` and ``new`` are null where there is none;
``as_of`` and ``source`` say since when it is known, and from whom. Key (date, geoid, metric)."""

DEATH_CHANGE_SCHEMA: Final = pl.Schema(
    {
        "change": pl.String(),
        **{name: dtype for name, dtype in DEATHS_SCHEMA.items() if name != "deaths"},
        "old": pl.Int64(),
        "new": pl.Int64(),
        "difference": pl.Int64(),
        "as_of": pl.Datetime("us", "UTC"),
        "source": pl.String(),
    }
)
"""Changed deaths from all causes of a place and period, in the columns that DEATHS_SCHEMA and CHANGE_SCHEMA have;
``as_of`` is null where the source that spoke of the place has no deaths any more. Key: that of DEATHS_SCHEMA."""

KINDS: Final = ("new", "revised", "withdrawn")


@dataclass(frozen=True)
class Changes:
    """What changed between two states of a dataset.

    Attributes:
        rows: columns of CHANGE_SCHEMA, sorted by date, place and metric.
        anomalies: the columns of the register, and ``change``: new, changed or removed.
        method: a line per thing that is done otherwise.
        deaths: deaths from all causes, columns of DEATH_CHANGE_SCHEMA; None where the dataset has none, or where it
            cannot be told.
    """

    rows: pl.DataFrame
    anomalies: pl.DataFrame
    method: tuple[str, ...]
    deaths: pl.DataFrame | None = None

    def counts(self) -> dict[str, int]:
        """Return how many values are new, revised and withdrawn, deaths from all causes among them.

        >>> nothing = pl.DataFrame(schema=CHANGE_SCHEMA)
        >>> Changes(nothing, pl.DataFrame(), ()).counts()
        {'new': 0, 'revised': 0, 'withdrawn': 0}
        """
        each = [counted(rows) for rows in (self.rows, self.deaths) if rows is not None]
        return {kind: sum(counts[kind] for counts in each) for kind in KINDS}


def counted(rows: pl.DataFrame) -> dict[str, int]:
    """Return how many rows are of each kind of ``change``."""
    return {kind: int((rows["change"] == kind).sum()) for kind in KINDS}


def changed_rows(before: pl.DataFrame, after: pl.DataFrame, places: Gazetteer) -> pl.DataFrame:
    """Return the values that differ between two states: the columns of CHANGE_SCHEMA.

    Args:
        before: ``place``, ``metric``, ``date``, ``value``, ``status``; key the first three.
        after: the same, and ``as_of`` and ``source``.
        places: the gazetteer.
    """
    key = list(KEY)
    old = before.filter(pl.col("status") != Status.WITHDRAWN.value).select(*key, old="value", was="status")
    differing = after.join(before, on=[*key, "value", "status"], how="anti", nulls_equal=True)
    rows = differing.join(old, on=key, how="left", maintain_order="left")
    withdrawn, known = pl.col("status") == Status.WITHDRAWN.value, pl.col("was").is_not_null()
    kind = pl.when(withdrawn).then(pl.lit("withdrawn")).when(known).then(pl.lit("revised")).otherwise(pl.lit("new"))
    titles = places.titles.rename({"geoid": "place", "title": "name"})
    return (
        rows.filter(~withdrawn | known)
        .join(titles, on="place", how="left", maintain_order="left")
        .with_columns(change=kind, geoid="place", new="value", difference=pl.col("value") - pl.col("old"))
        .with_columns(place=pl.col("name"))
        .select(pl.col(name).cast(dtype) for name, dtype in CHANGE_SCHEMA.items())
        .sort("date", "geoid", "metric")
    )


def changed_deaths(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the deaths from all causes that differ between two states: the columns of DEATH_CHANGE_SCHEMA.

    Args:
        before: DEATHS_SCHEMA and ``source``; key DEATHS_KEY.
        after: the same, and ``as_of``; one source speaks of a place.

    Returns:
        Rows by place and period. Deaths that are null now and were not are revised: they are not reported any more.
        Who speaks of a place now says, by not naming it, that a period is withdrawn. Dates are those of now.
    """
    now, was = (with_key(rows).with_columns(there=True) for rows in (after, before))
    both = was.join(now, on=DEATHS_KEY, how="full", nulls_equal=True, coalesce=True, suffix="_now")
    gone, new = pl.col("there_now").is_null(), pl.col("there").is_null()
    told = after.group_by(SERIES).agg(pl.col("source", "as_of").first().name.suffix("_told"))
    heard = after.group_by("source").agg(pl.col("as_of").max().alias("as_of_heard"))
    kind = pl.when(gone).then(pl.lit("withdrawn")).when(new).then(pl.lit("new")).otherwise(pl.lit("revised"))
    dates = [pl.when(gone).then(name).otherwise(f"{name}_now").alias(name) for name in _DATES]
    return (
        both.filter(gone | new | pl.col("deaths").ne_missing(pl.col("deaths_now")))
        .join(told, on=SERIES, how="left", nulls_equal=True)
        .with_columns(*dates, change=kind, old="deaths", new="deaths_now", source=pl.coalesce("source_told", "source"))
        .join(heard, on="source", how="left")
        .with_columns(as_of=pl.coalesce("as_of_told", "as_of_heard"), difference=pl.col("new") - pl.col("old"))
        .sort(DEATHS_KEY, nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in DEATH_CHANGE_SCHEMA.items())
    )


_DATES: Final = ("start_date", "end_date", "month", "week")


def changed_anomalies(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Return the entries of the register that are new, changed or removed: its columns, and ``change`` in front."""
    columns = list(ANOMALY_COLUMNS)
    key = ["date", "geoid", "type"]
    new = after.select(columns).join(before.select(columns), on=columns, how="anti", nulls_equal=True)
    gone = before.select(columns).join(after.select(columns), on=columns, how="anti", nulls_equal=True)
    kinds = pl.concat(
        [
            new.join(gone, on=key, how="anti").with_columns(change=pl.lit("new")),
            new.join(gone, on=key, how="semi").with_columns(change=pl.lit("changed")),
            gone.join(new, on=key, how="anti").with_columns(change=pl.lit("removed")),
        ]
    )
    return kinds.select("change", *columns).sort("date", "geoid", "type", "change")


def changed_method(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a line per key of the method that differs.

    >>> changed_method({"days": 7}, {"days": 14, "levels": ["state"]})
    ('days: 7, now 14', "levels: new, ['state']")
    """
    lines = []
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            was = f"{before[key]}, now " if key in before else "new, "
            lines.append(f"{key}: {was}{after.get(key, 'gone')}")
    return tuple(lines)


def compare_releases(before: Path, after: Path, places: Gazetteer | None = None) -> pl.DataFrame:
    """Return the totals that differ between the folders of two releases: the columns of CHANGE_SCHEMA.

    ``as_of`` and ``source`` are null: a release's totals do not tell them.

    Args:
        before: the folder of the earlier release.
        after: that of the later one.
        places: the gazetteer; the built-in one by default.

    Raises:
        BookError: a folder holds no release.
    """
    states = [_totals(folder) for folder in (before, after)]
    gone = (
        states[0]
        .join(states[1], on=list(KEY), how="anti")
        .with_columns(value=pl.lit(None, pl.Float64), status=pl.lit(Status.WITHDRAWN.value))
    )
    told = pl.concat([states[1], gone]).with_columns(
        as_of=pl.lit(None, CHANGE_SCHEMA["as_of"]), source=pl.lit(None, pl.String)
    )
    return changed_rows(states[0], told, places or gazetteer())


def _totals(folder: Path) -> pl.DataFrame:
    files = [folder / f"{STEMS[level]}.parquet" for level in Level]
    found = [pl.read_parquet(file) for file in files if file.is_file()]
    if not found:
        raise BookError(f"{folder} holds no release", hint="give the folder that `tallybook publish` wrote")
    frames = []
    for table in found:
        metrics = [name for name in table.columns if name in COUNTS]
        long = table.unpivot(on=metrics, index=["geoid", "date"], variable_name="metric")
        frames.append(long.select("metric", "date", pl.col("value").cast(pl.Float64), place="geoid"))
    reported = pl.when(pl.col("value").is_null()).then(pl.lit("not_reported")).otherwise(pl.lit("reported"))
    return pl.concat(frames).with_columns(status=reported).select(*KEY, "value", "status")
