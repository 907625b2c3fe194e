"""Encoded answers are kept, as many as there is room for."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from tallybook.server.guard import Kept
from tallybook.server.respond import KEPT

ROOM = 16 * 5_000


class Standing:
    """The state of a book that does not change."""

    def holds(self) -> bool:
        return True


def asked(*paths: str) -> list[str]:
    """Return which of these paths were answered anew, asked one after the other; each is answered with its name."""
    made = []

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        made.append(scope["path"])
        scope[KEPT].append(Standing())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"etag", b'"1"')]})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def all_of_them() -> None:
        kept = Kept(app, ROOM)
        for path in paths:
            told: list[Message] = []

            async def send(message: Message, told: list[Message] = told) -> None:
                told.append(message)

            scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
            await kept(scope, receive, send)
            assert b"".join(message.get("body", b"") for message in told) == path.encode()

    asyncio.run(all_of_them())
    return made


def test_an_answer_is_made_once_and_sent_as_often_as_it_is_asked_for() -> None:
    assert asked("/a", "/b", "/a", "/a") == ["/a", "/b"]


def test_those_that_were_not_asked_for_the_longest_make_room() -> None:
    many = [f"/{number}" for number in range(ROOM // 4_100)]
    assert asked("/first", *many, many[-1], many[1], "/first") == ["/first", *many, "/first"]


def test_one_that_would_take_the_room_of_many_is_made_each_time() -> None:
    large = "/" + "x" * 1_000
    assert asked("/a", large, large, "/a") == ["/a", large, large]
