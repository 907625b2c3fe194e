"""Why an average is what it is: the days of its window, one by one."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from tallybook.errors import ContractError
from tallybook.measures.rolling import Averages
from tallybook.model.cards import Reporting


class Role(StrEnum):
    """What a day does to an average.

    >>> [role.value for role in Role]
    ['counted', 'no data', 'believed zero', 'omitted', 'negative', 'before the first report', 'waiting']
    """

    COUNTED = "counted"
    NO_DATA = "no data"
    BELIEVED_ZERO = "believed zero"
    OMITTED = "omitted"
    NEGATIVE = "negative"
    BEFORE_FIRST = "before the first report"
    WAITING = "waiting"


@dataclass(frozen=True)
class Day:
    """A day of a window, or between its end and the day asked for.

    Attributes:
        date: the day.
        count: the new count reported; None where none was.
        adjustment: what the register adds to it.
        role: what the day does to the average. 'counted': its count is in the sum. 'no data': it shares the count of
            the next day with data, and counts as a day. 'believed zero': a zero that counts, after a long run of empty
            days. 'omitted' and 'negative': neither count nor day. 'waiting': after the window, nothing to average yet.
        anomalies: the ids of the register's entries for the day.
    """

    date: dt.date
    count: int | None
    adjustment: int
    role: Role
    anomalies: tuple[str, ...]

    @property
    def in_divisor(self) -> bool:
        """Whether the day is one of those the sum is divided by."""
        return self.role not in (Role.OMITTED, Role.NEGATIVE, Role.WAITING)

    @property
    def contribution(self) -> int:
        """What the day adds to the sum."""
        return (self.count or 0) + self.adjustment if self.in_divisor else 0


@dataclass(frozen=True)
class Part:
    """A place whose average is part of a sum.

    Attributes:
        place: its geoid.
        average: its average, unrounded.
    """

    place: str
    average: float


@dataclass(frozen=True)
class Origin:
    """Where a total comes from.

    Attributes:
        total: the cumulative count; None where the source has none.
        source: who said it.
        as_of: since when it is known.
        revision: how many other values it had before.
        file: the file that said it.
        sha256: the digest of that file's bytes, in hex.
    """

    total: int | None
    source: str
    as_of: dt.datetime
    revision: int
    file: str
    sha256: str


@dataclass(frozen=True)
class Explanation:
    """What an average is made of.

    Attributes:
        place: the geoid.
        metric: what is averaged.
        date: the day of the average.
        average: per day, unrounded.
        per_100k: the average per 100,000 people, unrounded; None where the place has no population.
        window_start: the first day of the window.
        window_end: its last day.
        window_days: the divisor. For a sum over places, the longest of the parts' windows.
        total: the sum of the window's counts. For a sum over places, None.
        days: the days from the window's start to the day asked for; empty for a sum over places.
        parts: the places whose averages are added; empty for a place with days of its own.
        anomalies: id and the editor's words, of every entry that concerns these days.
        notes: what the sources say of these days themselves.
        reporting: 'infer-from-zero' where a zero is taken as a day without data, 'explicit' where it is believed.
        origin: where the total of the day asked for comes from; None where nothing was said of it.
    """

    place: str
    metric: str
    date: dt.date
    average: float
    per_100k: float | None
    window_start: dt.date
    window_end: dt.date
    window_days: int
    total: int | None
    days: tuple[Day, ...]
    parts: tuple[Part, ...]
    anomalies: dict[str, str]
    reporting: Reporting
    notes: tuple[str, ...] = ()
    origin: Origin | None = None


def explain_days(made: Averages, day: dt.date) -> tuple[Day, ...]:
    """Return the days an average is made of, from the start of its window to the day itself.

    Args:
        made: the averages of one place.
        day: the day asked for.

    Raises:
        ContractError: the place has reported nothing by that day, a count is withheld, or the calendar ends before it.

    >>> from datetime import date
    >>> from tallybook.measures.calendar import calendar
    >>> from tallybook.measures.rolling import averages
    >>> new = pl.DataFrame({"geoid": "USA-31", "date": [date(2020, 2, d) for d in (17, 18, 19)], "cases": [10, 0, 4]})
    >>> made = averages(calendar(new, place="geoid", date="date"), "cases", days=2)
    >>> [(d.date.day, d.count, d.role.value) for d in explain_days(made, date(2020, 2, 19))]
    [(18, 0, 'no data'), (19, 4, 'counted')]
    """
    frame = made.calendar.frame
    dates = frame[made.calendar.date]
    begin = int(made.begins[0]) if frame.height else 0
    if begin >= frame.height or not dates[begin] <= day <= dates[-1]:
        hint = "nothing is reported" if begin >= frame.height else f"there are reports of {dates[begin]} to {dates[-1]}"
        raise ContractError(f"no average of {made.metric} on {day}", hint=hint)
    row = made.row(day)
    if made.average()[row] is None:
        hint = f"counts begin on {dates[begin]}, and what was before is not known; the window is not whole yet"
        if made.untold is not None and made.untold[row]:
            hint = "a count is withheld, and the next one that is known covers the day"
        raise ContractError(f"no average of {made.metric} on {day}", hint=hint)
    start, end = made.window(row)
    believed = set(made.windows.believed_rows().tolist())
    shown = []
    for number in range((start - dates[0]).days, row + 1):
        at = dates[0] + dt.timedelta(days=number)
        if number < begin:
            shown.append(Day(at, None, 0, Role.BEFORE_FIRST, ()))
        else:
            shown.append(_day(made, number, at, waiting=at > end, believed=number in believed))
    return tuple(shown)


def explain_last(made: Averages) -> pl.DataFrame:
    """Return the days that the last average of every place is made of: what ``explain_days`` says, of all at once.

    Returns:
        ``place``, ``date``, ``count`` (null: not reported), ``adjustment``, ``role`` (of ``Role``), ``anomalies``
        (ids of the register), ``contribution`` (null where the day is not one of those the sum is divided by); sorted
        by place and date. Places without an average on the last day have no rows.

    >>> from datetime import date
    >>> from tallybook.measures.calendar import calendar
    >>> from tallybook.measures.rolling import averages
    >>> new = pl.DataFrame({"geoid": "USA-31", "date": [date(2020, 2, d) for d in (17, 18, 19)], "cases": [10, 0, 4]})
    >>> made = averages(calendar(new, place="geoid", date="date"), "cases", days=2)
    >>> explain_last(made).select("count", "role", "contribution").rows()
    [(0, 'no data', 0), (4, 'counted', 4)]
    """
    frame, spans = made.calendar.frame, made.calendar.spans
    last = (spans["first_row"] + spans["rows"] - 1).to_list()
    _, _, start, end, _ = (series[last] for series in made.details())
    asked = pl.DataFrame(
        {"place": spans["place"], "start": start, "end": end, "last": frame[made.calendar.date][last]}
    ).filter(made.average()[last].is_not_null())
    wanted = asked.with_columns(date=pl.date_ranges("start", "last")).explode("date")
    days = wanted.join(_days_of(made), on=["place", "date"], how="left", maintain_order="left")
    role = (
        pl.when(pl.col("role").is_null())
        .then(pl.lit(Role.BEFORE_FIRST.value))
        .when((pl.col("date") > pl.col("end")) & ~pl.col("role").is_in([Role.OMITTED.value, Role.NEGATIVE.value]))
        .then(pl.lit(Role.WAITING.value))
        .otherwise("role")
    )
    told = days.with_columns(role.alias("role"), pl.col("adjustment").fill_null(0))
    out = pl.col("role").is_in([Role.OMITTED.value, Role.NEGATIVE.value, Role.WAITING.value])
    contribution = pl.when(~out).then(pl.col("count").fill_null(0) + pl.col("adjustment"))
    return told.with_columns(contribution=contribution).select(
        "place", "date", "count", "adjustment", "role", "anomalies", "contribution"
    )


def _days_of(made: Averages) -> pl.DataFrame:
    """Return what every day does to the averages after it, from the first report of its place."""
    frame = made.calendar.frame
    rows = pl.int_range(frame.height, dtype=pl.Int64, eager=True)
    days = pl.DataFrame(
        {
            "row": rows,
            "place": frame[made.calendar.place],
            "date": frame[made.calendar.date],
            "count": frame[made.metric],
            "counts": pl.Series(made.counts),
            "omitted": pl.Series(made.omitted),
            "believed": rows.is_in(pl.Series(made.windows.believed_rows(), dtype=pl.Int64).implode()),
            "has_data": pl.Series(made.has_data),
        }
    ).filter(rows >= pl.Series(made.begins, dtype=pl.Int64))
    marks = made.marks.select("row", "omit", adjustment="adjust", anomalies="anomaly")
    negative = (pl.col("counts") < 0) & ~pl.col("omit").fill_null(value=False)
    role = (
        pl.when("omitted")
        .then(pl.when(negative).then(pl.lit(Role.NEGATIVE.value)).otherwise(pl.lit(Role.OMITTED.value)))
        .when("believed")
        .then(pl.lit(Role.BELIEVED_ZERO.value))
        .when("has_data")
        .then(pl.lit(Role.COUNTED.value))
        .otherwise(pl.lit(Role.NO_DATA.value))
    )
    joined = days.join(marks, on="row", how="left", maintain_order="left")
    return joined.select("place", "date", "count", "adjustment", role.alias("role"), "anomalies")


def _day(made: Averages, row: int, at: dt.date, *, waiting: bool, believed: bool) -> Day:
    marks = made.marks.filter(row=row)
    count = made.calendar.frame[made.metric][row]
    adjustment = int(marks.select(pl.col("adjust").sum()).item())
    anomalies = tuple(marks["anomaly"].explode().drop_nulls()) if marks.height else ()
    if made.omitted[row]:
        role = Role.NEGATIVE if made.counts[row] < 0 and not marks["omit"].any() else Role.OMITTED
    elif waiting:
        role = Role.WAITING
    elif believed:
        role = Role.BELIEVED_ZERO
    else:
        role = Role.COUNTED if made.has_data[row] else Role.NO_DATA
    return Day(at, count, adjustment, role, anomalies)
