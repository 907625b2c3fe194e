"""The configuration of a book: what ``book.toml`` may say."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from tallybook.errors import BookError
from tallybook.model.metrics import Level, Metric

Reporting = Literal["infer-from-zero", "explicit"]
"""How days without data are known: inferred from zero counts, or said by the source."""

Cadence = Literal["daily", "weekdays", "weekly"]
"""How often a source reports."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write one like 'America/New_York'") from None
    return name


def _feed_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", name):
        raise ValueError("that is no name for a feed; use a-z, 0-9, - and _")
    return name


Days = Annotated[int, Field(strict=True, ge=1, le=366)]
"""The days of a window."""

FeedName = Annotated[str, AfterValidator(_feed_name)]
"""The name of a feed; it is a folder's name, too."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceConfig(_Strict):
    """A feed of the book.

    Attributes:
        layout: how its files are laid out.
        url: where ``record`` finds it when it is given no place.
        cadence: how often it reports; ``check`` says where it did not.
        reporting: 'infer-from-zero' where a day without new counts may be one that nobody reported on (rule 4 of the
            averages); 'explicit' where every day in the file was reported on.
    """

    layout: Literal["published"] = "published"
    url: str | None = None
    cadence: Cadence = "daily"
    reporting: Reporting = "infer-from-zero"


class AveragesConfig(_Strict):
    """The days of the rolling averages.

    Attributes:
        days: for every level and metric not named below.
        nation: by metric.
        state: by metric.
        county: by metric.
    """

    days: Days = 7
    nation: dict[Metric, Days] = Field(default_factory=dict)
    state: dict[Metric, Days] = Field(default_factory=dict)
    county: dict[Metric, Days] = Field(default_factory=dict)

    def by_level(self) -> dict[Level, dict[str, int]]:
        """Return the days of a window by level and metric.

        >>> AveragesConfig(county={"deaths": 30}).by_level()[Level.COUNTY]
        {'cases': 7, 'deaths': 30}
        """
        own = {Level.NATION: self.nation, Level.STATE: self.state, Level.COUNTY: self.county}
        return {level: {metric.value: own[level].get(metric, self.days) for metric in Metric} for level in Level}


class BookConfig(_Strict):
    """What ``book.toml`` says.

    Attributes:
        title: what the dataset is called.
        publisher: who publishes it.
        licence: its licence, by name.
        attribution: how to name its source.
        notice: a warning to every reader, such as that the numbers are invented; empty where there is none.
        time_zone: the zone a day ends in.
        first_date: the first day that can have counts; ``check`` finds earlier ones.
        levels: the levels it publishes.
        averages: the days of the rolling averages.
        sources: its feeds, by name.
    """

    title: str
    publisher: str
    licence: str
    attribution: str
    notice: str = ""
    time_zone: Annotated[str, AfterValidator(_zone)]
    first_date: date | None = None
    levels: tuple[Level, ...] = Field(min_length=1)
    averages: AveragesConfig = AveragesConfig()
    sources: dict[FeedName, SourceConfig] = Field(min_length=1)

    @model_validator(mode="after")
    def _levels_once(self) -> Self:
        if len(set(self.levels)) < len(self.levels):
            raise ValueError("a level stands there twice")
        return self

    @model_validator(mode="after")
    def _one_way_of_reporting(self) -> Self:
        if len({source.reporting for source in self.sources.values()}) > 1:
            raise ValueError("all sources of a book must have the same 'reporting'")
        return self

    def source(self, feed: str) -> SourceConfig:
        """Return the configuration of a feed.

        Raises:
            BookError: the book has no such feed.
        """
        if feed not in self.sources:
            raise BookError(f"no feed {feed!r} in this book", hint=f"it has {', '.join(self.sources)}")
        return self.sources[feed]

    @property
    def reporting(self) -> Reporting:
        """How the days without data are known."""
        return next(iter(self.sources.values())).reporting

    @property
    def cadence(self) -> Cadence:
        """How often the book's sources report: as the most frequent of them."""
        return min((source.cadence for source in self.sources.values()), key=get_args(Cadence).index)


def read_config(text: str, *, file: str) -> BookConfig:
    """Return the configuration in the text of a ``book.toml``.

    Raises:
        BookError: it is no TOML, a key is missing or unknown, or a value cannot be; says which.
    """
    try:
        return BookConfig.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise BookError(f"{file}: {error}", hint="it is no TOML file") from error
    except ValidationError as error:
        first = error.errors()[0]
        parts = [part for part in map(str, first["loc"]) if part != "[key]"]
        key = ".".join(part if re.fullmatch(r"[\w-]+", part) else repr(part) for part in parts)
        said = str(first["msg"]).removeprefix("Value error, ")
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise BookError(f"{file}: {key}: {said}{more}", hint="see book.toml of a template") from error
