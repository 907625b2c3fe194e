"""Publishing with Spark: the ledger's files are read, computed on and written by Spark's machines."""

from __future__ import annotations

import os
import re
import shutil
import socket
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import narwhals as nw
import polars as pl

from tallybook.book.publishing import Publisher
from tallybook.errors import BookError, ContractError
from tallybook.ledger.portable import portable_state
from tallybook.measures.engines import LazyFrame, collected
from tallybook.release.distributed import YEAR
from tallybook.release.folder import check_target
from tallybook.release.partitioned import Table, write_partitioned
from tallybook.release.write import Release

_MASTERS: Final = r"local(\[(\*|[1-9]\d*)(,\s*\d+)?\])?|local-cluster\[\d+,\d+,\d+\]|yarn|(spark|k8s|sc)://.+"
_OBSERVATIONS: Final = (
    "place string, metric string, date date, value double, status string, as_of timestamp, source string, record bigint"
)
"""OBSERVATION_SCHEMA as Spark has it; said, so that older files may lack columns."""

_CONNECT_PORT: Final = 15002
_CONNECT_MARK: Final = "SPARK_CONNECT_MODE_ENABLED"
"""What PySpark puts into the environment for a Connect session and leaves there: no classic session starts after it."""

_SETTINGS: Final = {"spark.sql.session.timeZone": "UTC"}
_CLASSIC: Final = {
    "spark.app.name": "tallybook",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.adaptive.enabled": "true",
}
_LOCAL: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
}


@dataclass(frozen=True)
class SparkStore:
    """A Spark session that keeps frames on a disk that is here as well.

    Attributes:
        session: classic or Connect.
    """

    session: Any

    @property
    def name(self) -> str:
        """What the engine is called, with its version."""
        return f"spark {self.session.version}"

    def observations(self, files: Sequence[str]) -> LazyFrame:
        """Return the observations of a ledger's files."""
        reader = self.session.read.schema(_OBSERVATIONS)
        return _frame(reader.parquet(*(_address(file) for file in files)))

    def keep(self, frame: LazyFrame, folder: Path) -> LazyFrame:
        """Compute a frame, and return it as it was computed into a new folder.

        Unlike what is persisted in memory this has no plan left to be analysed again, and Connect servers all can.
        """
        native = frame.to_native()
        native.write.parquet(_address(folder))
        return _frame(self.session.read.schema(native.schema).parquet(_address(folder)))

    def write(self, frame: LazyFrame, folder: Path) -> None:
        """Write a frame into a new folder, its rows by date, then geoid; the files of a year in a folder of its own."""
        # Spark sorts by year before it writes by year, and loses any other order that does not begin with it.
        parts = frame.to_native().repartition(YEAR).sortWithinPartitions(YEAR, "date", "geoid")
        parts.write.option("compression", "zstd").partitionBy(YEAR).parquet(_address(folder))


@contextmanager
def spark_session(master: str) -> Iterator[Any]:
    """Yield a Spark session that ends with the block.

    Args:
        master: ``local[4]``, ``spark://host:7077``, ``yarn`` and so on, or ``sc://host:port`` of a Connect server.

    Raises:
        BookError: Spark is not installed, there is no Java or no server, or Spark cannot do what the block asks for.
        ContractError: ``master`` is none.
    """
    if not re.fullmatch(_MASTERS, master):
        raise ContractError(f"{master!r} is no Spark master", hint="such as local[4], spark://host:7077 or sc://host")
    with warnings.catch_warnings():
        # Of pandas nothing is used here.
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas", category=FutureWarning)
        try:
            from py4j.protocol import Py4JError
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            raise BookError("Spark is not installed", hint="pip install tallybook[spark]") from None
        _check_reachable(master)
        try:
            with _unmarked():
                session = _started(SparkSession.builder, master)
                try:
                    yield session
                finally:
                    session.stop()
        except (PySparkException, Py4JError) as error:
            said = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise BookError(f"Spark at {master}: {said}", hint="the old release still stands") from error


def shared_target(out: str | Path, *, book: Path) -> Path:
    """Return the folder for a release that Spark writes; it can be asked before Spark is started.

    Raises:
        BookError: it is an address, the place of the release with CSV files, or holds something else than a release.
    """
    target = Path(out)
    if re.match(r"[a-z][a-z0-9+.-]+:/", str(out)):
        raise BookError(f"{out} is an address", hint="give --out a folder that Spark's machines see as well")
    check_target(target, book=book)
    if target.resolve() == (book / "public").resolve():
        raise BookError(f"{out} is for the release with CSV files", hint="give --out a folder of its own")
    return target


def publish_with(session: Any, publisher: Publisher, target: Path, *, as_of: datetime | None) -> Release:
    """Write the release of now or of a past moment; see ``Book.publish_on_spark``.

    Args:
        session: a Spark session.
        publisher: the book's.
        target: the folder.
        as_of: the moment; None: now.
    """
    left_open: list[str] = []
    if as_of is None:
        live = publisher.live.as_of()
        if live.height:  # closing reads the ledger on this machine, so only where there is something to close
            days = pl.col("date").is_in(live["date"].unique().implode())
            _, left_open = publisher.close_days(live, publisher.ledger.as_of(where=days))
    files = publisher.ledger.files()
    if not files:
        raise BookError("there is nothing to publish", hint="record a feed first")
    store = SparkStore(session)
    method, deaths = publisher.method(as_of), publisher.deaths(as_of)
    excess, notes = publisher.excess(deaths)

    state = portable_state(store.observations(files), as_of)

    def tables(geoids: pl.Series) -> dict[str, Table]:
        weeks: dict[str, pl.DataFrame] = {}
        if publisher.sources.weekly():  # few enough to be put together here
            weeks = publisher.of_weeks(_by_week(state, list(publisher.sources.weekly())), method)
        return {**excess, **weeks, **publisher.of_sources(), **publisher.of_places(geoids)}

    return write_partitioned(
        target,
        state,
        store,
        levels=publisher.config.levels,
        method=method,
        since=max((one.as_of for one in deaths), default=None),
        notes=[*notes, *left_open],
        tables=tables,
        about={**publisher.about(), "method": publisher.described(method, deaths)},
    )


@contextmanager
def _unmarked() -> Iterator[None]:
    """Take the mark of other Connect sessions out of the environment for the block."""
    before = os.environ.pop(_CONNECT_MARK, None)
    try:
        yield
    finally:
        os.environ.pop(_CONNECT_MARK, None)
        if before is not None:
            os.environ[_CONNECT_MARK] = before


def _by_week(state: LazyFrame, sources: Sequence[str]) -> pl.DataFrame:
    """Return what is known of the places that weekly sources speak of."""
    places = state.filter(nw.col("source").is_in(sources)).select("place").unique()
    columns = ("place", "metric", "date", "value", "status", "source")
    return collected(state.join(places, on="place", how="inner").select(*columns)).sort("place", "metric", "date")


def _started(builder: Any, master: str) -> Any:
    settings = _SETTINGS
    if not master.startswith("sc://"):
        settings = settings | _CLASSIC | (_LOCAL if master.startswith("local") else {})
    builder = builder.remote(master) if master.startswith("sc://") else builder.master(master)
    for name, value in settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _check_reachable(master: str) -> None:
    """Say at once what Spark would try for minutes, or fill a screen with."""
    if not master.startswith("sc://"):
        home = os.environ.get("JAVA_HOME")
        if shutil.which(f"{home}/bin/java" if home else "java"):
            return
        where = f" in JAVA_HOME, {home}" if home else ""
        raise BookError(
            f"Spark needs Java, and there is none{where}", hint="install it, or give a Connect server: sc://…"
        )
    server = urlsplit(master)
    try:
        socket.create_connection((server.hostname or "", server.port or _CONNECT_PORT), timeout=10).close()
    except (OSError, ValueError) as error:
        raise BookError(f"no Spark Connect server answers at {master}: {error}", hint="is it running?") from None


def _address(file: Path | str) -> str:
    """Return the address that Spark knows a file by; to Hadoop, the stores of Amazon are ``s3a``."""
    if "://" in str(file):
        return re.sub(r"^s3://", "s3a://", str(file))
    return f"file://{Path(file).resolve()}"


def _frame(native: Any) -> LazyFrame:
    return cast("LazyFrame", nw.from_native(native))
