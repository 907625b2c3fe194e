"""Deaths from all causes in a book: recorded, known as of a moment, published, checked, on the command line."""

import csv
import datetime as dt
import gzip
import json
from pathlib import Path

import httpx
import polars as pl
import pytest
from typer.testing import CliRunner

from conftest import HERE
from mortality import csv_of
from server_fixtures import serving
from tallybook import Book
from tallybook.cli.commands import app
from tallybook.errors import BookError, ContractError, DataRefusedError, LedgerError
from tallybook.model.mortality import DEATHS_SCHEMA
from tallybook.release.changes import changed_deaths
from tallybook.release.excess import agreement
from tallybook.sources.vintages import FolderHistory
from test_cli import tallybook

FILE = "excess-deaths/deaths.csv"
NOW = dt.datetime(2021, 1, 15, 12, tzinfo=dt.UTC)
CARD = """---
title: Deaths by month
layout: all-cause-deaths
reporting: explicit
csv_url: https://example.org/deaths.csv
---
"""


def rows(country: str = "Peru", years: range = range(2016, 2021), more: int = 0, months: int = 12) -> list[str]:
    return [
        f"{country},,monthly,,,{year},{month},,{1000 + 10 * month + (year * month) % 7 + more * (year == 2020)}"
        for year in years
        for month in range(1, months + 1)
    ]


def feed(folder: Path, *lines: str) -> Path:
    (folder / "excess-deaths").mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_bytes(csv_of(*lines))
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


@pytest.fixture
def own(tmp_path: Path) -> Book:
    """A book whose only source is a file of deaths from all causes."""
    folder = Book.init(tmp_path / "own").folder
    (folder / "sources/agency.md").unlink()
    (folder / "sources/registry.md").write_text(CARD)
    return Book(folder, clock=lambda: NOW)


def test_the_published_file_goes_in_and_comes_out(real_book: Book, shared_data: Path) -> None:
    theirs = (shared_data / "nyt" / FILE).read_text().splitlines()
    ours = (real_book.folder / "public" / FILE).read_text().splitlines()
    assert ours[0] == theirs[0]
    assert len(ours) == len(theirs) == 7_259
    counted = [",".join(line.split(",")[:9]) for line in ours]
    assert counted == [",".join(line.split(",")[:9]) for line in theirs]
    figures = ["expected_deaths", "excess_deaths"]
    both = [pl.read_csv(("\n".join(lines)).encode(), infer_schema=False) for lines in (theirs, ours)]
    off = [(both[0][name].cast(pl.Int64) - both[1][name].cast(pl.Int64)).drop_nulls().abs() for name in figures]
    assert [(difference.len(), difference.max(), (difference == 0).sum()) for difference in off] == [
        (1_268, 1, 1_245)
    ] * 2
    assert both[0]["baseline"].null_count() == both[1]["baseline"].null_count()
    assert not [
        note for note in json.loads((real_book.folder / "public/release.json").read_text())["notes"] if FILE in note
    ]


def test_the_extended_files_say_more_and_agree(real_book: Book) -> None:
    folder = real_book.folder / "public/excess-deaths"
    parquet = pl.read_parquet(folder / "extended.parquet")
    text = pl.read_csv(folder / "extended.csv", infer_schema_length=None)
    assert parquet.height == text.height == 1_268
    assert text.columns == parquet.columns
    assert parquet["model"].null_count() == 0
    austria = parquet.filter(country="Austria").row(-1, named=True)
    assert austria["baseline_years"] == "2015-2019"
    assert austria["source"] == "nyt"
    assert austria["cumulative_excess_low"] < austria["cumulative_excess"] < austria["cumulative_excess_high"]
    csv = text.filter(pl.col("country") == "Austria").row(-1, named=True)
    assert csv["expected_low"] == pytest.approx(austria["expected_low"], abs=0.005)
    assert csv["model"] == "year + s(week)"


def test_what_was_known_of_deaths_is_known_as_of_every_moment(own: Book, tmp_path: Path) -> None:
    first = feed(tmp_path / "one", *rows(more=100)) / FILE
    second = feed(tmp_path / "two", *rows(more=700)) / FILE
    days = [NOW - dt.timedelta(days=days) for days in (9, 3)]
    added = [own.record("registry", file, as_of=day)[0] for file, day in zip((first, second), days, strict=True)]
    assert [(file.added, file.revised, file.withdrawn, file.unchanged) for file in added] == [
        (60, 0, 0, 0),
        (0, 12, 0, 48),
    ]
    again = own.record("registry", second)[0]
    assert (again.added, again.unchanged) == (0, 60)
    assert (own.excess()["excess_deaths"] > 500).all()
    assert (own.excess(as_of=days[1] - dt.timedelta(hours=1))["excess_deaths"] < 200).all()
    own.publish(tmp_path / "then", as_of=days[0])
    own.publish(tmp_path / "now")
    assert json.loads((tmp_path / "then/release.json").read_text())["as_of"] == days[0].isoformat()
    before, after = (pl.read_parquet(tmp_path / name / "excess-deaths/extended.parquet") for name in ("then", "now"))
    assert (after["deaths"] - before["deaths"]).unique().to_list() == [600]
    own.publish(tmp_path / "again", as_of=days[0])
    then, once_more = (
        {path.split("/", 4)[-1].split("/", 1)[-1]: data for path, data in snapshot(tmp_path / name).items()}
        for name in ("then", "again")
    )
    assert sorted(then.values()) == sorted(once_more.values())


def test_a_release_says_which_deaths_it_changes(own: Book, tmp_path: Path) -> None:
    changes = own.folder / "public/excess-deaths/changes.csv"
    own.record("registry", feed(tmp_path, *rows()) / FILE, as_of=NOW - dt.timedelta(days=9))
    own.publish()
    header = "change,country,placename,frequency,start_date,end_date,year,month,week,old,new,difference,as_of,source"
    assert changes.read_text() == f"{header}\n"
    was = rows()
    now = [*was[:-3], *(f"Peru,,monthly,,,2020,{month},,{deaths}" for month, deaths in ((10, 1100), (11, "")))]
    own.record("registry", feed(tmp_path, *now, "Chile,,weekly,2020-01-06,2020-01-12,2020,1,2,5") / FILE, as_of=NOW)
    own.publish()
    moment = NOW.isoformat()
    assert changes.read_text().splitlines()[1:] == [
        f"new,Chile,,weekly,2020-01-06,2020-01-12,2020,1,2,,5,,{moment},registry",
        f"revised,Peru,,monthly,,,2020,10,,1105,1100,-5,{moment},registry",
        f"revised,Peru,,monthly,,,2020,11,,1112,,,{moment},registry",
        f"withdrawn,Peru,,monthly,,,2020,12,,1126,,,{moment},registry",
    ]
    counts = {"new": 1, "revised": 2, "withdrawn": 1}
    assert json.loads((own.folder / "public/release.json").read_text())["changes"] == counts
    assert own.releases()[-1].changes == counts
    words = (own.folder / "public/CHANGES.md").read_text()
    assert "1 new values, 2 revised, 1 withdrawn; they are in `excess-deaths/changes.csv`." in words
    revised, gone = words.split("### Revised")[1].split("### Withdrawn, or not reported any more")
    assert "| 2020-10 | Peru | 1,105 | 1,100 | -5 | registry |" in revised
    assert gone.splitlines()[-2:] == [
        "| 2020-11 | Peru | 1,112 | – | – | registry |",
        "| 2020-12 | Peru | 1,126 | – | – | registry |",
    ]
    assert "Chile" not in words


def test_a_release_that_follows_another_card_says_what_changed_all_the_same(own: Book, tmp_path: Path) -> None:
    terms = CARD.replace("reporting:", "excess: [{place: Peru, columns: [warm]}]\nreporting:")
    header, *lines = csv_of(*rows(more=5)).decode().splitlines()
    warm = "\n".join([f"{header},warm", *(f"{line},{number}" for number, line in enumerate(lines))])
    own.record("registry", feed(tmp_path, *rows()) / FILE, as_of=NOW - dt.timedelta(days=9))
    own.publish()
    for card, data, days, changed in ((terms, warm, 5, 12), (CARD, csv_of(*rows()).decode(), 1, 12)):
        (own.folder / "sources/registry.md").write_text(card)
        (tmp_path / FILE).write_text(data)
        book = Book(own.folder, clock=lambda: NOW)
        book.record("registry", tmp_path / FILE, as_of=NOW - dt.timedelta(days=days))
        book.publish()
        assert book.releases()[-1].changes == {"new": 0, "revised": changed, "withdrawn": 0}


def test_deaths_of_a_source_that_left_the_book_are_withdrawn_once(own: Book, tmp_path: Path) -> None:
    (own.folder / "sources/other.md").write_text(CARD)
    book = Book(own.folder, clock=lambda: NOW)
    book.record("other", feed(tmp_path / "other", *rows("Chile")) / FILE, as_of=NOW - dt.timedelta(days=10))
    book.record("registry", feed(tmp_path / "one", *rows()) / FILE, as_of=NOW - dt.timedelta(days=9))
    book.publish()
    (own.folder / "sources/other.md").unlink()
    book = Book(own.folder, clock=lambda: NOW)
    book.publish()
    assert book.releases()[-1].changes == {"new": 0, "revised": 0, "withdrawn": 60}
    book.record("registry", feed(tmp_path / "two", *rows(more=3)) / FILE, as_of=NOW - dt.timedelta(days=2))
    book.publish()
    assert book.releases()[-1].changes == {"new": 0, "revised": 12, "withdrawn": 0}


def test_what_changed_is_noted_as_untold_where_the_file_before_is_lost(own: Book, tmp_path: Path) -> None:
    own.record("registry", feed(tmp_path / "one", *rows()) / FILE, as_of=NOW - dt.timedelta(days=9))
    own.publish()
    own.record("registry", feed(tmp_path / "two", *rows(more=3)) / FILE, as_of=NOW - dt.timedelta(days=2))
    first = json.loads((own.folder / "ledger/raw/log.jsonl").read_text().splitlines()[0])["sha256"]
    (lost,) = (own.folder / "ledger/raw").rglob(f"{first}*")
    lost.unlink()
    release = own.publish()
    assert any("deaths from all causes changed cannot be told" in note for note in release.notes)
    assert not (release.folder / "excess-deaths/changes.csv").exists()


def test_a_first_release_tells_what_was_recorded_before_it(own: Book, tmp_path: Path) -> None:
    for days, more in ((9, 0), (5, 3)):
        own.record("registry", feed(tmp_path, *rows(more=more)) / FILE, as_of=NOW - dt.timedelta(days=days))
    own.publish()
    assert own.releases()[-1].changes == {"new": 0, "revised": 12, "withdrawn": 0}
    assert own.releases()[-1].as_of == NOW - dt.timedelta(days=5)


def test_dates_that_are_added_or_corrected_are_no_revision(own: Book, tmp_path: Path) -> None:
    bare = [f"Peru,,weekly,,,{year},,{week},{50 + week}" for year in range(2016, 2021) for week in (1, 2)]
    first = feed(tmp_path / "one", *bare) / FILE
    dated = [
        line.replace("weekly,,,", f"weekly,{year}-01-02,{year}-01-08,")
        for line, year in zip(bare, sorted([*range(2016, 2021)] * 2), strict=True)
    ]
    own.record("registry", first, as_of=NOW - dt.timedelta(days=9))
    own.publish()
    told = own.record("registry", feed(tmp_path / "two", *dated[:-1], f"{dated[-1]}0") / FILE, as_of=NOW)[0]
    assert (told.added, told.revised, told.withdrawn, told.unchanged) == (0, 1, 0, 9)
    own.publish()
    changes = pl.read_csv(own.folder / "public/excess-deaths/changes.csv", infer_schema=False)
    assert changes.select("change", "start_date", "week", "old", "new").rows() == [
        ("revised", "2020-01-02", "2", "52", "520")
    ]


def test_who_takes_a_place_over_or_leaves_it_is_named() -> None:
    when = dt.datetime(2021, 1, 1, tzinfo=dt.UTC)
    schema = {**DEATHS_SCHEMA, "source": pl.String(), "as_of": pl.Datetime("us", "UTC")}

    def said(*told: tuple[int | None, int, str], place: str = "Peru") -> pl.DataFrame:
        each = [
            {"country": place, "frequency": "weekly", "year": "2020", "week": week, "deaths": deaths, "source": source}
            for deaths, week, source in told
        ]
        return pl.DataFrame([{**row, "as_of": when} for row in each], schema=schema)

    made = changed_deaths(
        said((4, 1, "old"), (5, 2, "old"), (None, 3, "old"), (6, 4, "old")).vstack(said((3, 1, "gone"), place="Chile")),
        said((4, 1, "other"), (7, 2, "other"), (None, 3, "other"), (6, 5, "other")),
    )
    assert made.select("change", "country", "week", "old", "new", "source", "as_of").rows() == [
        ("withdrawn", "Chile", 1, 3, None, "gone", None),
        ("revised", "Peru", 2, 5, 7, "other", when),
        ("withdrawn", "Peru", 4, 6, None, "other", when),
        ("new", "Peru", 5, None, 6, "other", when),
    ]


def test_versions_may_be_recorded_in_any_order_and_the_last_word_of_a_moment_holds(own: Book, tmp_path: Path) -> None:
    file = feed(tmp_path, *rows(more=100)) / FILE
    days = [NOW - dt.timedelta(days=days) for days in (9, 5, 1)]
    own.record("registry", file, as_of=days[2])
    own.record("registry", file, as_of=days[0])
    early = own.all_cause_deaths(as_of=days[1])
    assert early["as_of"].unique().to_list() == [days[0]]
    feed(tmp_path, *rows(more=700))
    assert own.record("registry", file, as_of=days[2])[0].revised == 12
    assert (own.all_cause_deaths()["deaths"] - early["deaths"]).unique().sort().to_list() == [0, 600]


def test_a_refused_file_keeps_everything_as_it_was(book: Book, tmp_path: Path) -> None:
    folder = feed(tmp_path / "feed", *rows())
    book.record("nyt", folder)
    before = snapshot(book.folder)
    (folder / "us.csv").write_text("date,cases,deaths\n2020-05-01,8,0\n")
    feed(folder, *rows(), "Peru,,monthly,,,2020,12,,7")
    with pytest.raises(DataRefusedError, match=r"deaths\.csv, line 62, column year: a second row of 'Peru'"):
        book.record("nyt", folder)
    assert snapshot(book.folder) == before
    feed(folder, *rows(years=range(2016, 2019)))
    with pytest.raises(DataRefusedError, match="24 of the 60 counts known of nyt are not in the file any more"):
        book.record("nyt", folder)
    assert snapshot(book.folder) == before
    assert [file.withdrawn for file in book.record("nyt", folder, allow_withdrawals=True)] == [0, 24]


def test_what_cannot_be_expected_is_in_the_notes_and_the_findings_and_the_rest_is_published(
    own: Book, tmp_path: Path
) -> None:
    blank = "Chile,,monthly,,,2020,5,,"
    chile = [line for line in rows("Chile") if not line.startswith("Chile,,monthly,,,2020,5,")]
    ended = rows("Cuba", years=range(2016, 2019))
    new, one = rows("Fiji", years=range(2020, 2021)), rows("Oman", years=range(2019, 2021))
    gap = [line for line in rows("Togo", years=range(2018, 2021)) if ",12,," not in line or ",2020," in line]
    own.record("registry", feed(tmp_path / "feed", *rows(), *chile, blank, *ended, *new, *one, *gap) / FILE)
    release = own.publish()
    assert [note for note in release.notes if FILE in note] == [
        f"{FILE} has no expected deaths of Fiji: nothing is known of 2015 to 2019",
        f"{FILE} has no expected deaths of Togo in 1 of 12 months: no history of month 12",
        f"{FILE} has no expected deaths of Cuba: its rows end before",
    ]
    table = pl.read_csv(release.folder / FILE, infer_schema_length=None)
    assert table.height == 60 + 60 + 36 + 12 + 24 + 34
    known = dict(table.filter(year=2020).group_by("country").agg(pl.col("expected_deaths").count()).rows())
    assert known == {"Peru": 12, "Chile": 12, "Fiji": 0, "Oman": 12, "Togo": 11}
    found = own.check().select("code", "place", "date", "seen")
    assert found.rows() == [
        ("history-too-short", "Fiji", dt.date(2020, 1, 1), "nothing is known of 2015 to 2019"),
        ("history-too-short", "Oman", dt.date(2020, 1, 1), "mean of month, 2019"),
        ("history-too-short", "Togo", dt.date(2020, 1, 1), "mean of month, 2018-2019"),
        ("deaths-not-reported", "Chile", dt.date(2020, 5, 1), "blank"),
        ("no-expected-deaths", "Togo", dt.date(2020, 12, 1), "no history of month 12"),
    ]


def test_many_places_without_a_history_are_counted(own: Book, tmp_path: Path) -> None:
    new = [line for number in range(23) for line in rows(f"Land {number}", years=range(2020, 2021))]
    own.record("registry", feed(tmp_path / "feed", *rows(), *new) / FILE)
    notes = [note for note in own.publish().notes if "expected" in note or "more places" in note]
    assert len(notes) == 21
    assert notes[-1] == "nor of 3 more places; excess-deaths/extended.csv says why (remark)"


def test_the_baseline_and_terms_are_the_books_and_the_cards(own: Book, tmp_path: Path) -> None:
    text = csv_of(*rows(years=range(2014, 2021))).decode().splitlines()
    heat = [text[0] + ",heat", *(f"{line},{number % 5}" for number, line in enumerate(text[1:]))]
    (tmp_path / "deaths.csv").write_text("\n".join(heat))
    toml, card = own.folder / "book.toml", own.folder / "sources/registry.md"
    toml.write_text(toml.read_text() + "\n[excess]\nbaseline = [2014, 2018]\n")
    card.write_text(CARD.replace("---\ntitle", "---\nexcess: [{place: Peru, columns: heat}]\ntitle"))
    book = Book(own.folder, clock=lambda: NOW)
    book.record("registry", tmp_path / "deaths.csv")
    made = book.excess()
    assert made.select("year", "baseline_years", "model").unique().sort("year").rows() == [
        ("2019", "2014-2018", "year + month + heat"),
        ("2020", "2014-2018", "year + month + heat"),
    ]
    assert book.excess(baseline=(2016, 2019))["baseline_years"].unique().to_list() == ["2016-2019"]
    method = json.loads((book.publish().folder / "release.json").read_text())["method"]["excess_deaths"]
    assert method == {"baseline": [2014, 2018], "terms": {"registry": {"Peru": {"columns": ["heat"]}}}}


def test_of_two_sources_of_a_place_the_one_recorded_last_is_taken(own: Book, tmp_path: Path) -> None:
    (own.folder / "sources/other.md").write_text(CARD)
    book = Book(own.folder, clock=lambda: NOW)
    book.record("other", feed(tmp_path / "b", *rows(more=9)) / FILE, as_of=NOW - dt.timedelta(days=1))
    book.record(
        "registry", feed(tmp_path / "a", *rows(more=5), *rows("Chile")) / FILE, as_of=NOW - dt.timedelta(days=2)
    )
    assert dict(book.excess().select("country", "source").unique().rows()) == {"Peru": "other", "Chile": "registry"}
    assert book.all_cause_deaths().height == 120
    book.record("registry", feed(tmp_path / "c", *rows(more=7)) / FILE, allow_withdrawals=True)
    assert book.excess()["source"].unique().to_list() == ["registry"]


def test_past_versions_are_recorded_each_since_its_moment(own: Book, tmp_path: Path) -> None:
    for day, more in ((3, 5), (9, 50)):
        (tmp_path / f"2021-01-0{day}T0900-0500_deaths.csv").write_bytes(csv_of(*rows(more=more)))
    (tmp_path / "2021-01-05T0900-0500_deaths.csv").write_bytes(csv_of("Peru,,monthly,,,2020,99,,7"))
    refused: list[DataRefusedError] = []
    for _ in range(2):
        told = list(own.record_vintages("registry", FolderHistory(tmp_path), refused=refused.append))
    assert [(file.added, file.revised, file.unchanged) for file in told] == [(0, 0, 60), (0, 0, 60)]
    assert "a year has no month '99'" in str(refused[0])
    assert len(own.raw.entries()) == 2
    at = dt.datetime(2021, 1, 4, tzinfo=dt.UTC)
    then, now = (own.all_cause_deaths(as_of=moment) for moment in (at, None))
    assert (now["deaths"] - then["deaths"]).sum() == 12 * 45


def test_a_past_version_that_cannot_be_taken_ends_the_recording_unless_it_may_be_left_out(
    own: Book, tmp_path: Path
) -> None:
    (tmp_path / "2021-01-05T0900-0500_deaths.csv").write_bytes(csv_of("Peru,,monthly,,,2020,99,,7"))
    with pytest.raises(DataRefusedError, match="a year has no month '99'"):
        list(own.record_vintages("registry", FolderHistory(tmp_path)))
    assert own.raw.entries() == []


@pytest.mark.parametrize("how", ["gone", "another"])
def test_deaths_whose_file_is_no_longer_whole_are_not_told(own: Book, tmp_path: Path, how: str) -> None:
    own.record("registry", feed(tmp_path, *rows()) / FILE)
    (kept,) = (own.folder / "ledger/raw").rglob("*.gz")
    if how == "gone":
        kept.unlink()
    else:
        kept.write_bytes(gzip.compress(csv_of(*rows(more=1))))
    with pytest.raises(LedgerError, match=rf"{kept.name[:12]}.* is missing or damaged; it is .*deaths\.csv"):
        own.excess()


def test_a_book_of_deaths_only_is_served_and_has_no_figures_by_day(own: Book, tmp_path: Path) -> None:
    own.record("registry", feed(tmp_path, *rows()) / FILE)
    own.publish()
    with serving(own) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get(f"/{FILE}").status_code == 200
        said = client.get("/api/v1/series?metric=cases")
        assert (said.status_code, said.json()["detail"]) == (404, "the release has no figures yet")


def test_a_file_that_lacks_what_a_model_needs_is_refused_before_anything_is_kept(own: Book, tmp_path: Path) -> None:
    card = own.folder / "sources/registry.md"
    card.write_text(CARD.replace("---\ntitle", "---\nexcess: [{place: Peru, holidays: {country: PE}}]\ntitle"))
    book = Book(own.folder, clock=lambda: NOW)
    with pytest.raises(ContractError, match="the term 'holidays' of Peru is not known of every period"):
        book.record("registry", feed(tmp_path, *rows()) / FILE)
    assert book.raw.entries() == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "layout: all-cause-deaths",
            "layout: all-cause-deaths\nlevel: state",
            "the all-cause-deaths layout has its own level",
        ),
        ("reporting:", "excess: [{place: Peru}, {place: Peru}]\nreporting:", "excess: 'Peru' stands there twice"),
        ("reporting:", "excess: [{place: Peru, weeks: [54]}]\nreporting:", "54 is more than 53"),
        ("reporting:", "excess: [{place: Peru, week: 2}]\nreporting:", "excess.0.week: unknown key"),
    ],
)
def test_a_wrong_card_says_which_key(own: Book, old: str, new: str, says: str) -> None:
    (own.folder / "sources/registry.md").write_text(CARD.replace(old, new))
    with pytest.raises(DataRefusedError) as wrong:
        _ = Book(own.folder).sources
    assert says in str(wrong.value)


def test_a_card_that_speaks_of_a_place_without_deaths_is_noted(own: Book, tmp_path: Path) -> None:
    card = own.folder / "sources/registry.md"
    card.write_text(CARD.replace("---\ntitle", "---\nexcess: [{place: Perru, january: false}]\ntitle"))
    book = Book(own.folder, clock=lambda: NOW)
    book.record("registry", feed(tmp_path, *rows()) / FILE)
    assert book.publish().notes[-1] == "the card of registry says how deaths are expected in Perru, which has none"


def test_nothing_recorded_is_said(book: Book) -> None:
    with pytest.raises(BookError, match=r"no deaths from all causes are recorded; record excess-deaths/deaths\.csv"):
        book.excess()
    assert book.all_cause_deaths().is_empty()


def test_the_command_shows_compares_and_draws(own: Book, tmp_path: Path) -> None:
    tallybook("record", "registry", feed(tmp_path, *rows(more=300), *rows("Chile")) / FILE, "--book", own.folder)
    shown = tallybook("excess", "--format", "csv", "--book", own.folder)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.splitlines()[0].startswith(
        "country,placename,frequency,start_date,end_date,year,month,week,deaths,"
    )
    assert len(shown.stdout.splitlines()) == 25
    table = tallybook("excess", "--book", own.folder).stdout
    assert "2020-12" in table
    assert len(json.loads(tallybook("excess", "peru", "--json", "--book", own.folder).stdout)["rows"]) == 12
    held = tallybook(
        "excess", "--interval-coverage", "2019", "--format", "csv", "--book", own.folder
    ).stdout.splitlines()
    assert [line.split(",")[:3] for line in held[1:]] == [["Chile", "monthly", "2"], ["Peru", "monthly", "2"]]
    drawn = tallybook("chart", "excess", "--place", "peru", "-o", tmp_path / "peru.svg", "--book", own.folder)
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert "more deaths than expected" in (tmp_path / "peru.svg").read_text()
    tallybook("publish", "--book", own.folder)
    published = own.folder / "public" / FILE
    agreed = tallybook("excess", "--compare-published", published, "--book", own.folder).stdout
    assert "24 of 24 published figures are equal (100.0%), 0 one off, 0 further off, 0 not estimated" in agreed


def test_the_command_tells_of_one_place_of_another_baseline_and_for_programs(own: Book, tmp_path: Path) -> None:
    own.record("registry", feed(tmp_path, *rows(more=-300), *rows("Chile")) / FILE)
    own.publish()

    def printed(*words: str) -> str:
        done = CliRunner().invoke(app, ["excess", *words, "--book", str(own.folder)], env={"COLUMNS": "250"})
        assert done.exception is None, done.exception
        return done.stdout

    months = [line.split() for line in printed("peru").splitlines()[1:]]
    assert [line[:2] for line in months] == [["2020", str(month)] for month in range(1, 13)]
    assert months[0][2:4] == ["714", "935.5"]
    fitted = [line.split() for line in printed("--baseline", "2017-2018").splitlines()[1:]]
    assert [(line[0], line[8]) for line in fitted] == [("Chile", "2017-2018"), ("Peru", "2017-2018")]
    first = next(csv.DictReader(printed("peru", "--format", "csv").splitlines()))
    assert float(first["excess_deaths"]) == pytest.approx(-221.461538)
    agreed = printed("--compare-published", str(own.folder / "public" / FILE), "--format", "csv")
    assert "published figures" not in agreed
    assert len(agreed.splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("Perru",), "no deaths from all causes of 'Perru'; did you mean 'Peru'?"),
        (("--baseline", "2019-2015"), "'2019-2015' is no baseline; write its first and last year, as 2015-2019"),
        (
            ("--compare-published", "recorded"),
            "recorded has no expected deaths to compare with; they are in a published",
        ),
        (("--compare-published", "none.csv"), "cannot read none.csv: No such file or directory"),
        (("--interval-coverage", "2016"), "no year can be held back; at least two years before it have to be known"),
        (("--as-of", "2019-01-01"), "no deaths from all causes are recorded"),
    ],
)
def test_what_the_command_cannot_tell_is_one_line(
    own: Book, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    own.record("registry", feed(tmp_path, *rows()) / FILE)
    said = tallybook("excess", *arguments, "--book", own.folder)
    assert (said.returncode, said.stdout) == (1, "")
    assert says in said.stderr
    assert said.stderr.count("\n") == 1


def test_the_real_examples_of_the_documentation(real_book: Book) -> None:
    page = (HERE / "docs/explanation/excess-deaths.md").read_text().replace("\n", " ")
    table = agreement(real_book.excess(), real_book.all_cause_deaths())
    equal, published, off = table.select("equal", "published", "one_off").sum().row(0)
    assert f"Of the {published:,} published figures of {table.height} places" in page
    assert f"{equal:,} come out equal ({equal / published:.1%}), and {off} are one off".replace("%", " %") in page
    held = real_book.interval_coverage(2019).filter(frequency="weekly")
    periods, inside, years, whole = held.select("periods", "periods_inside", "years", "years_inside").sum().row(0)
    share = f"{inside / periods:.1%}".replace("%", " %")
    assert f"Of {periods:,} weeks held back, of {held.height} places, {share} were inside" in page
    assert f"of {years} whole years, the sums of {whole}." in page
    ordered = held.sort("coverage_percent")
    assert f"from {ordered['coverage_percent'][0]:.0f} % ({ordered['place'][0]}) to 100 % (Finland, one year)" in page
    assert held.filter(place="Finland").select("years", "coverage_percent").row(0) == (1, 100.0)
    short = real_book.check().filter(code="history-too-short")
    assert (
        dict(short.select("place", "seen").rows()).items()
        >= {
            "Spain": "mean of week, 2018-2019",
            "United States": "average row and January, 2017-2019",
        }.items()
    )
    assert short.height == 10


def test_the_words_of_a_card_in_the_documentation_are_taken(own: Book) -> None:
    page = (HERE / "docs/explanation/excess-deaths.md").read_text()
    said = page.split("```yaml\n")[1].split("```")[0]
    (own.folder / "sources/registry.md").write_text(CARD.replace("---\ntitle", f"---\n{said}title"))
    assert [terms.place for terms in Book(own.folder).sources["registry"].card.excess] == [
        "United Kingdom",
        "Peru",
        "Brazil",
    ]
