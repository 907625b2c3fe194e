"""A page, and how it becomes HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

from tallybook.model.policy import CONTENT_SECURITY_POLICY
from tallybook.site import formats

if TYPE_CHECKING:
    from jinja2 import Environment

    from tallybook.site.opened import Opened

EXCESS_FILE: Final = "excess-deaths/extended.parquet"
"""What the page of excess deaths is made of: a row per place and week or month, with deaths, those expected, the excess
and intervals."""

EXCESS_PAGE: Final = "excess.html"

NAV: Final[tuple[tuple[str, str], ...]] = (
    ("index.html", "Overview"),
    ("compare.html", "Compare"),
    ("bubbles.html", "Bubbles"),
    (EXCESS_PAGE, "Excess deaths"),
    ("revisions.html", "Revisions"),
    ("data.html", "Data"),
)
"""The pages of the menu: where, and what they are called; that of excess deaths is where a release has any."""


@dataclass(frozen=True)
class Page:
    """A page of the site.

    Attributes:
        path: below the release's folder.
        template: which template it is made with.
        title: its title, without that of the dataset.
        description: what it shows, in one sentence.
        scripts: its scripts below ``assets/``, in order.
        context: what its template is given.
    """

    path: str
    template: str
    title: str
    description: str
    scripts: tuple[str, ...] = ()
    context: Mapping[str, object] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """What leads from the page to the top of the site, so that it works below any path and from a disk.

        >>> Page("place/USA.html", "place.html", "", "").root
        '../'
        """
        return "../" * self.path.count("/")


@dataclass(frozen=True)
class Asset:
    """A file that pages load.

    Attributes:
        path: below the release's folder.
        data: its bytes.
    """

    path: str
    data: bytes


@cache
def environment() -> Environment:
    """Return the templates: what is put into them is escaped, and a name they do not know is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("tallybook.site"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(formats.FILTERS)
    made.globals.update(csp=CONTENT_SECURITY_POLICY, words=formats.LEVELS)
    return made


def rendered(page: Page, site: Opened) -> bytes:
    """Return a page as HTML."""
    template = environment().get_template(page.template)
    nav = [item for item in NAV if item[0] != EXCESS_PAGE or EXCESS_FILE in site.files]
    html = template.render(page=page, nav=nav, root=page.root, site=site, **page.context)
    return html.encode() + b"\n"
