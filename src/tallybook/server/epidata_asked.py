"""What Delphi's clients ask: lists, wildcards and ranges of signals, places, days and issues, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Final, Literal, get_args
from urllib.parse import parse_qs

import polars as pl

from tallybook.model.metrics import Level
from tallybook.model.places import Gazetteer
from tallybook.server.refusals import RefusedError

TimeType = Literal["day", "week"]

_FIELDS: Final = 50
_RANGE: Final = re.compile(r"(?P<first>[0-9]{6,8}|[0-9]{4}-[0-9]{2}-[0-9]{2})(?:(?:--|-|:)(?P<last>.+))?")


def refused(message: str, hint: str | None = None) -> RefusedError:
    """Return the refusal of what is asked wrongly."""
    return RefusedError(400, message, hint=hint)


def parameters(*queries: bytes) -> dict[str, str]:
    """Return the parameters of a query and of a form; what is given several times is one list.

    >>> parameters(b"signals=a&signals=b&time_type=", b"lag=1")
    {'signals': 'a,b', 'lag': '1'}
    """
    said: dict[str, str] = {}
    for query in queries:
        try:
            found = parse_qs(query.decode(), max_num_fields=_FIELDS, errors="strict")
        except (ValueError, UnicodeDecodeError):
            raise refused("the parameters cannot be read") from None
        said |= {name: ",".join(values) for name, values in found.items()}
    if any(not text.isprintable() for text in said.values()):
        raise refused("the parameters have characters in them that cannot be printed")
    return said


def listed(text: str) -> list[str]:
    """Return the parts of a list.

    >>> listed("pa, ,ny,pa")
    ['pa', 'ny']
    """
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def grouped(text: str) -> list[tuple[str, list[str]]]:
    """Return what stands in groups: a name, and the parts of it; a name that stands there twice is one group.

    >>> grouped("state:pa,ny;county:*")
    [('state', ['pa', 'ny']), ('county', ['*'])]
    """
    groups: dict[str, list[str]] = {}
    for group in filter(None, text.split(";")):
        name, colon, parts = group.partition(":")
        if not colon:
            raise refused(f"{group!r} has no colon", "write it like state:pa,ny;county:*")
        groups.setdefault(name.strip(), []).extend(listed(parts))
    if not groups:
        raise refused(f"{text!r} names nothing", "write it like state:pa,ny;county:*")
    return [(name, list(dict.fromkeys(parts))) for name, parts in groups.items()]


def day_of(text: str) -> date:
    """Return a day.

    Raises:
        RefusedError: it is none.

    >>> day_of("20200401") == day_of("2020-04-01") == date(2020, 4, 1)
    True
    """
    try:
        if re.fullmatch(r"[0-9]{8}|[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise refused(f"not a valid date: {text}", "write it as YYYYMMDD or YYYY-MM-DD")


@dataclass(frozen=True)
class Times:
    """Days or weeks that are asked for.

    Attributes:
        kind: which.
        spans: the first and the last of each range; None: any.
    """

    kind: TimeType
    spans: tuple[tuple[date, date], ...] | None

    def has(self) -> pl.Expr:
        """Return whether a row is of these days; of weeks no rows are asked for, since there is no signal by week."""
        if self.spans is None:
            return pl.lit(value=True)
        return pl.any_horizontal(pl.col("date").is_between(pl.lit(first), pl.lit(last)) for first, last in self.spans)

    def __contains__(self, day: date) -> bool:
        return self.spans is None or any(first <= day <= last for first, last in self.spans)


def times(kind: str, parts: Sequence[str], name: str) -> Times:
    """Return the days or weeks that are asked for.

    Args:
        kind: day or week.
        parts: days, weeks and ranges of them, or ``*``.
        name: what they are called.

    Raises:
        RefusedError: one of them is none.

    >>> times("day", ["20200401-20200403", "2020-05-01--2020-05-02"], "time_values").spans[1][1]
    datetime.date(2020, 5, 2)
    """
    if kind not in get_args(TimeType):
        raise refused(f"invalid time_type {kind}", "use day or week")
    if not parts:
        raise refused(f"missing parameter: {name}", "give days, ranges of days, or *")
    spans = None if "*" in parts else tuple(_span(part, kind, name) for part in parts)
    return Times("day" if kind == "day" else "week", spans)


def _span(text: str, kind: str, name: str) -> tuple[date, date]:
    found = _RANGE.fullmatch(text)
    if found is None:
        raise refused(f"{name}: not a valid date: {text}", "write it as YYYYMMDD, or YYYYMMDD-YYYYMMDD")
    read = day_of if kind == "day" else _week_of
    first, last = read(found["first"]), read(found["last"] or found["first"])
    if first > last:
        raise refused(f"{name}: {text} ends before it begins")
    return first, last


def _week_of(text: str) -> date:
    """Return a day that is in a week (MMWR) of a year, nearly: only the order of weeks counts."""
    if not re.fullmatch(r"[0-9]{4}(0[1-9]|[1-4][0-9]|5[0-3])", text):
        raise refused(f"not a valid week: {text}", "write it as YYYYWW")
    try:
        return date(int(text[:4]), 1, 1) + timedelta(weeks=int(text[4:]) - 1)
    except (OverflowError, ValueError):
        raise refused(f"not a valid week: {text}") from None


class Geography:
    """What Epidata calls places, and what a gazetteer does.

    Args:
        places: the gazetteer.
    """

    def __init__(self, places: Gazetteer) -> None:
        self._places = places

    @cached_property
    def values(self) -> dict[str, str]:
        """What a place is called, by geoid.

        A county by its FIPS code, counts of no county by the state's and 000, a state by its postal code, the nation
        us; a town by its geoid.
        """
        return {
            geoid: self._value(geoid, level, abbreviation, name)
            for geoid, level, abbreviation, name in self._places.frame.select(
                "geoid", "level", "abbreviation", "name"
            ).rows()
        }

    @cached_property
    def geoids(self) -> dict[tuple[str, str], str]:
        """The geoid of a place, by level and what it is called."""
        levels = dict(self._places.frame.select("geoid", "level").rows())
        return {(levels[geoid], value): geoid for geoid, value in self.values.items()}

    def find(self, level: Level, values: Sequence[str]) -> list[str] | None:
        """Return the geoids of places; None: all.

        Raises:
            RefusedError: one of them is not known.
        """
        if "*" in values:
            return None
        unknown = [value for value in values if (level.value, value.lower()) not in self.geoids]
        if unknown:
            raise refused(f"Invalid geo_value(s) {', '.join(unknown[:10])} for the requested geo_type {level.value}")
        return [self.geoids[level.value, value.lower()] for value in values]

    @staticmethod
    def _value(geoid: str, level: str, abbreviation: str | None, name: str) -> str:
        if level == Level.NATION.value:
            return "us"
        if level == Level.STATE.value and abbreviation:
            return abbreviation.lower()
        if level == Level.COUNTY.value:
            return f"{geoid[4:6]}000" if name == "Unknown" else geoid[4:]
        return geoid.lower()


def level_named(name: str) -> Level | None:
    """Return the level of a geo_type; None where there is no such level."""
    return Level(name) if name in list(Level) else None


def instant_of(text: str) -> date | datetime:
    """Return a day, or an instant in UTC.

    Raises:
        RefusedError: it is neither.

    >>> instant_of("2025-10-16T13:45:00Z").minute
    45
    """
    if "T" not in text:
        return day_of(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refused(f"not a valid date or UTC timestamp: {text}", "write it as 2025-10-16T13:45:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def chosen(fields: str | None, columns: Sequence[str]) -> list[str]:
    """Return the columns that are asked for: those named, or all but those with a minus.

    >>> chosen("-stderr,-lag", ["value", "lag", "stderr"]), chosen("value", ["value", "lag"])
    (['value'], ['value'])
    """
    names = listed(fields or "")
    without = {name[1:] for name in names if name.startswith("-")}
    only = {name for name in names if not name.startswith("-")}
    return [name for name in columns if name not in without and (not only or name in only)]


def whole_number(said: Mapping[str, str], name: str, *, least: int = 0) -> int | None:
    """Return a parameter that is a whole number; None where it is not given.

    Raises:
        RefusedError: it is none, or too small.
    """
    text = said.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < least:
        raise refused(f"{name}: {text!r} is no whole number from {least} up")
    return int(text)
