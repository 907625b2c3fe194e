"""Delphi's Epidata protocol, V4 and V5: the clients of the field work on any book without change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import polars as pl
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tallybook.errors import TallybookError
from tallybook.server import covidcast, covidcast_meta, epidata_aux, epidata_v5
from tallybook.server.encode import csv_pieces
from tallybook.server.epidata_asked import chosen, parameters, refused
from tallybook.server.problems import detail_of, status_of
from tallybook.server.refusals import NotPublishedError, RefusedError, ReplacedError
from tallybook.server.respond import Desk, json_bytes
from tallybook.server.shelf import Opened

FORMATS: Final = {
    "classic": "application/json",
    "tree": "application/json",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
}
"""The media type of each of V4's formats."""

_TRIES: Final = 8
_JSON: Final = "application/json"
_CSV: Final = "text/csv; charset=utf-8"

Made = TypeVar("Made")
Said = Mapping[str, str]
Answer = Callable[[Request, Said, Mapping[str, Desk]], Response]


def epidata_routes(desks: Mapping[str, Desk]) -> APIRouter:
    """Return the routes of both versions; every book is a source of them.

    Args:
        desks: the books by id.
    """
    router = APIRouter()
    _add(router, "/covidcast/", _covidcast, desks, enveloped=True)
    _add(router, "/covidcast/meta", _covidcast_sources, desks)
    _add(router, "/covidcast/csv", _covidcast_csv, desks)
    _add(router, "/covidcast_meta/", _covidcast_meta, desks, enveloped=True)
    _add(router, "/v5/snapshot/", _snapshot, desks)
    _add(router, "/v5/archive/", _archive, desks)
    _add(router, "/v5/metadata/", _metadata, desks)
    _add(router, "/v5/aux_data/", _aux_data, desks)
    _add(router, "/v5/metadata/aux_schema/", _aux_schema, desks)
    return router


def _add(router: APIRouter, path: str, answer: Answer, desks: Mapping[str, Desk], *, enveloped: bool = False) -> None:
    """Add a route, with and without its last slash: clients call either."""

    async def asked(request: Request) -> Response:
        body = await request.body() if request.method == "POST" else b""
        try:
            said = parameters(request.scope["query_string"], body)
        except TallybookError as error:
            return _failed(error, enveloped=enveloped)
        try:
            return await run_in_threadpool(answer, request, said, desks)
        except TallybookError as error:
            return _failed(error, enveloped=enveloped and said.get("format", "classic") in ("classic", "tree"))

    for one in {path, path.rstrip("/")}:
        router.add_api_route(one, asked, methods=["GET", "POST"], name=path.strip("/"))


def _failed(error: TallybookError, *, enveloped: bool) -> Response:
    """Return why there is no answer, as these clients read it.

    V4's two enveloped formats say it with status 200, as they always did; but what may be asked again later is not
    taken for an answer.
    """
    status = status_of(error)
    headers = {"Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = str(getattr(error, "wait", None) or 5)
    body = json_bytes({"epidata": [], "result": -1, "message": detail_of(error)})
    return Response(body, 200 if enveloped and status in (400, 404) else status, headers, media_type=_JSON)


def _covidcast(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    format_ = said.get("format", "classic")
    if format_ not in FORMATS:
        raise RefusedError(404, f"no format {format_!r}", hint=f"use {', '.join(FORMATS)}")
    asked = covidcast.queries(said, desks)
    columns = chosen(said.get("fields"), covidcast.COLUMNS)
    if not columns:
        raise refused("no field is left", f"there are: {', '.join(covidcast.COLUMNS)}")

    def written(rows: pl.DataFrame) -> Iterator[bytes]:
        return covidcast.written(rows, format_, columns, asked[0].desk.limits.rows)

    return _asked(request, asked, written, FORMATS[format_])


def _asked(
    request: Request,
    asked: Sequence[covidcast.Query],
    written: Callable[[pl.DataFrame], Iterator[bytes]],
    media_type: str,
) -> Response:
    """Return the answer to queries, whose rows are written so."""
    desks = [query.desk for query in asked]

    def made(opened: Sequence[Opened]) -> Response:
        def make() -> Iterator[bytes]:
            return written(covidcast.sorted_rows(asked, opened))

        number = sum(query.rows(one) for query, one in zip(asked, opened, strict=True))
        return _respond(request, desks, opened, make, media_type, number, past=any(query.past for query in asked))

    return _opened(desks, made)


def _covidcast_csv(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    if "signal" not in said:
        raise RefusedError(400, "missing parameter: signal", hint="such as signal=nyt:cases_avg")
    days = f"{said.get('start_day', '1000-01-01')}--{said.get('end_day', '3000-01-01')}"
    kept = {name: said[name] for name in ("signal", "geo_values", "as_of") if name in said}
    asked = covidcast.queries({"geo_type": "county", **kept, **_only(said, "geo_type"), "time_values": days}, desks)

    return _asked(request, asked, lambda rows: csv_pieces([covidcast.as_download(rows)]), _CSV)


def _published(desks: Mapping[str, Desk]) -> list[Desk]:
    """Return the books that have a release: others say nothing, and keep nobody from the rest.

    Raises:
        NotPublishedError: none has one.
    """
    there = [desk for desk in desks.values() if desk.shelf.is_published()]
    if not there:
        raise NotPublishedError("nothing is published yet", hint="run `tallybook publish`")
    return there


def _covidcast_meta(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    format_ = said.get("format", "classic")
    if format_ not in FORMATS:
        raise RefusedError(404, f"no format {format_!r}", hint=f"use {', '.join(FORMATS)}")
    every = _published(desks)

    def made(opened: Sequence[Opened]) -> Response:
        def make() -> Iterator[bytes]:
            rows = pl.concat([covidcast_meta.meta_rows(desk, one) for desk, one in zip(every, opened, strict=True)])
            found = covidcast_meta.asked_for(rows, said)
            return covidcast.written(found, format_, chosen(said.get("fields"), found.columns), found.height)

        return _respond(request, every, opened, make, FORMATS[format_], 1)

    return _opened(every, made)


def _covidcast_sources(request: Request, _said: Said, desks: Mapping[str, Desk]) -> Response:
    every = _published(desks)

    def made(opened: Sequence[Opened]) -> Response:
        def make() -> Iterator[bytes]:
            yield json_bytes([covidcast_meta.source_meta(desk, one) for desk, one in zip(every, opened, strict=True)])

        return _respond(request, every, opened, make, _JSON, 1)

    return _opened(every, made)


def _snapshot(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    return _signals(request, epidata_v5.query(said, desks, archive=False))


def _archive(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    return _signals(request, epidata_v5.query(said, desks, archive=True))


def _signals(request: Request, asked: epidata_v5.Query) -> Response:
    def made(opened: Sequence[Opened]) -> Response:
        states, most = asked.states(opened[0]), asked.desk.limits.states
        if states > most:
            raise RefusedError(
                413,
                f"{states:,} past values would have to be computed; at most {most:,} are",
                hint="ask for fewer report times",
            )
        number = asked.rows(opened[0])
        return _respond(
            request, [asked.desk], opened, lambda: csv_pieces(asked.frames(opened[0])), _CSV, number, past=asked.past
        )

    return _opened([asked.desk], made)


def _metadata(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    every = [epidata_v5.source(said, desks)] if "source" in said else _published(desks)

    def made(opened: Sequence[Opened]) -> Response:
        def make() -> Iterator[bytes]:
            yield json_bytes(
                {desk.book.id: epidata_v5.metadata(desk, one) for desk, one in zip(every, opened, strict=True)}
            )

        return _respond(request, every, opened, make, _JSON, 1, past=True)

    return _opened(every, made)


def _aux_schema(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    every = [epidata_v5.source(said, desks)] if "source" in said else _published(desks)
    told = {desk.book.id: {"key_columns": list(epidata_aux.AUX_KEYS)} for desk in every}
    return _opened(every, lambda opened: _respond(request, every, opened, lambda: iter([json_bytes(told)]), _JSON, 1))


def _aux_data(request: Request, said: Said, desks: Mapping[str, Desk]) -> Response:
    desk = epidata_v5.source(said, desks)

    def made(opened: Sequence[Opened]) -> Response:
        number = sum(opened[0].height(level) for level in opened[0].levels)
        past = "snapshot_date" in said
        return _respond(
            request,
            [desk],
            opened,
            lambda: csv_pieces(epidata_aux.aux_frames(said, desk, opened[0])),
            _CSV,
            number,
            past=past,
        )

    return _opened([desk], made)


def _opened(desks: Sequence[Desk], make: Callable[[Sequence[Opened]], Made]) -> Made:
    """Return what is made from a release of each book; again from the next, if one was replaced meanwhile."""
    for _ in range(_TRIES):
        try:
            return make([desk.shelf.opened() for desk in desks])
        except ReplacedError:
            continue
    return make([desk.shelf.opened() for desk in desks])


def _respond(
    request: Request,
    desks: Sequence[Desk],
    opened: Sequence[Opened],
    make: Callable[[], Iterator[bytes]],
    media: str,
    number: int,
    *,
    past: bool = False,
) -> Response:
    number = min(number, desks[0].limits.rows)
    return desks[0].respond(request, opened, make, media=media, rows=number, past=past, desks=desks)


def _only(said: Said, name: str) -> dict[str, str]:
    return {name: said[name]} if name in said else {}
