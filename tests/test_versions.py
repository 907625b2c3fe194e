"""What held of a key over time agrees with what was known at any moment."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tallybook import Ledger
from tallybook.model.reports import KEY, REPORT_SCHEMA, Reports

BEGIN = datetime(2020, 3, 1, tzinfo=UTC)
SOURCES = ("nyt", "state", "nyt (live)")

files = st.lists(
    st.tuples(
        st.sampled_from(SOURCES),
        st.dictionaries(st.sampled_from(["USA-53", "USA-06"]), st.sampled_from([1.0, 2.0, None]), min_size=1),
    ),
    min_size=1,
    max_size=6,
)


def reports(source: str, said: dict[str, float | None]) -> Reports:
    rows = [
        {"place": place, "metric": "cases", "date": date(2020, 2, 1), "value": value}
        | {"status": "not_reported" if value is None else "reported"}
        for place, value in said.items()
    ]
    return Reports(pl.DataFrame(rows, schema=REPORT_SCHEMA), source, "file", f"{source}{said}")


@settings(max_examples=60)
@given(files)
def test_the_versions_up_to_a_moment_end_with_what_was_known_then(
    said: list[tuple[str, dict[str, float | None]]],
) -> None:
    ledger = Ledger(Path(mkdtemp()) / "ledger")
    moments = [BEGIN + timedelta(hours=number) for number in range(len(said))]
    for (source, values), moment in zip(said, moments, strict=True):
        ledger.record(reports(source, values), as_of=moment)
    versions = ledger.versions()
    assert versions.equals(versions.sort(*KEY, "as_of"))
    assert not versions.select(*KEY, "as_of").is_duplicated().any()
    for moment in moments:
        known = ledger.as_of(moment).select(*KEY, "value", "status", "source")
        held = versions.filter(pl.col("as_of") <= moment).group_by(KEY, maintain_order=True).last()
        assert held.select(known.columns).equals(known)


def test_what_is_asked_of_some_keys_is_what_is_known_of_them() -> None:
    ledger = Ledger(Path(mkdtemp()) / "ledger")
    for number, source in enumerate(SOURCES):
        ledger.record(reports(source, {"USA-53": float(number), "USA-06": 1.0}), as_of=BEGIN + timedelta(hours=number))
    one = pl.col("place") == "USA-53"
    assert ledger.as_of(where=one).equals(ledger.as_of(place="USA-53"))
    assert ledger.versions(one).equals(ledger.versions().filter(one))
    assert ledger.revisions(where=one).equals(ledger.revisions().filter(one))


def test_the_stamp_changes_when_something_is_recorded() -> None:
    ledger = Ledger(Path(mkdtemp()) / "ledger")
    assert ledger.stamp() == 0
    ledger.record(reports("nyt", {"USA-53": 1.0}), as_of=BEGIN)
    first = ledger.stamp()
    assert first == ledger.stamp() > 0
    ledger.record(reports("nyt", {"USA-53": 2.0}), as_of=BEGIN + timedelta(hours=1))
    assert ledger.stamp() != first
