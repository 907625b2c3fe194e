"""Deaths from all causes: what the sources' files say, as of a moment. A file is kept whole, as the register's are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.ledger import Recorded
from tallybook.measures.coverage import interval_coverage
from tallybook.measures.excess import ESTIMATES, excess_deaths
from tallybook.measures.terms import with_terms
from tallybook.model.config import ExcessConfig
from tallybook.model.mortality import DEATHS_SCHEMA, SERIES, PlaceTerms, described, title
from tallybook.release.changes import changed_deaths, counted
from tallybook.sources.all_cause import FILE, parse_deaths
from tallybook.sources.archive import Archive, Fetched
from tallybook.sources.cards import Source

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
        if (found := _known(raw, source.name, moment)) is not None:
            since, file = found
            rows = _parsed(source, file, since.astimezone(zone).date())
            said.append(SourceDeaths(source.name, since, rows, source.card.excess))
    return _one_a_place(said)


def deaths_before(names: Iterable[str], raw: Archive, moment: datetime, zone: ZoneInfo) -> list[SourceDeaths]:
    """Return what sources said of deaths from all causes at a moment, whatever their cards say now.

    Args:
        names: the sources; some may be gone since.
        raw: the recorded files.
        moment: as known when.
        zone: where the book is.

    Raises:
        DataRefusedError: a recorded file cannot be taken any more.
        LedgerError: a recorded file is no longer whole.
    """
    said = []
    for name in names:
        if (found := _known(raw, name, moment)) is not None:
            since, file = found
            said.append(SourceDeaths(name, since, _without_terms(file, since.astimezone(zone).date()), ()))
    return _one_a_place(said)


def moments_of(names: Iterable[str], raw: Archive) -> list[datetime]:
    """Return since when each recorded file of deaths from all causes of these sources is known."""
    known = set(names)
    return [
        datetime.fromisoformat(entry.as_of) for entry in raw.entries() if entry.name == FILE and entry.source in known
    ]


def _known(raw: Archive, name: str, moment: datetime) -> tuple[datetime, Fetched] | None:
    """Return the file of a source that was known at a moment, and since when."""
    entry, file = raw.entry(name, FILE, moment), raw.known(name, FILE, moment)
    return (datetime.fromisoformat(entry.as_of), file) if entry and file else None


def _one_a_place(said: Iterable[SourceDeaths]) -> list[SourceDeaths]:
    """Return what is said, of each place what was recorded last."""
    taken = pl.DataFrame(schema=dict.fromkeys(SERIES, pl.String))
    made = []
    for one in sorted(said, key=lambda one: one.as_of, reverse=True):
        rows = one.rows.join(taken, on=SERIES, how="anti", nulls_equal=True)
        taken = pl.concat([taken, rows.select(SERIES).unique()])
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
    old = _without_terms(before, today) if before else new.clear()
    both = (rows_of([SourceDeaths(source.name, moment.astimezone(UTC), rows, ())]) for rows in (old, new))
    changed = counted(changed_deaths(*both))
    unchanged = new.height - changed["new"] - changed["revised"]
    return Recorded(file.address, changed["new"], changed["revised"], changed["withdrawn"], unchanged)


def sources_of(method: Mapping[str, Any]) -> set[str]:
    """Return whose deaths from all causes were in a release.

    Args:
        method: how its figures were made, with what ``how_expected`` returned.
    """
    return set(method.get("excess_deaths", {}).get("terms", {}))


def _here(rows: pl.DataFrame, terms: Iterable[PlaceTerms]) -> list[PlaceTerms]:
    places = rows.select(title())["place"]
    return [said for said in terms if said.place in places]


def _parsed(source: Source, file: Fetched, today: date) -> pl.DataFrame:
    columns = dict.fromkeys(name for terms in source.card.excess for name in terms.columns)
    return parse_deaths(file.data, file=file.address, today=today, columns=list(columns))


def _without_terms(file: Fetched, today: date) -> pl.DataFrame:
    """Return the deaths in a file that was taken before: its columns of terms may be others than the card has now."""
    return parse_deaths(file.data, file=file.address, today=today, ignored=["*"])
