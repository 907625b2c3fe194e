"""The register of anomalies: days an editor explains, adjusts or leaves out of the averages."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import polars as pl

from tallybook.model.anomalies import ANOMALY_COLUMNS, ANOMALY_SCHEMA
from tallybook.model.files import read_file
from tallybook.model.metrics import METRICS, Level, Metric
from tallybook.model.places import Gazetteer, gazetteer
from tallybook.model.tables import Table, read_table

_FLAGS: Final = ("omit_from_rolling_average", "omit_from_rolling_average_on_subgeographies")
_TYPES: Final = (*(metric.value for metric in Metric), "both")


def read_anomalies(
    source: bytes | str | Path, *, file: str | None = None, places: Gazetteer | None = None
) -> pl.DataFrame:
    r"""Return the register in ``anomalies.csv``: the columns of ANOMALY_SCHEMA, key ``id``, rows as in the file.

    A null ``end_date`` says that one day is meant, a null ``county`` that the entry is of a state or the
    nation. An id is made of place, date and type, such as ``USA-48-2022-01-14-cases``; the second of its kind ends in
    ``-2``.

    Args:
        source: the path of a file in the published layout, or its bytes.
        file: the name errors use; the path by default.
        places: the gazetteer; the built-in one by default.

    Raises:
        DataRefusedError: a column is missing or extra, a place unknown or called otherwise, a date none, an end before
            its start, a type or flag unknown, an adjustment no whole number.

    >>> header = ",".join(ANOMALY_COLUMNS)
    >>> row = "2022-01-14,,,Texas,USA-48,cases,yes,,0,Texas released a backlog."
    >>> register = read_anomalies(f"{header}\n{row}\n".encode())
    >>> register.select("id", "end_date", "omit_from_rolling_average").rows()
    [('USA-48-2022-01-14-cases', None, True)]
    """
    data = source if isinstance(source, bytes) else read_file(Path(source))
    name = file or ("anomalies.csv" if isinstance(source, bytes) else str(source))
    table = read_table(data, file=name, columns=ANOMALY_COLUMNS)
    table = table.required("date", "geoid", "type", "adjusted_daily_count_for_avg")
    table = table.with_dates("date", "end_date").with_integers(
        "adjusted_daily_count_for_avg", hint="write digits only; 0 where nothing is adjusted"
    )
    ends = pl.col("end_date") < pl.col("date")
    table.refuse(
        ends,
        "end_date",
        "the end {text} is before the date {date}",
        hint="an anomaly covers date to end_date",
    )
    types = ", ".join(_TYPES)
    table.refuse(~pl.col("type").is_in(_TYPES), "type", "unknown type {text}", hint=f"use one of {types}")
    for flag in _FLAGS:
        table.refuse(pl.col(flag) != "yes", flag, "{text} is neither yes nor blank")
    _check_places(table.with_plain_texts("description"), places or gazetteer())
    flags = [(pl.col(flag) == "yes").fill_null(value=False) for flag in _FLAGS]
    return table.rows.with_columns(*flags, id=_ids()).select(ANOMALY_SCHEMA.names())


def write_anomalies(register: pl.DataFrame) -> str:
    """Return the register as the text of ``anomalies.csv``, in the published layout.

    >>> from tallybook.model.anomalies import empty_register
    >>> write_anomalies(empty_register()).startswith("date,end_date,county,state,geoid,type,")
    True
    """
    flags = [pl.when(pl.col(flag)).then(pl.lit("yes")).alias(flag) for flag in _FLAGS]
    text = io.StringIO()
    register.with_columns(*flags).select(ANOMALY_COLUMNS).write_csv(text)
    return text.getvalue()


def suggest_anomalies(findings: pl.DataFrame, places: Gazetteer) -> pl.DataFrame:
    """Return drafts of register entries for the declines and jumps no entry explains yet, for an editor to judge.

    A draft of a jump omits its day; a decline is left out of the averages anyway and only wants an explanation.

    Args:
        findings: as ``Book.check`` returns them.
        places: the gazetteer.

    Returns:
        The columns of ANOMALY_SCHEMA but the id, by date; ``end_date`` is null, for each is of one day. One row per
        place and day where cases and deaths want the same, else one per metric.
    """
    named = places.named.select("geoid", "level", "name", "state")
    county = pl.when(pl.col("level") == Level.COUNTY).then("name").alias("county")
    words = pl.format("{}: {}, where {}", "metric", "seen", "expected")
    return (
        findings.filter(pl.col("code").is_in(["decline", "jump"]), pl.col("anomaly").is_null())
        .with_columns(
            omit_from_rolling_average=pl.col("code") == "jump",
            alike=pl.when(pl.col("metric").is_in(METRICS)).then(pl.lit("both")).otherwise("metric"),
        )
        .group_by("date", "place", "alike", "omit_from_rolling_average", maintain_order=True)
        .agg(
            type=pl.when(pl.col("metric").n_unique() == len(METRICS))
            .then(pl.lit("both"))
            .otherwise(pl.first("metric")),
            description=pl.format("DRAFT. {}.", words.str.join("; ")),
        )
        .join(named, left_on="place", right_on="geoid", how="left", maintain_order="left")
        .with_columns(
            county,
            end_date=pl.lit(None, pl.Date),
            geoid=pl.col("place"),
            omit_from_rolling_average_on_subgeographies=pl.lit(value=False),
            adjusted_daily_count_for_avg=pl.lit(0, pl.Int64),
        )
        .select(ANOMALY_COLUMNS)
    )


def _ids() -> pl.Expr:
    base = pl.format("{}-{}-{}", "geoid", pl.col("date").dt.to_string(), "type")
    number = pl.int_range(1, pl.len() + 1).over("geoid", "date", "type")
    return pl.when(number == 1).then(base).otherwise(pl.format("{}-{}", base, number))


def _check_places(table: Table, places: Gazetteer) -> None:
    """Refuse an unknown geoid, and a county or state that is not called what the row says."""
    named = places.named.select("geoid", "level", known_name="name", known_state="state")
    checked = table.with_rows(table.rows.join(named, on="geoid", how="left", maintain_order="left"))
    unknown = pl.col("level").is_null()
    hint = "geoids look like USA-53 or USA-53061"
    for state in checked.rows.filter(unknown).head(1)["state"]:
        hint = hint if state is None else places.suggest(state, level=Level.STATE)
    checked.refuse(unknown, "geoid", "unknown place {text}", hint=hint)
    county = pl.when(pl.col("level") == Level.COUNTY).then("known_name")
    for column, known in (("county", county), ("state", pl.col("known_state"))):
        wrong = pl.col(column).is_not_null() & pl.col(column).ne_missing(known)
        checked.refuse(wrong, column, "{text} is not what {geoid} is called", hint="geoid and name must be one place")
