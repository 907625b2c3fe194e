"""The description of a release as a Frictionless Data Package, version 2: every file, every column, licence and origin.

Source: https://datapackage.org/standard/data-package/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from tallybook.model.licences import licence
from tallybook.release.columns import CODES, key_of
from tallybook.release.dictionary import sources_of
from tallybook.release.facts import MEDIA, Facts
from tallybook.release.layout import STEMS
from tallybook.release.meanings import file_meaning, whole_name
from tallybook.release.weeks import WEEKS

DATAPACKAGE: Final = "datapackage.json"
"""The file of the description."""

_PROFILES: Final = "https://datapackage.org/profiles/2.0"

_TYPES: Final[Mapping[str, Mapping[str, Any]]] = {
    "date": {"type": "date"},
    "list": {"type": "array"},
    "moment": {"type": "datetime", "format": "any"},
    "number": {"type": "number"},
    "text": {"type": "string"},
    "whole number": {"type": "integer"},
    "yes or no": {"type": "boolean", "trueValues": ["true", "yes"], "falseValues": ["false", "no"]},
}
"""The types of the dictionary, as Table Schema has them."""


def datapackage(told: Facts) -> dict[str, Any]:
    """Return the description of a release.

    ``unit``, ``origin``, ``attribution`` and ``nonCommercial`` are properties of our own, which the standard allows.
    """
    package = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": told.name,
        "title": told.title,
        "description": told.description,
        "homepage": told.address,
        "version": told.as_of.isoformat(),
        "created": told.as_of.isoformat(),
        "keywords": told.keywords,
        "contributors": list(_contributors(told)),
        "licenses": [_licence(told.licence.name, told.licence.url)],
        "nonCommercial": told.non_commercial,
        "attribution": told.attribution,
        "sources": _sources(told.sources),
        "resources": list(_resources(told)),
    }
    return {key: value for key, value in package.items() if value is not None and value != []}


def _contributors(told: Facts) -> Iterator[dict[str, Any]]:
    contact = told.card.get("contact") or {}
    yield {"title": told.publisher, "roles": ["publisher"]}
    if contact:
        yield {"title": contact["name"], "email": contact["email"], "roles": ["contact"]}
    for name in dict.fromkeys(source["publisher"] for source in told.sources if source["publisher"]):
        yield {"title": name, "roles": ["source"]}


def _licence(name: str, url: str | None) -> dict[str, Any]:
    """Return a licence as the standard has it: an identifier if it has one; the words are its title."""
    known = licence(name, url)
    # What the Open Definition calls licences that have no identifier of their own.
    other = "other-nc" if known.non_commercial else "other"
    made = {"name": known.id or other, "path": known.url, "title": known.title}
    return {key: value for key, value in made.items() if value}


def _sources(sources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return sources as the standard has them, each with its licence and how it wants to be named."""
    made = [
        {
            "title": source["title"],
            "path": source["address"],
            "version": source["modified"],
            "name": source["name"],
            "publisher": source["publisher"],
            "attribution": source["attribution"],
            "license": _licence(source["license"], source["license_url"]) if source["license"] else None,
            "nonCommercial": source["non_commercial"],
        }
        for source in sources
    ]
    return [{key: value for key, value in one.items() if value not in (None, "")} for one in made]


def _resources(told: Facts) -> Iterator[dict[str, Any]]:
    """Yield the files of a release, and the datasets of several; neither of itself nor of what describes it."""
    datasets: list[str] = list(told.card.get("datasets", ()))
    inside = tuple(f"{path}/" for path in datasets)
    for path in datasets:
        parts = [file for file in told.card["files"] if file["path"].startswith(f"{path}/")]
        if parts:
            size = {"bytes": sum(part["bytes"] for part in parts)}
            yield _resource(told, path, {"path": [part["path"] for part in parts], **size})
    for file in told.card["files"]:
        if not file["path"].startswith(inside or "\0"):
            own = {"path": file["path"], "bytes": file["bytes"], "hash": f"sha256:{file['sha256']}"}
            yield _resource(told, file["path"], own)


def _resource(told: Facts, path: str, own: Mapping[str, Any]) -> dict[str, Any]:
    ending = PurePosixPath(path).suffix
    sources = sources_of(path, told.sources)
    columns = told.meanings(path)
    made = {
        "name": resource_name(path),
        "type": "table" if columns else None,
        **own,
        "title": file_meaning(path) or PurePosixPath(path).name,
        "format": ending.removeprefix("."),
        "mediatype": MEDIA.get(ending),
        "encoding": "utf-8" if ending in (".csv", ".json", ".md", ".cff", ".atom") else None,
        "licenses": [_licence(told.licence.name, told.licence.url)],
        "nonCommercial": told.non_commercial and (not sources or any(one["non_commercial"] for one in sources)),
        "sources": _sources(sources),
        "schema": _schema(told, path, columns) if columns else None,
    }
    return {key: value for key, value in made.items() if value is not None and value != []}


def resource_name(path: str) -> str:
    """Return what a file is called in the package.

    >>> resource_name("rolling-averages/us-states.csv")
    'rolling-averages.us-states.csv'
    """
    return re.sub(r"[^a-z0-9._-]+", ".", path.lower())


def _schema(told: Facts, path: str, columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    names = [column["column"] for column in columns]
    key = key_of(path, names)
    made = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [_field(column, path) for column in columns],
        "missingValues": [""],
        "primaryKey": list(key),
        "foreignKeys": _foreign_keys(told, path, names),
    }
    return {name: value for name, value in made.items() if value or name == "missingValues"}


def _field(column: Mapping[str, Any], path: str) -> dict[str, Any]:
    codes = CODES.get(column["column"], {})
    constraints: dict[str, Any] = {} if column["missing"] else {"required": True}
    made = {
        "name": column["column"],
        **_TYPES[column["type"]],
        "description": f"{column['meaning'][:1].upper()}{column['meaning'][1:]}",
        "unit": column["unit"],
        "origin": column["source"],
        "categories": [{"value": value, "label": label} for value, label in codes.items()],
        "missingValues": [{"value": "", "label": column["missing"]}] if column["missing"] else [],
        "constraints": constraints | ({"enum": list(codes)} if codes else {}),
    }
    if path.endswith(".parquet"):
        made.pop("missingValues")  # a Parquet file has nulls of its own
    return {key: value for key, value in made.items() if value not in (None, "", [], {})}


def _foreign_keys(told: Facts, path: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return where the places of a file are described; places.csv has those of the figures, the ledger has more."""
    figures = PurePosixPath(whole_name(path)).stem in (*STEMS.values(), WEEKS)
    if not figures or "geoid" not in names or not told.meanings("places.csv"):
        return []
    return [{"fields": ["geoid"], "reference": {"resource": resource_name("places.csv"), "fields": ["geoid"]}}]
