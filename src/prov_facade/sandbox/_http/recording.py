"""Records the requests that the sandbox receives."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
from attrs import field, frozen
from starlette.requests import Request


@frozen
class Received:
    """A request that the sandbox has received.

    Attributes:
        operation_id: The operation; empty if no operation has this path and method.
        method: The HTTP method.
        path: The path.
        query: The query parameters.
        headers: The headers.
        body: The body; only the beginning of one that was rejected as too large.
    """

    operation_id: str
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Decode the body as JSON.

        Raises:
            msgspec.DecodeError: If the body is not JSON.
        """
        return msgspec.json.decode(self.body)


class RequestLog:
    """The requests received so far, in order.

    Args:
        enabled: Whether requests are recorded at all.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._received: list[Received] = []
        self._lock = threading.Lock()

    def add(self, operation_id: str, request: Request, body: bytes = b"") -> None:
        """Record a request."""
        if not self._enabled:
            return
        received = Received(
            operation_id,
            request.method,
            request.url.path,
            dict(request.query_params),
            dict(request.headers),
            body,
        )
        with self._lock:
            self._received.append(received)

    def all(self) -> list[Received]:
        """Return the recorded requests."""
        with self._lock:
            return list(self._received)

    def clear(self) -> None:
        """Delete the recorded requests."""
        with self._lock:
            self._received.clear()
