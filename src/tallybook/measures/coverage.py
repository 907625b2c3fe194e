"""How often prediction intervals hold what happened, in years that are known and were held back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals.typing as nwt
import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.excess import DEFAULT_YEARS, excess_deaths, read_periods
from tallybook.measures.frames import take
from tallybook.measures.uncertainty import FEWEST_YEARS
from tallybook.model.mortality import PLACE, PlaceTerms


def interval_coverage(
    deaths: nwt.IntoFrame,
    *,
    until: int,
    terms: Iterable[PlaceTerms | Mapping[str, Any]] = (),
    place: str | Sequence[str] = PLACE,
) -> pl.DataFrame:
    """Return how many periods and years of each place were inside the intervals that the years before them gave.

    Every year that has at least two before it is held back once: what is fitted to ends with the December before, and
    begins at most five years earlier. No January is fitted to.

    Args:
        deaths: as for ``excess_deaths``.
        until: the last year that is held back; the last before the outbreak.
        terms: as for ``excess_deaths``.
        place: the columns that make a place.

    Returns:
        ``place``, ``frequency``, ``years`` held back, ``periods`` in them, ``periods_inside``, ``coverage_percent``,
        and ``years_inside``, of whose sums the interval held what happened; by place.

    Raises:
        ContractError: as for ``excess_deaths``, or no year can be held back.

    >>> flat = [{"geoid": "USA-39", "year": year, "month": month, "deaths": 100 + (year * month) % 7}
    ...         for year in range(2015, 2020) for month in range(1, 13)]
    >>> interval_coverage(pl.DataFrame(flat), until=2019, place="geoid").select("years", "periods").rows()
    [(3, 36)]
    """
    frame = take(deaths)[0]
    columns = (place,) if isinstance(place, str) else tuple(place)
    rows = read_periods(frame, columns).drop_nulls(["year", "deaths"]).filter(pl.col("year") <= until)
    first = rows.select("series", begins=pl.col("year").min().over("series"))["begins"]
    said = [PlaceTerms.model_validate(one).model_copy(update={"january": False}) for one in terms]
    held = rows.filter(rows["year"] >= first + FEWEST_YEARS)["year"].unique().sort()
    if held.is_empty():
        raise ContractError("no year can be held back", hint="at least two years before it have to be known")
    given = rows.select(*dict.fromkeys(["place", "frequency", "week", "month", *frame.columns]))
    parts = [_held_back(given, year, said, columns) for year in held]
    return (
        pl.concat(parts)
        .group_by("place", "frequency")
        .agg(
            years=pl.len(),
            periods=pl.col("periods").sum(),
            periods_inside=pl.col("inside").sum(),
            coverage_percent=pl.col("inside").sum() * 100 / pl.col("periods").sum(),
            years_inside=pl.col("year_inside").sum(),
        )
        .sort("place", "frequency")
    )


def _held_back(rows: pl.DataFrame, year: int, terms: Sequence[PlaceTerms], columns: Sequence[str]) -> pl.DataFrame:
    """Return, of each place with an interval, how many periods of a year it held, and whether it held their sum."""
    until = rows.filter(pl.col("year") <= year)
    here = [said for said in terms if said.place in until["place"]]
    made = excess_deaths(until, baseline=(year - DEFAULT_YEARS, year - 1), terms=here, place=columns)
    inside = pl.col("deaths").is_between("expected_low", "expected_high")
    ends = pl.col("cumulative_excess_low") <= 0, pl.col("cumulative_excess_high") >= 0
    known = made.drop_nulls("expected_low").sort("place", "frequency", "week", "month")
    return known.group_by("place", "frequency").agg(
        periods=pl.len(), inside=inside.sum(), year_inside=(ends[0] & ends[1]).last()
    )
