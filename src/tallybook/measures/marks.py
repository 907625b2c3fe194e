"""What the register says about single days."""

from __future__ import annotations

import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.frames import as_dates, require
from tallybook.model.places import state_of

_NEEDED = (
    "date",
    "end_date",
    "geoid",
    "type",
    "omit_from_rolling_average",
    "omit_from_rolling_average_on_subgeographies",
    "adjusted_daily_count_for_avg",
)


def day_marks(
    register: pl.DataFrame, metric: str, places: pl.Series, *, among: pl.Series | None = None
) -> pl.DataFrame:
    """Return the anomalies of one metric day by day: rule 1 and 2 of the averages.

    Several anomalies on one day: adjustments add, any omission omits. An omission on subgeographies of a state applies
    to every county of it, whatever it says of the state itself.

    Args:
        register: the anomalies; flags as booleans or as yes and blank.
        metric: cases or deaths; anomalies of type 'both' belong to each.
        places: the geoids that are wanted.
        among: all the frame has, where these are some of them.

    Returns:
        ``place``, ``date``, ``omit``, ``adjust`` (counts to add), ``anomaly`` (the ids, where the register has them);
        key (place, date); only days an anomaly names.

    Raises:
        ContractError: the register lacks a column, or names places otherwise than the frame does.
    """
    require(register, _NEEDED)
    _check_names(register, places if among is None else among)
    wanted = pl.DataFrame({"place": places})
    rows = _read(register.filter(pl.col("type").cast(pl.String).is_in([metric, "both"])))
    own = rows.select("date", "end_date", "adjust", "id", place="geoid", omit="omit_here")
    below = (
        rows.filter("omit_below")
        .join(wanted.select("place", geoid=state_of(pl.col("place"))), on="geoid")
        .select("date", "end_date", pl.lit(0, pl.Int64).alias("adjust"), "id", "place", omit="omit_below")
    )
    every = pl.concat([own.join(wanted, on="place", how="semi"), below])
    return (
        every.with_columns(date=pl.date_ranges("date", pl.col("end_date").fill_null(pl.col("date"))))
        .explode("date")
        .group_by("place", "date", maintain_order=True)
        .agg(pl.col("omit").any(), pl.col("adjust").sum(), pl.col("id").drop_nulls().alias("anomaly"))
    )


def _read(register: pl.DataFrame) -> pl.DataFrame:
    def flag(name: str) -> pl.Expr:
        column = pl.col(name)
        said = column if register.schema[name] == pl.Boolean else column.cast(pl.String) == "yes"
        return said.fill_null(value=False)

    if register["date"].has_nulls():
        raise ContractError("the register has a row without a date")
    return register.with_columns(
        omit_here=flag("omit_from_rolling_average"),
        omit_below=flag("omit_from_rolling_average_on_subgeographies"),
        adjust=pl.col("adjusted_daily_count_for_avg").cast(pl.Int64).fill_null(0),
        id=pl.col("id") if "id" in register.columns else pl.lit(None, pl.String),
        date=as_dates(register["date"]),
        end_date=as_dates(register["end_date"]),
        geoid=pl.col("geoid").cast(pl.String),
    )


def _check_names(register: pl.DataFrame, places: pl.Series) -> None:
    """Raise where the register could not apply because the frame does not name places by geoid."""
    if register.is_empty() or places.is_empty():
        return
    if places.dtype != pl.String or not places.str.starts_with("USA").any():
        raise ContractError(
            f"the register names places by geoid, the frame has {places[0]!r}",
            hint="give place= the geoid column",
        )
