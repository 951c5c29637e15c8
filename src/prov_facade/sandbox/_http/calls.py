"""The requests and responses of operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from attrs import field, frozen

HEALTH_MESSAGE = "Health check successful."
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


class RejectedError(Exception):
    """A request that an operation rejects.

    Attributes:
        status: The status of the response.
        detail: The ``detail`` in its body.
        challenge: Whether the response has a ``WWW-Authenticate`` header.
    """

    def __init__(self, status: int, detail: str, *, challenge: bool = False) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.challenge = challenge


class UnhandledError(Exception):
    """An error that the real server does not handle, so that its response is a bare 500."""


@frozen
class Caller:
    """The user whose token a request carries."""

    username: str = ""
    email: str | None = None
    roles: tuple[str, ...] = ()
    token: str = field(default="", repr=False)


@frozen
class Call:
    """A request that has passed validation."""

    caller: Caller
    query: Mapping[str, Any]
    body: Any = None
    file: bytes = b""
    base_url: str = ""


@frozen
class File:
    """A response that is a file."""

    content: bytes
    media_type: str
    name: str


Handler: TypeAlias = Callable[[Call], Any]
"""Performs an operation. It returns a :class:`File`, or a value to encode as JSON."""


def is_storable(number: int) -> bool:
    """Whether a number fits into an SQLite integer."""
    return -(2**63) <= number < 2**63
