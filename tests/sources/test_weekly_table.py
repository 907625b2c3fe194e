"""Tables by MMWR week: weeks become Saturdays, and what is withheld has no value."""

import datetime as dt

import pytest
from pydantic import ValidationError

from tallybook.errors import DataRefusedError
from tallybook.model.cards import Card
from tallybook.model.places import gazetteer
from tallybook.model.reports import Reports
from tallybook.sources.table import parse_table

SAID = {
    "title": "Measles",
    "layout": "table",
    "reporting": "explicit",
    "cadence": "weekly",
    "level": "state",
    "week": {"year": "Year", "week": "Week"},
    "provisional_weeks": 4,
    "place": {"name": "State"},
    "metrics": {"cases": "Cases"},
    "missing": {"<5": "withheld"},
}


def parsed(rows: str) -> Reports:
    data = f"State,Year,Week,Cases\n{rows}".encode()
    card = Card.model_validate(SAID)
    return parse_table(data, file="m.csv", source="m", card=card, places=gazetteer(), today=dt.date(2025, 4, 1))


def test_a_week_is_dated_by_its_saturday_and_a_withheld_count_is_never_zero() -> None:
    made = parsed("Texas,2025,12,<5\nTexas,2020,53,7\nOhio,2025,12,0\n").frame
    assert made.select("place", "date", "value", "status").rows() == [
        ("USA-48", dt.date(2025, 3, 22), None, "withheld"),
        ("USA-48", dt.date(2021, 1, 2), 7.0, "reported"),
        ("USA-39", dt.date(2025, 3, 22), 0.0, "reported"),
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Texas,2024,53,1\n", "no MMWR week"),
        ("Texas,2025,0,1\n", "no MMWR week"),
        ("Texas,2025,x,1\n", "no whole number"),
        ("Texas,2025,20,1\n", "in the future"),
        ("Texas,2025,12,1\nTexas,2025,12,2\n", "a second row"),
    ],
)
def test_a_week_that_cannot_be_is_refused_with_its_line(row: str, says: str) -> None:
    with pytest.raises(DataRefusedError, match=rf"m\.csv.*{says}"):
        parsed(row)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"cadence": "daily"}, "cadence: weekly"),
        ({"date": {"column": "Day"}}, "no date"),
        ({"week": None, "date": {"column": "Day"}}, "provisional_weeks are MMWR weeks"),
        ({"week": {"year": "Year", "week": "Year"}}, "two things are read"),
    ],
)
def test_a_card_that_contradicts_itself_on_weeks_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Card.model_validate(SAID | change)
