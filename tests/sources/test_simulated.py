import datetime as dt
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from accuracy import accuracy, compared
from tallybook import Book, daily, gazetteer, read_anomalies, simulate
from tallybook.errors import BookError, ContractError
from tallybook.sources.agency import Event, Kind
from tallybook.sources.simulated import write_published
from tallybook.sources.world import Register, World


def test_the_same_seed_gives_the_same_outbreak_and_another_another() -> None:
    first, again, other = (simulate(states=["USA-53", "USA-41"], days=120, seed=seed) for seed in (1, 1, 2))
    assert first.reports.equals(again.reports)
    assert first.anomalies.equals(again.anomalies)
    assert not first.reports.equals(other.reports)


def test_counties_add_up_to_their_state_and_states_to_the_nation() -> None:
    outbreak = simulate(states=["USA-53", "USA-41"], counties_of=["USA-53"], days=150)
    level = pl.col("geoid").str.len_chars()
    last = outbreak.reports.filter(pl.col("date") == pl.col("date").max())
    counties, states = last.filter(level == 9), last.filter(level == 6)
    assert counties.height > 20
    washington = states.filter(geoid="USA-53")
    for metric in ("cases", "deaths"):
        assert counties[metric].sum() == washington[metric].item()
        assert states[metric].sum() == last.filter(geoid="USA")[metric].item() > 0


def test_agencies_that_are_not_disturbed_report_every_day_and_never_decline() -> None:
    outbreak = simulate(days=100, disturb=False)
    assert outbreak.anomalies.is_empty()
    assert outbreak.disturbances.is_empty()
    assert outbreak.reports["reported"].all()
    new = daily(outbreak.reports)
    assert (new["cases"] >= 0).all()


def test_disturbed_agencies_show_every_kind_of_disturbance() -> None:
    outbreak = simulate(days=600, seed=3)
    kinds = set(outbreak.disturbances["kind"])
    assert kinds == {"schedule", "holiday", "backlog", "correction", "definition", "outage"}
    new = daily(outbreak.reports)
    assert (new["cases"] < 0).any()
    gaps = outbreak.reports.filter(~pl.col("reported")).join(new, on=["geoid", "date"])
    assert gaps.height
    assert gaps.filter(pl.col("cases_right") != 0).is_empty()
    told = outbreak.reports.drop_nulls("confirmed_cases")
    assert (told["confirmed_cases"] + told["probable_cases"] == told["cases"]).all()
    assert 0 < told["geoid"].n_unique() < 57


def test_the_register_is_one_an_editor_could_have_written() -> None:
    outbreak = simulate(counties_of=["USA-53"], seed=1)
    text = io.BytesIO()
    outbreak.anomalies.write_csv(text)
    register = read_anomalies(text.getvalue())
    assert register["description"].str.contains("(Invented.)", literal=True).all()
    assert register["omit_from_rolling_average_on_subgeographies"].any()
    states = pl.col("geoid").str.len_chars() == 6
    outbreak_days = outbreak.reports.select("geoid", "date").unique()
    assert register.filter(states).join(outbreak_days, on=["geoid", "date"], how="semi").height > 100


def test_what_the_register_adjusts_in_counties_adds_up_to_what_it_adjusts_in_their_state() -> None:
    world = World.of(["USA-41"], ["USA-53"], dt.date(2020, 3, 1), 60)
    register = Register(world)
    washington = world.places_of(world.states.index("USA-53"))
    moved = np.zeros(washington.stop - washington.start, dtype=np.int64)
    moved[[0, 2]] = 40, 2
    backlog = Event(world.states.index("USA-53"), Kind.BACKLOG, 0, 30, 37, "adjust", 2.0)
    register.event(backlog, moved)
    register.event(replace(backlog, agency=world.states.index("USA-41")), np.array([5]))
    entries = register.frame().select("geoid", "county", "adjusted_daily_count_for_avg")
    first, third = world.leaves["geoid"][washington][[0, 2]]
    assert dict(entries.select("geoid", "adjusted_daily_count_for_avg").rows()) == {
        "USA-53": -42,
        first: -40,
        third: -2,
        "USA-41": -5,
    }
    assert entries["county"].null_count() == 2
    assert set(register.frame()["date"]) == {dt.date(2020, 4, 7)}


def test_all_counties_of_the_country_can_be_simulated() -> None:
    states = gazetteer().frame.filter(level="state")["geoid"].to_list()
    outbreak = simulate(counties_of=states, days=30)
    assert outbreak.truth["geoid"].n_unique() > 3200
    assert outbreak.truth.height == outbreak.truth["geoid"].n_unique() * 30


def test_the_averages_are_nearer_to_the_truth_than_naive_ones() -> None:
    """The bars: at least 25 % nearer where agencies are disturbed, at most 2 % farther where they are not."""
    shown = accuracy(compared(seeds=range(8)))
    for metric in ("cases", "deaths"):
        change = dict(shown.filter(metric=metric).select("where", "change").rows())
        assert change["disturbed places"] < -0.25
        assert change["undisturbed places"] < 0.02


def test_what_is_written_is_a_feed_and_says_it_is_invented(tmp_path: Path) -> None:
    write_published(simulate(states=["USA-53"], days=60), tmp_path)
    assert "invented" in (tmp_path / "NOTICE.txt").read_text()
    assert sorted(file.name for file in tmp_path.rglob("*.csv")) == ["anomalies.csv", "us-states.csv", "us.csv"]


def test_a_simulated_book_is_reused_and_no_other_book_is_touched(tmp_path: Path) -> None:
    first = Book.simulated(tmp_path / "demo", days=40, counties_of=())
    assert first.record("simulated", first.folder / "feed")[0].added
    assert Book.simulated(tmp_path / "demo").record("simulated", first.folder / "feed")[0].added == 0
    Book.init(tmp_path / "other", template="nyt")
    with pytest.raises(BookError, match="holds another book"):
        Book.simulated(tmp_path / "other")


def test_nonsense_is_refused() -> None:
    with pytest.raises(ContractError, match="'WA' is no state"):
        simulate(states=["WA"])
    with pytest.raises(ContractError, match="1 days"):
        simulate(days=1)
    assert simulate(states=["USA-53"], days=2, start=dt.date(2024, 2, 28)).truth["date"].max() == dt.date(2024, 2, 29)
