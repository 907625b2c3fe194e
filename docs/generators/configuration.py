"""The page of what ``book.toml`` may say."""

from collections.abc import Iterator

from pydantic import BaseModel

from generators.attributes import key_table
from tallybook.model.config import BookConfig


def configuration() -> str:
    """Return the keys of ``book.toml``, table by table."""
    parts = [f"## At the top\n\n{key_table(BookConfig)}"]
    parts += [f"## `[{name}]`\n\n{key_table(table)}" for name, table in tables()]
    return "\n\n".join(parts)


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield the tables of ``book.toml``, by name."""
    for name, field in BookConfig.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield name, kind
