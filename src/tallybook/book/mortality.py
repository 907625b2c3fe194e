"""Deaths from all causes: what the sources' files say, as of a moment. A file is kept whole, as the register's are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.ledger import Recorded
from tallybook.measures.coverage import interval_coverage
from tallybook.measures.excess import ESTIMATES, excess_deaths
from tallybook.measures.terms import with_terms
from tallybook.model.config import ExcessConfig
from tallybook.model.mortality import DEATHS_SCHEMA, PlaceTerms, described, title
from tallybook.sources.all_cause import FILE, parse_deaths
from tallybook.sources.archive import Archive, Fetched
from tallybook.sources.cards import Source

_KEY: Final = [name for name in DEATHS_SCHEMA if name != "deaths"]
_ORIGIN: Final[dict[str, pl.DataType]] = {"source": pl.String(), "as_of": pl.Datetime("us", "UTC")}


@dataclass(frozen=True)
class SourceDeaths:
    """What a source says of deaths from all causes.

    Attributes:
        source: its name.
        as_of: since when this is known.
        rows: as ``parse_deaths`` returns them.
        terms: what is particular in its places.
    """

    source: str
    as_of: datetime
    rows: pl.DataFrame
    terms: tuple[PlaceTerms, ...]

    def here(self) -> list[PlaceTerms]:
        """Return what is particular in the places that the rows are of."""
        return _here(self.rows, self.terms)

    def unused(self) -> list[str]:
        """Return of which places the card says something though there are no deaths of them, a line each."""
        known = [said.place for said in self.here()]
        places = [said.place for said in self.terms if said.place not in known]
        return [
            f"the card of {self.source} says how deaths are expected in {place}, which has none" for place in places
        ]


def known_deaths(sources: Iterable[Source], raw: Archive, moment: datetime, zone: ZoneInfo) -> list[SourceDeaths]:
    """Return what the sources say of deaths from all causes, as known at a moment.

    Where two speak of the same place, the one that was recorded last is taken.

    Raises:
        DataRefusedError: a recorded file cannot be taken any more, because its card was changed.
        LedgerError: a recorded file is no longer whole.
    """
    said = []
    for source in sources:
        entry, file = raw.entry(source.name, FILE, moment), raw.known(source.name, FILE, moment)
        if entry and file:
            since = datetime.fromisoformat(entry.as_of)
            rows = _parsed(source, file, since.astimezone(zone).date())
            said.append(SourceDeaths(source.name, since, rows, source.card.excess))
    taken = pl.DataFrame(schema={"country": pl.String, "placename": pl.String, "frequency": pl.String})
    made = []
    for one in sorted(said, key=lambda one: one.as_of, reverse=True):
        rows = one.rows.join(taken, on=taken.columns, how="anti", nulls_equal=True)
        taken = pl.concat([taken, rows.select(taken.columns).unique()])
        if rows.height:
            made.append(replace(one, rows=rows))
    return sorted(made, key=lambda one: one.source)


def estimated(deaths: Iterable[SourceDeaths], config: ExcessConfig) -> pl.DataFrame:
    """Return expected and excess deaths, source after source, with ``source`` and ``as_of``; see ``excess_deaths``."""
    return pl.concat(
        excess_deaths(one.rows, baseline=config.baseline, terms=one.here())
        .select(*DEATHS_SCHEMA, *ESTIMATES)
        .with_columns(source=pl.lit(one.source), as_of=pl.lit(one.as_of, _ORIGIN["as_of"]))
        for one in deaths
    )


def coverage(deaths: Iterable[SourceDeaths], until: int) -> pl.DataFrame:
    """Return how often the intervals held what happened in years held back; see ``interval_coverage``."""
    return pl.concat(interval_coverage(one.rows, until=until, terms=one.here()) for one in deaths)


def rows_of(deaths: Iterable[SourceDeaths]) -> pl.DataFrame:
    """Return the rows of all sources: DEATHS_SCHEMA, ``published_expected_deaths``, ``source`` and ``as_of``."""
    schema = pl.Schema({**DEATHS_SCHEMA, "published_expected_deaths": pl.Int64(), **_ORIGIN})
    rows = [
        one.rows.with_columns(source=pl.lit(one.source), as_of=pl.lit(one.as_of, _ORIGIN["as_of"])).select(
            schema.names()
        )
        for one in deaths
    ]
    return pl.concat([pl.DataFrame(schema=schema), *rows])


def how_expected(deaths: Iterable[SourceDeaths], config: ExcessConfig) -> dict[str, Any]:
    """Return how deaths are expected, in plain words and numbers."""
    particular = {one.source: described({terms.place: terms for terms in one.here()}) for one in deaths}
    return {"baseline": list(config.baseline) if config.baseline else None, "terms": particular}


def compared(source: Source, file: Fetched, raw: Archive, moment: datetime, today: date) -> Recorded:
    """Return what a file says otherwise than the source's file that was known at a moment.

    Args:
        source: the source.
        file: the file.
        raw: the files recorded so far.
        moment: since when what it says is known.
        today: the last date that can have been reported.

    Raises:
        DataRefusedError: the file says something that cannot be taken.
        ContractError: it lacks what the models of some places need.
    """
    new, before = _parsed(source, file, today), raw.known(source.name, FILE, moment)
    # What the models of some places need has to be there.
    with_terms(new.with_columns(title()), _here(new, source.card.excess))
    # The columns of terms may be others than they were.
    old = parse_deaths(before.data, file=before.address, today=today, ignored=["*"]) if before else new.clear()
    both = new.join(old.select(*_KEY, was="deaths"), on=_KEY, nulls_equal=True)
    same = int(both["deaths"].eq_missing(both["was"]).sum())
    return Recorded(file.address, new.height - both.height, both.height - same, old.height - both.height, same)


def _here(rows: pl.DataFrame, terms: Iterable[PlaceTerms]) -> list[PlaceTerms]:
    places = rows.select(title())["place"]
    return [said for said in terms if said.place in places]


def _parsed(source: Source, file: Fetched, today: date) -> pl.DataFrame:
    columns = dict.fromkeys(name for terms in source.card.excess for name in terms.columns)
    return parse_deaths(file.data, file=file.address, today=today, columns=list(columns))
