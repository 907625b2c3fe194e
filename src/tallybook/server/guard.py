"""What every request passes first: its size, its letters, its method; and what every answer says of itself."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tallybook.errors import TallybookError
from tallybook.model.policy import CONTENT_SECURITY_POLICY
from tallybook.server.problems import problem, problem_of
from tallybook.server.refusals import RefusedError
from tallybook.server.respond import KEPT, State, unchanged
from tallybook.server.served import Limits

HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "*",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""What every answer says: anybody may read it, and nobody may take it for something else."""

_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Allow": "GET, HEAD, OPTIONS",
}
_AROUND: Final = 4_096  # an address and headers, beside a body
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_LOG: Final = logging.getLogger(__name__)


class Guard:
    """An application that refuses what is too long, too large or no text, and never answers with a traceback.

    Args:
        app: the application behind it.
        limits: what is taken at most.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        sending = _Sending(send, head=head)
        refused = self._refused(scope)
        if scope["method"] == "OPTIONS":
            refused = refused or Response(status_code=204, headers=_PREFLIGHT)
        if refused is not None:
            await refused(scope, receive, sending)
            return
        asked = {**scope, "method": "GET"} if head else scope
        try:
            await self._app(asked, _limited(receive, self._limits.body), sending)
        except TallybookError as error:
            await sending.failed(problem_of(error), scope, receive)
        except Exception:
            _LOG.exception("%s failed", scope["path"])
            if sending.ended:
                return
            await sending.failed(problem(500, "this should not have happened; the log says what did"), scope, receive)

    def _refused(self, scope: Scope) -> Response | None:
        """Return why a request is not taken; None where it is."""
        raw = scope.get("raw_path", b"") + b"?" + scope["query_string"]
        longest = self._limits.url * (2 if scope["method"] == "POST" else 1)
        if len(raw) > longest:
            return problem(414, f"the address has {len(raw):,} bytes; at most {longest:,} are read")
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > self._limits.body:
            return problem(413, f"a body of at most {self._limits.body:,} bytes is read")
        text = unquote_to_bytes(raw.replace(b"+", b" "))
        if _CONTROL.search(text):
            return problem(400, "the address has control characters in it")
        try:
            text.decode()
        except UnicodeDecodeError:
            return problem(400, "the address is not UTF-8")
        return None


class _Sending:
    """Sends with the headers every answer has; of an answer to HEAD, the headers only."""

    def __init__(self, send: Send, *, head: bool) -> None:
        self._send = send
        self._head = head
        self._begun = False
        self.ended = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begun = True
            headers = MutableHeaders(raw=list(message["headers"]))
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if headers.get("content-type", "").startswith(("text/html", "image/svg")):
                headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            message = {**message, "headers": headers.raw}
        elif self._head:
            message = {**message, "body": b""}
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")
        await self._send(message)

    async def failed(self, response: Response, scope: Scope, receive: Receive) -> None:
        """Send why there is no answer; where one had begun, nothing that could be taken for the rest of it."""
        if self._begun:
            raise ConnectionError("the answer could not be finished")
        await response(scope, receive, self)


def _limited(receive: Receive, most: int) -> Receive:
    """Return what receives no more than so many bytes."""
    taken = 0

    async def receiving() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise RefusedError(413, f"a body of at most {most:,} bytes is read")
        return message

    return receiving


class Kept:
    """An application that keeps encoded answers of another for as long as the book stays in the state they are of.

    Args:
        app: the application that makes them.
        size: how many bytes are kept; those asked for last.
    """

    def __init__(self, app: ASGIApp, size: int) -> None:
        self._app = app
        self._size = size
        self._free = size
        self._answers: OrderedDict[object, tuple[list[State], list[tuple[bytes, bytes]], bytes]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if "range" in headers or "if-modified-since" in headers:
            await self._app(scope, receive, send)
            return
        key = (scope["path"], scope["query_string"], headers.get("accept-encoding"))
        found = self._answers.get(key)
        if found is None or not all(state.holds() for state in found[0]):
            depends: list[State] = []
            await self._app({**scope, KEPT: depends}, receive, _Collecting(send, self, key, depends))
            return
        self._answers.move_to_end(key)
        _, said, body = found
        tag = next(value for name, value in said if name == b"etag")
        same = unchanged(headers.get("if-none-match"), tag.decode())
        said = [(name, value) for name, value in said if not (same and name == b"content-length")]
        await send({"type": "http.response.start", "status": 304 if same else 200, "headers": said})
        await send({"type": "http.response.body", "body": b"" if same else body})

    def keep(self, key: object, states: list[State], headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Keep an answer, in the place of those that were not asked for the longest."""
        size = len(body) + _AROUND
        if size > self._size // 16:
            return
        self._drop(key)
        while self._free < size:
            self._drop(next(iter(self._answers)))
        self._answers[key] = (states, headers, body)
        self._free -= size

    def _drop(self, key: object) -> None:
        gone = self._answers.pop(key, None)
        self._free += len(gone[2]) + _AROUND if gone else 0


class _Collecting:
    """Sends an answer and has it kept, if it is whole and says what it depends on."""

    def __init__(self, send: Send, kept: Kept, key: object, depends: list[State]) -> None:
        self._send, self._kept, self._key, self._depends = send, kept, key, depends
        self._headers: list[tuple[bytes, bytes]] | None = None

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._headers = list(message["headers"])
        elif self._headers is not None and self._depends and not message.get("more_body"):
            self._kept.keep(self._key, self._depends, self._headers, message.get("body", b""))
        await self._send(message)
