"""Excess deaths: how fast they are estimated, how well they agree with published ones, what their intervals hold."""

from __future__ import annotations

import datetime as dt
import resource
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from rich.table import Table

from ledger import timed
from tallybook import Book, excess_deaths
from tallybook.measures.coverage import interval_coverage
from tallybook.release.excess import agreement
from tallybook.sources.all_cause import parse_deaths

PLACES = 3_142
YEARS = range(2011, 2021)
MISSING = 0.02


def counties(places: int = PLACES) -> pl.DataFrame:
    """Return ten years of invented weekly deaths of counties: ``geoid``, ``year``, ``month``, ``week``, ``deaths``."""
    rng = np.random.default_rng(0)
    weeks = np.arange(1, 53)
    level = rng.lognormal(3.5, 1.2, places)[:, None, None]
    trend = 1 + 0.01 * (np.array(YEARS) - 2015)[:, None]
    deaths = rng.poisson(level * trend * (1 + 0.1 * np.cos(2 * np.pi * weeks / 52)))
    return pl.DataFrame(
        {
            "geoid": np.repeat(np.arange(places), len(YEARS) * 52),
            "year": np.tile(np.repeat(YEARS, 52), places),
            "week": np.tile(weeks, places * len(YEARS)),
            "deaths": deaths.ravel(),
        }
    ).with_columns(month=(pl.col("week") - 1) * 12 // 52 + 1)


def excess_speed() -> Table:
    """Return how long excess deaths of all counties take, as multiples of sorting the rows."""
    rows = counties()
    holes = rows.filter(pl.Series(np.random.default_rng(1).uniform(size=rows.height) >= MISSING))
    floor, _ = timed(lambda: rows.sort("geoid", "year", "week"))
    title = f"Excess deaths: {PLACES:,} places × {len(YEARS)} years of weeks, {rows.height:,} rows"
    table = Table("what", "time, s", "ratio", title=title, title_justify="left")
    table.add_row("sorting the rows", f"{floor:.2f}", "1.0 ×")
    for name, frame in (("no week missing", rows), (f"{MISSING:.0%} of weeks missing at random", holes)):
        seconds, _ = timed(partial(excess_deaths, frame, place="geoid", baseline=(2011, 2019)), times=1)
        table.add_row(name, f"{seconds:.1f}", f"{seconds / floor:.0f} ×")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    table.caption = f"peak memory of the process so far: {peak:.1f} GB"
    return table


def excess_agreement(file: Path) -> Table:
    """Return how well expected deaths agree with the published ones, and what intervals hold, place by place."""
    deaths = parse_deaths(file.read_bytes(), file=str(file), today=dt.date(2021, 1, 15))
    with tempfile.TemporaryDirectory() as folder:
        terms = Book.init(folder, template="nyt").sources["nyt"].card.excess
    seconds, made = timed(lambda: excess_deaths(deaths, terms=terms))
    agreed = agreement(made, deaths)
    held = interval_coverage(deaths, until=2019, terms=terms)
    title = f"Expected deaths beside the published ones ({seconds:.2f} s in all), and intervals of years held back"
    table = Table(
        "place", "rows", "equal", "one off", "model", "periods", "inside", "years", title=title, title_justify="left"
    )
    columns = ("place", "published", "equal", "one_off", "model", "periods", "periods_inside", "years", "years_inside")
    joined = agreed.join(held, on=["place", "frequency"], how="left").select("frequency", *columns)
    for place, rows, equal, off, model, periods, inside, years, whole in joined.drop("frequency").rows():
        shown = [f"{inside / periods:.0%}", f"{whole} of {years}"] if periods else ["", ""]
        table.add_row(place, str(rows), str(equal), str(off), model, str(periods or ""), *shown)
    for frequency in ("weekly", "monthly"):
        sums = joined.filter(frequency=frequency).select(pl.selectors.integer().sum()).row(0, named=True)
        share = sums["periods_inside"] / sums["periods"]
        numbers = [str(sums[name]) for name in ("published", "equal", "one_off")]
        years = f"{sums['years_inside']} of {sums['years']}"
        table.add_row(f"all {frequency}", *numbers, "", str(sums["periods"]), f"{share:.1%}", years, style="bold")
    return table
