"""What observations amount to: the latest of each key, what a file adds to it, and how each key came to be."""

from __future__ import annotations

import numpy as np
import polars as pl

from tallybook.model.places import level_at
from tallybook.model.reports import KEY, OBSERVATION_SCHEMA, Coverage, Status, is_live

_STATE = ("value", "status")
_STANDING = tuple(status.value for status in Status if status is not Status.WITHDRAWN)


def current(observations: pl.DataFrame) -> pl.DataFrame:
    """Return what each source says of each place, metric and date, since when, and how often it said otherwise before.

    Args:
        observations: columns of OBSERVATION_SCHEMA.

    Returns:
        Columns of STATE_SCHEMA, key (place, metric, date, source), sorted by it.
    """
    ordered = in_order(observations)
    told = ordered.filter(~repeats(ordered))
    ends = _is_last(told).arg_true().cast(pl.Int64)
    before = ends.diff().fill_null(ends.head(1) + 1) - 1 if len(ends) else ends
    return told[ends].with_columns(before.alias("revision"))


def _is_last(ordered: pl.DataFrame) -> pl.Series:
    """Return whether each row is the last of its key and source."""
    last = pl.any_horizontal(pl.col(name) != pl.col(name).shift(-1) for name in (*KEY, "source"))
    return ordered.select(last.fill_null(value=True)).to_series()


def repeats(ordered: pl.DataFrame) -> pl.Series:
    """Return whether each row says what the one before it of the same key and source said."""
    same = [pl.col(name) == pl.col(name).shift(1) for name in (*KEY, "source", "status")]
    value = pl.col("value").eq_missing(pl.col("value").shift(1))
    return ordered.select(pl.all_horizontal(*same, value).fill_null(value=False)).to_series()


def of_all_sources(each: pl.DataFrame) -> pl.DataFrame:
    """Return the observation of each place, metric and date that counts, sorted by these.

    It is what a feed says of the day rather than a live count, a number rather than none, and among those the last.
    What a source withdrew, or leaves blank, does not stand in the way of what another still says; but a feed's blank
    stands against its live count, which it has taken back.

    Args:
        each: what each source says, as ``current`` returns it.
    """
    if each["source"].n_unique() <= 1:
        return each
    same = each.select(pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in KEY)).to_series()
    again = same.fill_null(value=False)
    shared = again | again.shift(-1, fill_value=False)
    standing, number = pl.col("status") != Status.WITHDRAWN.value, pl.col("value").is_not_null()
    among = each.with_row_index("_row").filter(shared)
    best = among.sort(*KEY, standing, ~is_live(), number, "as_of", "record").unique(KEY, keep="last")["_row"]
    kept = ~shared
    kept[best] = True
    return each.filter(kept)


def held(told: pl.DataFrame) -> pl.DataFrame:
    """Return what held of each key, and since when, where sources may speak of the same keys.

    Args:
        told: what each source said otherwise than before, as ``changes_of`` returns it.

    Returns:
        Columns of OBSERVATION_SCHEMA, one row per moment at which another observation came to count.
    """
    alone = told.select(OBSERVATION_SCHEMA.names())
    shared = alone.filter(pl.col("source").n_unique().over(KEY) > 1)
    if shared.is_empty():
        return alone
    moments, sources = (shared.select(*KEY, name).unique() for name in ("as_of", "source"))
    grid = moments.rename({"as_of": "moment"}).join(sources, on=KEY).sort("moment")
    said = shared.sort("as_of", "record").with_columns(said_at="as_of")
    each = grid.join_asof(
        said, left_on="moment", right_on="as_of", by=[*KEY, "source"], strategy="backward", check_sortedness=False
    ).drop_nulls("status")
    standing, number = pl.col("status") != Status.WITHDRAWN.value, pl.col("value").is_not_null()
    best = each.sort(*KEY, "moment", standing, ~is_live(), number, "said_at", "record").unique(
        [*KEY, "moment"], keep="last", maintain_order=True
    )
    again = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in (*KEY, "source", "said_at", "record"))
    changed = best.filter(~again.fill_null(value=False)).with_columns(as_of="moment")
    return pl.concat([alone.join(shared, on=KEY, how="anti"), changed.select(OBSERVATION_SCHEMA.names())])


def in_order(observations: pl.DataFrame) -> pl.DataFrame:
    """Return the observations sorted by place, metric, date, source, moment and record.

    Whole numbers sort several times faster than text, so each text is replaced by its rank for it.
    """
    ranks = [pl.Series("rank", _rank(observations[name])) for name in ("place", "metric", "source")]
    days = observations["date"].to_physical().cast(pl.Int64)
    wide = [series.n_unique() + 1 for series in ranks]
    place, metric, source = (series.cast(pl.Int64) for series in ranks)
    key = ((place * wide[1] + metric) * 2**22 + (days + 2**21)) * wide[2] + source
    if key.is_sorted() and not (key.diff() == 0).any():
        return observations
    order = key.arg_sort()
    if not (key[order].diff() == 0).any():
        return observations[order]
    # One number sorts faster than three, but these are needed where a key was observed more than once.
    return observations.with_columns(key.alias("_key")).sort("_key", "as_of", "record").drop("_key")


def merged(rows: pl.DataFrame, stays: pl.Series, new: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that stay, and new ones, in the order of ``in_order``, which both are in.

    What is new is of the last days as a rule: only these are sorted, and what lies before them is moved as it lies.
    """
    is_late = rows["date"] >= new["date"].min()
    early, late = stays & ~is_late, in_order(pl.concat([rows.filter(stays & is_late), new]))
    # Of each series what is early comes before what is late.
    sizes = pl.concat([_sizes(rows.select("place", "metric").filter(early), late=False), _sizes(late, late=True)]).sort(
        "place", "metric", "late"
    )
    begins = sizes.select((pl.col("len").cum_sum() - pl.col("len")).over("late") + pl.col("late") * early.sum())
    lengths = sizes["len"].to_numpy()
    moved = np.repeat(begins.to_series().to_numpy() - (np.cumsum(lengths) - lengths), lengths)
    lies = np.concatenate([early.arg_true().to_numpy(), rows.height + np.arange(late.height)])
    return pl.concat([rows, late], rechunk=True)[lies[moved + np.arange(len(moved))]]


def _sizes(rows: pl.DataFrame, *, late: bool) -> pl.DataFrame:
    count = pl.len().cast(pl.Int64)
    return rows.group_by("place", "metric").agg(len=count).with_columns(late=pl.lit(late))


def _rank(series: pl.Series) -> pl.Series:
    values = series.unique().sort()
    return series.cast(pl.Enum(values)).to_physical()


def differences(known: pl.DataFrame, said: pl.DataFrame, coverage: Coverage | None) -> pl.DataFrame:
    """Return what a file says otherwise than what was known of its source: place, metric, date, value, status, ``was``.

    Args:
        known: the last observation of each key of the source.
        said: the reports of the file, key (place, metric, date).
        coverage: what the file covers; what is known within that, and not in the file, is withdrawn.

    Returns:
        Rows to be recorded; ``was`` is the status that was known, null for a key that was not.
    """
    new = said.join(known.select(*KEY, *_STATE), on=[*KEY, *_STATE], how="anti", nulls_equal=True)
    was = known.select(*KEY, was="status")
    rows = new.join(was, on=KEY, how="left", maintain_order="left")
    if coverage is None:
        return rows
    there = standing(known, coverage)
    again = said.height - new.height + rows["was"].is_in([*_STANDING]).sum()
    if again == there.height:
        return rows
    gone = absent(there, said).select(
        *KEY,
        pl.lit(None, pl.Float64).alias("value"),
        pl.lit(Status.WITHDRAWN.value).alias("status"),
        pl.col("status").alias("was"),
    )
    return pl.concat([rows, gone])


def standing(known: pl.DataFrame, coverage: Coverage | None) -> pl.DataFrame:
    """Return what is known of a source within what a file covers, and was not withdrawn."""
    if coverage is None:
        return known.clear()
    return known.filter(covered(coverage), pl.col("status") != Status.WITHDRAWN.value)


def absent(known: pl.DataFrame, said: pl.DataFrame) -> pl.DataFrame:
    """Return what is known and does not stand in a file."""
    return known.join(said, on=KEY, how="anti", maintain_order="left")


def covered(coverage: Coverage) -> pl.Expr:
    """Return whether a row lies within what a file covers."""
    within = (level_at(pl.col("place")) == coverage.level) & pl.col("metric").is_in(coverage.metrics)
    if coverage.first is not None:
        within &= pl.col("date") >= coverage.first
    if coverage.last is not None:
        within &= pl.col("date") <= coverage.last
    return within


def reassertions(
    changed: pl.DataFrame, before: pl.DataFrame, stored: pl.DataFrame, records: pl.DataFrame
) -> pl.DataFrame:
    """Return what later files of the source said, where an older one that is recorded now would hide it.

    A file that repeated what was known stored nothing. If another value comes to stand before it, what it said has to
    be stored after all, at its own moment.

    Args:
        changed: what the older file changes: place, metric, date.
        before: the last observation of each key by the older file's moment, before it.
        stored: the observations of the source after that moment.
        records: the records of the source after that moment.

    Returns:
        place, metric, date, value, status, as_of, record.
    """
    made = [pl.DataFrame(schema=OBSERVATION_SCHEMA).select(*KEY, *_STATE, "as_of", "record")]
    left = changed.select(KEY)
    for later in records.sort("as_of", "record").iter_rows(named=True):
        if left.is_empty():
            break
        coverage = Coverage.of_record(later)
        if coverage is None:
            continue
        said = left.filter(covered(coverage))
        left = left.join(said, on=KEY, how="anti")
        # What was stored by then stands after the older file anyway.
        silent = said.join(stored.filter(pl.col("as_of") <= later["as_of"]), on=KEY, how="anti")
        # What it repeated is what was known then.
        state = silent.join(before.select(*KEY, *_STATE), on=KEY, how="left", maintain_order="left")
        made.append(
            state.with_columns(
                pl.col("status").fill_null(Status.WITHDRAWN.value),
                pl.lit(later["as_of"]).cast(OBSERVATION_SCHEMA["as_of"]).alias("as_of"),
                pl.lit(later["record"], pl.Int64).alias("record"),
            )
        )
    return pl.concat(made)


def changes_of(observations: pl.DataFrame) -> pl.DataFrame:
    """Return the observations that say something else than the one before them of the same key and source.

    Args:
        observations: columns of OBSERVATION_SCHEMA.

    Returns:
        The observations in order, with ``old`` and ``old_status``: what was known before; null for the first.
    """
    ordered = in_order(observations)
    told = ordered.filter(~repeats(ordered))
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in (*KEY, "source"))
    return told.with_columns(
        old=pl.when(same).then(pl.col("value").shift(1)),
        old_status=pl.when(same).then(pl.col("status").shift(1)),
    )
