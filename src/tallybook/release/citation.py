"""How to cite a release: the Citation File Format, which reference managers and repositories read.

Source: https://github.com/citation-file-format/citation-file-format, version 1.2.0
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from tallybook.model.licences import licence
from tallybook.release.facts import Facts

CITATION: Final = "CITATION.cff"
"""The file that says it."""


def citation(told: Facts) -> str:
    """Return how to cite a release, as YAML: title, publisher, as-of moment, licence, and what it is made from."""
    contact = told.card.get("contact")
    said = {
        "cff-version": "1.2.0",
        "message": (
            f"Cite the release you used, with its as-of moment. Source: {told.attribution.rstrip('.')}. "
            f"Licence: {told.licence.name.rstrip('.')}."
        ),
        "type": "dataset",
        "title": told.title,
        "abstract": told.description,
        "authors": [{"name": told.publisher}],
        "contact": contact and [{"name": contact["name"], "email": contact["email"]}],
        "version": told.as_of.isoformat(),
        "date-released": told.as_of.date(),
        "keywords": told.keywords,
        **_licence(told.licence.name, told.licence.url),
        "url": told.address,
        "references": [_reference(source) for source in told.sources],
    }
    told_of = {key: value for key, value in said.items() if value}
    return yaml.safe_dump(told_of, sort_keys=False, allow_unicode=True, width=100)


def _licence(name: str, url: str | None) -> dict[str, str]:
    """Return a licence by its identifier, or by its address; what is neither, the format has no place for."""
    known = licence(name, url)
    if known.id:
        return {"license": known.id}
    return {"license-url": known.url} if known.url else {}


def _reference(source: Mapping[str, Any]) -> dict[str, Any]:
    made = {
        "type": "data",
        "title": source["title"],
        "authors": [{"name": source["publisher"] or source["attribution"]}],
        "date-released": _day(source["modified"] or source["created"]),
        "url": source["address"],
        **_licence(source["license"], source["license_url"]),
        "notes": source["license"] and f"Licence: {source['license']}",
    }
    return {key: value for key, value in made.items() if value}


def _day(moment: str | None) -> str | None:
    return moment and moment[:10]
