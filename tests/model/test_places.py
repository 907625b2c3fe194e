import polars as pl
import pytest

from tallybook import gazetteer
from tallybook.errors import DataRefusedError, UnknownPlaceError
from tallybook.model.metrics import Level
from tallybook.model.places import read_own_places


def test_the_gazetteer_has_the_nation_its_states_and_counties() -> None:
    places = gazetteer().frame
    count = dict(places.group_by("level").len().rows())
    assert (count["nation"], count["state"]) == (1, 56)
    assert count["county"] > 3200
    assert places["geoid"].is_unique().all()
    states = places.filter(level="state")
    assert places.filter(level="nation")["population"].item() == states["population"].sum() == 331_811_257
    assert states.filter(region="Territories")["gdp_2019_musd"].null_count() == 5


def test_counties_lie_in_their_states_and_keep_leading_zeros() -> None:
    counties = gazetteer().frame.filter(level="county")
    assert (counties["geoid"].str.head(6) == counties["parent"]).all()
    codes = counties["fips"].drop_nulls()
    assert (codes.str.len_chars() == 5).all()
    assert gazetteer().find("01001").name == "Autauga"


def test_the_counties_of_a_state_add_up_to_it() -> None:
    real = gazetteer().frame.filter(pl.col("fips").is_not_null() & pl.col("members").is_null(), level="county")
    sums = dict(real.group_by("parent").agg(pl.col("population").sum()).rows())
    assert sums["USA-53"] == gazetteer()["USA-53"].population
    assert sums["USA-48"] == gazetteer()["USA-48"].population


def test_land_is_known_of_every_state_and_adds_up() -> None:
    places = gazetteer()
    land = dict(places.frame.select("geoid", "land_area_km2").rows())
    states = places.frame.filter(level="state")["land_area_km2"]
    assert states.null_count() == 0
    assert states.sum() == pytest.approx(land["USA"])
    # The Census Bureau's figures for the densest and the widest.
    assert land["USA-11"] == pytest.approx(158.4, abs=0.1)
    assert land["USA-02"] == pytest.approx(1_477_946, abs=1)
    counties = places.frame.filter(pl.col("fips").is_not_null() & pl.col("members").is_null(), level="county")
    sums = dict(counties.group_by("parent").agg(pl.col("land_area_km2").sum()).rows())
    assert sums["USA-48"] == pytest.approx(land["USA-48"], rel=1e-4)
    assert land["USA-36998"] == pytest.approx(sum(land[geoid] for geoid in places["USA-36998"].members))
    assert land["USA-29998"] is None


@pytest.mark.parametrize(
    ("text", "geoid"),
    [
        ("USA", "USA"),
        ("us", "USA"),
        ("United States", "USA"),
        ("New York", "USA-36"),
        ("New York, NY", "USA-36061"),
        ("new york city", "USA-36998"),
        ("King County, WA", "USA-53061"[:4] + "53033"),
        ("Doña Ana, New Mexico", "USA-35013"),
        ("72", "USA-72"),
        ("St. Louis city, Missouri", "USA-29510"),
        ("Unknown, Rhode Island", "USA-44999"),
    ],
)
def test_a_place_is_found_by_what_people_call_it(text: str, geoid: str) -> None:
    assert gazetteer().find(text).geoid == geoid


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Washingtn", "did you mean 'Washington'?"),
        ("Nebrasca", "did you mean 'Nebraska'?"),
        ("Springfield of Nowhere", "use a geoid (USA-53)"),
        ("Cumbreland", "did you mean 'Cumberland'?"),
        ("Cumberland", "say which: Cumberland, Illinois; Cumberland, Kentucky; Cumberland, Maine; "),
        ("Cumberland", "and 4 more"),
    ],
)
def test_an_unknown_place_is_answered_with_a_hint(text: str, hint: str) -> None:
    with pytest.raises(UnknownPlaceError) as refused:
        gazetteer().find(text)
    assert hint in str(refused.value)


def test_a_place_of_another_level_than_the_books_is_told_from_none() -> None:
    with pytest.raises(UnknownPlaceError, match="'King County, WA' is the name of a county, not of a nation or state"):
        gazetteer().find("King County, WA", among=[Level.NATION, Level.STATE])
    with pytest.raises(UnknownPlaceError, match="no place 'USA-99'"):
        gazetteer()["USA-99"]


def test_exceptions_have_members_and_notes_and_population_only_where_known() -> None:
    city, joplin = gazetteer()["USA-36998"], gazetteer()["USA-29997"]
    assert city.population == sum(gazetteer()[member].population or 0 for member in city.members) == 8_336_817
    assert city.note
    assert joplin.population is None


def test_a_book_sets_populations_and_only_those() -> None:
    own = read_own_places(b"geoid,population\nUSA-13,10663423\nUSA-78,\n", file="places.csv", places=gazetteer())
    places = gazetteer().with_own(own)
    assert (places["USA-13"].population, places["USA-78"].population) == (10_663_423, None)
    assert places["USA-01"] == gazetteer()["USA-01"]
    assert places.frame["geoid"].to_list() == gazetteer().frame["geoid"].to_list()
    assert gazetteer()["USA-13"].population == 10_617_423


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("USA-3,5", "line 2, column geoid: unknown place 'USA-3'"),
        ("USA-13,many", "line 2, column population: 'many' is no whole number"),
        ("USA-13,-5", "line 2, column population: '-5' is no population"),
        ("USA-13,5\nUSA-13,6", "line 3, column geoid: the place 'USA-13' stands there twice"),
    ],
)
def test_wrong_populations_are_refused(row: str, says: str) -> None:
    with pytest.raises(DataRefusedError) as refused:
        read_own_places(f"geoid,population\n{row}\n".encode(), file="places.csv", places=gazetteer())
    assert says in str(refused.value)


def test_levels_are_ordered_from_the_widest() -> None:
    assert list(Level) == ["nation", "state", "county", "town"]
