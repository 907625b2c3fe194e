"""A release as one SQLite file, which Datasette serves as it is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Any, Final

import polars as pl
from polars import selectors as cs

from tallybook.release.columns import key_of, kind_of
from tallybook.release.facts import Facts
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.release.meanings import file_meaning

DATABASE: Final = "release.sqlite"
"""The file."""

DATASETTE: Final = "metadata.json"
"""What Datasette is told of it: ``datasette release.sqlite --metadata metadata.json``."""

_TYPES: Final = {"whole number": "INTEGER", "number": "REAL", "yes or no": "INTEGER"}
"""The types of SQLite; all others are text, dates and moments as ISO 8601 writes them."""

_OTHERS: Final = (
    *("places.parquet", "weeks.parquet", "revisions.parquet", "revision-summary.csv", "changes.csv"),
    *(
        "annotations.csv",
        f"{AVERAGES}/anomalies.parquet",
        "excess-deaths/extended.parquet",
        "excess-deaths/changes.csv",
    ),
)
"""The tables besides the levels' figures. Where each single value comes from would double the file, and stays in
``provenance.parquet``."""

_STRICT: Final = "STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
"""What makes SQLite refuse values of another type than the column's; older ones do not know it."""

_AT_ONCE: Final = 100_000
_FAST: Final = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; PRAGMA encoding='UTF-8';"


def write_database(folder: Path, told: Facts) -> None:
    """Write the tables of a release into one SQLite file, and what Datasette is told of them.

    Rows are read and written some at a time, so that a file may be larger than memory. The same release has the same
    bytes, with one version of SQLite.

    Args:
        folder: of the release, its tables written.
        told: what others are told of it.
    """
    tables = dict(_tables(folder))
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as base:
        base.executescript(_FAST)
        base.execute("BEGIN")
        for path, name in tables.items():
            _fill(base, folder, path, name, told)
        _about(base, tables, told)
        for name in tables.values():
            if name.endswith("_averages"):
                _latest(base, name)
        base.execute("COMMIT")
    said = json.dumps(_datasette(tables, told), indent=2, ensure_ascii=False)
    (folder / DATASETTE).write_text(f"{said}\n", encoding="utf-8")


def table_name(path: str) -> str:
    """Return what a file is called as a table.

    >>> table_name("us-states.parquet"), table_name("rolling-averages/us-states.parquet")
    ('us_states', 'us_states_averages')
    >>> table_name("excess-deaths/extended.parquet"), table_name("excess-deaths/changes.csv")
    ('excess_deaths', 'excess_deaths_changes')
    """
    folder, _, name = path.rpartition("/")
    stem = PurePosixPath(name).stem.replace("-", "_")
    if folder == AVERAGES and stem != "anomalies":
        return f"{stem}_averages"
    if folder == "excess-deaths":
        return "excess_deaths" if stem == "extended" else f"excess_deaths_{stem}"
    return stem


def _tables(folder: Path) -> Iterator[tuple[str, str]]:
    figures = [f"{below}{stem}.parquet" for stem in STEMS.values() for below in ("", f"{AVERAGES}/")]
    for path in (*_OTHERS[:1], *figures, *_OTHERS[1:]):
        if (folder / path).is_file():
            yield path, table_name(path)


def _fill(base: sqlite3.Connection, folder: Path, path: str, name: str, told: Facts) -> None:
    """Make a table of a file, with its key and an index by date where it has both."""
    columns = [row["column"] for row in told.meanings(path)]
    key = key_of(path, columns)
    if "date" in key and "geoid" in key:
        key = ("geoid", *(part for part in key if part != "geoid"))  # one place is asked for more than one day
    lines = [f'"{column}" {_TYPES.get(kind_of(column, path), "TEXT")}' for column in columns]
    lines += [f"PRIMARY KEY ({', '.join(key)})"] if key else []
    if name != "places" and "geoid" in columns and _figures(name):
        lines.append("FOREIGN KEY (geoid) REFERENCES places (geoid)")
    base.execute(f'CREATE TABLE "{name}" ({", ".join(lines)}) {_STRICT}')
    marks = ", ".join("?" for _ in columns)
    for rows in _batches(folder / path, columns, path):
        base.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows.rows())  # noqa: S608 (our own names)
    if _figures(name):
        base.execute(f'CREATE INDEX "{name}_by_date" ON "{name}" (date)')


def _figures(name: str) -> bool:
    return name.removesuffix("_averages") in {stem.replace("-", "_") for stem in STEMS.values()}


def _batches(file: Path, columns: Sequence[str], path: str) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file, some at a time, as SQLite keeps them."""
    if file.suffix == ".csv":
        kinds = {"whole number": pl.Int64, "number": pl.Float64}
        schema = {column: kinds.get(kind_of(column, path), pl.String) for column in columns}
        scan = pl.scan_csv(file, schema=schema, glob=False)
    else:
        scan = pl.scan_parquet(file, glob=False).select(columns)
    count = scan.select(pl.len()).collect().item()
    moments = cs.datetime(time_zone="UTC").dt.strftime("%+")
    lists = cs.by_dtype(pl.List(pl.String)).list.join(" ")
    for first in range(0, count, _AT_ONCE):
        rows = scan.slice(first, _AT_ONCE).with_columns(moments, lists, cs.boolean().cast(pl.Int64))
        yield rows.with_columns(cs.date().cast(pl.String)).collect()


def _about(base: sqlite3.Connection, tables: Mapping[str, str], told: Facts) -> None:
    """Add what the release says of itself, its sources, and what the columns mean."""
    said = {
        **{key: told.card.get(key) for key in ("title", "notice", "publisher", "licence", "attribution", "previous")},
        "as_of": told.card["as_of"],
        "licence_url": told.licence.url,
        "non_commercial": "yes" if told.non_commercial else "no",
        "address": told.address,
        "description": told.description,
        "notes": "\n".join(told.card.get("notes", ())),
    }
    base.execute('CREATE TABLE "release" ("key" TEXT PRIMARY KEY, "value" TEXT NOT NULL) ' + _STRICT)
    base.executemany("INSERT INTO release VALUES (?, ?)", [(key, value) for key, value in said.items() if value])
    columns = ("column", "type", "unit", "meaning", "missing", "codes", "source")
    lines = ", ".join(f'"{column}" TEXT NOT NULL' for column in columns)
    base.execute(f'CREATE TABLE "columns" ("table" TEXT NOT NULL, {lines}, PRIMARY KEY ("table", "column")) {_STRICT}')
    rows = [(name, *(row[one] for one in columns)) for path, name in tables.items() for row in told.meanings(path)]
    base.executemany("INSERT INTO columns VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    keys = ("name", "title", "publisher", "attribution", "license", "license_url", "address")
    base.execute(f'CREATE TABLE "sources" ({", ".join(f"{key} TEXT" for key in keys)}, PRIMARY KEY (name)) {_STRICT}')
    sources = [tuple(source[key] for key in keys) for source in told.sources]
    base.executemany("INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?)", sources)


def _latest(base: sqlite3.Connection, averages: str) -> None:
    """Add a view of the last day of a level: names, total and new counts, averages and rates."""
    totals = averages.removesuffix("_averages")
    counts = {row[1] for row in base.execute(f'PRAGMA table_info("{totals}")')}
    own = [row[1] for row in base.execute(f'PRAGMA table_info("{averages}")')]
    shown = [name for name in own if not name.endswith(("_reported", "_omitted", "_anomaly", "_start", "_end"))]
    wanted = [f'a."{name}"' for name in shown]
    wanted += [f't."{name}" AS "total_{name}"' for name in shown if name in counts and f"{name}_avg" in own]
    base.execute(
        f'CREATE VIEW "{totals}_latest" AS SELECT p.title, {", ".join(wanted)} FROM "{averages}" a '  # noqa: S608
        f'JOIN places p ON p.geoid = a.geoid LEFT JOIN "{totals}" t ON t.geoid = a.geoid AND t.date = a.date '
        f'WHERE a.date = (SELECT max(date) FROM "{averages}")'
    )


def _datasette(tables: Mapping[str, str], told: Facts) -> dict[str, Any]:
    """Return what Datasette is told: licence, source, what each table and column is, and how its rows are shown."""
    described = {name: _of_table(told, path, name) for path, name in tables.items()}
    views = {
        name.replace("_averages", "_latest"): {"description": f"The last day of {name}, with totals"}
        for name in tables.values()
        if name.endswith("_averages")
    }
    own = {
        "release": {"description": "What this release is, as of when, and under which licence"},
        "columns": {"description": "What every column means, its unit, and what a blank says"},
        "sources": {"description": "Where the data come from"},
    }
    said = {
        "title": told.title,
        "description": told.description,
        "license": told.licence.name,
        "license_url": told.licence.url,
        "source": told.attribution,
        "source_url": told.address or next((one["address"] for one in told.sources if one["address"]), None),
        "databases": {PurePosixPath(DATABASE).stem: {"tables": {**own, **views, **described}}},
    }
    return {key: value for key, value in said.items() if value}


def _of_table(told: Facts, path: str, name: str) -> dict[str, Any]:
    said: dict[str, Any] = {
        "description": file_meaning(path),
        "columns": {row["column"]: _in_words(row) for row in told.meanings(path)},
    }
    if _figures(name):
        said |= {"sort_desc": "date"}
    return said | ({"label_column": "title"} if name == "places" else {})


def _in_words(row: Mapping[str, Any]) -> str:
    """Return what a column means, its unit, and what a blank says, in one line."""
    unit = f" ({row['unit']})" if row["unit"] else ""
    return f"{row['meaning']}{unit}" + (f". Blank: {row['missing']}" if row["missing"] else "")
