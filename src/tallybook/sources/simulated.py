"""A simulated outbreak: what truly happened, and the reports agencies would have made of it.

Places and populations are real; every number is invented. It feeds the demonstration, the benchmarks, and the test of
the averages against a truth that is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tallybook.errors import ContractError
from tallybook.model.metrics import METRICS
from tallybook.model.places import gazetteer, state_of
from tallybook.sources.agency import BoolArray, Kind, announced, disturbed, events, held_back, reporting_days
from tallybook.sources.epidemic import epidemic
from tallybook.sources.published import COLUMNS, FILES, REGISTER
from tallybook.sources.world import Disturbance, Register, World

NOTICE: Final = "Every number here is invented: a simulated outbreak in real places.\n"


@dataclass(frozen=True, repr=False)
class Outbreak:
    """A simulated outbreak.

    Attributes:
        truth: ``geoid``, ``date``, ``infections``, and the ``cases`` and ``deaths`` to be expected of the day without
            any disturbance, fractions; one row per place and day.
        reports: ``geoid``, ``date``, cumulative ``cases`` and ``deaths``, ``confirmed_*`` and ``probable_*`` of both
            (null where the agency does not tell them apart), and ``reported``, whether the agency reported that day;
            from each place's first count on, totals repeated on days without a report.
        anomalies: the register an editor would keep, in the published columns.
        disturbances: ``geoid`` of the agency, ``kind``, ``metric``, ``first`` and ``last`` day it touches.

    >>> simulate(states=["USA-53"], days=60).reports["geoid"].unique().sort().to_list()
    ['USA', 'USA-53']
    """

    truth: pl.DataFrame
    reports: pl.DataFrame
    anomalies: pl.DataFrame
    disturbances: pl.DataFrame

    def __repr__(self) -> str:
        first, last = self.truth.select(first=pl.col("date").min(), last=pl.col("date").max()).row(0)
        places = self.truth["geoid"].n_unique()
        return f"<Outbreak of {places:,} places, {first} to {last}, {self.anomalies.height:,} anomalies>"


def simulate(
    *,
    states: Sequence[str] | None = None,
    counties_of: Sequence[str] = (),
    start: date = date(2020, 3, 1),
    days: int = 400,
    seed: int = 0,
    disturb: bool = True,
) -> Outbreak:
    """Return a simulated outbreak; the same arguments give the same one.

    Args:
        states: the geoids of the states; all 56 by default.
        counties_of: the geoids of those whose counties are simulated one by one; their sums are the state's counts.
        start: the first day.
        days: how many days.
        seed: the seed of chance.
        disturb: whether agencies leave days out, heap, correct and change definitions.

    Raises:
        ContractError: a geoid is no state's, or there are less than two days.

    >>> small = simulate(states=["USA-53"], days=60)
    >>> small.reports.columns[:5], small.truth.height
    (['geoid', 'date', 'cases', 'deaths', 'confirmed_cases'], 120)
    """
    if days < 2:
        raise ContractError(f"an outbreak of {days} days", hint="simulate at least two")
    world = World.of(states, counties_of, start, days)
    rng = np.random.default_rng(seed)
    truth = epidemic(world.leaves["population"].to_numpy(), world.agency, days, rng)
    expected = [truth.cases, truth.deaths]
    counts = [announced(values, start, rng) for values in expected]
    reporting = np.ones((len(world.states), days), dtype=np.bool_)
    register = Register(world)
    disturbances: list[Disturbance] = []
    if disturb:
        reporting, scheduled, missed = reporting_days(len(world.states), start, days, rng)
        disturbances += world.gaps(Kind.SCHEDULE, scheduled) + world.gaps(Kind.HOLIDAY, missed)
        register.holidays(missed)
        # A definition changes the whole past, so it comes before what happens to single days.
        for event in sorted(events(reporting, rng), key=lambda event: event.kind is not Kind.DEFINITION):
            places = world.places_of(event.agency)
            before = counts[event.metric][places].copy()
            moved = disturbed(counts[event.metric][places], event, rng)
            if event.kind is Kind.DEFINITION:
                kept = counts[event.metric][places, : event.day].sum() / max(before[:, : event.day].sum(), 1)
                expected[event.metric][places, : event.day] *= kept
            if moved.any():
                register.event(event, moved)
                disturbances.append(world.touched(event))
    totals = [held_back(values, reporting[world.agency]) for values in counts]
    return Outbreak(
        truth=world.long([truth.infections, *expected], ["infections", *METRICS]),
        reports=_reports(world, world.long(totals, METRICS), reporting, rng),
        anomalies=register.frame(),
        disturbances=pl.DataFrame(disturbances, schema=_DISTURBANCE_SCHEMA, orient="row"),
    )


def write_published(outbreak: Outbreak, folder: Path) -> None:
    """Write the reports and the register as a feed of the published layout, with a notice that they are invented.

    Args:
        outbreak: the outbreak.
        folder: a folder; it is made if it is not there.
    """
    (folder / REGISTER).parent.mkdir(parents=True, exist_ok=True)
    (folder / "NOTICE.txt").write_text(NOTICE, encoding="utf-8")
    names = gazetteer().named.select("geoid", "level", "fips", "state", county="name")
    reports = outbreak.reports.join(names, on="geoid", how="left", maintain_order="left").sort(
        "date", "state", "county"
    )
    for level, name in FILES.items():
        rows = reports.filter(level=level).select(COLUMNS[level])
        if rows.height:
            rows.write_csv(folder / name)
    outbreak.anomalies.write_csv(folder / REGISTER)


def _reports(world: World, totals: pl.DataFrame, reporting: BoolArray, rng: np.random.Generator) -> pl.DataFrame:
    """Return the totals from each place's first count on, told apart where the agency does, and who reported when."""
    # Half of the agencies tell confirmed from probable; of those, this share is probable.
    told, share = rng.uniform(size=len(world.states)) < 0.5, rng.uniform(0.05, 0.2, len(world.states))
    agencies = pl.DataFrame({"state": world.states, "share": share}).with_columns(
        pl.when(pl.Series(told)).then("share")
    )
    days = pl.DataFrame(
        {
            "state": np.repeat(world.states, world.days),
            "date": np.tile(totals["date"].unique().sort().to_numpy(), len(world.states)),
            "reported": reporting.ravel(),
        }
    ).with_columns(pl.col("date").cast(pl.Date))
    state = pl.coalesce(state_of(pl.col("geoid")), "geoid")
    begun = (pl.col("cases") > 0) | (pl.col("deaths") > 0)
    probable = [(pl.col(metric) * pl.col("share")).floor().cast(pl.Int64) for metric in METRICS]
    return (
        totals.filter(begun.cum_max().over("geoid"))
        .with_columns(state=state)
        .join(agencies, on="state", how="left", maintain_order="left")
        .join(days, on=["state", "date"], how="left", maintain_order="left")
        .with_columns(part.alias(f"probable_{metric}") for part, metric in zip(probable, METRICS, strict=True))
        .with_columns(
            (pl.col(metric) - pl.col(f"probable_{metric}")).alias(f"confirmed_{metric}") for metric in METRICS
        )
        .select(
            "geoid",
            "date",
            *METRICS,
            *(f"{part}_{metric}" for metric in METRICS for part in ("confirmed", "probable")),
            pl.col("reported").fill_null(value=True),
        )
    )


_DISTURBANCE_SCHEMA: Final = {
    "geoid": pl.String,
    "kind": pl.String,
    "metric": pl.String,
    "first": pl.Date,
    "last": pl.Date,
}
