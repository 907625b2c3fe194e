"""The files of a release, with what a browser, a cache and a download that broke off need to know of them."""

from __future__ import annotations

import hashlib
import html
import mimetypes
import os
from collections.abc import Iterator
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import BinaryIO, Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tallybook.release.facts import MEDIA
from tallybook.server.encode import compressed, encoding_for
from tallybook.server.refusals import NoSuchError
from tallybook.server.respond import CACHE, KEPT, Desk, State, unchanged
from tallybook.server.shelf import Opened

_TYPES: Final = {
    **MEDIA,
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<h1>{title}</h1><ul>{items}</ul></html>
"""
_AT_ONCE: Final = 2 * 2**20
_PIECE: Final = 256 * 1024


def file_answer(desk: Desk, request: Request, path: str) -> Response:
    """Return a file of the release that is in place.

    Args:
        desk: the book.
        request: what is asked.
        path: the file, below the release's folder; of a folder, its ``index.html``.

    Raises:
        NoSuchError: there is none.
    """
    return desk.shelf.answer(lambda opened: _answer(desk, request, opened, path))


def _answer(desk: Desk, request: Request, opened: Opened, path: str) -> Response:
    try:
        handle, file = opened.open(path)
    except NoSuchError:
        if path:
            raise
        return _listing(opened)
    if file.name == "index.html" and path and not path.endswith(("/", ".html")):
        handle.close()
        # Relative addresses on a page are meant from its folder.
        return RedirectResponse(f"{path.rsplit('/', 1)[-1]}/", 308)
    found = os.fstat(handle.fileno())
    own = file.relative_to(opened.book.folder.resolve()).as_posix() in opened.paths
    media = _media(file)
    ranged = "range" in request.headers
    encoding = None if ranged else encoding_for(request.headers.get("accept-encoding", ""), media)
    headers = {
        "ETag": f'"{_tag(opened, found, encoding, own=own)}"',
        "Last-Modified": format_datetime(opened.modified, usegmt=True),
        "Cache-Control": CACHE,
        "Accept-Ranges": "bytes",
        "Vary": "Accept-Encoding",
    }
    if _has_it(request, opened, headers["ETag"]):
        handle.close()
        return Response(status_code=304, headers=headers)
    if encoding is None:
        return _Held(handle, found, headers, media)
    headers["Content-Encoding"] = encoding
    if found.st_size > _AT_ONCE:
        return StreamingResponse(compressed(_read(handle), encoding), headers=headers, media_type=media)
    body = b"".join(compressed(_read(handle), encoding, small=True))
    if own:
        request.scope.get(KEPT, []).append(State(desk.shelf, opened.identity, None))
    return Response(body, headers=headers, media_type=media)


def _listing(opened: Opened) -> Response:
    """Return a page for a release that comes without a site: its files, and what else is served."""
    links = [*sorted(opened.paths), "api/v1/", "api/v1/openapi.json"]
    items = "".join(f'<li><a href="{html.escape(link)}">{html.escape(link)}</a></li>' for link in links)
    return HTMLResponse(_PAGE.format(title=html.escape(opened.card["title"]), items=items))


class _Held(FileResponse):
    """A file that was opened before it was decided what to say of it: it may be replaced, this one is sent.

    Args:
        handle: the open file.
        found: its size.
        headers: what is said of it.
        media: its media type.
    """

    def __init__(self, handle: BinaryIO, found: os.stat_result, headers: dict[str, str], media: str) -> None:
        super().__init__(f"/dev/fd/{handle.fileno()}", headers=headers, media_type=media, stat_result=found)
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._handle.close()


def _read(handle: BinaryIO) -> Iterator[bytes]:
    with handle:
        yield from iter(lambda: handle.read(_PIECE), b"")


def _media(file: Path) -> str:
    media = _TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return f"{media}; charset=utf-8" if media.startswith("text/") else media


def _tag(opened: Opened, found: os.stat_result, encoding: str | None, *, own: bool) -> str:
    """Return the tag of a file: of one of the release's own, the same on every machine that has the same release."""
    changed = "" if own else f"{found.st_mtime_ns} {found.st_size}"
    return hashlib.sha256(f"{opened.digest} {changed} {encoding}".encode()).hexdigest()[:24]


def _has_it(request: Request, opened: Opened, etag: str) -> bool:
    asked = request.headers.get("if-none-match")
    if asked is not None:
        return unchanged(asked, etag)
    since = request.headers.get("if-modified-since")
    try:
        return since is not None and parsedate_to_datetime(since) >= opened.modified
    except (TypeError, ValueError):
        return False
