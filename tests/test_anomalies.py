import polars as pl
import pytest

from tallybook import read_anomalies
from tallybook.anomalies import write_anomalies
from tallybook.errors import DataRefusedError
from tallybook.model.anomalies import ANOMALY_COLUMNS, ANOMALY_SCHEMA

HEADER = ",".join(ANOMALY_COLUMNS)
GOOD = "2022-01-14,2022-01-16,,Texas,USA-48,cases,yes,,-5,Why."


def read(*rows: str) -> pl.DataFrame:
    return read_anomalies("\n".join([HEADER, *rows]).encode())


def test_the_register_comes_back_as_it_was_written() -> None:
    rows = [
        GOOD,
        GOOD,
        '2020-04-06,,New York City,New York,USA-36998,deaths,,yes,0,"He said ""no"", then. "',
        "2020-05-01,,,,USA,both,,,0,",
    ]
    register = read(*rows)
    assert register.schema == ANOMALY_SCHEMA
    assert write_anomalies(register) == "\n".join([HEADER, *rows, ""])


def test_ids_are_made_of_place_date_and_type_and_stay_unique() -> None:
    assert read(GOOD, GOOD, GOOD)["id"].to_list() == [
        "USA-48-2022-01-14-cases",
        "USA-48-2022-01-14-cases-2",
        "USA-48-2022-01-14-cases-3",
    ]


def test_an_empty_register_is_one() -> None:
    assert read().schema == ANOMALY_SCHEMA


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2022-01-14,,,Texas,USA-99,cases,,,0,", "line 3, column geoid: unknown place 'USA-99'"),
        ("2022-01-14,,,Texass,USA-99,cases,,,0,", "unknown place 'USA-99'; did you mean 'Texas'?"),
        ("2022-01-14,,,Utah,USA-48,cases,,,0,", "line 3, column state: 'Utah' is not what 'USA-48' is called"),
        ("2022-01-14,,Kings,Texas,USA-48001,cases,,,0,", "line 3, column county: 'Kings' is not what 'USA-48001' is"),
        (
            "2022-01-14,2022-01-13,,Texas,USA-48,cases,,,0,",
            "column end_date: the end '2022-01-13' is before the date '2022-01-14'",
        ),
        (
            "2022-01-14,,,Texas,USA-48,births,,,0,",
            "column type: unknown type 'births'; use one of cases, deaths, people_tested, tests, positive_tests, both",
        ),
        ("2022-01-14,,,Texas,USA-48,cases,no,,0,", "column omit_from_rolling_average: 'no' is neither yes nor blank"),
        ("2022-01-14,,,Texas,USA-48,cases,,,1.5,", "column adjusted_daily_count_for_avg: '1.5' is no whole number"),
        (
            "2022-01-14,,,Texas,USA-48,cases,,,,",
            "column adjusted_daily_count_for_avg: the adjusted_daily_count_for_avg is blank",
        ),
        ("14.01.2022,,,Texas,USA-48,cases,,,0,", "column date: '14.01.2022' is no date"),
        (",,,Texas,USA-48,cases,,,0,", "column date: the date is blank"),
        ("2022-01-14,,,Texas,,cases,,,0,", "column geoid: the geoid is blank"),
    ],
)
def test_wrong_entries_are_refused_with_line_column_text_and_hint(row: str, says: str) -> None:
    with pytest.raises(DataRefusedError) as refused:
        read(GOOD, row)
    assert str(refused.value).startswith("anomalies.csv, line 3, column ")
    assert says in str(refused.value)
