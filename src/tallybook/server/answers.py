"""The answers of the API, each with its source, licence and as-of, and how they are described."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, Final

import polars as pl
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tallybook.server.asked import Page
from tallybook.server.encode import MEDIA, json_pieces, pieces
from tallybook.server.problems import PROBLEM, Problem
from tallybook.server.respond import Desk, about, about_headers, json_bytes
from tallybook.server.shelf import Opened


class Source(BaseModel):
    """Who the figures are of."""

    id: str = Field(description="What programs call the dataset.")
    title: str
    publisher: str
    attribution: str = Field(description="How to name the source.")
    notice: str = Field(description="A warning to every reader; empty where there is none.")


class _Answer(BaseModel):
    source: Source
    licence: str
    as_of: dt.datetime = Field(description="The moment of the latest observation in the answer.")


class Row(BaseModel):
    """A row; its columns are those of the CSV file."""

    model_config = ConfigDict(extra="allow")


class TableAnswer(_Answer):
    """Rows, and who they are of."""

    next: str | None = Field(description="The cursor of the next page; null: there is none.")
    data: list[Row]


class OneAnswer(_Answer):
    """One thing, and who it is of."""

    data: Row


def table_answer(
    desk: Desk,
    request: Request,
    opened: Opened,
    page: Page,
    rows: Callable[[], Iterator[pl.DataFrame]],
    *,
    number: int = 0,
    past: bool = False,
    as_of: dt.datetime | None = None,
) -> Response:
    """Return rows in the format that is asked for, a page of them or all.

    Args:
        desk: the book.
        request: what is asked.
        opened: the release they are of.
        page: which rows, and in which format.
        rows: makes them.
        number: about how many they are made from.
        past: whether they depend on the ledger, too.
        as_of: their moment; that of the release by default.
    """
    moment = as_of or opened.as_of
    headers = about_headers(desk.book, moment)
    state = f"{opened.digest}.{desk.book.ledger.stamp() if past else 0}"
    told = about(desk.book, moment)
    if page.is_all:
        facts = {"source": told["source"]["title"], "licence": told["licence"], "as_of": told["as_of"]}

        def whole() -> Iterator[bytes]:
            return pieces(rows(), page.format, facts)

        return desk.respond(request, [opened], whole, media=MEDIA[page.format], rows=number, past=past, headers=headers)

    def cut() -> Iterator[bytes]:
        frame, cursor = page.cut(pl.concat(rows(), rechunk=False), state)
        if page.format == "json":
            before = json_bytes({**told, "next": cursor})[:-1] + b',"data":['
            return json_pieces([frame], before=before, after=b"]}")
        if cursor:
            url = request.url.include_query_params(cursor=cursor)
            headers["Link"] = f'<?{url.query}>; rel="next"'
        return pieces([frame], page.format, {})

    return desk.respond(request, [opened], cut, media=MEDIA[page.format], rows=number, past=past, headers=headers)


def one_answer(desk: Desk, request: Request, opened: Opened, data: dict[str, Any], *, past: bool = False) -> Response:
    """Return one thing as JSON."""
    told = {**about(desk.book, opened.as_of), "data": data}
    return desk.respond(request, [opened], lambda: iter([json_bytes(told)]), media=MEDIA["json"], rows=1, past=past)


REFUSALS: Final = {
    400: "the address cannot be read",
    404: "there is no such thing",
    405: "it can only be read",
    409: "the data have changed since the page before",
    413: "that would be too much",
    414: "the address is too long",
    422: "a parameter is not what it should be",
    429: "too much is asked at once",
    503: "there is nothing to be read at the moment",
}
"""The statuses of what is refused, and what they mean here."""


def described() -> dict[int | str, dict[str, Any]]:
    """Return how refusals are described in OpenAPI: problem details."""
    schema = Problem.model_json_schema()
    return {
        status: {"description": says[0].upper() + says[1:] + ".", "content": {PROBLEM: {"schema": schema}}}
        for status, says in REFUSALS.items()
    }


def example(**row: Any) -> dict[int | str, dict[str, Any]]:
    """Return how a table is described in OpenAPI: its formats, and an answer of one row.

    Args:
        row: a row.
    """
    said = {
        "source": {
            "id": "nyt",
            "title": "Coronavirus (Covid-19) Data in the United States",
            "publisher": "Republished with Tallybook",
            "attribution": "Data from The New York Times",
            "notice": "",
        },
        "licence": "As the source's",
        "as_of": "2023-03-24T13:00:00+00:00",
        "next": None,
        "data": [row],
    }
    line = ",".join("" if cell is None else str(cell) for cell in row.values())
    formats: dict[str, Any] = {"application/json": {"example": said}}
    formats["text/csv"] = {"schema": {"type": "string"}, "example": f"{','.join(row)}\n{line}\n"}
    for media in ("application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"):
        formats[media] = {"schema": {"type": "string", "format": "binary"}}
    return {200: {"description": "The rows, and who they are of.", "content": formats}}
