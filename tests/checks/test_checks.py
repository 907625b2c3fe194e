"""Every check on an example made by hand and on a real one."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import HERE
from tallybook import Book
from tallybook.anomalies import suggest_anomalies, write_anomalies
from tallybook.checks import CODES
from tallybook.checks.feeds import disagreements, too_early
from tallybook.checks.series import declines, gaps, jumps
from tallybook.checks.sums import counties_and_state, parts_and_sum, states_and_nation
from tallybook.model.cards import Cadence
from tallybook.model.findings import FINDING_SCHEMA
from tallybook.model.places import gazetteer
from tallybook.sources.vintages import FolderHistory

START = dt.date(2020, 4, 1)


def counts_of(new: list[int | None], place: str = "USA-39") -> pl.DataFrame:
    count = pl.Series("count", new, dtype=pl.Int64)
    return pl.DataFrame(
        {
            "place": place,
            "metric": "cases",
            "date": [START + dt.timedelta(days=day) for day in range(len(new))],
            "total": count.fill_null(0).cum_sum(),
            "count": count,
        },
        schema_overrides={
            "place": pl.String,
            "metric": pl.String,
            "date": pl.Date,
            "total": pl.Int64,
            "count": pl.Int64,
        },
    )


def totals_of(**totals: int | None) -> pl.DataFrame:
    """Totals of one day; keys such as ``usa_39__cases``."""
    keys = [key.split("__") for key in totals]
    return pl.DataFrame(
        [
            (place.upper().replace("_", "-"), metric, START, total, False)
            for (place, metric), total in zip(keys, totals.values(), strict=True)
        ],
        schema={"place": pl.String, "metric": pl.String, "date": pl.Date, "total": pl.Int64, "live": pl.Boolean},
        orient="row",
    )


def days(findings: pl.DataFrame) -> list[int]:
    assert findings.schema == FINDING_SCHEMA
    return [(date - START).days for date in findings["date"]]


@given(new=st.lists(st.one_of(st.none(), st.integers(-9, 9)), max_size=40))
def test_a_decline_is_every_day_with_fewer_than_before(new: list[int | None]) -> None:
    assert days(declines(counts_of(new))) == [day for day, count in enumerate(new) if (count or 0) < 0]


def test_a_jump_is_held_against_the_places_own_recent_days() -> None:
    usual = [40, 50, 45, 55, 42, 48, 52] * 2
    assert days(jumps(counts_of([*usual, 54, 400, 50]))) == [15]
    # Four hundred after seven days without a report are 57 a day.
    assert days(jumps(counts_of([*usual, *[None] * 6, 400]))) == []
    assert days(jumps(counts_of([*usual, *[0] * 6, 400]))) == []
    # Few counts jump by chance, and the first days have nothing to be held against.
    assert days(jumps(counts_of([1, 2, 1, 2, 1, 2, 1, 2, 1, 19]))) == []
    assert days(jumps(counts_of([1, 1, 500]))) == []


def test_one_places_days_are_not_held_against_anothers() -> None:
    both = pl.concat([counts_of([10] * 10), counts_of([1000] * 10, "USA-48")])
    assert days(jumps(both)) == []


@pytest.mark.parametrize(("cadence", "found"), [("daily", [1, 5, 9]), ("weekdays", [5, 9]), ("weekly", [9])])
def test_a_gap_is_longer_than_the_cadence_allows(cadence: Cadence, found: list[int]) -> None:
    new = [None] * 5 + [1, None, 1, 1, 1, *[None] * 3, 1, *[None] * 7, 0, 1]
    assert days(gaps(counts_of(new[5:]), cadence=cadence)) == found
    # What was never reported is not late.
    assert days(gaps(counts_of(new), cadence=cadence)) == [day + 5 for day in found]


def test_confirmed_and_probable_add_up_where_both_are_known() -> None:
    wrong = totals_of(usa_39__cases=10, usa_39__confirmed_cases=7, usa_39__probable_cases=2)
    found = parts_and_sum(wrong, "cases", code="confirmed-probable")
    assert found.select("place", "metric", "seen", "expected").rows() == [
        ("USA-39", "cases", "7 confirmed, 2 probable: 9 in all", "10")
    ]
    right = totals_of(usa_39__deaths=9, usa_39__confirmed_deaths=7, usa_39__probable_deaths=2)
    assert parts_and_sum(right, "deaths", code="confirmed-probable").is_empty()
    blank = totals_of(usa_39__cases=10, usa_39__confirmed_cases=7, usa_39__probable_cases=None)
    assert parts_and_sum(blank, "cases", code="confirmed-probable").is_empty()
    # The parts are of the evening, the total of the morning after.
    corrected = wrong.with_columns(live=pl.col("metric") != "cases")
    assert parts_and_sum(corrected, "cases", code="confirmed-probable").is_empty()
    live = wrong.with_columns(live=pl.lit(value=True))
    assert parts_and_sum(live, "cases", code="confirmed-probable").height == 1


def test_counties_add_up_to_their_state_unknown_included() -> None:
    places = gazetteer().frame
    totals = totals_of(usa_39__cases=10, usa_39001__cases=7, usa_39999__cases=2, usa_41__cases=5)
    assert counties_and_state(totals, places).select("place", "seen", "expected").rows() == [
        ("USA-39", "counties add up to 9, -1 off", "10")
    ]
    blank = totals_of(usa_39__cases=10, usa_39001__cases=None, usa_39999__cases=2)
    assert counties_and_state(blank, places).is_empty()


def test_states_add_up_to_the_nation() -> None:
    totals = totals_of(usa__deaths=10, usa_39__deaths=7, usa_41__deaths=4, usa_39001__deaths=7)
    found = states_and_nation(totals, gazetteer().frame)
    assert found.select("place", "seen", "expected").rows() == [("USA", "states add up to 11, 1 off", "10")]


def test_sources_that_disagree_are_named() -> None:
    said = totals_of(usa_39__cases=10).rename({"total": "value"})
    both = pl.concat(
        [said.with_columns(source=pl.lit("nyt")), said.with_columns(source=pl.lit("cdc"), value=pl.lit(9, pl.Int64))]
    )
    assert disagreements(both)["seen"].to_list() == ["cdc: 9; nyt: 10"]
    assert disagreements(both.with_columns(value=pl.lit(9, pl.Int64))).is_empty()


def test_counts_before_the_first_date_are_found() -> None:
    assert days(too_early(totals_of(usa_39__cases=1), first=dt.date(2020, 4, 2))) == [0]
    assert days(too_early(totals_of(usa_39__cases=0), first=dt.date(2020, 4, 2))) == []
    assert days(too_early(totals_of(usa_39__cases=1), first=None)) == []


def test_every_negative_day_of_the_real_record_is_found(real_book: Book) -> None:
    found = real_book.check().filter(code="decline")
    states = pl.read_csv(
        real_book.folder / "public/rolling-averages/us-states.csv", try_parse_dates=True, infer_schema_length=None
    )
    for metric, number, explained in (("cases", 112, 25), ("deaths", 309, 27)):
        negative = states.filter(pl.col(metric) < 0)
        seen = found.filter(pl.col("place") != "USA", metric=metric)
        assert set(seen.select("place", "date").rows()) == set(negative.select("geoid", "date").rows())
        assert (seen.height, seen["anomaly"].count()) == (number, explained)


def test_real_examples_of_the_documentation(real_book: Book, shared_data: Path, tmp_path: Path) -> None:
    found = real_book.check()

    def seen(code: str, place: str, metric: str, date: dt.date, findings: pl.DataFrame = found) -> tuple[str, str]:
        row = findings.filter(code=code, place=place, metric=metric, date=date).row(0, named=True)
        return row["seen"], row["expected"]

    assert seen("decline", "USA-10", "cases", dt.date(2022, 4, 8))[0] == "the total fell by 1283 to 259008"
    assert seen("jump", "USA-13", "cases", dt.date(2022, 4, 27)) == ("5629 new in 2 days", "at most 1237 a day lately")
    assert found.filter(code="states-nation").is_empty()
    file = Book.init(tmp_path / "book", template="nyt").folder / "book.toml"
    file.write_text(file.read_text().replace('"state"]', '"state", "county"]'))
    book = Book(file.parent)
    book.record("nyt", shared_data / "nyt-2020-05-02")
    counties = book.check()
    assert seen("counties-state", "USA-18", "cases", dt.date(2020, 4, 7), counties) == (
        "counties add up to 5509, 2 off",
        "5507",
    )
    assert seen("gap", "USA-26131", "cases", dt.date(2020, 4, 8), counties)[0] == "no report for 24 days"


def test_a_wrong_card_of_real_towns_is_found(shared_data: Path, tmp_path: Path) -> None:
    book = Book.init(tmp_path / "book", template="connecticut")
    card = book.folder / "sources/ct-towns.md"
    wrong = {
        "  people_tested: {column: People tested, since: 2020-05-16}\n": "",
        "tests: {column: Number of tests, since: 2020-05-31}": "tests: {column: People tested, since: 2020-05-16}",
        "column: Confirmed cases, since: 2020-05-31": "column: Confirmed cases, since: 2020-05-30",
        "column: Case rate, since: 2020-04-16": "column: Case rate, since: 2020-04-17",
        "place:\n": "ignore: Number of tests\nplace:\n",
    }
    text = card.read_text()
    for old, new in wrong.items():
        assert old in text
        text = text.replace(old, new, 1)
    card.write_text(text)
    Book(book.folder).record("ct-towns", next((shared_data / "ct-towns").iterdir()))
    found = Book(book.folder).check()
    hartford = found.filter(place="USA-09-064").select("code", "metric", "date", "seen", "expected").rows()
    for row in (
        ("blank-after-start", "confirmed_cases", dt.date(2020, 5, 30), "blank", "a number since 2020-05-30"),
        ("filled-before-start", "reported_cases_per_100k", dt.date(2020, 4, 16), "438", "nothing before 2020-04-17"),
        (
            *("test-results", "tests", dt.date(2020, 10, 13)),
            *("4225 positive, 89876 negative, 150 indeterminate: 94251 in all", "36512"),
        ),
    ):
        assert row in hartford
    # Each on the one day the card is wrong about, in all towns.
    for code in ("blank-after-start", "filled-before-start"):
        assert found.filter(code=code)["place"].n_unique() == found.filter(code=code).height == 169


def test_versions_that_disagree_or_take_something_back_are_found_in_the_real_record(
    shared_data: Path, tmp_path: Path
) -> None:
    book = Book.init(tmp_path / "book", template="nyt")
    card, settings = book.folder / "sources/nyt.md", book.folder / "book.toml"
    (card.parent / "final.md").write_text(card.read_text())
    settings.write_text(settings.read_text().replace("first_date = 2020-01-21", "first_date = 2020-01-22"))
    book = Book(book.folder)
    assert len(list(book.record_vintages("nyt", FolderHistory(shared_data / "nyt-vintages")))) == 32
    book.record("nyt", shared_data / "nyt-2021-03-07/us.csv")
    gone = book.check().filter(code="withdrawn").select("place", "metric", "date", "seen").rows()
    assert gone == [("USA-60", name, dt.date(2020, 4, 9), "11 days withdrawn by nyt") for name in ("cases", "deaths")]
    book.record("final", shared_data / "nyt/us-states.csv")
    found = book.check().select("code", "place", "metric", "date", "seen", "expected")
    said = "final: 2680637; nyt: 2683840"
    assert ("sources-disagree", "USA-48", "cases", dt.date(2021, 3, 4), said, "sources agree") in found.rows()
    last = dt.date(2021, 3, 6)
    assert ("states-nation", "USA", "cases", last, "states add up to 28994675, 851 off", "28993824") in found.rows()
    early = found.filter(code="too-early").select("place", "seen", "expected").rows()
    assert early == [(place, "1 on 2020-01-21", "nothing before 2020-01-22") for place in ("USA", "USA-53")]


def test_drafts_are_only_of_what_nobody_explained_and_are_a_register(real_book: Book, tmp_path: Path) -> None:
    findings = real_book.check()
    drafts = suggest_anomalies(findings, real_book.places)
    unexplained = findings.filter(pl.col("anomaly").is_null(), pl.col("code").is_in(["decline", "jump"]))
    assert drafts.height == unexplained.select("place", "date", "code").n_unique()
    assert drafts["description"].str.starts_with("DRAFT. ").all()
    jumped = unexplained.filter(code="jump").select(geoid="place", date="date").unique()
    assert drafts.filter("omit_from_rolling_average").height == jumped.height
    own = Book.init(tmp_path / "book", template="nyt")
    (own.folder / "anomalies.csv").write_text(write_anomalies(drafts))
    assert own.register.height == drafts.height


def test_a_draft_is_of_both_only_where_cases_and_deaths_want_the_same() -> None:
    rows = [
        ("decline", "cases", 1),
        ("decline", "deaths", 1),
        ("jump", "cases", 2),
        ("decline", "deaths", 2),
        ("jump", "tests", 3),
        ("jump", "positive_tests", 3),
    ]
    findings = pl.DataFrame(
        [(code, "USA-39", metric, START.replace(day=day)) for code, metric, day in rows],
        schema=["code", "place", "metric", "date"],
        orient="row",
    ).with_columns(seen=pl.lit("-1 deaths"), expected=pl.lit("never fewer"), anomaly=pl.lit(None, pl.String))
    drafts = suggest_anomalies(findings, gazetteer())
    assert drafts.select(pl.col("date").dt.day(), "type", "omit_from_rolling_average").rows() == [
        (1, "both", False),
        (2, "cases", True),
        (2, "deaths", False),
        (3, "tests", True),
        (3, "positive_tests", True),
    ]


def test_every_check_is_documented() -> None:
    headings = [line[3:] for line in (HERE / "docs/checks.md").read_text().splitlines() if line.startswith("## ")]
    assert headings == list(CODES)
