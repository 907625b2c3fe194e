"""The configuration of a book: what ``book.toml`` may say."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from tallybook.errors import BookError
from tallybook.model.cards import Address
from tallybook.model.metrics import Level, Metric
from tallybook.model.mortality import YearRange
from tallybook.model.names import meant
from tallybook.model.refusals import in_plain_words, mended
from tallybook.model.strict import Strict


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write one like 'America/New_York'") from None
    return name


Days = Annotated[int, Field(strict=True, ge=1, le=366)]
"""The days of a window."""


class AveragesConfig(Strict):
    """The days of the rolling averages.

    Attributes:
        days: for every level and metric not named below.
        nation: by metric.
        state: by metric.
        county: by metric.
        town: by metric.
    """

    days: Days = 7
    nation: dict[Metric, Days] = Field(default_factory=dict)
    state: dict[Metric, Days] = Field(default_factory=dict)
    county: dict[Metric, Days] = Field(default_factory=dict)
    town: dict[Metric, Days] = Field(default_factory=dict)

    def by_level(self) -> dict[Level, dict[str, int]]:
        """Return the days of a window by level and metric.

        >>> AveragesConfig(county={"deaths": 30}).by_level()[Level.COUNTY]
        {'cases': 7, 'deaths': 30, 'people_tested': 7, 'tests': 7, 'positive_tests': 7}
        """
        own = {Level.NATION: self.nation, Level.STATE: self.state, Level.COUNTY: self.county, Level.TOWN: self.town}
        return {level: {metric.value: own[level].get(metric, self.days) for metric in Metric} for level in Level}


class ExcessConfig(Strict):
    """How deaths from all causes are expected.

    Attributes:
        baseline: the first and last year that is fitted to; the five years before the latest by default.
    """

    baseline: YearRange | None = None

    @field_validator("baseline")
    @classmethod
    def _in_order(cls, years: YearRange | None) -> YearRange | None:
        if years and years[0] > years[1]:
            raise ValueError(f"{years[0]} is after {years[1]}")
        return years


def _id(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
        raise ValueError(f"{name!r} is not made of up to 40 small letters, digits, - and _, a letter first")
    return name


def _host(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]+(/[0-9]{1,3})?", name):
        raise ValueError(f"{name!r} is no host; write its name or address alone, or a network such as 10.1.0.0/16")
    return name


class FetchConfig(Strict):
    """What may be fetched.

    Attributes:
        private_hosts: names, addresses or networks that are not on the internet and may be fetched from.
    """

    private_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()


def _address(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", text):
        raise ValueError(f"{text!r} is no http or https address")
    return text.rstrip("/") + "/"


def _email(text: str) -> str:
    if not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+", text):
        raise ValueError(f"{text!r} is no address for mail, such as data@example.org")
    return text


class ContactConfig(Strict):
    """Who answers questions about the data.

    Attributes:
        name: of a person or a desk.
        email: where to write to.
    """

    name: Annotated[str, Field(min_length=1)]
    email: Annotated[str, AfterValidator(_email)]


Format = Literal["xlsx", "sqlite"]
"""What a release may come in besides CSV and Parquet."""


class BookConfig(Strict):
    """What ``book.toml`` says.

    Attributes:
        id: what programs call it: small letters, digits, - and _; None: the name of its folder, made such.
        title: what the dataset is called.
        publisher: who publishes it.
        description: what it is, in a sentence or two; None: one is made of its levels and metrics.
        keywords: words to find it by, besides the sources' tags.
        licence: its licence: an SPDX identifier such as ``CC-BY-4.0``, or words.
        licence_url: where the licence can be read; of those with an identifier it is known.
        address: where the release will be on the web, as catalogues and citations name it; None: they name no address.
        contact: who answers questions about the data; data catalogues of the United States ask for it.
        attribution: how to name its source.
        notice: a warning to every reader, such as that the numbers are invented; empty where there is none.
        time_zone: the zone a day ends in.
        first_date: the first day that can have counts; ``check`` finds earlier ones.
        community_spread_from: the first day that can be day 1 of an outbreak; any if left out.
        levels: the levels it publishes.
        metrics: what it publishes with averages and rates.
        averages: the days of the rolling averages.
        excess: how deaths from all causes are expected.
        fetch: what may be fetched.
        formats: what it comes in besides CSV and Parquet: ``xlsx`` (the states, for Excel), ``sqlite`` (one file of
            its tables, for Datasette).
        site: whether ``publish`` makes pages to read the release, too.
        ledger: where the ledger is: a folder, from that of the book, or the address of an object store such as
            ``s3://bucket/ledger``, where it is only read.
        storage: how to reach the object store, such as ``aws_region``; the environment says the rest, and all secrets.
    """

    id: Annotated[str, AfterValidator(_id)] | None = None
    title: str = Field(min_length=1)
    publisher: str = Field(min_length=1)
    description: str | None = None
    keywords: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    licence: str = Field(min_length=1)
    licence_url: Address | None = None
    address: Annotated[str, AfterValidator(_address)] | None = None
    contact: ContactConfig | None = None
    attribution: str = Field(min_length=1)
    notice: str = ""
    time_zone: Annotated[str, AfterValidator(_zone)]
    first_date: date | None = None
    community_spread_from: date | None = None
    levels: tuple[Level, ...] = Field(min_length=1)
    metrics: tuple[Metric, ...] = Field(default=(Metric.CASES, Metric.DEATHS), min_length=1)
    averages: AveragesConfig = AveragesConfig()
    excess: ExcessConfig = ExcessConfig()
    fetch: FetchConfig = FetchConfig()
    formats: tuple[Format, ...] = ()
    site: bool = True
    ledger: Annotated[str, Field(min_length=1)] = "ledger"
    storage: dict[str, str] = Field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The zone a day ends in."""
        return ZoneInfo(self.time_zone)

    @field_validator("levels", "metrics", "formats")
    @classmethod
    def _once(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(named)) < len(named):
            raise ValueError("something stands there twice")
        return named


def _mend(found: ErrorDetails) -> str:
    if found["type"] != "extra_forbidden":
        return mended(found) or "see book.toml of a template"
    *sections, key = map(str, found["loc"])
    within: type[BaseModel] = BookConfig
    for section in sections:
        within = _section(within, section)
    return meant(key, within.model_fields)


def _section(within: type[BaseModel], name: str) -> type[BaseModel]:
    """Return what says which keys a section can have."""
    said = within.model_fields[name].annotation
    return next(one for one in (said, *get_args(said)) if isinstance(one, type) and issubclass(one, BaseModel))


def read_config(text: str, *, file: str) -> BookConfig:
    """Return the configuration in the text of a ``book.toml``.

    Raises:
        BookError: it is no TOML, a key is missing or unknown, or a value cannot be; says which.
    """
    try:
        return BookConfig.model_validate(tomllib.loads(text))
    except ValidationError as error:
        # A key with a slip is unknown, and the right one missing: the slip is what to mend.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        parts = [part for part in first["loc"] if isinstance(part, str) and part != "[key]"]
        key = ".".join(part if re.fullmatch(r"[\w-]+", part) else repr(part) for part in parts)
        # A list whose only entry is wrong is short of one, too: that is one slip.
        wrong = {found["loc"] for found in error.errors()}
        others = {loc for loc in wrong if not any(loc == longer[: len(loc)] for longer in wrong - {loc})} - {
            first["loc"]
        }
        more = f" (and {len(others)} more)" if others else ""
        raise BookError(f"{file}: {key}: {in_plain_words(first)}{more}", hint=_mend(first)) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a mere ValueError
        raise BookError(f"{file}: {error}", hint="it is no TOML file") from error
