"""The changelog of a release, for people and for feed readers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import polars as pl

from tallybook.model.mortality import title
from tallybook.release.changes import KINDS, Changes, counted

CHANGES_CSV: Final = "changes.csv"
DEATHS_CSV: Final = "excess-deaths/changes.csv"
CHANGES_MD: Final = "CHANGES.md"
FEED: Final = "changes.atom"

_SHOWN: Final = 50
_ENTRIES: Final = 30
_ATOM: Final = "http://www.w3.org/2005/Atom"


def changes_markdown(changes: Changes, *, title: str, as_of: datetime, since: datetime | None, zone: ZoneInfo) -> str:
    """Return what changed, as Markdown: the counts, the largest revisions, what was withdrawn, anomalies and method.

    Args:
        changes: what changed.
        title: what the dataset is called.
        as_of: the moment of the release.
        since: the moment of the one before; None where it is the first.
        zone: where the book is.
    """
    lines = [f"# {_cell(title)}: release of {_moment(as_of, zone)}", ""]
    if since is None:
        return "\n".join([*lines, "This is the first release.", ""])
    lines += [f"Since the release of {_moment(since, zone)}: {in_words(changes.counts())}.", ""]
    for kind in ("revised", "withdrawn"):
        rows = changes.rows.filter(change=kind)
        if rows.height:
            lines += [f"## {kind.capitalize()}", "", *_rows(rows, CHANGES_CSV), ""]
    if changes.deaths is not None and changes.deaths.height:
        lines += ["## Deaths from all causes", "", *_deaths(changes.deaths), ""]
    if changes.anomalies.height:
        lines += ["## Anomalies", "", *_anomalies(changes.anomalies), ""]
    if changes.method:
        lines += ["## Method", "", *(f"- {_cell(line)}" for line in changes.method), ""]
    return "\n".join(lines)


def in_words(counts: Mapping[str, int]) -> str:
    """Return the counts of changed rows in words.

    >>> in_words({"new": 1200, "revised": 1, "withdrawn": 0})
    '1,200 new values, 1 revised, 0 withdrawn'
    """
    return ", ".join(f"{counts[kind]:,} {kind}{' values' if kind == 'new' else ''}" for kind in KINDS)


def atom_feed(
    releases: Sequence[tuple[datetime, Mapping[str, int]]], *, title: str, publisher: str, notice: str, rights: str
) -> bytes:
    """Return an Atom feed of the latest releases (RFC 4287).

    Args:
        releases: the moment of each, and how many rows it changed; the oldest first.
        title: what the dataset is called.
        publisher: who publishes it.
        notice: a warning to every reader; empty where there is none.
        rights: source and licence, in words.
    """
    ET.register_namespace("", _ATOM)
    own = uuid.uuid5(uuid.NAMESPACE_URL, f"{publisher}\n{title}")
    feed = ET.Element(f"{{{_ATOM}}}feed")
    _add(feed, "id", own.urn)
    _add(feed, "title", f"{title}: changes")
    if notice:
        _add(feed, "subtitle", notice)
    _add(feed, "updated", releases[-1][0].isoformat())
    _add(feed, "rights", rights)
    _add(_add(feed, "author"), "name", publisher)
    _add(feed, "link", rel="related", href=CHANGES_MD)
    for number, (moment, counts) in list(enumerate(releases))[: -_ENTRIES - 1 : -1]:
        entry = _add(feed, "entry")
        _add(entry, "id", uuid.uuid5(own, f"{number} {moment.isoformat()}").urn)
        _add(entry, "title", f"Release of {moment.isoformat(timespec='minutes')}")
        _add(entry, "updated", moment.isoformat())
        _add(entry, "summary", in_words(counts) if number else "The first release")
        _add(entry, "link", rel="alternate", href=CHANGES_MD)
    ET.indent(feed)
    written = bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))
    return written + b"\n"


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text
    return element


def _deaths(deaths: pl.DataFrame) -> list[str]:
    """Return how many were changed, and those that are not new: those revised, and those there are no more."""
    week = pl.format("{}, week {}", "year", "week")
    month = pl.format("{}-{}", "year", pl.col("month").cast(pl.String).str.zfill(2))
    told = deaths.with_columns(title(), date=pl.coalesce(pl.col("end_date").cast(pl.String), week, month, "year"))
    revised, known = pl.col("change") == "revised", pl.col("new").is_not_null()
    lines = [f"{in_words(counted(deaths))}; they are in `{DEATHS_CSV}`."]
    for heading, rows in (
        ("Revised", told.filter(revised & known)),
        ("Withdrawn, or not reported any more", told.filter(~known & pl.col("old").is_not_null())),
    ):
        if rows.height:
            lines += ["", f"### {heading}", "", *_rows(rows, DEATHS_CSV, key=("date", "place"))]
    return lines


def _rows(rows: pl.DataFrame, file: str, *, key: Sequence[str] = ("date", "place", "metric")) -> list[str]:
    largest = rows.sort(pl.col("difference").abs(), descending=True, nulls_last=True, maintain_order=True)
    numbers = ("old", "new", "difference")
    lines = [_line([*key, *numbers, "source"]), "|" + "---|" * len(key) + "--:|" * len(numbers) + "---|"]
    lines += [
        _line(_cell(_number(cell)) for cell in row)
        for row in largest.head(_SHOWN).select(*key, *numbers, "source").rows()
    ]
    if rows.height > _SHOWN:
        lines += ["", f"And {rows.height - _SHOWN:,} smaller ones, in `{file}`."]
    return lines


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _anomalies(rows: pl.DataFrame) -> list[str]:
    return [
        f"- {row['change']}: {row['geoid']}, {row['date']}, {row['type']}: {_cell(row['description'] or '')}"
        for row in rows.iter_rows(named=True)
    ]


def _number(cell: object) -> str:
    if isinstance(cell, int | float):
        return f"{cell:,.0f}" if float(cell).is_integer() else f"{cell:,}"
    return "–" if cell is None else str(cell)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").replace("<", "&lt;").split())


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
