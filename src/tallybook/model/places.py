"""The gazetteer: every place a count can belong to, by id, FIPS, name and abbreviation."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any, Final

import polars as pl

from tallybook.errors import UnknownPlaceError
from tallybook.model.metrics import Level
from tallybook.model.tables import Table, read_table

NATION: Final = "USA"
"""The geoid of the nation."""

SUBSTATE: Final = (Level.COUNTY, Level.TOWN)
"""The levels whose places lie in a state."""

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
        "land_area_km2": pl.Float64(),
        "gdp_2019_musd": pl.Float64(),
        "members": pl.String(),
        "note": pl.String(),
    }
)
"""A place. Key ``geoid``; ``population`` of 2019, in persons; ``land_area_km2`` of 2016, in square kilometres, its
waters left out; ``gdp_2019_musd`` in million dollars of 2019; ``members`` the geoids an exception is made of, separated
by blanks. Null: not applicable or not known."""

_OWN_COLUMNS: Final = ("geoid", "population")
_NEW_COLUMNS: Final = ("level", "name", "parent")


@dataclass(frozen=True)
class Place:
    """A place as people see it.

    Attributes:
        geoid: its id, such as ``USA-53`` or ``USA-53061``.
        level: nation, state, county or town; territories are states here, as in the published data.
        fips: its FIPS code as text, leading zeros kept; None for the nation and for places that are no county.
        name: its name without "County".
        abbreviation: the postal one of a state; None elsewhere.
        parent: the geoid of the place it lies in; None for the nation.
        region: the Census region of a state.
        division: the Census division of a state.
        population: persons in 2019; None where there is no such figure.
        land_area_km2: its land without its water, in square kilometres, of 2016; None for towns and for places whose
            bounds have no such figure.
        gdp_2019_musd: gross domestic product of a state, in million dollars of 2019; None where not published.
        members: the geoids of the places it is made of, where it is a geographic exception.
        note: what a reader has to know about it.

    >>> gazetteer()["USA-53"].name, gazetteer()["USA-53"].population
    ('Washington', 7614893)
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
    land_area_km2: float | None
    gdp_2019_musd: float | None
    members: tuple[str, ...]
    note: str | None


class Gazetteer:
    """The places, as a frame and one by one.

    Args:
        frame: columns of PLACE_SCHEMA, key ``geoid``.

    >>> gazetteer().find("Snohomish, WA").geoid, gazetteer().title("USA-53061")
    ('USA-53061', 'Snohomish, Washington')
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        return f"<Gazetteer of {len(self):,} places>"

    def find(self, text: str, *, among: Sequence[Level] = tuple(Level)) -> Place:
        """Return the place called so: by geoid, FIPS, name, abbreviation, or name and state of a county or town.

        Args:
            text: ``USA-53``, ``53``, ``53061``, ``Washington``, ``WA``, ``Snohomish, Washington``, ``Snohomish, WA``;
                capitals do not matter. A name that several levels share is the widest level's.
            among: the levels that are meant.

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
        by_level = self._by_key.get(key, {})
        geoids = next((by_level[level] for level in Level if level in among and level in by_level), [])
        if len(geoids) == 1:
            return self[geoids[0]]
        if geoids:
            more = f" and {len(geoids) - 4} more" if len(geoids) > 4 else ""
            named = "; ".join(self._titles[geoid] for geoid in geoids[:4]) + more
            raise UnknownPlaceError(f"{len(geoids)} places are called {text!r}", hint=f"say which: {named}")
        if by_level:
            levels = " or ".join(among)
            raise UnknownPlaceError(f"{text!r} is the name of a {next(iter(by_level))}, not of a {levels}")
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

        Args:
            name: the name as it was written.
            level: the level of the place that was meant.
            state: the state of a county or town, by name or abbreviation; None for any.

        >>> gazetteer().suggest("Washingtn", level=Level.STATE)
        "did you mean 'Washington'?"
        """
        places = self.named.filter(level=level)
        if state is not None and level in SUBSTATE:
            places = places.filter(state=state)
        return _did_you_mean(name, places["name"].to_list()) or "the gazetteer has no name like it"

    def with_own(self, own: pl.DataFrame) -> Gazetteer:
        """Return the gazetteer with a book's own populations in place of these, and its own places added.

        Args:
            own: as ``read_own_places`` returns it.
        """
        known = self.frame.update(own.select(_OWN_COLUMNS), on="geoid", include_nulls=True)
        new = own.join(self.frame, on="geoid", how="anti")
        return Gazetteer(pl.concat([known, new], how="diagonal"))

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
    def titles(self) -> pl.DataFrame:
        """What people call each place: ``geoid``, ``title``; key geoid."""
        within = pl.col("level").is_in(SUBSTATE)
        title = pl.when(within).then(pl.format("{}, {}", "name", "state")).otherwise("name")
        return self.named.select("geoid", title=title)

    @cached_property
    def _titles(self) -> dict[str, str]:
        return dict(self.titles.rows())

    @cached_property
    def _by_key(self) -> dict[str, dict[str, list[str]]]:
        """Every way to call a place: the geoids it may mean, by level."""
        keys: dict[str, dict[str, list[str]]] = {}
        states = dict(self.frame.filter(level=Level.STATE).select("geoid", "abbreviation").rows())
        for geoid, level, fips, name, abbreviation, parent in self.frame.select(
            "geoid", "level", "fips", "name", "abbreviation", "parent"
        ).rows():
            ways = {geoid, fips, name, abbreviation, self._titles[geoid]}
            if level in SUBSTATE:
                ways |= {f"{name}, {states[parent]}", f"{name} {level}, {states[parent]}"}
            for way in filter(None, ways):
                keys.setdefault(_key(way), {}).setdefault(level, []).append(geoid)
        return keys

    def _meant(self, key: str) -> str:
        # Who names the state, too, means a title; who does not may mean a name that several places have.
        known = self._titles.values() if "," in key else (*self.frame["name"], *self._titles.values())
        titles = {_key(title): title for title in known}
        return _did_you_mean(key, list(titles), titles) or "use a geoid (USA-53), a FIPS code or a name"


def read_own_places(data: bytes, *, file: str, places: Gazetteer) -> pl.DataFrame:
    r"""Return what a book's ``places.csv`` says: populations in place of the gazetteer's, and places it lacks.

    A blank population says that there is none: figures per 100,000 are then empty. A place that the gazetteer does not
    have needs ``level``, ``name`` and ``parent``, the geoid of the place it lies in; others leave them blank.

    Returns:
        geoid, population, level, name, parent; the last three null for places of the gazetteer; key geoid.

    Raises:
        DataRefusedError: an unknown place without level, name and parent, a known one with them, a repeated geoid, an
            unknown level or parent, or a population that is no whole number from 0 up.

    >>> text = b"geoid,population,level,name,parent\nUSA-13,10663423,,,\nUSA-50-001,9000,town,Bennington,USA-50\n"
    >>> read_own_places(text, file="places.csv", places=gazetteer()).rows()
    [('USA-13', 10663423, None, None, None), ('USA-50-001', 9000, 'town', 'Bennington', 'USA-50')]
    """
    table = read_table(data, file=file, columns=_OWN_COLUMNS, optional=_NEW_COLUMNS).required("geoid")
    rows = table.rows.with_columns(
        pl.lit(None, pl.String).alias(name) for name in _NEW_COLUMNS if name not in table.rows
    )
    table = Table(file, rows)
    known = pl.col("geoid").is_in(places.frame["geoid"].implode())
    says = pl.any_horizontal(pl.col(_NEW_COLUMNS).is_not_null())
    hint = "geoids look like USA-53 or USA-53061; a new place needs level, name and parent"
    table.refuse(~known & ~says, "geoid", "unknown place {text}", hint=hint)
    table.refuse(known & says, "geoid", "the gazetteer has the place {text}", hint="leave level, name and parent blank")
    table.refuse(~pl.col("geoid").is_first_distinct(), "geoid", "the place {text} stands there twice")
    table = _check_new(table, ~known, places).with_plain_texts("name").with_integers("population")
    table.refuse(pl.col("population") < 0, "population", "{text} is no population")
    return table.rows.select(*_OWN_COLUMNS, *_NEW_COLUMNS)


def _check_new(table: Table, new: pl.Expr, places: Gazetteer) -> Table:
    levels = [level.value for level in SUBSTATE]
    states = places.frame.filter(level=Level.STATE)["geoid"]
    for column in _NEW_COLUMNS:
        table.refuse(new & pl.col(column).is_null(), column, f"the {column} of {{geoid}} is blank")
    table.refuse(new & ~pl.col("level").is_in(levels), "level", "{text} is not county or town")
    table.refuse(new & ~pl.col("parent").is_in(states.implode()), "parent", "{text} is no state", hint="such as USA-50")
    within = pl.col("geoid").str.starts_with(pl.col("parent"))
    table.refuse(
        new & ~within, "geoid", "{text} does not begin with {parent}", hint="ids begin with that of their state"
    )
    return table


def state_of(geoid: pl.Expr) -> pl.Expr:
    """Return the geoid of the state a county's or town's geoid lies in; null for states and the nation.

    >>> pl.DataFrame({"geoid": ["USA", "USA-53", "USA-53061"]}).select(state_of(pl.col("geoid")))["geoid"].to_list()
    [None, None, 'USA-53']
    """
    return pl.when(geoid.str.len_bytes() > len("USA-53")).then(geoid.str.head(len("USA-53")))


def level_at(geoid: pl.Expr) -> pl.Expr:
    """Return the level of the place a geoid is of: its shape tells it.

    >>> places = pl.DataFrame({"geoid": ["USA", "USA-53", "USA-53061", "USA-09-125"]})
    >>> places.select(level_at(pl.col("geoid")))["geoid"].to_list()
    ['nation', 'state', 'county', 'town']
    """
    length = geoid.str.len_bytes()
    return (
        pl.when(length == len(NATION))
        .then(pl.lit(Level.NATION.value))
        .when(length == len("USA-53"))
        .then(pl.lit(Level.STATE.value))
        .when(geoid.str.slice(len("USA-53"), 1) == "-")
        .then(pl.lit(Level.TOWN.value))
        .otherwise(pl.lit(Level.COUNTY.value))
        .alias("geoid")
    )


@cache
def gazetteer() -> Gazetteer:
    """Return the built-in gazetteer.

    The nation, 56 states and territories, their counties, the geographic exceptions, an "Unknown" per state, and the
    towns of Connecticut.

    Source: U.S. Census Bureau, population estimates of 2019 and land areas (ALAND) of 2016; Bureau of Economic
    Analysis, GDP by state of 2019. Towns: the populations of 2018 that Connecticut divided by, the only whole numbers
    that give the rates it published.

    >>> gazetteer()
    <Gazetteer of 3,520 places>
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
