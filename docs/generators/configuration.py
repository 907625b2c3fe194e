"""The page of what ``book.toml`` may say."""

from generators.attributes import key_table
from tallybook.model.config import AveragesConfig, BookConfig, ExcessConfig


def configuration() -> str:
    """Return the keys of ``book.toml``, table by table."""
    return "\n\n".join(
        [
            "## At the top",
            key_table(BookConfig),
            "## `[averages]`",
            key_table(AveragesConfig),
            "## `[excess]`",
            key_table(ExcessConfig),
        ]
    )
