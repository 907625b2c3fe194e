"""Answers: what every one of them says of itself, and how large ones are sent without being held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from functools import cached_property
from itertools import chain
from threading import BoundedSemaphore
from typing import Any, Final
from urllib.parse import quote

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tallybook.server.encode import compressed, encoding_for
from tallybook.server.epidata_asked import Geography
from tallybook.server.past import Past
from tallybook.server.refusals import RefusedError
from tallybook.server.served import Limits, ServedBook
from tallybook.server.shelf import Identity, Opened, Shelf

CACHE: Final = "public, max-age=60"
"""How long others may keep an answer without asking again whether it still holds."""

KEPT: Final = "tallybook.kept"
"""Where a request's scope has the list that is told what its answer depends on."""


@dataclass(frozen=True)
class State:
    """What an answer depends on, besides the request.

    Attributes:
        shelf: the book.
        identity: its release.
        stamp: its ledger; None where it does not depend on the ledger.
    """

    shelf: Shelf
    identity: Identity
    stamp: int | None

    def holds(self) -> bool:
        """Return whether the book is still in this state."""
        if self.stamp is not None and self.stamp != self.shelf.book.ledger.stamp():
            return False
        return self.shelf.identity() == self.identity


class Slots:
    """How many answers of many rows are made at once.

    Args:
        number: that many.
    """

    def __init__(self, number: int) -> None:
        self._free = BoundedSemaphore(number)

    def take(self) -> Callable[[], None]:
        """Return what gives the slot back.

        Raises:
            RefusedError: none is free.
        """
        if not self._free.acquire(blocking=False):
            raise RefusedError(
                429, "too many large answers are being made at once", hint="ask again in a few seconds", wait=5
            )
        return self._free.release


class Desk:
    """A served book, its past, and what it takes to answer from it.

    Args:
        book: the book.
        limits: what is done at most.
        slots: shared by all books of a server.
    """

    def __init__(self, book: ServedBook, limits: Limits, slots: Slots) -> None:
        self.book = book
        self.shelf = Shelf(book)
        self.past = Past(book)
        self.limits = limits
        self.slots = slots

    @cached_property
    def geography(self) -> Geography:
        """What Epidata calls its places."""
        return Geography(self.book.places)

    def respond(
        self,
        request: Request,
        opened: Sequence[Opened],
        make: Callable[[], Iterator[bytes]],
        *,
        media: str,
        rows: int,
        past: bool = False,
        headers: Mapping[str, str] | None = None,
        desks: Sequence[Desk] = (),
    ) -> Response:
        """Return an answer: at once if it is small, else piece by piece.

        Args:
            request: what is asked.
            opened: the release it is answered from, or those of several books.
            make: makes its bytes.
            media: its media type.
            rows: about how many rows it is made from.
            past: whether it depends on the ledger, too.
            headers: what else is said of it, known when it is made.
            desks: the books it is answered from; this one by default.
        """
        if rows > self.limits.rows:
            raise RefusedError(
                413, f"that would be about {rows:,} rows; at most {self.limits.rows:,} are sent", hint="ask for less"
            )
        states = [
            State(desk.shelf, one.identity, desk.book.ledger.stamp() if past else None)
            for desk, one in zip(desks or [self], opened, strict=True)
        ]
        encoding = encoding_for(request.headers.get("accept-encoding", ""), media)
        said = _standing(opened, states, request, encoding)
        headers = headers or {}
        if unchanged(request.headers.get("if-none-match"), said["ETag"]):
            return Response(status_code=304, headers=said)
        if rows <= self.limits.light:
            body = b"".join(compressed(make(), encoding, small=True))
            request.scope.get(KEPT, []).extend(states)
            return Response(body, headers={**said, **headers}, media_type=media)
        release = self.slots.take()
        try:
            chunks = compressed(make(), encoding)
            # What fails does so before anything was sent.
            first = next(chunks, b"")
        except BaseException:
            release()
            raise
        return _Streamed(chain([first], chunks), {**said, **headers}, media, release)


class _Streamed(StreamingResponse):
    """An answer sent piece by piece, that gives its slot back however it ends."""

    def __init__(
        self, chunks: Iterator[bytes], headers: Mapping[str, str], media: str, release: Callable[[], None]
    ) -> None:
        super().__init__(chunks, headers=headers, media_type=media)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._release()


def about(book: ServedBook, as_of: datetime) -> dict[str, Any]:
    """Return what every answer says: source, licence and as-of."""
    source = {"id": book.id, **{key: book.about[key] for key in ("title", "publisher", "attribution", "notice")}}
    return {"source": source, "licence": book.about["licence"], "as_of": as_of.isoformat()}


def about_headers(book: ServedBook, as_of: datetime) -> dict[str, str]:
    """Return the same as headers, for formats that have no place for it; percent-encoded where it is no ASCII."""
    return {
        "Tallybook-Source": _ascii(f"{book.id}; {book.about['title']}; {book.about['attribution']}"),
        "Tallybook-Licence": _ascii(book.about["licence"]),
        "Tallybook-As-Of": as_of.isoformat(),
    }


def unchanged(asked: str | None, etag: str) -> bool:
    """Return whether who asks has this already: one of the tags they name is this one, weak or not.

    >>> unchanged('"a", W/"b"', 'W/"b"'), unchanged("*", '"c"'), unchanged(None, '"c"')
    (True, True, False)
    """
    if not asked:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in asked.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def json_bytes(said: Any) -> bytes:
    """Return something as JSON."""
    return to_json(said)


def _standing(
    opened: Sequence[Opened], states: Sequence[State], request: Request, encoding: str | None
) -> dict[str, str]:
    of = [f"{one.digest} {state.stamp}" for one, state in zip(opened, states, strict=True)]
    asked = f"{request.scope['path']}?{request.scope['query_string']!r} {of} {encoding}"
    return {
        "ETag": f'W/"{hashlib.sha256(asked.encode("utf-8", "replace")).hexdigest()[:24]}"',
        "Last-Modified": format_datetime(max(one.modified for one in opened), usegmt=True),
        "Cache-Control": CACHE,
        "Vary": "Accept-Encoding",
        **({"Content-Encoding": encoding} if encoding else {}),
    }


def _ascii(text: str) -> str:
    return quote(" ".join(text.split()), safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~")
