"""How numbers, dates and changes are written for people."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

NONE: Final = "–"
"""What stands where there is no figure. It is never a zero."""


def number(value: float | None, digits: int = 0) -> str:
    """Return a number with its thousands separated.

    >>> number(1234567), number(0.26, 1), number(None)
    ('1,234,567', '0.3', '–')
    """
    return NONE if value is None else f"{value:,.{digits}f}"


def average(value: float | None) -> str:
    """Return an average: whole from 100 up, with a decimal below.

    >>> average(1234.5), average(99.96), average(4.25), average(None)
    ('1,234', '100.0', '4.2', '–')
    """
    return number(value, 0 if value is not None and value >= 100 else 1)


def in_words(value: float | None) -> str:
    """Return a number as prose has it: two significant digits of millions, whole numbers in full.

    >>> in_words(1234567), in_words(332_000_000), in_words(25_412), in_words(3_000_000_000)
    ('1.2 million', '332 million', '25,412', '3 billion')
    """
    if value is None:
        return NONE
    for name, size in (("billion", 10**9), ("million", 10**6)):
        if value >= size:
            digits = 1 if value < 10 * size else 0
            return f"{value / size:,.{digits}f}".removesuffix(".0") + f" {name}"
    return number(value)


def day(value: dt.date | None) -> str:
    """Return a date in words.

    >>> day(dt.date(2020, 3, 3))
    'Mar 3, 2020'
    """
    return NONE if value is None else f"{value:%b} {value.day}, {value.year}"


def long_day(value: dt.date | None) -> str:
    """Return a date in words with its month in full, for sentences.

    >>> long_day(dt.date(2020, 3, 3))
    'March 3, 2020'
    """
    return NONE if value is None else f"{value:%B} {value.day}, {value.year}"


def moment(value: dt.datetime, zone: ZoneInfo) -> str:
    """Return a moment in words, as it is called where the book is.

    >>> moment(dt.datetime(2021, 3, 8, 2, 5, tzinfo=dt.UTC), ZoneInfo("America/New_York"))
    'Mar 7, 2021, 9:05 p.m. EST'
    """
    local = value.astimezone(zone)
    half = "a.m." if local.hour < 12 else "p.m."
    return f"{day(local)}, {local.hour % 12 or 12}:{local:%M} {half} {local:%Z}"


def change(percent: float | None) -> str:
    """Return a change as an arrow with a number.

    >>> change(12.4), change(-3.0), change(0.2), change(None)
    ('↑ 12%', '↓ 3%', '→ 0%', '–')
    """
    if percent is None:
        return NONE
    whole = round(percent)
    return f"{'↑' if whole > 0 else '↓' if whole < 0 else '→'} {abs(whole):,}%"


def size(count: int) -> str:
    """Return the size of a file.

    >>> size(999), size(435_000), size(24_000_000)
    ('999 bytes', '435 kB', '24 MB')
    """
    if count < 1_000:
        return f"{count} bytes"
    return f"{count / 1e3:,.0f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB".replace(".0 MB", " MB")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return how many there are of a thing.

    >>> plural(1, "county", "counties"), plural(3142, "county", "counties"), plural(2, "day")
    ('1 county', '3,142 counties', '2 days')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "number": number,
    "average": average,
    "in_words": in_words,
    "day": day,
    "long_day": long_day,
    "moment": moment,
    "change": change,
    "size": size,
    "plural": plural,
}
"""What templates call these."""
