"""What the columns of a release hold, for programs: their types, their codes, their origin, and which are a key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tallybook.model.metrics import COUNTS, RATES
from tallybook.release.layout import AVERAGES
from tallybook.release.meanings import whole_name

_DATES: Final = re.compile(r"(start_|end_)?date|.*_window_(start|end)")
_WHOLE: Final = re.compile(
    r".*_window_days|population|days_since_last_report|adjusted_daily_count_for_avg|mmwr_(year|week)|total|weeks_covered"
    r"|revision|values|revisions|most_revisions|month|week"
)
_NUMBERS: Final = re.compile(
    r".*_(avg|per_100k|percent|days|low|high|km2|musd)|(median|longest)_lag_days|old|new|difference|value|expected_deaths"
    r"|excess_deaths|cumulative_excess"
)
_YES_OR_NO: Final = re.compile(r".*_(reported|omitted)|omit_from_.*|provisional")
_MOMENTS: Final = re.compile(r"(old_)?as_of")

CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "status": {
        "reported": "the source gave a number",
        "not_reported": "it gave none",
        "not_collected": "it did not collect it yet",
        "withheld": "it keeps the number back, for it is small",
        "withdrawn": "it took its number back",
    },
    "level": {
        "nation": "the whole nation",
        "state": "a state or territory",
        "county": "a county, or what stands for one",
        "town": "a town",
    },
    "change": {
        "new": "nothing was known before",
        "revised": "another value was known before",
        "withdrawn": "the source took its value back",
    },
    "frequency": {"weekly": "a row is a week", "monthly": "a row is a month"},
}
"""The words that the values of a column are taken from, and what each means."""

_PLACE: Final = (
    "geoid",
    "level",
    "fips",
    "name",
    "title",
    "state",
    "county",
    "town",
    "abbreviation",
    "parent",
    "place",
)
_GAZETTEER: Final = {
    **dict.fromkeys((*_PLACE, "members"), "the gazetteer"),
    **dict.fromkeys(("region", "division"), "the gazetteer: U.S. Census Bureau"),
    "population": "the gazetteer: U.S. Census Bureau, estimates of 2019, or the book's own",
    "land_area_km2": "the gazetteer: U.S. Census Bureau, 2016",
    "gdp_2019_musd": "the gazetteer: Bureau of Economic Analysis, 2019",
}
_EXCESS_GIVEN: Final = (
    *("country", "placename", "frequency", "start_date", "end_date", "year", "month", "week", "deaths", "source"),
)

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "changes.csv": ("geoid", "metric", "date"),
    "weeks.csv": ("geoid", "metric", "date"),
    "weeks.parquet": ("geoid", "metric", "date"),
    "places.csv": ("geoid",),
    "places.parquet": ("geoid",),
    "provenance.parquet": ("geoid", "metric", "date"),
    "live/provenance.parquet": ("geoid", "metric", "date"),
    "revisions.parquet": ("geoid", "metric", "date", "revision"),
    "revision-summary.csv": ("geoid", "metric"),
    "dictionary.csv": ("file", "column"),
    "rolling-averages/anomalies.parquet": ("id",),
}
"""The columns that tell the rows of a file apart, by its path; of the levels' figures see ``key_of``."""


def kind_of(column: str, path: str) -> str:
    """Return the type of a column of a file.

    Returns:
        ``date``, ``moment``, ``whole number``, ``number``, ``yes or no``, ``list`` or ``text``.

    >>> kind_of("cases", "us.csv"), kind_of("cases_avg", "rolling-averages/us.csv"), kind_of("fips", "us-states.csv")
    ('whole number', 'number', 'text')
    """
    counted = path.startswith(("weeks", "excess-deaths/changes")) and column in ("old", "new", "difference")
    if counted or column in COUNTS or _WHOLE.fullmatch(column):
        return "whole number"
    if column.endswith("_anomaly"):
        return "list"
    named = {"date": _DATES, "moment": _MOMENTS, "yes or no": _YES_OR_NO, "number": _NUMBERS}
    return next((kind for kind, pattern in named.items() if pattern.fullmatch(column)), "text")


def codes_of(column: str) -> Mapping[str, str]:
    """Return the words the values of a column are taken from, and what each means; empty where they are free."""
    return CODES.get(column, {})


def key_of(path: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that tell the rows of a file apart; empty where nobody promises any.

    Args:
        path: of the file, below the release's folder.
        columns: what it has.

    >>> key_of("us-counties-2021.csv", ["date", "county", "state", "fips", "cases"])
    ('date', 'county', 'state')
    """
    named = whole_name(path)
    if named in KEYS:
        return KEYS[named]
    if "country" in columns or not _counted(columns):
        return ()
    places = [name for name in ("county", "state") if name in columns]
    return ("date", "geoid") if "geoid" in columns else ("date", *places)


def origin_of(column: str, path: str, sources: Sequence[Mapping[str, Any]]) -> str:
    """Return where the values of a column come from, in words.

    Args:
        column: its name.
        path: of the file, below the release's folder.
        sources: what the sources of the file say of themselves.

    >>> origin_of("cases", "us.csv", [{"name": "nyt"}])
    'nyt'
    >>> origin_of("cases_avg_per_100k", "rolling-averages/us.csv", [{"name": "nyt"}])
    'computed from cases and populations'
    """
    told = ", ".join(source["name"] for source in sources) or "the sources"
    if path.startswith("excess-deaths/changes"):
        return told if column in _EXCESS_GIVEN else "the recorded files, compared with the release before"
    if path.startswith("excess-deaths/"):
        return told if column in _EXCESS_GIVEN else "the ledger" if column == "as_of" else "computed from deaths"
    if path.startswith(f"{AVERAGES}/anomalies"):
        return _GAZETTEER.get(column, "the register of anomalies")
    if column in _GAZETTEER:
        return _GAZETTEER[column]
    return _of_figures(column, path, told) or _of_files(column, path, told)


def _of_figures(column: str, path: str, told: str) -> str:
    """Return where a column of counts, averages and rates comes from; empty where it is none."""
    if column in (*COUNTS, *RATES):
        return f"computed from cumulative {column}" if path.startswith(f"{AVERAGES}/") else told
    metric = next((name for name in sorted(COUNTS, key=len, reverse=True) if column.startswith(f"{name}_")), None)
    if metric is None or path.startswith(("dictionary", "revision")):
        return ""
    if column.endswith(("_anomaly", "_omitted")):
        return "the register of anomalies"
    return f"computed from {metric}{' and populations' if column.endswith('_per_100k') else ''}"


def _of_files(column: str, path: str, told: str) -> str:
    """Return where a column of another file comes from: one file, one origin, but for some columns."""
    if column in ("days_since_last_report", "positivity_avg_percent"):
        return "computed from reports and averages"
    if column in ("new", "weeks_covered") and path.startswith("weeks"):
        return "computed from totals"
    named = {
        "dictionary": "Tallybook",
        "places": "the gazetteer",
        "revision-summary": "computed from the ledger",
        "revisions": "the ledger",
        "changes": "the ledger, compared with the release before",
        "provenance": "the ledger",
        "live/provenance": "the ledger",
    }
    return next((says for start, says in named.items() if path.startswith(start)), told)


def _counted(columns: Sequence[str]) -> bool:
    return "date" in columns and any(name in COUNTS for name in columns)
