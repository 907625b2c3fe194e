"""Terms of a model of expected deaths that are particular to a place: holidays of its registrars, and other days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.frames import require
from tallybook.model.mortality import HolidayTerm, PlaceTerms

TERM: Final = "term "
"""What the columns of terms begin with."""


def with_terms(rows: pl.DataFrame, terms: Iterable[PlaceTerms]) -> tuple[pl.DataFrame, dict[str, list[str]]]:
    """Return the rows with a column ``term NAME`` for each term, and which of them each place's model has, by name.

    Args:
        rows: ``place``, ``week``, ``start_date``, ``end_date`` and what the terms name.
        terms: what is particular in the places.

    Raises:
        ContractError: a place is not among the rows, or a term needs a column that is missing, holds no numbers or is
        blank, or names an unknown holiday.

    >>> week = {"place": "Ohio", "week": 1, "start_date": dt.date(2020, 1, 1), "end_date": dt.date(2020, 1, 7)}
    >>> new_year = PlaceTerms(place="Ohio", holidays=HolidayTerm(country="US", names=("New Year's Day",)))
    >>> with_terms(pl.DataFrame([week]), [new_year])[0]["term holidays"].to_list()
    [1.0]
    """
    names: dict[str, list[str]] = {}
    for said in terms:
        here = pl.col("place") == said.place
        if said.place not in rows["place"]:
            raise ContractError(
                f"there is no {said.place!r} to have terms of its own", hint="is it called so in the frame?"
            )
        names[said.place] = []
        for name, values in _columns(rows, said):
            column = f"{TERM}{name}"
            others = pl.col(column) if column in rows.columns else pl.lit(0.0)
            rows = rows.with_columns(pl.when(here).then(values.cast(pl.Float64)).otherwise(others).alias(column))
            if rows.filter(here)[column].has_nulls():
                raise ContractError(
                    f"the term {name!r} of {said.place} is not known of every period", hint="fill in the blank cells"
                )
            names[said.place].append(name)
    return rows, names


def _columns(rows: pl.DataFrame, said: PlaceTerms) -> Iterator[tuple[str, pl.Expr]]:
    if said.holidays:
        require(rows, ["start_date", "end_date"])
        dates = rows.filter(pl.col("place") == said.place).drop_nulls(["start_date", "end_date"])
        years = pl.concat([dates["start_date"].dt.year(), dates["end_date"].dt.year()]).unique().to_list()
        yield "holidays", _days_within(_holidays(said.holidays, years))
    for week in said.weeks:
        yield f"week_{week}", pl.col("week") == week
    if said.dates:
        require(rows, ["start_date", "end_date"])
        yield "dates", _days_within(said.dates) > 0
    for name in said.columns:
        require(rows, [name])
        if not rows[name].dtype.is_numeric():
            raise ContractError(f"column {name!r} holds no numbers", hint=f"it is a term of {said.place}")
        yield name, pl.col(name)


def _days_within(days: Iterable[dt.date]) -> pl.Expr:
    """Return how many of the days are in each period."""
    ordered = pl.Series(sorted(days), dtype=pl.Date)
    until = pl.lit(ordered).search_sorted(pl.col("end_date"), side="right").cast(pl.Int64)
    before = pl.lit(ordered).search_sorted(pl.col("start_date"), side="left").cast(pl.Int64)
    return pl.when(pl.all_horizontal(pl.col("start_date", "end_date").is_not_null())).then(until - before)


def _holidays(said: HolidayTerm, years: Sequence[int]) -> list[dt.date]:
    import holidays

    try:
        calendar = holidays.country_holidays(said.country, subdiv=said.subdivision, years=years)
    except NotImplementedError as error:
        raise ContractError(
            f"no holidays are known of {said.country} {said.subdivision or ''}".rstrip(), hint=str(error)
        ) from error
    named = {day: set(calendar.get_list(day)) for day in calendar}
    known = set().union(*named.values())
    unknown = [name for name in said.names if name not in known]
    if unknown:
        raise ContractError(
            f"no holiday {unknown[0]!r} in {said.country}", hint=f"there are {', '.join(sorted(known))}"
        )
    return [day for day, names in named.items() if not said.names or names & set(said.names)]
