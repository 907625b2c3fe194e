"""The page of what the front matter of a card may say."""

from pydantic import BaseModel

from generators.attributes import key_table
from tallybook.model.cards import Card, DateColumn, MetricColumn, PlaceColumns, WeekColumns
from tallybook.model.metrics import COUNTS, RATES
from tallybook.model.mortality import HolidayTerm, PlaceTerms


def card_keys() -> str:
    """Return the keys of a card, and those of its parts."""
    parts: dict[str, type[BaseModel]] = {
        "date": DateColumn,
        "week": WeekColumns,
        "place": PlaceColumns,
        "a metric": MetricColumn,
        "excess": PlaceTerms,
        "holidays of excess": HolidayTerm,
    }
    metrics = ", ".join(f"`{name}`" for name in (*COUNTS, *RATES))
    return "\n\n".join(
        [
            "## At the top",
            key_table(Card),
            *(f"## Of {name}\n\n{key_table(part)}" for name, part in parts.items()),
            f"## Metrics\n\nWhat `metrics` may name: {metrics}.",
        ]
    )
