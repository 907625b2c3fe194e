"""What commands print for programs: one JSON object of one shape, and nothing else on standard output."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from tallybook.cli.printing import write

if TYPE_CHECKING:
    import polars as pl


def print_json(command: str, rows: pl.DataFrame | Sequence[Mapping[str, Any]], **about: Any) -> None:
    """Print the object: ``command``, what else is said of the rows, and ``rows``, one object each.

    Every row has every column; null is what is not known, or was not reported. Days are ``YYYY-MM-DD``, moments ISO
    8601 with an offset.

    Args:
        command: the name of the command.
        rows: the rows, all of them.
        about: what else is said.
    """
    head = json.dumps({"command": command, **about}, ensure_ascii=False, default=_text)
    write(f'{head[:-1]}, "rows": {_rows(rows)}}}\n')


def _rows(rows: pl.DataFrame | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(rows, Sequence):
        return json.dumps(list(rows), ensure_ascii=False, default=_text)
    import polars as pl

    moments = pl.selectors.datetime().dt.convert_time_zone("UTC").dt.strftime("%+")
    return rows.with_columns(moments, pl.selectors.date().dt.to_string("iso")).write_json()


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
