"""The entry of a release in a catalogue of public data: DCAT-US 1.1, as data.gov and the agencies of states read it.

Source: https://resources.data.gov/resources/dcat-us/
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final, get_args

from tallybook.model.cards import Cadence
from tallybook.release.dictionary import DICTIONARY
from tallybook.release.facts import Facts, media_type
from tallybook.release.meanings import file_meaning

CATALOGUE: Final = "data.json"
"""The file of the entry; catalogues look for it by this name."""

_SCHEMA: Final = "https://project-open-data.cio.gov/v1.1/schema"

_EVERY: Final[dict[Cadence, str]] = {"daily": "R/P1D", "weekdays": "R/P1D", "weekly": "R/P1W"}
"""How often it is published, as ISO 8601 writes it."""

_RIGHTS_LENGTH: Final = 255


def catalogue(told: Facts) -> dict[str, Any]:
    """Return the catalogue: one dataset, with a distribution per file.

    Without an ``address`` in the book those of the files are relative to the catalogue's own; without a ``contact`` it
    names nobody, which catalogues of the United States take amiss.
    """
    return {
        "@context": f"{_SCHEMA}/catalog.jsonld",
        "@id": told.url(CATALOGUE),
        "@type": "dcat:Catalog",
        "conformsTo": _SCHEMA,
        "describedBy": f"{_SCHEMA}/catalog.json",
        "dataset": [_dataset(told)],
    }


def _dataset(told: Facts) -> dict[str, Any]:
    contact = told.card.get("contact")
    dataset = {
        "@type": "dcat:Dataset",
        "identifier": told.address or told.name,
        "title": told.title,
        "description": told.description,
        "keyword": told.keywords,
        "modified": told.as_of.isoformat(),
        "publisher": {"@type": "org:Organization", "name": told.publisher},
        "contactPoint": contact
        and {"@type": "vcard:Contact", "fn": contact["name"], "hasEmail": f"mailto:{contact['email']}"},
        "accessLevel": "public",
        "license": told.licence.url,
        "rights": _rights(told),
        "spatial": told.spatial,
        "temporal": told.first and f"{told.first}/{told.last}",
        "accrualPeriodicity": _every(told),
        "describedBy": told.url(DICTIONARY),
        "describedByType": media_type(DICTIONARY),
        "landingPage": told.address,
        "references": [source["address"] for source in told.sources if source["address"]],
        "distribution": [_distribution(told, file["path"]) for file in told.card["files"]],
    }
    return {key: value for key, value in dataset.items() if value}


def _rights(told: Facts) -> str | None:
    """Return what the licence says, where no address says it, or where it is for non-commercial use only."""
    if told.licence.url and not told.non_commercial:
        return None
    # Where it is for non-commercial use only the licence says so in its own words.
    return f"Licence: {told.licence.name.rstrip('.')}. Source: {told.attribution}"[:_RIGHTS_LENGTH]


def _every(told: Facts) -> str | None:
    often = get_args(Cadence)
    said = [source["cadence"] for source in told.sources]
    return _EVERY[min(said, key=often.index)] if said else None


def _distribution(told: Facts, path: str) -> dict[str, Any]:
    made = {
        "@type": "dcat:Distribution",
        "title": path,
        "description": file_meaning(path),
        "downloadURL": told.url(path),
        "mediaType": media_type(path),
        "format": PurePosixPath(path).suffix.removeprefix("."),
    }
    return {key: value for key, value in made.items() if value}
