"""What a server has to know of a book, handed to it by those who may open books."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tallybook.ledger import Ledger
from tallybook.measures.explain import Explanation
from tallybook.model.metrics import Level
from tallybook.model.places import Gazetteer
from tallybook.release.figures import Method
from tallybook.release.write import Published


@dataclass(frozen=True)
class ServedBook:
    """A book to be served; nothing here writes.

    Attributes:
        id: what programs call it; the source of its signals.
        about: its title, publisher, licence, attribution and notice, and whether it is ``non_commercial``.
        folder: where its release is, or will be.
        ledger: what is known, and since when.
        zone: where a day ends.
        levels: the levels it publishes.
        metrics: what it publishes with averages.
        places: its gazetteer.
        method: how its averages are made, now (None) or as was known at a moment.
        explain: what the average of a geoid, day and metric is made of, as known at a moment.
        releases: the releases so far, the oldest first.
        weekly: its sources by MMWR week, and of how many of its latest weeks each expects revisions.
    """

    id: str
    about: Mapping[str, Any]
    folder: Path
    ledger: Ledger
    zone: ZoneInfo
    levels: Sequence[Level]
    metrics: Sequence[str]
    places: Gazetteer
    method: Callable[[datetime | None], Method]
    explain: Callable[[str, date, str, datetime], Explanation]
    releases: Callable[[], Sequence[Published]]
    weekly: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What a server does at most for one request, or at once.

    Attributes:
        url: the bytes of an address; of a POST twice as many, since clients repeat a long address that way.
        body: the bytes of a request's body.
        rows: the rows of an answer.
        page: the rows of a page of JSON.
        heavy: the answers of many rows that are made at once.
        light: the rows up to which an answer is not one of many rows.
        states: the rows of all past states together that an answer about revised averages may be compared from.
        kept: the bytes of encoded answers that are kept.
    """

    url: int = 32_768
    body: int = 65_536
    rows: int = 5_000_000
    page: int = 10_000
    heavy: int = 4
    light: int = 100_000
    states: int = 100_000_000
    kept: int = 64 * 2**20
