"""The ledger: what every agency said, and since when it is known. Append only; nothing in it is ever changed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from filelock import FileLock, Timeout

from tallybook.errors import ContractError, LedgerError
from tallybook.model.reports import KEY, OBSERVATION_SCHEMA, Reports

_WAIT_SECONDS: Final = 60
_NOT_IN_PATHS: Final = "%\\[]"


@dataclass(frozen=True)
class Recorded:
    """What recording a file added.

    Attributes:
        file: where the reports came from.
        added: keys that were not known before.
        revised: keys whose value or status changed.
        unchanged: reports that said what was known already; they are not stored again.
    """

    file: str
    added: int
    revised: int
    unchanged: int


class Ledger:
    """The observations of a book, in a Delta table below a folder.

    Args:
        folder: the folder; it is made by the first record.
        table: the name of the table.

    >>> import tempfile
    >>> from datetime import UTC, date
    >>> key = {"place": "USA-53", "metric": "cases", "date": date(2020, 1, 21)}
    >>> day = pl.DataFrame({**key, "value": 1, "status": "reported"})
    >>> ledger = Ledger(Path(tempfile.mkdtemp()) / "ledger")
    >>> first, second = (Reports(day.with_columns(value=pl.lit(n)), "nyt", "us.csv", "") for n in (1, 3))
    >>> ledger.record(first, as_of=datetime(2020, 1, 22, tzinfo=UTC)).added
    1
    >>> ledger.record(second, as_of=datetime(2020, 1, 23, tzinfo=UTC)).revised
    1
    >>> ledger.as_of(datetime(2020, 1, 22, 12, tzinfo=UTC))["value"].item(), ledger.as_of()["value"].item()
    (1, 3)
    """

    def __init__(self, folder: Path, *, table: str = "observations") -> None:
        self.folder = folder.resolve()
        self._table = self.folder / table
        for character in _NOT_IN_PATHS:
            if character in str(self._table):
                raise LedgerError(
                    f"a ledger cannot be kept in {self.folder}", hint=f"the path must not have a {character} in it"
                )

    def as_of(self, moment: datetime | None = None, *, each_source: bool = False) -> pl.DataFrame:
        """Return what was known at a moment: the latest observation of each place, metric and date by then.

        Args:
            moment: with a time zone; None asks for all that is known.
            each_source: the latest of each source, where several speak of the same key.

        Returns:
            Columns of OBSERVATION_SCHEMA, key (place, metric, date), sorted by it. A null value has its reason in
            ``status``. Empty where nothing was known.

        Raises:
            ContractError: the moment has no time zone.
            LedgerError: the ledger cannot be read.
        """
        table = self._open()
        if table is None:
            return pl.DataFrame(schema=OBSERVATION_SCHEMA)
        observations = pl.scan_parquet(self._data_files(table), glob=False)
        if moment is not None:
            observations = observations.filter(pl.col("as_of") <= _aware(moment))
        try:
            # Of two records for one moment, the later one holds.
            return (
                observations.sort(*KEY, "as_of", "record")
                .unique([*KEY, "source"] if each_source else KEY, keep="last", maintain_order=True)
                .select(OBSERVATION_SCHEMA.names())
                .collect()
            )
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise LedgerError(
                f"cannot read {self._table}: {_line(error)}", hint="a file of the ledger is damaged; restore it"
            ) from error

    def record(self, reports: Reports, *, as_of: datetime) -> Recorded:
        """Store what a file says beyond what was known at its moment, and return how much that was.

        The observations are on the disk when this returns, all of the file or none.

        Args:
            reports: the reports of one file.
            as_of: the moment since which they are known, with a time zone.

        Raises:
            ContractError: the moment has no time zone, or one key stands in the reports twice.
            LedgerError: another process keeps the ledger locked, or it cannot be written.
        """
        moment = _aware(as_of)
        if reports.frame.select(pl.struct(KEY).is_duplicated().any()).item():
            raise ContractError(f"{reports.file} reports a place, metric and date twice")
        with self._locked():
            known = self.as_of(moment).select(*KEY, known_value="value", known_status="status")
            joined = reports.frame.join(known, on=KEY, how="left", maintain_order="left")
            new = pl.col("known_status").is_null()
            revised = ~new & (
                pl.col("value").ne_missing(pl.col("known_value")) | (pl.col("status") != pl.col("known_status"))
            )
            differing = joined.filter(new | revised)
            added = differing.select(new.sum()).item()
            if differing.height:
                self._append(differing.drop("known_value", "known_status"), reports, moment)
        return Recorded(reports.file, added, differing.height - added, joined.height - differing.height)

    def _data_files(self, table: DeltaTable) -> list[Path]:
        """Return the files of the table; its own list of them has every path as part of an address."""
        actions = pl.DataFrame(table.get_add_actions(flatten=True))
        return [self._table / unquote(path) for path in actions["path"]]

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(self._table)
        except TableNotFoundError:
            if self._table.exists() and any(self._table.iterdir()):
                raise LedgerError(f"{self._table} holds files but no ledger", hint="restore its _delta_log") from None
            return None
        except (DeltaError, OSError) as error:
            raise LedgerError(f"cannot open {self._table}: {_line(error)}") from error

    def _append(self, frame: pl.DataFrame, reports: Reports, moment: datetime) -> None:
        table = self._open()
        number = 0 if table is None else table.version() + 1
        observations = frame.with_columns(
            as_of=pl.lit(moment).cast(OBSERVATION_SCHEMA["as_of"]),
            source=pl.lit(reports.source),
            record=pl.lit(number, pl.Int64),
        ).select(OBSERVATION_SCHEMA.names())
        said = {
            "source": reports.source,
            "as_of": moment.isoformat(),
            "file": reports.file,
            "sha256": reports.sha256,
        }
        before = set(self._files())
        try:
            write_deltalake(
                self._table if table is None else table,
                observations,
                mode="append",
                configuration={"delta.appendOnly": "true"} if table is None else None,
                commit_properties=CommitProperties(custom_metadata={"tallybook": said}),
            )
            self._sync(set(self._files()) - before)
        except (DeltaError, OSError) as error:
            raise LedgerError(
                f"cannot write {self._table}: {_line(error)}", hint="nothing of this file was recorded"
            ) from error

    def _files(self) -> Iterator[Path]:
        return (path for path in self._table.rglob("*") if path.is_file())

    def _sync(self, files: set[Path]) -> None:
        """Force new files, and the folders that name them, onto the disk: the table's writer does not."""
        folders = {self._table, self._table / "_delta_log", self.folder, self.folder.parent}
        for path in (*sorted(files), *sorted(folders)):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out while the known is compared with the new."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / "lock", timeout=_WAIT_SECONDS):
                yield
        except Timeout:
            raise LedgerError(
                f"another process has been writing {self.folder} for {_WAIT_SECONDS} seconds",
                hint="try again later",
            ) from None
        except OSError as error:
            raise LedgerError(f"cannot write {self.folder}: {_line(error)}") from error


def _aware(moment: datetime) -> datetime:
    """Return the moment in UTC, the only zone the engine compares the ledger's moments with.

    Raises:
        ContractError: it has no time zone, or lies at the end of all time.
    """
    if moment.tzinfo is None:
        raise ContractError(f"the moment {moment} has no time zone", hint="write 2021-03-07T09:00-05:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ContractError(f"the moment {moment} cannot be told in UTC") from None


def _line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
