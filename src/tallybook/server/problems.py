"""What went wrong, told to programs: problem details (RFC 9457), from the one tree of errors."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, Field
from starlette.responses import Response

from tallybook.errors import ContractError, TallybookError, UnknownPlaceError
from tallybook.server.refusals import NotPublishedError, RefusedError, ReplacedError

PROBLEM: Final = "application/problem+json"

_LOG: Final = logging.getLogger(__name__)


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = Field("about:blank", description="The kind of problem; its title says it.")
    title: str = Field(description="What the status means.", examples=["Not Found"])
    status: int = Field(description="The status of the answer.", examples=[404])
    detail: str = Field(description="What is wrong and what to do.", examples=["no place 'Ohoi'; did you mean 'Ohio'?"])


def status_of(error: TallybookError) -> int:
    """Return the status of an answer to what failed so.

    >>> status_of(UnknownPlaceError("no place 'Ohoi'")), status_of(ContractError("no such metric"))
    (404, 400)
    """
    if isinstance(error, RefusedError):
        return error.status
    if isinstance(error, UnknownPlaceError):
        return 404
    return 400 if isinstance(error, ContractError) else 503


def problem(status: int, detail: str, *, wait: int | None = None) -> Response:
    """Return an answer that says what is wrong."""
    said = Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail)
    headers = {"Cache-Control": "no-store"}
    if status in (429, 503):
        headers["Retry-After"] = str(wait or 5)
    return Response(said.model_dump_json(), status, headers, media_type=PROBLEM)


def detail_of(error: TallybookError) -> str:
    """Return what is said of what failed: where a book is kept, and what is wrong there, concerns the log only."""
    if status_of(error) < 500:
        return str(error)
    _LOG.warning("%s", error)
    told = isinstance(error, ReplacedError | NotPublishedError)
    return str(error) if told else "the book cannot be read; the log says why"


def problem_of(error: TallybookError) -> Response:
    """Return the answer to a request that failed on purpose."""
    return problem(status_of(error), detail_of(error), wait=getattr(error, "wait", None))
