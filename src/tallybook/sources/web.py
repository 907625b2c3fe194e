"""Downloads: only what has changed, within limits of time and size, tried again where that may help."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import stamina

from tallybook.errors import SourceError
from tallybook.model.files import MOST_BYTES
from tallybook.model.packed import PackedError, unpacked
from tallybook.sources.archive import Archive, Fetched, Progress, without_password
from tallybook.sources.guard import Guarded

_TIMEOUT_SECONDS = 60
_MOST_SECONDS = 1800
_ATTEMPTS = 4
_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 60.0
_MAY_PASS = (408, 425, 429, 500, 502, 503, 504)

# That a server is asked again is no news unless it fails in the end.
logging.getLogger("stamina").addHandler(logging.NullHandler())


class Web:
    """A connection to the servers of a feed.

    Args:
        client: the connection.
        archive: what was fetched before.
        progress: called as the bytes come in.
    """

    def __init__(self, client: httpx.Client, archive: Archive, progress: Progress) -> None:
        self._client = client
        self._archive = archive
        self._progress = progress

    def get(self, address: str, name: str) -> Fetched | None:
        """Return the file at an address, as it was before if it has not changed; None where there is none (404, 410).

        Raises:
            SourceError: it cannot be read, or not within the limits.
        """
        again = stamina.RetryingCaller(
            attempts=_ATTEMPTS,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_max=_LONGEST_WAIT_SECONDS,
            timeout=_MOST_SECONDS,
        )
        try:
            return again(_wait, self._download, address, name)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = str(error).split("\n", 1)[0] or type(error).__name__
            raise SourceError(f"cannot read {without_password(address)}: {said}") from error

    def _download(self, address: str, name: str) -> Fetched | None:
        shown = without_password(address)
        before = self._archive.last(shown)
        url = httpx.URL(address)
        auth = (url.username, url.password) if url.userinfo else None
        with self._client.stream("GET", shown, auth=auth, headers=_conditions(before)) as response:
            if response.status_code in (404, 410):
                return None
            if response.status_code == 304 and before is not None:
                return replace(before, name=name)
            response.raise_for_status()
            if response.status_code != httpx.codes.OK:
                raise SourceError(
                    f"cannot read {shown}: the server answered {response.status_code}, not the whole file"
                )
            data = unpacked_answer(self._body(response, shown, name), response.headers.get("content-encoding"), shown)
            headers = response.headers
            return Fetched(name, shown, data, headers.get("etag"), headers.get("last-modified"))

    def _body(self, response: httpx.Response, address: str, name: str) -> bytes:
        began = time.monotonic()
        expected = int(response.headers.get("content-length", 0))
        chunks = []
        for chunk in response.iter_raw():
            chunks.append(chunk)
            if response.num_bytes_downloaded > MOST_BYTES:
                raise _too_large(address)
            if time.monotonic() - began > _MOST_SECONDS:
                raise SourceError(
                    f"cannot read {address}: not done after {_MOST_SECONDS} seconds", hint="try again later"
                )
            self._progress(name, response.num_bytes_downloaded, expected)
        return b"".join(chunks)


@contextmanager
def connected(archive: Archive, progress: Progress, private_hosts: Sequence[str] = ()) -> Iterator[Web]:
    """Open a connection for the block; of hosts that are not on the internet only to those that are opted in."""
    headers = {"Accept-Encoding": "gzip"}
    way = Guarded(private_hosts)
    with httpx.Client(transport=way, timeout=_TIMEOUT_SECONDS, follow_redirects=True, headers=headers) as client:
        yield Web(client, archive, progress)


def _conditions(before: Fetched | None) -> dict[str, str]:
    if before is None:
        return {}
    if before.etag:
        return {"If-None-Match": before.etag}
    return {"If-Modified-Since": before.last_modified} if before.last_modified else {}


def _wait(error: Exception) -> bool | timedelta:
    """Return whether to try again after an error, and how long the server asks to wait."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in _MAY_PASS:
        return asked_to_wait(error.response.headers.get("retry-after", ""), datetime.now(UTC)) or True
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


def asked_to_wait(said: str, now: datetime) -> timedelta | None:
    """Return how long a Retry-After header asks to wait, in seconds or until a date; None where it says neither.

    >>> asked_to_wait("Wed, 11 Mar 2020 12:00:05 GMT", datetime(2020, 3, 11, 12, tzinfo=UTC)).seconds
    5
    """
    try:
        if said.isdecimal():
            wait = timedelta(seconds=min(int(said), _LONGEST_WAIT_SECONDS))
        else:
            wait = parsedate_to_datetime(said).astimezone(UTC) - now
    except (ValueError, OverflowError):
        return None
    return max(min(wait, timedelta(seconds=_LONGEST_WAIT_SECONDS)), timedelta())


def unpacked_answer(data: bytes, encoding: str | None, address: str) -> bytes:
    """Return what a server packed for the way.

    Raises:
        SourceError: it is packed otherwise, damaged, cut short or too large.
    """
    if encoding in (None, "", "identity"):
        return data
    if encoding not in ("gzip", "x-gzip"):
        raise SourceError(f"cannot read {address}: it came packed as {encoding!r}, which was not asked for")
    try:
        return unpacked(data, most=MOST_BYTES)
    except PackedError as error:
        raise SourceError(f"cannot read {address}: what came {error}", hint="try again later") from None


def _too_large(address: str) -> SourceError:
    return SourceError(f"cannot read {address}: more than {MOST_BYTES:,} bytes", hint="is it the right file?")
