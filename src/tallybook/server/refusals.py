"""What a server refuses, and with which status."""

from __future__ import annotations

from tallybook.errors import BookError, ContractError


class RefusedError(ContractError):
    """A request that is not served, and why.

    Args:
        status: the status of the answer.
        message: what is wrong with it.
        hint: what to do about it.
        wait: after how many seconds it may be asked again.
    """

    def __init__(self, status: int, message: str, *, hint: str | None = None, wait: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.wait = wait


class NoSuchError(RefusedError):
    """There is no such thing to be served."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(404, message, hint=hint)


class ReplacedError(BookError):
    """The release was replaced while it was read; the new one has to be asked."""


class NotPublishedError(BookError):
    """There is no release yet."""
