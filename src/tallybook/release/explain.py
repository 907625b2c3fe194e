"""Explaining a published average."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.calendar import calendar
from tallybook.measures.explain import Explanation, Origin, Part, explain_days
from tallybook.measures.rolling import averages
from tallybook.model.metrics import Level
from tallybook.model.names import meant
from tallybook.model.places import Place
from tallybook.release.figures import Method, national, totals_of, withheld_of


def explain(
    observations: pl.DataFrame,
    place: Place,
    day: date,
    metric: str,
    *,
    method: Method,
    notes: pl.DataFrame,
    records: pl.DataFrame,
) -> Explanation:
    """Return what an average is made of: the days of its window, or for the nation the states it adds up.

    Args:
        observations: as ``Ledger.as_of`` returns them.
        place: the place.
        day: the day of the average.
        metric: one of the book's metrics.
        method: how the averages are made.
        notes: the dated notes of the sources; columns of ANNOTATION_SCHEMA.
        records: as ``Ledger.records`` returns them.

    Raises:
        ContractError: there is no such metric, or no average of the place on that day.
    """
    if metric not in method.metrics:
        raise ContractError(f"no metric {metric!r}", hint=meant(metric, method.metrics, otherwise="use one of"))
    if place.level is Level.NATION:
        summed = _explain_sum(observations, place, day, metric, method)
        if summed is not None:
            return _with_notes(_with_origin(summed, observations, records), notes)
    made = _explain_days(observations, place, day, metric, method)
    return _with_notes(_with_origin(made, observations, records), notes)


def _explain_days(observations: pl.DataFrame, place: Place, day: date, metric: str, method: Method) -> Explanation:
    totals = totals_of(observations, place.level, method.places, metrics=[metric])
    counts = method.daily(totals, place.level, [metric]).filter(geoid=place.geoid)
    made = averages(
        calendar(counts, place="geoid", date="date"),
        metric,
        days=method.days[place.level][metric],
        register=method.register,
        reporting=method.reporting[place.level],
        withheld=withheld_of(observations),
    )
    days = explain_days(made, day)
    start, end = made.window(made.row(day))
    counted = [shown for shown in days if shown.in_divisor]
    return _with_people(
        Explanation(
            place=place.geoid,
            metric=metric,
            date=day,
            average=made.average()[made.row(day)],
            per_100k=None,
            window_start=start,
            window_end=end,
            window_days=len(counted),
            total=sum(shown.contribution for shown in counted),
            days=days,
            parts=(),
            anomalies=_words(method.register, {name for shown in days for name in shown.anomalies}),
            reporting=method.reporting[place.level],
        ),
        place,
    )


def _explain_sum(
    observations: pl.DataFrame, place: Place, day: date, metric: str, method: Method
) -> Explanation | None:
    """Return the explanation of a national average; None where the book has no states to add."""
    states = totals_of(observations, Level.STATE, method.places, metrics=[metric])
    if states.is_empty():
        return None
    secret = withheld_of(observations)
    parts = method.averages(states, Level.STATE, [metric], withheld=secret)
    own = totals_of(observations, Level.NATION, method.places, metrics=[metric])
    row = national(method.averages(own, Level.NATION, [metric]), parts, [metric], withheld=secret).filter(date=day)
    if row.is_empty() or row[f"{metric}_avg"].item() is None:
        hint = (
            "there are no reports of that day"
            if row.is_empty()
            else "nothing is reported, or a state's count is withheld"
        )
        raise ContractError(f"no average of {metric} on {day}", hint=hint)
    made = row.row(0, named=True)
    added = parts.filter(pl.col("date") == day, pl.col(f"{metric}_avg").is_not_null())
    return _with_people(
        Explanation(
            place=place.geoid,
            metric=metric,
            date=day,
            average=made[f"{metric}_avg"],
            per_100k=None,
            window_start=made[f"{metric}_window_start"],
            window_end=made[f"{metric}_window_end"],
            window_days=made[f"{metric}_window_days"],
            total=None,
            days=(),
            parts=tuple(Part(*pair) for pair in added.select("geoid", f"{metric}_avg").rows()),
            anomalies=_words(method.register, set(made[f"{metric}_anomaly"] or ())),
            reporting=method.reporting[place.level],
        ),
        place,
    )


def _with_people(made: Explanation, place: Place) -> Explanation:
    return replace(made, per_100k=made.average * 100_000 / place.population) if place.population else made


def _with_origin(made: Explanation, observations: pl.DataFrame, records: pl.DataFrame) -> Explanation:
    told = observations.filter(place=made.place, metric=made.metric, date=made.date)
    said = told.join(records.select("record", "file", "sha256"), on="record")
    if said.is_empty():
        return made
    row = said.row(0, named=True)
    total = None if row["value"] is None else int(row["value"])
    known = {name: row[name] for name in ("source", "as_of", "revision", "file", "sha256")}
    return replace(made, origin=Origin(total=total, **known))


def _with_notes(made: Explanation, notes: pl.DataFrame) -> Explanation:
    last = pl.col("end_date").fill_null(pl.col("date"))
    within = notes.filter(pl.col("date") <= made.date, last >= made.window_start)
    return replace(made, notes=tuple(within.select(pl.format("{} ({})", "note", "source")).to_series()))


def _words(register: pl.DataFrame, ids: set[str]) -> dict[str, str]:
    """Return the editor's words of these anomalies, in the order of the register."""
    rows = register.filter(pl.col("id").is_in(ids)).select("id", pl.col("description").fill_null("").str.strip_chars())
    return dict(rows.rows())
