"""What the columns and files of a release mean, in words."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tallybook.model.metrics import COUNTS


class Meaning(NamedTuple):
    """What a column means.

    Attributes:
        unit: the unit of its values; empty where they have none.
        says: what it is.
        missing: what a blank says; empty where there are none.
    """

    unit: str
    says: str
    missing: str = ""


_NOT_REPORTED: Final = "not reported; never zero"
_NO_PLACE: Final = "not applicable to such a place, or not known"

_COUNTED: Final = {
    "cases": "cases",
    "deaths": "deaths",
    "confirmed_cases": "cases confirmed by a laboratory",
    "probable_cases": "probable cases",
    "confirmed_deaths": "deaths of people whose case was confirmed",
    "probable_deaths": "deaths that are probably due to the disease",
    "people_tested": "people tested at least once",
    "tests": "tests",
    "positive_tests": "positive tests",
    "negative_tests": "negative tests",
    "indeterminate_tests": "tests without a clear result",
}

_OWN: Final = {
    "date": Meaning("", "the day the figures are of, YYYY-MM-DD"),
    "end_date": Meaning("", "the last day concerned", "one day only"),
    "geoid": Meaning("", "the id of the place: USA, USA-53 (a state), USA-53061 (a county), USA-09-125 (a town)"),
    "state": Meaning("", "the name of the state or territory", _NO_PLACE),
    "county": Meaning("", "the name of the county, without the word", _NO_PLACE),
    "town": Meaning("", "the name of the town"),
    "fips": Meaning("", "the FIPS code, as text with leading zeros", "the place has none"),
    "level": Meaning("", "nation, state, county or town"),
    "name": Meaning("", "the name of the place"),
    "title": Meaning("", "what people call the place, its state with it: Snohomish, Washington"),
    "abbreviation": Meaning("", "the postal abbreviation of a state", _NO_PLACE),
    "parent": Meaning("", "the geoid of the place it lies in", _NO_PLACE),
    "region": Meaning("", "the Census region of a state", _NO_PLACE),
    "division": Meaning("", "the Census division of a state", _NO_PLACE),
    "population": Meaning("people", "residents, which figures per 100,000 are divided by", _NO_PLACE),
    "land_area_km2": Meaning("square kilometres", "land area, waters left out", _NO_PLACE),
    "gdp_2019_musd": Meaning("million U.S. dollars", "gross domestic product of 2019", _NO_PLACE),
    "members": Meaning("", "the geoids a geographic exception is made of, separated by blanks", _NO_PLACE),
    "note": Meaning("", "what a reader has to know of the row", "nothing"),
    "days_since_last_report": Meaning("days", "the days that the new counts are of", "nothing was reported that day"),
    "positivity_avg_percent": Meaning(
        "percent", "average of positive tests by that of all tests", "there are no tests"
    ),
    "reported_cases_per_100k": Meaning("per 100,000 people", "the rate as the agency computed it", _NOT_REPORTED),
    "reported_people_tested_per_100k": Meaning(
        "per 100,000 people", "the rate as the agency computed it", _NOT_REPORTED
    ),
    "id": Meaning("", "the id of the anomaly"),
    "type": Meaning("", "the metric concerned, or both: cases and deaths"),
    "adjusted_daily_count_for_avg": Meaning("counts", "what is added to the day's count for averages", "nothing"),
    "description": Meaning("", "the editor's words", "none"),
    "change": Meaning("", "new, revised or withdrawn"),
    "place": Meaning("", "what people call the place"),
    "metric": Meaning("", "what is counted"),
    "old": Meaning("counts", "the value before", "there was none"),
    "new": Meaning("counts", "the value after", "there is none any more"),
    "difference": Meaning("counts", "new less old", "one of them is missing"),
    "old_as_of": Meaning("", "the moment since which the old value was known, in UTC"),
    "as_of": Meaning("", "the moment since which it is known, in UTC"),
    "source": Meaning("", "the source, by the name of its card"),
    "value": Meaning("counts", "the cumulative count, or the rate", "none; status says why"),
    "status": Meaning("", "reported, not_reported, not_collected, withheld or withdrawn"),
    "mmwr_year": Meaning("", "the year of the MMWR week, by CDC's rule"),
    "mmwr_week": Meaning("", "the MMWR week, 1 to 53, from Sunday to Saturday; date is the Saturday"),
    "total": Meaning("counts", "the cumulative count at the end of the week", "none; status says why"),
    "weeks_covered": Meaning("weeks", "how many weeks new is of", "no count, or none before it"),
    "provisional": Meaning("", "whether the source expects to revise it"),
    "revision": Meaning("", "how many other values were known before"),
    "file": Meaning("", "the name of a file"),
    "sha256": Meaning("", "the digest of that file's bytes, in hex"),
    "column": Meaning("", "the name of a column"),
    "unit": Meaning("", "the unit of its values", "they have none"),
    "meaning": Meaning("", "what the column is"),
    "missing": Meaning("", "what a blank says", "there are no blanks"),
    "codes": Meaning("", "what each word means that its values are taken from", "they are free"),
    "values": Meaning("dates", "the dates that have a value"),
    "revised_percent": Meaning("percent", "of these, how many were changed later"),
    "revisions": Meaning("", "all later changes"),
    "most_revisions": Meaning("", "the most changes of one date"),
    "median_lag_days": Meaning("days", "from first to last change of a revised date", "nothing was revised"),
    "longest_lag_days": Meaning("days", "the longest of these", "nothing was revised"),
    "median_change_percent": Meaning(
        "percent of the final value", "from the lowest to the highest ever said", "nothing was revised"
    ),
    "largest_change_percent": Meaning("percent of the final value", "the largest of these", "nothing was revised"),
    "median_days_to_1_percent": Meaning("days", "from a date's end until within 1 % of the final value", "never"),
    "median_days_to_5_percent": Meaning("days", "from a date's end until within 5 % of the final value", "never"),
}

_EXCESS: Final = {
    "country": Meaning("", "the country"),
    "placename": Meaning("", "the part of it that is counted", "the whole country"),
    "frequency": Meaning("", "weekly or monthly"),
    "start_date": Meaning("", "the first day of the period", "not said"),
    "end_date": Meaning("", "the last day of the period", "not said"),
    "year": Meaning("", "the year, or those of an average"),
    "month": Meaning("", "the month", "not said"),
    "week": Meaning("", "the week of the year", "the row is of a month"),
    "deaths": Meaning("deaths", "deaths from all causes in the period", _NOT_REPORTED),
    "expected_deaths": Meaning("deaths", "deaths expected from the years before", "none could be expected; see remark"),
    "expected_low": Meaning("deaths", "the lower end of the 95 % interval of those expected", "none could be told"),
    "expected_high": Meaning("deaths", "the upper end of it", "none could be told"),
    "excess_deaths": Meaning("deaths", "deaths less those expected", "one of them is missing"),
    "excess_low": Meaning("deaths", "the lower end of the 95 % interval of the excess", "none could be told"),
    "excess_high": Meaning("deaths", "the upper end of it", "none could be told"),
    "p_score_percent": Meaning("percent", "the excess, of 100 expected deaths", "nothing was expected"),
    "cumulative_excess": Meaning("deaths", "the excess since the baseline", "a period up to here is missing"),
    "cumulative_excess_low": Meaning("deaths", "the lower end of its 95 % interval", "none could be told"),
    "cumulative_excess_high": Meaning("deaths", "the upper end of it", "none could be told"),
    "baseline": Meaning("", "the years that deaths are expected from", "none are expected"),
    "baseline_years": Meaning("", "the years the model was fitted to", "none are expected"),
    "model": Meaning("", "how deaths are expected", "none are expected"),
    "remark": Meaning("", "why something is missing", "nothing is"),
}

_WEEKS: Final = {
    "date": Meaning("", "the Saturday that the week ends on, YYYY-MM-DD"),
    "new": Meaning("counts", "what came since the last total that is known", "none; status says why"),
}

_ANNOTATIONS: Final = {
    "date": Meaning("", "the first day the note is about, YYYY-MM-DD"),
    "note": Meaning("", "what the source says of the days"),
}

_DICTIONARY: Final = {
    "type": Meaning("", "date, moment, whole number, number, yes or no, list, or text"),
    "source": Meaning("", "where the values come from: sources by name, the gazetteer, or what they are computed from"),
}

_ANOMALIES: Final = {
    "date": Meaning("", "the first day concerned, YYYY-MM-DD"),
    "omit_from_rolling_average": Meaning("", "yes: the days are left out of averages", "no"),
    "omit_from_rolling_average_on_subgeographies": Meaning("", "yes: those of its counties are, too", "no"),
}

_OF_METRIC: Final = {
    "avg": Meaning("{} a day", "rolling average of new {}", "there is no average yet"),
    "avg_per_100k": Meaning("per 100,000 people a day", "the same per 100,000 people", "no average, or no population"),
    "per_100k": Meaning("per 100,000 people", "cumulative {} per 100,000 people", "not reported, or no population"),
    "reported": Meaning("", "whether a count of {} was reported"),
    "omitted": Meaning("", "whether the day is left out of averages of {}: by the register, or for being negative"),
    "anomaly": Meaning("", "the ids of the register's entries on {} of the day", "there are none"),
    "window_start": Meaning("", "the first day of the average of {}", "there is no average yet"),
    "window_end": Meaning("", "the last day of the average of {}", "there is no average yet"),
    "window_days": Meaning("days", "how many days the average of {} is divided by", "there is no average yet"),
}

_FILES: Final = {
    "us": "{kind} of the nation, a row per day",
    "us-states": "{kind} of states and territories, a row per day and state",
    "us-counties": "{kind} of counties, a row per day and county",
    "towns": "{kind} of towns, a row per day and town",
}

_KINDS: Final = {
    "": "Cumulative counts",
    "rolling-averages": "New counts, rolling averages and rates",
    "live": "Counts of the current day as they come in",
}

_OTHER_FILES: Final = {
    "CHANGES.md": "What this release changes, in words",
    "changes.csv": "Every value that is new, revised or withdrawn since the release before",
    "changes.atom": "A feed of the releases",
    "weeks.csv": "What is reported of each MMWR week, what is withheld and what is provisional",
    "weeks.parquet": "What is reported of each MMWR week, what is withheld and what is provisional",
    "annotations.csv": "What the agencies say of single days themselves",
    "CITATION.cff": "How to cite this release, for reference managers",
    "data.json": "The entry for catalogues of public data (DCAT-US 1.1)",
    "datapackage.json": "Every file and column for programs: types, units, keys, licence (Frictionless Data Package 2)",
    "dictionary.csv": "What every column of every file means",
    "sources.json": "What the sources are",
    "metadata.json": "What Datasette is told of release.sqlite: licence, tables, columns",
    "release.sqlite": "The tables as one SQLite file: keys, indexes, the latest figures as views",
    "us-states.xlsx": "Figures of states and territories for Excel: the latest, totals, averages, notes, columns",
    "towns.xlsx": "Figures of towns for Excel: the latest, totals, averages, notes, columns",
    "places.csv": "The places, with their populations",
    "places.parquet": "The places, with their populations",
    "provenance.parquet": "Where each value comes from: source, file and its digest, since when, which revision",
    "live/provenance.parquet": "Where the counts of the current day come from",
    "revisions.parquet": "Every value that was changed after it was first known",
    "revision-summary.csv": "How often, how late and how much each place revises",
    "excess-deaths/changes.csv": "Deaths from all causes that are new, revised or withdrawn since the release before",
    "excess-deaths/deaths.csv": "Deaths from all causes, those expected and the excess, by place and week or month",
    "excess-deaths/extended.csv": "The same unrounded, with intervals, for the periods since the baseline",
    "excess-deaths/extended.parquet": "The same unrounded, with intervals, for the periods since the baseline",
    "rolling-averages/anomalies.csv": "The register of anomalies",
    "rolling-averages/anomalies.parquet": "The register of anomalies, with ids",
}

_PERIOD: Final = re.compile(r"-(\d{4}(?:-h\d(?:-\d\d){0,2})?|recent(?:-\d\d){0,2})(?=\.\w+$)")
"""How the name of a file ends that has some days only."""

_PARTS: Final = "-confirmed-probable"

_BY_FILE: Final = {
    "excess-deaths/changes": {
        "as_of": Meaning("", "the moment since which it is known, in UTC", "the source has no deaths any more"),
        "old": Meaning("deaths", "those known before", "there were none, or they were not reported"),
        "new": Meaning("deaths", "those known now", "they were withdrawn, or are not reported any more"),
        "difference": Meaning("deaths", "new less old", "one of them is missing"),
    },
    "excess-deaths/": _EXCESS,
    "weeks": _WEEKS,
    "annotations": _ANNOTATIONS,
    "dictionary": _DICTIONARY,
    "rolling-averages/anomalies": _ANOMALIES,
}
"""Columns that mean something of their own in some files, by how the path begins."""


def file_meaning(path: str) -> str:
    """Return what a file of a release has; empty where nobody said.

    >>> file_meaning("rolling-averages/us-counties-2021.csv")
    'New counts, rolling averages and rates of counties, a row per day and county; 2021 only'
    >>> file_meaning("changes-2021-h1.csv")
    'Every value that is new, revised or withdrawn since the release before; 2021-h1 only'
    """
    found = _PERIOD.search(path)
    whole = whole_name(path)
    says = _OTHER_FILES.get(whole) or _of_figures(whole)
    if not says or found is None:
        return says
    return f"{says}; {'the last 30 days' if found[1].startswith('recent') else f'{found[1]} only'}"


def whole_name(path: str) -> str:
    """Return the path of the file that a file is a part of, by period; its own where it is whole.

    >>> whole_name("us-counties-2021-h1.csv")
    'us-counties.csv'
    """
    return _PERIOD.sub("", path)


def _of_figures(path: str) -> str:
    """Return what a file of a level's figures has; empty where it is none."""
    folder, _, name = path.rpartition("/")
    stem, _, ending = name.rpartition(".")
    told = _FILES.get(stem.removesuffix(_PARTS), "")
    if not told or folder not in _KINDS:
        return ""
    says = told.format(kind=_KINDS[folder])
    if stem.endswith(_PARTS):
        return f"{says}; confirmed and probable told apart"
    return says + ("; unrounded, with what stands behind each figure" if ending == "parquet" else "")


def meaning_of(column: str, path: str) -> Meaning | None:
    """Return what a column of a file means; None where nobody said.

    >>> meaning_of("cases_avg", "rolling-averages/us.csv").says
    'rolling average of new cases'
    >>> meaning_of("cases", "us.csv").says, meaning_of("cases", "rolling-averages/us.csv").says
    ('cumulative cases', 'new cases of the day')
    """
    for start, own in _BY_FILE.items():
        if path.startswith(start) and column in own:
            return own[column]
    if column in _COUNTED:
        new = path.startswith("rolling-averages/")
        missing = "nothing was known of the day" if new else _NOT_REPORTED
        says = f"new {_COUNTED[column]} of the day" if new else f"cumulative {_COUNTED[column]}"
        return Meaning(_COUNTED[column].split(" ")[0] if new else "counts", says, missing)
    for metric in sorted(COUNTS, key=len, reverse=True):
        found = _OF_METRIC.get(column.removeprefix(f"{metric}_")) if column.startswith(f"{metric}_") else None
        if found:
            words = _COUNTED[metric]
            return Meaning(found.unit.format(words), found.says.format(words), found.missing)
    return _OWN.get(column)
