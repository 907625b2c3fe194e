"""The charts of the pages, compiled when the site is built: what a page loads is Vega, without data."""

from __future__ import annotations

from functools import cache, partial
from importlib import metadata, resources
from typing import Final

from tallybook.site.kept import kept
from tallybook.site.scripted import scripted

_PACKAGES: Final = ("altair", "vl-convert-python", "plotly-geo", "shapely")
_NAMES: Final = ("compare", "bubbles", "place", "excess", "revisions", "tiles", "counties")


def specs(*, counties: bool = False) -> dict[str, bytes]:
    """Return the charts by their path below ``assets``: ``specs/compare.js`` sets ``tallybook.specs.compare``.

    Every chart has its data sources empty. Its title is in ``usermeta.title``, for pictures that leave the page: on a
    page the headline is text of the page.

    Args:
        counties: whether the map of the counties, with its shapes, is among them.
    """
    names = [name for name in _NAMES if counties or name != "counties"]
    return {
        f"specs/{name}.js": kept(f"{name}.js", [name.encode(), *_made_of()], partial(_spec, name)) for name in names
    }


@cache
def _made_of() -> tuple[bytes, ...]:
    """Return what compiled charts depend on: the room of charts, what compiles them, and the packages that draw."""
    charts = [path for path in resources.files("tallybook.charts").iterdir() if path.name.endswith(".py")]
    own = [resources.files("tallybook.site").joinpath(name) for name in ("compiled.py", "scripted.py", "specs.py")]
    versions = [f"{name} {_version(name)}".encode() for name in _PACKAGES]
    return (*(file.read_bytes() for file in [*sorted(charts, key=str), *own]), *versions)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _spec(name: str) -> bytes:
    # What draws takes long to import, and is not needed where all is kept.
    from tallybook.site.compiled import compiled

    return scripted("specs", compiled(name), name)
