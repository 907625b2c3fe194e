"""Pages that the code writes: directives that Sphinx fills in when the documentation is built."""

from collections.abc import Callable
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from generators.cards import card_keys
from generators.columns import columns_of_files
from generators.commands import commands
from generators.configuration import configuration
from generators.names import names

MADE: Final[dict[str, Callable[[], str]]] = {
    "card-keys": card_keys,
    "columns": columns_of_files,
    "commands": commands,
    "configuration": configuration,
    "names": names,
}
"""What each directive writes, as Markdown."""


def _directive(made: Callable[[], str]) -> type[SphinxDirective]:
    class Made(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            return self.parse_text_to_nodes(made(), allow_section_headings=True)

    return Made


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directives."""
    for name, made in MADE.items():
        app.add_directive(name, _directive(made))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
