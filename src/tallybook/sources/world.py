"""The places of a simulated outbreak, and the register its editors keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from tallybook.errors import ContractError
from tallybook.model.anomalies import ANOMALY_COLUMNS
from tallybook.model.metrics import METRICS, Level
from tallybook.model.places import NATION, gazetteer
from tallybook.sources.agency import HABITS, BoolArray, Event, Kind
from tallybook.sources.epidemic import IntArray

_AFTERWARDS: Final = 6
"""The days after a disturbance whose seven-day windows still hold it."""

Disturbance = tuple[str, str, str, date, date]
"""The geoid of an agency, the kind, the metric or 'both', the first and the last day touched."""


@dataclass(frozen=True)
class World:
    """Who is counted, and by whom: each state has one agency, which counts it as a whole or county by county.

    Attributes:
        states: the geoids of the states, sorted; an agency's number is its place here.
        leaves: ``geoid``, ``population`` of the places that are counted; those of an agency lie together.
        agency: per leaf, the number of its agency.
        start: the first day.
        days: how many days.
    """

    states: tuple[str, ...]
    leaves: pl.DataFrame
    agency: IntArray
    start: date
    days: int

    @classmethod
    def of(cls, states: Sequence[str] | None, counties_of: Sequence[str], start: date, days: int) -> World:
        """Return the world of these states.

        Raises:
            ContractError: a geoid is no state's.
        """
        frame = gazetteer().frame
        known = frame.filter(level=Level.STATE)["geoid"]
        chosen = tuple(sorted(set(known if states is None else states) | set(counties_of)))
        for geoid in chosen:
            if geoid not in known:
                raise ContractError(f"{geoid!r} is no state", hint="give geoids such as USA-53")
        own = frame.filter(pl.col("geoid").is_in(set(chosen) - set(counties_of))).with_columns(state="geoid")
        # Exceptions are made of counties, and "Unknown" is nobody's home: neither is counted twice.
        home = pl.col("fips").is_not_null() & pl.col("members").is_null() & (pl.col("population") > 0)
        counties = frame.filter(home, level=Level.COUNTY).filter(pl.col("parent").is_in(list(counties_of)))
        leaves = pl.concat([own, counties.with_columns(state="parent")]).sort("state", "geoid")
        agency = pl.Series(chosen).search_sorted(leaves["state"]).to_numpy()
        return cls(chosen, leaves.select("geoid", "population"), agency, start, days)

    def places_of(self, agency: int) -> slice:
        """Return the leaves an agency counts."""
        return slice(*np.searchsorted(self.agency, [agency, agency + 1]).tolist())

    def counts_by_county(self, agency: int) -> bool:
        """Return whether an agency counts county by county."""
        places = self.places_of(agency)
        return bool(self.leaves["geoid"][places.start] != self.states[agency])

    def day(self, number: int) -> date:
        """Return the date of a day."""
        return self.start + timedelta(days=number)

    def long(self, values: Sequence[npt.NDArray[Any]], names: Sequence[str]) -> pl.DataFrame:
        """Return these values of the leaves, with their sums by state and for the nation, as a long frame.

        Args:
            values: one array of leaves × days per column.
            names: the names of the columns.

        Returns:
            ``geoid``, ``date`` and the columns; sorted by geoid, then date.
        """
        firsts = np.searchsorted(self.agency, np.arange(len(self.states)))
        geoids = pl.Series([NATION, *self.states, *self.leaves["geoid"]])
        columns = {}
        for name, leaves in zip(names, values, strict=True):
            states = np.add.reduceat(leaves, firsts, axis=0)
            columns[name] = np.concatenate([states.sum(axis=0, keepdims=True), states, leaves]).ravel()
        dates = pl.date_range(self.start, self.day(self.days - 1), eager=True)
        days = pl.DataFrame({"date": dates})
        places = pl.DataFrame({"geoid": geoids})
        # A state that is counted as a whole is its own leaf and would stand there twice.
        return places.join(days, how="cross").with_columns(**columns).unique(["geoid", "date"]).sort("geoid", "date")

    def gaps(self, kind: Kind, marked: BoolArray) -> list[Disturbance]:
        """Return the runs of marked days, by agency, as disturbances of both metrics."""
        edges = np.diff(np.pad(marked, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        starts, ends = np.argwhere(edges == 1), np.argwhere(edges == -1)
        return [
            (self.states[agency], kind.value, "both", self.day(int(first)), self.day(int(end) - 1 + _AFTERWARDS))
            for (agency, first), (_, end) in zip(starts, ends, strict=True)
        ]

    def touched(self, event: Event) -> Disturbance:
        """Return an event as a disturbance: from its heap, or an outage's first day, until no window holds it."""
        first = event.first if event.kind is Kind.OUTAGE else event.day
        last = self.day(event.day + _AFTERWARDS)
        return self.states[event.agency], event.kind.value, METRICS[event.metric], self.day(first), last


@dataclass
class Register:
    """The register an editor would keep of a simulated outbreak.

    Attributes:
        world: the places.
        rows: the entries so far.
    """

    world: World
    rows: list[dict[str, object]] = field(default_factory=list)

    def holidays(self, missed: BoolArray) -> None:
        """Enter the holidays agencies were closed on."""
        for agency, day in np.argwhere(missed):
            state = self.world.states[agency]
            words = f"{gazetteer()[state].name} did not announce new cases and deaths because of a holiday."
            self._enter(state, int(day), "both", words)

    def event(self, event: Event, moved: IntArray) -> None:
        """Enter an event, and what it moved, by place of its agency."""
        state, metric = self.world.states[event.agency], METRICS[event.metric]
        words = HABITS[event.kind].words.format(
            place=gazetteer()[state].name, metric=metric, count=abs(int(moved.sum())), days=event.day - event.first
        )
        omit, adjust = event.handling == "omit", event.handling == "adjust"
        counties = self.world.counts_by_county(event.agency)
        # An outage is entered on the day nothing came, anything else on the day too much or too little did.
        day = event.first if event.kind is Kind.OUTAGE else event.day
        self._enter(state, day, metric, words, omit=omit, below=omit and counties, adjust=-int(moved.sum()) * adjust)
        if adjust and counties:
            names = self.world.leaves["geoid"][self.world.places_of(event.agency)]
            for county, count in zip(names, moved.tolist(), strict=True):
                if count:
                    self._enter(county, event.day, metric, words, adjust=-count)

    def frame(self) -> pl.DataFrame:
        """Return the register in the published columns, by date."""
        schema = {
            **dict.fromkeys(ANOMALY_COLUMNS, pl.String),
            "date": pl.Date,
            "adjusted_daily_count_for_avg": pl.Int64,
        }
        return pl.DataFrame(self.rows, schema=schema).sort("date", "geoid", "type", maintain_order=True)

    def _enter(
        self, geoid: str, day: int, metric: str, words: str, *, omit: bool = False, below: bool = False, adjust: int = 0
    ) -> None:
        place = gazetteer()[geoid]
        county = place.name if place.level is Level.COUNTY else None
        state = gazetteer()[place.parent or geoid].name if county else place.name
        self.rows.append(
            {
                "date": self.world.day(day),
                "county": county,
                "state": state,
                "geoid": geoid,
                "type": metric,
                "omit_from_rolling_average": "yes" if omit else None,
                "omit_from_rolling_average_on_subgeographies": "yes" if below else None,
                "adjusted_daily_count_for_avg": adjust,
                "description": f"{words} (Invented.)",
            }
        )
