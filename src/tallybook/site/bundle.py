"""The scripts of the site: Vega from the installed package, and our own modules, each page's as one classic script.

Browsers load no module scripts from a disk, and a site has to open there. So the modules of a page become one script:
each module a function, each import a name. Our modules keep to what that needs: ``import`` and ``export`` begin their
line, an import names what it takes, an export is a function, a class or a constant, and no module imports in a circle.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import metadata, resources
from pathlib import Path, PurePosixPath
from typing import Final

from tallybook.errors import ContractError
from tallybook.site.kept import kept

_IMPORT: Final = re.compile(r"^import \{([^}]*)\} from \"([^\"]+)\";$", re.MULTILINE)
_EXPORT: Final = re.compile(r"^export ((?:async )?function\*?|class|const) (\w+)", re.MULTILINE)
_COMMENT: Final = re.compile(r"^\s*(?://.*|/\*\*(?:(?!\*/)[\s\S])*\*/)\n", re.MULTILINE)
_STRAY: Final = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)

_VEGA: Final = "window.vegaEmbed=vegaEmbed;window.vega=vega;"


def scripts() -> dict[str, bytes]:
    """Return the scripts of the site by their path below ``assets``: ``vega.js``, and one per page."""
    pages = sorted(entry.name for entry in _folder().joinpath("pages").iterdir() if entry.name.endswith(".js"))
    own = {name: bundled(f"pages/{name}") for name in pages}
    return {"vega.js": vega(), "theme.js": bundled("theme.js"), **own}


def bundled(entry: str) -> bytes:
    """Return a module and all it imports as one classic script.

    Args:
        entry: its path below ``static/js``.

    Raises:
        ContractError: a module imports or exports in a way the bundle has no words for.
    """
    order: list[str] = []
    _visit(entry, order, ())
    parts = [f'"use strict";\nconst {_name(path)} = (() => {{\n{_body(path)}\n}})();' for path in order]
    # In a function of its own: the names of a classic script are everybody's.
    return ("(() => {\n" + "\n".join(parts) + "\n})();\n").encode()


@cache
def vega() -> bytes:
    """Return Vega and Vega-Embed as one script, made from the package ``vl-convert``."""
    return kept("vega.js", [_VEGA.encode(), metadata.version("vl-convert-python").encode()], _vega)


def _vega() -> bytes:
    import vl_convert

    return f"(() => {{{vl_convert.javascript_bundle(_VEGA)}}})();\n".encode()


def _folder() -> Path:
    return Path(str(resources.files("tallybook.site"))) / "static" / "js"


def _visit(path: str, order: list[str], above: tuple[str, ...]) -> None:
    """Put the modules a module imports before it."""
    if path in above:
        raise ContractError(f"{path} imports itself, by way of {' and '.join(above)}", hint="move what both need")
    if path in order:
        return
    for _, imported in _IMPORT.findall(_source(path)):
        _visit(_resolved(path, imported), order, (*above, path))
    order.append(path)


def _body(path: str) -> str:
    """Return a module as the body of a function that returns what it exports."""
    source = _COMMENT.sub("", _source(path))
    exported = [name for _, name in _EXPORT.findall(source)]

    def taken(found: re.Match[str]) -> str:
        names = ", ".join(re.sub(r"\s+as\s+", ": ", part.strip()) for part in found[1].split(",") if part.strip())
        return f"const {{ {names} }} = {_name(_resolved(path, found[2]))};"

    plain = _EXPORT.sub(r"\1 \2", _IMPORT.sub(taken, source))
    stray = _STRAY.search(plain)
    if stray:
        raise ContractError(f"{path}: {stray[0]!r} cannot be bundled", hint="see the conventions in site/bundle.py")
    return f"{plain}\nreturn {{ {', '.join(exported)} }};"


def _source(path: str) -> str:
    return _folder().joinpath(path).read_text(encoding="utf-8")


def _resolved(path: str, imported: str) -> str:
    joined = PurePosixPath(path).parent / imported
    return os.path.normpath(joined)


def _name(path: str) -> str:
    return "module_" + re.sub(r"\W", "_", path.removesuffix(".js"))
