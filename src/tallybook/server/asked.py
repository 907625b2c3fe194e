"""What may be asked: the parameters of the API, their texts read and their limits, and pages of an answer."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Final

import polars as pl
from fastapi import Depends, Query
from pydantic import BeforeValidator

from tallybook.model.metrics import Level
from tallybook.server.encode import Format
from tallybook.server.refusals import NoSuchError, RefusedError
from tallybook.server.respond import Desk
from tallybook.server.served import Limits, ServedBook
from tallybook.server.shelf import Opened
from tallybook.server.signals import MEASURES, Measure, Signal

_PRINTED: Final = r"^[^\x00-\x1f\x7f]*$"
_DAYS: Final = 2_000  # of a place, about
MOST: Final = Limits().page


def _day(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("write it as YYYY-MM-DD")
    return text


def _moment(text: str) -> str | date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return date.fromisoformat(text)
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:", text):
        raise ValueError("write it as 2021-03-05T02:15-05:00")
    try:
        # A plus in an address is a blank to who reads it.
        return datetime.fromisoformat(text[:11] + text[11:].replace(" ", "+"))
    except ValueError:
        raise ValueError("write it as 2021-03-05T02:15-05:00") from None


Moment = date | datetime
Places = Annotated[
    list[Annotated[str, Query(max_length=100, pattern=_PRINTED)]] | None,
    Query(
        description="An id, FIPS code, name or abbreviation; may be given several times.",
        examples=["USA-53"],
    ),
]
OnePlace = Annotated[
    str,
    Query(max_length=100, pattern=_PRINTED, description="An id, FIPS code, name or abbreviation.", examples=["Texas"]),
]
OneMetric = Annotated[
    str, Query(max_length=100, pattern=_PRINTED, description="A metric of the book.", examples=["cases"])
]
Metrics = Annotated[
    list[Annotated[str, Query(max_length=100, pattern=_PRINTED)]] | None,
    Query(
        description="A metric of the book; all of them by default. May be given several times.",
        examples=["cases"],
    ),
]
Measures = Annotated[
    list[Measure] | None,
    Query(
        description="What of a metric; all by default. May be given several times.",
        examples=["avg"],
    ),
]
OfLevel = Annotated[
    Level | None, Query(description="All places of a level; with place, those of it.", examples=["state"])
]
From = Annotated[
    date | None, BeforeValidator(_day), Query(alias="from", description="The first day.", examples=["2020-03-01"])
]
To = Annotated[
    date | None, BeforeValidator(_day), Query(alias="to", description="The last day.", examples=["2020-03-31"])
]
Day = Annotated[date | None, BeforeValidator(_day), Query(alias="date", description="The day; the latest by default.")]
ThatDay = Annotated[date, BeforeValidator(_day), Query(alias="date", description="The day.", examples=["2022-01-16"])]
WithStatus = Annotated[
    bool | None,
    Query(
        description="Add why each count is there or missing; by default where the book is counted by week.",
        examples=[True],
    ),
]
AsOf = Annotated[
    Moment | None,
    BeforeValidator(_moment),
    Query(description="As it was known at this moment; without an offset, where the book is; a day is its beginning."),
]
Since = Annotated[Moment | None, BeforeValidator(_moment), Query(description="Only what came after this moment.")]
InFormat = Annotated[Format, Query(alias="format", description="What the answer is written as.")]
PageSize = Annotated[
    int | None,
    Query(ge=1, le=MOST, description=f"The rows of a page; by default {MOST:,} of JSON, and all in other formats."),
]
Cursor = Annotated[
    str | None,
    Query(
        max_length=200, pattern=r"^[A-Za-z0-9_\-]+$", description="Where the next page begins, as the last one said."
    ),
]


@dataclass(frozen=True)
class Page:
    """Which rows of an answer are sent, and in which format.

    Attributes:
        format: what the answer is written as.
        size: its rows; None: all.
        begin: the first of them.
        of: the state of the book the pages are of; empty for the first page.
    """

    format: Format
    size: int | None
    begin: int
    of: str

    @property
    def is_all(self) -> bool:
        """Whether it has all rows there are, so that they can be sent as they come."""
        return self == Page(self.format, None, 0, "")

    def cut(self, frame: pl.DataFrame, state: str) -> tuple[pl.DataFrame, str | None]:
        """Return the rows of the page, and the cursor of the next; None where it is the last.

        Args:
            frame: all rows.
            state: the state of the book they are of.

        Raises:
            RefusedError: the pages before this one were of another state.
        """
        if self.of and self.of != state:
            raise RefusedError(409, "the data have changed since the page before", hint="begin again without cursor")
        if self.size is None:
            return frame[self.begin :], None
        end = self.begin + self.size
        following = f"{end} {state}".encode()
        cursor = base64.urlsafe_b64encode(following).decode().rstrip("=") if end < frame.height else None
        return frame[self.begin : end], cursor


def _page(format_: InFormat = "json", limit: PageSize = None, cursor: Cursor = None) -> Page:
    size = limit or (MOST if format_ == "json" else None)
    if cursor is None:
        return Page(format_, size, 0, "")
    try:
        begin, _, state = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii").partition(" ")
        return Page(format_, size, int(re.fullmatch(r"[0-9]{1,12}", begin)[0]), state)  # type: ignore[index]
    except (binascii.Error, UnicodeDecodeError, TypeError):
        raise NoSuchError(f"no page {cursor!r}", hint="begin again without cursor") from None


Paged = Annotated[Page, Depends(_page)]


def moment_of(asked: Moment | None, book: ServedBook) -> datetime | None:
    """Return the moment that is asked for.

    Raises:
        NoSuchError: it is in the future, or before all time zones.
    """
    if asked is None:
        return None
    moment = asked if isinstance(asked, datetime) else datetime.combine(asked, time())
    try:
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=book.zone)).astimezone(UTC)
    except (OverflowError, ValueError):
        raise NoSuchError(f"{asked} cannot be told in UTC", hint="nothing is known of that time") from None
    if moment > datetime.now(UTC):
        raise NoSuchError(f"{asked} is in the future", hint="nothing is known then yet")
    return moment


@dataclass(frozen=True)
class Wanted:
    """The figures that are asked for.

    Attributes:
        geoids: by level, the places; None: all of the level.
        signals: what of them.
        first: the first day; None: from the beginning.
        last: the last day; None: to the end.
        status: whether to say why each count is there or missing.
    """

    geoids: dict[Level, list[str] | None]
    signals: tuple[Signal, ...]
    first: date | None
    last: date | None
    status: bool = False

    @property
    def days(self) -> pl.Expr:
        """Whether a row is of the days that are asked for."""
        day = pl.col("date")
        wanted = pl.lit(value=True) if self.first is None else day >= self.first
        return wanted if self.last is None else wanted & (day <= self.last)

    def rows(self, opened: Opened) -> int:
        """Return about how many rows they have."""
        days = (self.last - self.first).days + 1 if self.first is not None and self.last is not None else None
        return sum(rows_of(opened, level, geoids, days) for level, geoids in self.geoids.items())


def rows_of(opened: Opened, level: Level, geoids: Sequence[str] | None, days: int | None) -> int:
    """Return about how many rows some places have on some days, without reading any.

    Args:
        opened: the release.
        level: the level of the places.
        geoids: the places; None: all.
        days: the number of days; None: all.
    """
    most = opened.height(level)
    places = opened.book.places.frame.filter(level=level.value).height if geoids is None else len(geoids)
    return min(most, places * days) if days is not None else most if geoids is None else min(most, places * _DAYS)


def wanted_of(
    desk: Desk,
    opened: Opened,
    place: Sequence[str] | None,
    level: Level | None,
    metric: Sequence[str] | None,
    measure: Sequence[Measure] | None,
    first: date | None,
    last: date | None,
) -> Wanted:
    """Return the figures that are asked for.

    Raises:
        UnknownPlaceError: there is no such place.
        NoSuchError: there is no such metric, level or day.
    """
    if first is not None and last is not None and first > last:
        raise NoSuchError(f"there are no days from {first} to {last}", hint="from comes before to")
    if not opened.levels:
        raise NoSuchError("the release has no figures yet")
    metrics = list(dict.fromkeys(metric or desk.book.metrics))
    for name in metrics:
        if name not in desk.book.metrics:
            raise NoSuchError(f"no metric {name!r}", hint=f"use {' or '.join(desk.book.metrics)}")
    signals = [Signal(name, one) for name in metrics for one in MEASURES if one in (measure or MEASURES)]
    geoids: dict[Level, list[str] | None] = {}
    for text in place or ():
        found = desk.book.places.find(text, among=opened.levels if level is None else [level])
        geoids.setdefault(found.level, []).append(found.geoid)  # type: ignore[union-attr]
    chosen = geoids or {level or opened.levels[0]: None}
    for one in chosen:
        if one not in opened.levels:
            raise NoSuchError(f"there is nothing of level {one.value!r}", hint=f"use {' or '.join(opened.levels)}")
    return Wanted(chosen, tuple(signals), first, last)
