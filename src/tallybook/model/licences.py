"""Licences as books and cards name them: what they are called, where they can be read, and whether they allow trade."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_CREATIVE: Final = "https://creativecommons.org"

_KNOWN: Final = {
    "CC0-1.0": ("Creative Commons Zero 1.0", f"{_CREATIVE}/publicdomain/zero/1.0/"),
    "CC-BY-4.0": ("Creative Commons Attribution 4.0", f"{_CREATIVE}/licenses/by/4.0/"),
    "CC-BY-SA-4.0": ("Creative Commons Attribution Share-Alike 4.0", f"{_CREATIVE}/licenses/by-sa/4.0/"),
    "CC-BY-ND-4.0": ("Creative Commons Attribution No-Derivatives 4.0", f"{_CREATIVE}/licenses/by-nd/4.0/"),
    "CC-BY-NC-4.0": ("Creative Commons Attribution Non-Commercial 4.0", f"{_CREATIVE}/licenses/by-nc/4.0/"),
    "CC-BY-NC-SA-4.0": (
        "Creative Commons Attribution Non-Commercial Share-Alike 4.0",
        f"{_CREATIVE}/licenses/by-nc-sa/4.0/",
    ),
    "CC-BY-NC-ND-4.0": (
        "Creative Commons Attribution Non-Commercial No-Derivatives 4.0",
        f"{_CREATIVE}/licenses/by-nc-nd/4.0/",
    ),
    "PDDL-1.0": ("Open Data Commons Public Domain Dedication 1.0", "https://opendatacommons.org/licenses/pddl/1-0/"),
    "ODC-By-1.0": ("Open Data Commons Attribution 1.0", "https://opendatacommons.org/licenses/by/1-0/"),
    "ODbL-1.0": ("Open Database License 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"),
    "OGL-UK-3.0": (
        "Open Government Licence 3.0 (United Kingdom)",
        "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    ),
}
"""The licences of data that have an SPDX identifier and a page of their own."""

_NO_TRADE: Final = re.compile(
    r"\bnon[-\s]?commercial|\b(?:no|not for|without) commercial|(?:^|[-\s_])NC(?:[-\s_]|$)", re.IGNORECASE
)


@dataclass(frozen=True)
class Licence:
    """A licence.

    Attributes:
        name: what the book or the card calls it.
        id: its SPDX identifier; None where it has none we know.
        title: its whole name; ``name`` where it has no identifier.
        url: where it can be read; None where nobody said.
        non_commercial: whether it allows non-commercial use only, in letter.
    """

    name: str
    id: str | None
    title: str
    url: str | None
    non_commercial: bool


def licence(name: str, url: str | None = None) -> Licence:
    """Return the licence of a name, which is an SPDX identifier or words.

    Args:
        name: as a book's ``licence`` or a card's ``license`` has it.
        url: where it can be read, if that is said.

    >>> licence("cc by 4.0").id, licence("cc by 4.0").non_commercial
    ('CC-BY-4.0', False)
    >>> licence("Non-commercial use with attribution").non_commercial, licence("CC-BY-NC-4.0").non_commercial
    (True, True)
    """
    spelt = re.sub(r"[\s_]+", "-", name.strip()).lower()
    known = next((one for one in _KNOWN if one.lower() == spelt), None)
    title, page = _KNOWN[known] if known else (name, None)
    return Licence(name, known, title, url or page, bool(_NO_TRADE.search(name)))
