"""The application: one book at the root, or a folder of them, each below its name."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from typing import Final, cast

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from tallybook.errors import TallybookError
from tallybook.server import api
from tallybook.server.api import desk_of, named_book
from tallybook.server.epidata import epidata_routes
from tallybook.server.files import file_answer
from tallybook.server.guard import Guard, Kept
from tallybook.server.problems import problem, problem_of
from tallybook.server.respond import Desk, Slots
from tallybook.server.served import Limits, ServedBook

_STYLE: Final = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
_BOOKS: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>Books</title><style>{style}</style>
<h1>Books</h1><ul>{items}</ul></html>
"""
_ONLY_STYLE: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'"
)
"""The list of books has its style in it, and nothing else."""

_ABOUT = """Figures of an outbreak, by place and day, now and as they were known at any past moment.

Every answer is made from one release and names its source, licence and as-of moment. Blank and null mean
"not reported", never zero.
"""


def create_app(books: Mapping[str, ServedBook], *, several: bool = False, limits: Limits | None = None) -> Kept | Guard:
    """Return the application that serves books; it keeps nothing but what can be made again.

    Args:
        books: the books by id.
        several: serve each below ``/b/{id}/``; else the only one at the root.
        limits: what is done at most for one request, or at once.
    """
    bounds = limits or Limits()
    slots = Slots(bounds.heavy)
    desks = {name: Desk(book, bounds, slots) for name, book in books.items()}

    prefix = "/b/{book}" if several else ""
    title = "Tallybook" if several else next(iter(books.values())).about["title"]
    app = FastAPI(
        title=title, description=_ABOUT, version="1", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json"
    )
    app.include_router(epidata_routes(desks), prefix="/epidata", include_in_schema=False)
    app.state.desks = desks
    named = [Depends(named_book)] if several else []
    app.include_router(api.router, prefix=f"{prefix}/api/v1", dependencies=named)
    if several:
        app.add_route("/", lambda _: _list(desks), methods=["GET"])
        for alone, home in (("/b", "./"), ("/b/", "../")):  # below whatever path the server is
            app.add_route(alone, partial(_moved, home), methods=["GET"])
        app.add_route(prefix, lambda request: RedirectResponse(f"{request.url.path}/", 308), methods=["GET"])
    app.add_route(f"{prefix}/{{path:path}}", _file, methods=["GET"])
    app.add_exception_handler(TallybookError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _failed)
    return Guard(Kept(app, bounds.kept), bounds)


def _file(request: Request) -> Response:
    return file_answer(desk_of(request), request, request.path_params["path"])


def _moved(to: str, _request: Request) -> Response:
    return RedirectResponse(to, 308)


def _list(desks: Mapping[str, Desk]) -> Response:
    said = [
        (name, *(html.escape(desk.book.about[key]) for key in ("title", "publisher"))) for name, desk in desks.items()
    ]
    items = "".join(f'<li><a href="b/{name}/">{title}</a>, {publisher}</li>' for name, title, publisher in said)
    policy = {"Content-Security-Policy": _ONLY_STYLE}
    return HTMLResponse(_BOOKS.format(items=items, style=_STYLE), headers=policy)


def _refused(_request: Request, error: Exception) -> Response:
    return problem_of(cast("TallybookError", error))


def _invalid(_request: Request, error: Exception) -> Response:
    found = cast("RequestValidationError", error).errors()
    said = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg'].removeprefix('Value error, ')}" for one in found]
    return problem(422, "; ".join(said))


def _failed(_request: Request, _error: Exception) -> Response:
    """Return an answer to what nobody foresaw; it is raised again after that, and logged by the guard."""
    return problem(500, "this should not have happened; the log says what did")


def _http(_request: Request, error: Exception) -> Response:
    refusal = cast("HTTPException", error)
    answer = problem(refusal.status_code, str(refusal.detail))
    answer.headers.update(refusal.headers or {})
    return answer
