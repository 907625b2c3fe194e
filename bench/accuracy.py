"""How near the averages come to a truth that is known, beside naive ones."""

import io
from collections.abc import Iterable

import polars as pl

from tallybook import Outbreak, daily, read_anomalies, rolling_average, simulate

METRICS = ("cases", "deaths")


def compared(seeds: Iterable[int], *, days: int = 400) -> pl.DataFrame:
    """Return the errors of both averages on every day of every state of some simulated outbreaks.

    The truth is the trailing seven-day mean of the counts to be expected; the naive average is the trailing seven-day
    mean of the counts as reported.

    Columns ``seed``, ``geoid``, ``date``, ``metric``, ``ours`` and ``naive`` (absolute errors, counts a day),
    ``disturbed`` (the agency is disturbed on some day), and a column per kind of disturbance (it is touched that day).
    """
    return pl.concat([_errors(simulate(seed=seed, days=days), seed) for seed in seeds])


def accuracy(errors: pl.DataFrame) -> pl.DataFrame:
    """Return the mean absolute errors: ``metric``, ``where``, ``places``, ``days``, ``ours``, ``naive``, ``change``."""
    kinds = [name for name in errors.columns if name.startswith("kind_")]
    groups = {
        "disturbed places": pl.col("disturbed"),
        "undisturbed places": ~pl.col("disturbed"),
        **{f"days of {kind.removeprefix('kind_')}": pl.col(kind) for kind in kinds},
    }
    means = [pl.col("ours").mean(), pl.col("naive").mean()]
    return pl.concat(
        errors.filter(which)
        .group_by("metric")
        .agg(
            where=pl.lit(where),
            places=pl.struct("seed", "geoid").n_unique(),
            days=pl.len(),
            ours=means[0],
            naive=means[1],
        )
        .sort("metric")
        for where, which in groups.items()
    ).with_columns(change=pl.col("ours") / pl.col("naive") - 1)


def _errors(outbreak: Outbreak, seed: int) -> pl.DataFrame:
    text = io.BytesIO()
    outbreak.anomalies.write_csv(text)
    register = read_anomalies(text.getvalue())
    states = pl.col("geoid").str.len_chars() == len("USA-53")
    new = daily(outbreak.reports.filter(states))
    ours = rolling_average(new, anomalies=register)
    truth = outbreak.truth.filter(states).sort("geoid", "date")
    week = [pl.col(metric).rolling_mean(7).over("geoid") for metric in METRICS]
    naive = new.with_columns(pl.col(METRICS).fill_null(0)).select("geoid", "date", *week)
    both = (
        ours.join(truth.select("geoid", "date", *week), on=["geoid", "date"], suffix="_true")
        .join(naive, on=["geoid", "date"], suffix="_naive")
        .drop_nulls()
    )
    return pl.concat(
        _touched(
            both.select(
                "geoid",
                "date",
                pl.lit(seed).alias("seed"),
                metric=pl.lit(metric),
                ours=(pl.col(f"{metric}_avg") - pl.col(f"{metric}_true")).abs(),
                naive=(pl.col(f"{metric}_naive") - pl.col(f"{metric}_true")).abs(),
            ),
            outbreak.disturbances.filter(pl.col("metric").is_in([metric, "both"])),
        )
        for metric in METRICS
    )


def _touched(errors: pl.DataFrame, disturbances: pl.DataFrame) -> pl.DataFrame:
    days = disturbances.select("geoid", "kind", date=pl.date_ranges("first", "last")).explode("date").unique()
    for kind in ("schedule", "holiday", "backlog", "correction", "definition", "outage"):
        marked = days.filter(kind=kind).select("geoid", "date", pl.lit(value=True).alias(f"kind_{kind}"))
        errors = errors.join(marked, on=["geoid", "date"], how="left").with_columns(
            pl.col(f"kind_{kind}").fill_null(value=False)
        )
    return errors.with_columns(disturbed=pl.col("geoid").is_in(disturbances["geoid"].implode()))
