"""Recording: what each file adds to what was known, put together to commits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from tallybook.errors import ContractError
from tallybook.ledger.known import Known
from tallybook.ledger.states import differences, reassertions
from tallybook.ledger.store import Store
from tallybook.model.reports import KEY, OBSERVATION_SCHEMA, RECORD_SCHEMA, Reports, Status

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Recorded:
    """What recording a file added.

    Attributes:
        file: where the reports came from.
        added: keys that were not known before, or had been withdrawn.
        revised: keys whose value or status changed.
        withdrawn: keys that the file covers and no longer has.
        unchanged: reports that said what was known already; they are not stored again.
    """

    file: str
    added: int
    revised: int
    withdrawn: int
    unchanged: int


class Writer:
    """What is known of a source while its files are recorded one after the other.

    Args:
        store: the table; it has to be locked between ``begin`` and ``commit``.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: int | None = None
        self._observed: list[pl.DataFrame] = []
        self._recorded: list[pl.DataFrame] = []
        self._records = pl.DataFrame(schema=RECORD_SCHEMA)
        self._known = Known()
        self._source: str | None = None
        self._moment = self._newest = _NEVER

    def begin(self) -> None:
        """Forget what is known if another process has written in between."""
        version = self._store.version()
        if version != self._version:
            self._version = version
            self._records = self._store.collect(self._store.scan("record", RECORD_SCHEMA))
            self._forget()

    def take(self, reports: Reports, moment: datetime) -> Recorded:
        """Add a file to the commit that is being made.

        Args:
            reports: its reports.
            moment: the moment since which they are known, in UTC.

        Raises:
            ContractError: one key stands in the reports twice.
        """
        if reports.frame.select(pl.struct(KEY).is_duplicated().any()).item():
            raise ContractError(f"{reports.file} reports a place, metric and date twice")
        if reports.source != self._source or moment < self._moment or self._moment < self._newest:
            self._know(reports.source, moment)
        known = self._known.within(*_days(reports))
        changed = differences(known, reports.frame, reports.coverage)
        entry = _record(reports, moment, self._records.height)
        if changed.is_empty() and self._has(entry):
            return _counted(reports, changed)
        made = _observations(changed, entry)
        self._observed += [made, _observations(_repeated(known, reports, moment), entry)]
        if moment < self._newest and changed.height:
            self._observed.append(self._reasserted(changed, known, moment))
        self._moment, self._newest = moment, max(moment, self._newest)
        self._known.learn(made)
        self._recorded.append(entry)
        self._records = pl.concat([self._records, entry])
        return _counted(reports, changed)

    def commit(self) -> None:
        """Write what was taken; nothing where it was all recorded before."""
        if not self._recorded:
            return
        observations, records = pl.concat(self._observed), pl.concat(self._recorded)
        self._observed, self._recorded = [], []
        self._store.append(observations, records)
        self._version = self._store.version()

    def _forget(self) -> None:
        self._source, self._known = None, Known()
        self._moment = self._newest = _NEVER

    def _know(self, source: str, moment: datetime) -> None:
        """Read what was known of a source at a moment."""
        self.commit()
        known = self._store.told(lambda index: index.state(moment))
        self._source, self._moment = source, moment
        newest = self._records.filter(pl.col("source") == source)["as_of"].max()
        self._newest = newest if isinstance(newest, datetime) else moment
        self._known = Known(known.filter(source=source))

    def _reasserted(self, changed: pl.DataFrame, known: pl.DataFrame, moment: datetime) -> pl.DataFrame:
        later = self._records.filter(pl.col("source") == self._source, pl.col("as_of") > moment)
        observations = self._store.scan("observation", OBSERVATION_SCHEMA)
        rows = observations.filter(pl.col("source") == self._source, pl.col("as_of") > moment)
        again = reassertions(changed, known, self._store.collect(rows), later)
        return again.with_columns(pl.lit(self._source).alias("source")).select(OBSERVATION_SCHEMA.names())

    def _has(self, entry: pl.DataFrame) -> bool:
        """Return whether this very file was recorded for this very moment before."""
        key = [name for name in RECORD_SCHEMA if name != "record"]
        return entry.join(self._records, on=key, how="semi", nulls_equal=True).height > 0


def _days(reports: Reports) -> tuple[date | None, date | None]:
    """Return the days a file can change; None: any."""
    if reports.coverage is not None:
        return reports.coverage.first, reports.coverage.last
    days = reports.frame["date"].sort()
    return (days[0], days[-1]) if len(days) else (date.min, date.min)


def _repeated(known: pl.DataFrame, reports: Reports, moment: datetime) -> pl.DataFrame:
    """Return the rows that say what was known, of a file that covers nothing else.

    Of other files it is known what they said of a key without storing it again; of these it is not.
    """
    if reports.coverage is not None:
        return reports.frame.clear()
    earlier = known.filter(pl.col("as_of") < moment)
    return reports.frame.join(earlier, on=[*KEY, "value", "status"], how="semi", nulls_equal=True)


def _observations(rows: pl.DataFrame, entry: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a file as observations, with what its record says."""
    said = entry.row(0, named=True)
    return rows.with_columns(
        as_of=pl.lit(said["as_of"]).cast(OBSERVATION_SCHEMA["as_of"]),
        source=pl.lit(said["source"]),
        record=pl.lit(said["record"], pl.Int64),
    ).select(OBSERVATION_SCHEMA.names())


def _record(reports: Reports, moment: datetime, number: int) -> pl.DataFrame:
    coverage = reports.coverage
    said = {
        "record": number,
        "as_of": moment,
        "source": reports.source,
        "file": reports.file,
        "sha256": reports.sha256,
        "note": reports.note,
        "level": coverage and coverage.level.value,
        "metrics": coverage and " ".join(coverage.metrics),
        "first": coverage and coverage.first,
        "last": coverage and coverage.last,
    }
    return pl.DataFrame([said], schema=RECORD_SCHEMA)


def _counted(reports: Reports, changed: pl.DataFrame) -> Recorded:
    withdrawn = pl.Series([Status.WITHDRAWN.value])
    counts = changed.select(
        gone=pl.col("status").is_in(withdrawn.implode()).sum(),
        added=(pl.col("was").is_null() | pl.col("was").is_in(withdrawn.implode())).sum(),
    ).row(0, named=True)
    told = changed.height - counts["gone"]
    return Recorded(
        file=reports.file,
        added=counts["added"],
        revised=told - counts["added"],
        withdrawn=counts["gone"],
        unchanged=reports.frame.height - told,
    )
