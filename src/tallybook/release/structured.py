"""A release as search engines read it on its pages: schema.org's Dataset, as JSON-LD.

Source: https://schema.org/Dataset, and what Google Dataset Search asks of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tallybook.release.facts import Facts, media_type
from tallybook.release.layout import AVERAGES, STEMS
from tallybook.release.meanings import file_meaning

_LONGEST = 5000
"""The characters of a description that are read."""


def structured(told: Facts) -> dict[str, Any]:
    """Return what search engines are told: what is measured, when and where, by whom, its licence, and the files.

    Without an ``address`` in the book, those of the files are relative to the page.
    """
    contact = told.card.get("contact")
    said = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": told.title,
        "description": told.description[:_LONGEST],
        "identifier": told.address or told.name,
        "url": told.address,
        "version": told.as_of.isoformat(),
        "dateModified": told.as_of.isoformat(),
        "keywords": told.keywords,
        "license": told.licence.url or {"@type": "CreativeWork", "name": told.licence.name},
        "usageInfo": {"@type": "CreativeWork", "name": told.licence.name} if told.non_commercial else None,
        "conditionsOfAccess": "Non-commercial use only" if told.non_commercial else None,
        "isAccessibleForFree": True,
        "creditText": told.attribution,
        "creator": {"@type": "Organization", "name": told.publisher},
        "publisher": {"@type": "Organization", "name": told.publisher}
        | ({"contactPoint": _contact(contact["name"], contact["email"])} if contact else {}),
        "temporalCoverage": told.first and f"{told.first}/{told.last}",
        "spatialCoverage": {"@type": "Place", "name": told.spatial},
        "measurementTechnique": "Reports of health agencies; rolling averages over whole groups of reported days",
        "variableMeasured": list(_variables(told)),
        "isBasedOn": list(_based_on(told)),
        "distribution": [_download(told, file["path"]) for file in told.card["files"] if file["rows"] is not None],
    }
    return {key: value for key, value in said.items() if value}


def _contact(name: str, email: str) -> dict[str, Any]:
    return {"@type": "ContactPoint", "name": name, "email": email, "contactType": "questions about the data"}


def _variables(told: Facts) -> Iterator[dict[str, Any]]:
    """Yield the figures of the widest level, with their units."""
    for level in told.levels[:1]:
        for column in told.meanings(f"{AVERAGES}/{STEMS[level]}.parquet"):
            if column["unit"]:
                yield {
                    "@type": "PropertyValue",
                    "name": column["column"],
                    "description": column["meaning"],
                    "unitText": column["unit"],
                }


def _based_on(told: Facts) -> Iterator[dict[str, Any]]:
    for source in told.sources:
        made = {
            "@type": "Dataset",
            "name": source["title"],
            "description": f"{source['title']}, published by {source['publisher'] or source['attribution']}. "
            f"Licence: {source['license'] or 'not said'}.",
            "url": source["address"],
            "license": source["license_url"],
            "creator": {"@type": "Organization", "name": source["publisher"] or source["attribution"]},
        }
        yield {key: value for key, value in made.items() if value}


def _download(told: Facts, path: str) -> dict[str, Any]:
    return {
        "@type": "DataDownload",
        "name": file_meaning(path) or path,
        "contentUrl": told.url(path),
        "encodingFormat": media_type(path),
    }
