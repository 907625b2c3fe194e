"""Figures per 100,000 people, sums over places, and the rounding of publication."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import narwhals.typing as nwt
import numpy as np
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.calendar import Calendar, runs
from tallybook.measures.engines import engine_of, once
from tallybook.measures.frames import beside, is_text, places_like, require, take
from tallybook.measures.portable import portable_rates
from tallybook.model.places import gazetteer


def per_100k(
    frame: nwt.IntoFrameT,
    columns: Sequence[str] = ("cases_avg", "deaths_avg"),
    *,
    populations: Any = None,
    place: str = "geoid",
) -> nwt.IntoFrameT:
    """Return the frame with ``{column}_per_100k``: the column × 100,000 ÷ the place's population.

    Args:
        frame: any frame with the place column and the columns.
        columns: the columns to divide, in counts.
        populations: a frame of the place column and ``population`` (persons); by default the gazetteer's, of 2019.
        place: the name of the place column.

    Returns:
        The frame and a column per column given, per 100,000 people; null where the column is null, and where the
        place has no population or one of zero. Same rows, same order, same kind of frame.

    Raises:
        ContractError: a column is missing, named twice or no number, places are written otherwise than in the
            populations, or a place has two of them.

    Source: the published rates of the New York Times' Covid-19 dataset; populations of 2019, U.S. Census Bureau.

    >>> dane = pl.DataFrame({"geoid": ["USA-55025", "USA-29997"], "cases_avg": [54.0, 3.0]})
    >>> per_100k(dane, ["cases_avg"])["cases_avg_per_100k"].round(2).to_list()
    [9.88, None]
    """
    once(columns, place)
    people = (
        gazetteer().frame.select(pl.col("geoid").alias(place), "population")
        if populations is None
        else take(populations)[0]
    )
    known = _known(people, place)
    if engine := engine_of(frame, place, place):
        return cast("nwt.IntoFrameT", portable_rates(engine, columns, known, "_population").to_native())
    if isinstance(frame, pl.LazyFrame):
        return cast("nwt.IntoFrameT", _lazily(frame, columns, known, place))
    rows = take(frame)[0]
    _check(rows.schema, place, columns, known)
    return cast("nwt.IntoFrameT", beside(frame, rows.select(_rates(columns, pl.lit(_of_places(rows[place], known))))))


def _known(people: pl.DataFrame, place: str) -> pl.DataFrame:
    """Return the populations above zero, one per place.

    Raises:
        ContractError: a column is missing, is no number, or a place has two populations.
    """
    require(people, [place, "population"])
    if not people.schema["population"].is_numeric():
        raise ContractError(f"column 'population' is {people.schema['population']}, not a number of people")
    if is_text(people.schema[place]):
        people = people.with_columns(pl.col(place).cast(pl.String))
    # A number that is none is above all others in polars.
    number = pl.col("population").cast(pl.Float64)
    known = people.filter((number > 0) & number.is_finite()).select(place, _population="population")
    for twice in known.filter(pl.col(place).is_duplicated())[place].head(1):
        raise ContractError(f"{twice!r} has two populations", hint="bring one row per place")
    return known


def _check(schema: pl.Schema, place: str, columns: Sequence[str], known: pl.DataFrame) -> None:
    require(schema.to_frame(), [place, *columns])
    places_like(known, place, text=is_text(schema[place]), of="the populations")
    for column in columns:
        if not (schema[column].is_numeric() or schema[column] == pl.Null):
            raise ContractError(f"column {column!r} is {schema[column]}, not a number")


def _lazily(frame: pl.LazyFrame, columns: Sequence[str], known: pl.DataFrame, place: str) -> pl.LazyFrame:
    schema = frame.collect_schema()
    _check(schema, place, columns, known)
    people = known.lazy().rename({place: "_place"})
    joined = frame.join(people, left_on=_key(place, schema), right_on="_place", how="left", maintain_order="left")
    return joined.with_columns(_rates(columns, pl.col("_population"))).select(*schema, *_rate_names(columns))


def _key(place: str, schema: pl.Schema) -> pl.Expr:
    """Return the places as populations have them; categories are read as text."""
    categories = isinstance(schema[place], (pl.Categorical, pl.Enum))
    return pl.col(place).cast(pl.String) if categories else pl.col(place)


def _rate_names(columns: Sequence[str]) -> list[str]:
    return [f"{column}_per_100k" for column in columns]


def _rates(columns: Sequence[str], population: pl.Expr) -> list[pl.Expr]:
    names = zip(columns, _rate_names(columns), strict=True)
    # As floats: a product of a count of 32 bits goes round its end without a word.
    return [(pl.col(column).cast(pl.Float64) * 100_000 / population).alias(name) for column, name in names]


def _of_places(places: pl.Series, known: pl.DataFrame) -> pl.Series:
    """Return the population of each place; looked up once for a run of rows of one place."""
    bounds = runs(places)
    heads = places.gather(bounds[:-1]).to_frame()
    heads = heads.select(_key(places.name, heads.schema))
    people = heads.join(known, on=places.name, how="left", maintain_order="left")["_population"]
    return people.gather(np.repeat(np.arange(len(people)), np.diff(bounds)))


def sum_over_places(parts: Calendar, columns: Sequence[str]) -> pl.DataFrame:
    """Return the sums of the columns over all places, day by day: how a national average is made.

    The places are added one after the other in the order of their ids, so that the last digit is always the same.

    Args:
        parts: one row per place and day, sorted by place.
        columns: the columns to add; null adds nothing.

    Returns:
        The date column of ``parts`` and the columns; one row per day, sorted; null where every place is null.

    >>> from datetime import date
    >>> from tallybook.measures.calendar import calendar
    >>> day = date(2020, 3, 1)
    >>> parts = pl.DataFrame({"geoid": ["USA-06", "USA-53"], "date": [day, day], "cases_avg": [1.5, 0.25]})
    >>> sum_over_places(calendar(parts, place="geoid", date="date"), ["cases_avg"])["cases_avg"].to_list()
    [1.75]
    """
    dates = parts.frame[parts.date]
    days = dates.unique().sort()
    at = days.search_sorted(dates).to_numpy()
    sums = [days.alias(parts.date)]
    for column in columns:
        values = parts.frame[column]
        known = np.bincount(at, weights=values.is_not_null().to_numpy(), minlength=len(days)) > 0
        total = pl.Series(column, np.bincount(at, weights=values.fill_null(0).to_numpy(), minlength=len(days)))
        sums.append(total.zip_with(pl.Series(known), pl.Series([None], dtype=pl.Float64)))
    return pl.DataFrame(sums)


def half_up(value: float) -> float:
    """Return a figure at two decimals, halves upwards, as it is published.

    >>> half_up(0.125), half_up(0.375)
    (0.13, 0.38)
    """
    return math.floor(value * 100 + 0.5) / 100


def round_half_up(column: str) -> pl.Expr:
    """Return the column at two decimals, halves upwards: ``floor(100 x + 0.5) / 100``.

    Written so that every engine agrees on the last digit: a product and a rounding, never a division by 100.

    >>> pl.DataFrame({"avg": [0.125, 0.375, 2.0]}).select(round_half_up("avg"))["avg"].to_list()
    [0.13, 0.38, 2.0]
    """
    return ((pl.col(column) * 100 + 0.5).floor() * 0.01).round(2)
