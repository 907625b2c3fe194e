"""The gazetteer: every place a count can belong to, by id, FIPS, name and abbreviation."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any, Final

import polars as pl

from tallybook.errors import UnknownPlaceError
from tallybook.model.metrics import Level
from tallybook.model.tables import read_table

NATION: Final = "USA"
"""The geoid of the nation."""

PLACE_SCHEMA: Final = pl.Schema(
    {
        "geoid": pl.String(),
        "level": pl.String(),
        "fips": pl.String(),
        "name": pl.String(),
        "abbreviation": pl.String(),
        "parent": pl.String(),
        "region": pl.String(),
        "division": pl.String(),
        "population": pl.Int64(),
        "gdp_2019_musd": pl.Float64(),
        "members": pl.String(),
        "note": pl.String(),
    }
)
"""A place. Key ``geoid``; ``population`` of 2019, in persons; ``gdp_2019_musd`` in million dollars of 2019; ``members``
the geoids an exception is made of, separated by blanks. Null: not applicable or not known."""

OVERRIDE_COLUMNS: Final = ("geoid", "population")


@dataclass(frozen=True)
class Place:
    """A place as people see it.

    Attributes:
        geoid: its id, such as ``USA-53`` or ``USA-53061``.
        level: nation, state or county; territories are states here, as in the published data.
        fips: its FIPS code as text, leading zeros kept; None for the nation and for places that are no county.
        name: its name without "County".
        abbreviation: the postal one of a state; None elsewhere.
        parent: the geoid of the place it lies in; None for the nation.
        region: the Census region of a state.
        division: the Census division of a state.
        population: persons in 2019; None where there is no such figure.
        gdp_2019_musd: gross domestic product of a state, in million dollars of 2019; None where not published.
        members: the geoids of the places it is made of, where it is a geographic exception.
        note: what a reader has to know about it.
    """

    geoid: str
    level: Level
    fips: str | None
    name: str
    abbreviation: str | None
    parent: str | None
    region: str | None
    division: str | None
    population: int | None
    gdp_2019_musd: float | None
    members: tuple[str, ...]
    note: str | None


class Gazetteer:
    """The places, as a frame and one by one.

    Args:
        frame: columns of PLACE_SCHEMA, key ``geoid``.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return f"<Gazetteer of {len(self):,} places>"

    def find(self, text: str) -> Place:
        """Return the place called so: by geoid, FIPS, name, abbreviation, or name and state of a county.

        Args:
            text: ``USA-53``, ``53``, ``53061``, ``Washington``, ``WA``, ``Snohomish, Washington``, ``Snohomish, WA``;
                capitals do not matter. A name that a state and a county share is the state's.

        Raises:
            UnknownPlaceError: there is no such place, or several counties have that name; says which were meant.

        >>> places = gazetteer()
        >>> [places.find(text).geoid for text in ("USA", "53", "wa", "Washington", "Snohomish, WA", "53061")]
        ['USA', 'USA-53', 'USA-53', 'USA-53', 'USA-53061', 'USA-53061']
        >>> places.find("Snohomsh, WA")
        Traceback (most recent call last):
        ...
        tallybook.errors.UnknownPlaceError: no place 'Snohomsh, WA'; did you mean 'Snohomish, Washington'?
        """
        key = _key(text)
        geoids = self._by_key.get(key, [])
        if len(geoids) == 1:
            return self[geoids[0]]
        if geoids:
            named = "; ".join(self._titles[geoid] for geoid in geoids[:4])
            raise UnknownPlaceError(f"{len(geoids)} places are called {text!r}", hint=f"say which: {named}")
        raise UnknownPlaceError(f"no place {text!r}", hint=self._meant(key))

    def __getitem__(self, geoid: str) -> Place:
        row = self._rows.get(geoid)
        if row is None:
            raise UnknownPlaceError(f"no place {geoid!r}", hint=self._meant(_key(geoid)))
        values = dict(zip(self.frame.columns, row, strict=True))
        members = values.pop("members") or ""
        return Place(**{**values, "level": Level(values["level"]), "members": tuple(members.split())})

    def title(self, geoid: str) -> str:
        """Return what people call a place: ``Washington``, or ``Snohomish, Washington``.

        >>> gazetteer().title("USA-53061")
        'Snohomish, Washington'
        """
        return self._titles[self[geoid].geoid]

    def suggest(self, name: str, *, level: Level, state: str | None = None) -> str:
        """Return a hint naming the place of that level a misspelt name was probably meant for.

        >>> gazetteer().suggest("Washingtn", level=Level.STATE)
        "did you mean 'Washington'?"
        """
        places = self.named.filter(level=level)
        if state is not None and level is Level.COUNTY:
            places = places.filter(state=state)
        return _did_you_mean(name, places["name"].to_list()) or "the gazetteer has no name like it"

    def with_overrides(self, overrides: pl.DataFrame) -> Gazetteer:
        """Return the gazetteer with the populations of ``overrides`` (geoid, population) in place of its own."""
        return Gazetteer(self.frame.update(overrides, on="geoid", include_nulls=True))

    @cached_property
    def named(self) -> pl.DataFrame:
        """The places with ``state``, the name of the state they are or lie in; null for the nation.

        Key ``geoid``; the columns of PLACE_SCHEMA and ``state``.
        """
        states = self.frame.filter(level=Level.STATE).select(parent="geoid", parent_name="name")
        own = pl.when(pl.col("level") == Level.STATE).then("name").otherwise("parent_name")
        return (
            self.frame.join(states, on="parent", how="left", maintain_order="left")
            .with_columns(state=own)
            .drop("parent_name")
        )

    @cached_property
    def _rows(self) -> dict[str, tuple[Any, ...]]:
        return {row[0]: row for row in self.frame.rows()}

    @cached_property
    def _titles(self) -> dict[str, str]:
        county = pl.col("level") == Level.COUNTY
        title = pl.when(county).then(pl.format("{}, {}", "name", "state")).otherwise("name")
        return dict(self.named.select("geoid", title).rows())

    @cached_property
    def _by_key(self) -> dict[str, list[str]]:
        """Every way to call a place, its wider level winning over a narrower one of the same name."""
        keys: dict[str, dict[str, list[str]]] = {}
        states = dict(self.frame.filter(level=Level.STATE).select("geoid", "abbreviation").rows())
        for geoid, level, fips, name, abbreviation, parent in self.frame.select(
            "geoid", "level", "fips", "name", "abbreviation", "parent"
        ).rows():
            ways = {geoid, fips, name, abbreviation, self._titles[geoid]}
            if level == Level.COUNTY:
                ways |= {f"{name}, {states[parent]}", f"{name} County, {states[parent]}"}
            for way in filter(None, ways):
                keys.setdefault(_key(way), {}).setdefault(level, []).append(geoid)
        return {key: next(by[level] for level in Level if level in by) for key, by in keys.items()}

    def _meant(self, key: str) -> str:
        titles = {_key(title): title for title in self._titles.values()}
        return _did_you_mean(key, list(titles), titles) or "use a geoid (USA-53), a FIPS code or a name"


def read_overrides(data: bytes, *, file: str, places: Gazetteer) -> pl.DataFrame:
    r"""Return the populations a book sets in place of the gazetteer's: columns geoid, population; key geoid.

    A blank population says that there is none: figures per 100,000 are then empty.

    Raises:
        DataRefusedError: an unknown or repeated geoid, or a population that is no whole number from 0 up.

    >>> read_overrides(b"geoid,population\nUSA-13,10663423\n", file="places.csv", places=gazetteer()).rows()
    [('USA-13', 10663423)]
    """
    table = read_table(data, file=file, columns=OVERRIDE_COLUMNS).required("geoid")
    known = pl.col("geoid").is_in(places.frame["geoid"].implode())
    table.refuse(~known, "geoid", "unknown place {text}", hint="geoids look like USA-53 or USA-53061")
    table.refuse(~pl.col("geoid").is_first_distinct(), "geoid", "the place {text} stands there twice")
    table = table.with_integers("population")
    table.refuse(pl.col("population") < 0, "population", "{text} is no population")
    return table.rows.select(OVERRIDE_COLUMNS)


def state_of(geoid: pl.Expr) -> pl.Expr:
    """Return the geoid of the state a county's geoid lies in; null for states and the nation.

    >>> pl.DataFrame({"geoid": ["USA", "USA-53", "USA-53061"]}).select(state_of(pl.col("geoid")))["geoid"].to_list()
    [None, None, 'USA-53']
    """
    return pl.when(geoid.str.len_bytes() > len("USA-53")).then(geoid.str.head(len("USA-53")))


@cache
def gazetteer() -> Gazetteer:
    """Return the built-in gazetteer.

    The nation, 56 states and territories, their counties, the geographic exceptions, and an "Unknown" per state.

    Source: U.S. Census Bureau, population estimates of 2019; Bureau of Economic Analysis, GDP by state of 2019.

    >>> gazetteer()
    <Gazetteer of 3,351 places>
    """
    data = resources.files("tallybook.model").joinpath("data/places.csv").read_bytes()
    return Gazetteer(pl.read_csv(data, schema=PLACE_SCHEMA))


def _key(text: str) -> str:
    return " ".join(text.casefold().replace(",", ", ").split())


def _did_you_mean(text: str, among: list[str], shown: dict[str, str] | None = None) -> str | None:
    close = difflib.get_close_matches(text, among, n=1, cutoff=0.7)
    if not close:
        return None
    return f"did you mean {(shown or {}).get(close[0], close[0])!r}?"
