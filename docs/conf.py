"""How Sphinx builds the documentation: strictly, offline, the reference from the code itself."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "Tallybook"
author = "The Tallybook founders"
project_copyright = "the Tallybook founders"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generators"]
exclude_patterns = ["generators"]
nitpicky = True
# Types of others have their documentation elsewhere; nothing is asked of the network.
nitpick_ignore_regex = [
    ("py:.*", r"(?!tallybook\b).*"),
]
nitpick_ignore = [
    # What a ledger keeps its rows in, and how a release sets out to compute, is nobody's business but their own.
    ("py:class", "tallybook.release.figures.Method"),
    ("py:class", "tallybook.ledger.store.Store"),
    # These have pages of their own: the keys of book.toml and of cards.
    ("py:class", "tallybook.model.config.BookConfig"),
    ("py:class", "tallybook.model.cards.Card"),
    ("py:class", "tallybook.model.mortality.PlaceTerms"),
]

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "exclude-members": "__init__, __new__"}
autodoc_preserve_defaults = True
napoleon_use_ivar = True
# A command is written --so.
smartquotes = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "furo"
html_title = "Tallybook"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "tango"
