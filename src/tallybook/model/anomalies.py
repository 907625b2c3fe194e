"""The shape of the register: what an editor decided about a place, its days and their counts."""

from __future__ import annotations

from typing import Final

import polars as pl

ANOMALY_COLUMNS: Final = (
    "date",
    "end_date",
    "county",
    "state",
    "geoid",
    "type",
    "omit_from_rolling_average",
    "omit_from_rolling_average_on_subgeographies",
    "adjusted_daily_count_for_avg",
    "description",
)
"""The columns of the published ``anomalies.csv``, in their order."""

ANOMALY_SCHEMA: Final = pl.Schema(
    {
        "id": pl.String(),
        "date": pl.Date(),
        "end_date": pl.Date(),
        "county": pl.String(),
        "state": pl.String(),
        "geoid": pl.String(),
        "type": pl.String(),
        "omit_from_rolling_average": pl.Boolean(),
        "omit_from_rolling_average_on_subgeographies": pl.Boolean(),
        "adjusted_daily_count_for_avg": pl.Int64(),
        "description": pl.String(),
    }
)
"""An anomaly: ``type`` is a metric or 'both'; ``end_date`` null means one day; the adjustment is in counts."""


def empty_register() -> pl.DataFrame:
    """Return a register without anomalies.

    >>> empty_register().height
    0
    """
    return pl.DataFrame(schema=ANOMALY_SCHEMA)
