"""The transports of the synchronous client, and sending with them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import TypeVar

import httpx

from prov_facade._checks import is_coroutine_function
from prov_facade._runtime.threads.concurrency import limited_to_deadline, time_left
from prov_facade._runtime.threads.network import MIN_TIMEOUT, PooledTransport

T = TypeVar("T")

TransportLike = httpx.BaseTransport
"""A transport."""


HOOKS = "plain functions"
"""The event hooks of this client."""


def is_named(transport: object) -> bool:  # noqa: ARG001
    """Return whether a transport is given by its name: this client has no named transports."""
    return False


def make_transport(
    name: object,  # noqa: ARG001
    *,
    ssl_context: ssl.SSLContext,
    limits: httpx.Limits,
    proxy: httpx.Proxy | None,
) -> httpx.BaseTransport:
    """Create a transport.

    Args:
        name: Always ``None``: only one transport exists.
        ssl_context: The certificates that verify servers.
        limits: The limits on connections.
        proxy: The proxy.
    """
    return PooledTransport(ssl_context=ssl_context, limits=limits, proxy=proxy)


def is_hook(value: object) -> bool:
    """Return whether a value is an event hook, which cannot be a coroutine function."""
    return callable(value) and not is_coroutine_function(value)


def call_hook(hook: Callable[[T], object], message: T) -> None:
    """Call an event hook with a request or a response."""
    hook(message)


def send(transport: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """Send a request and receive the head of the response, within the deadline.

    Raises:
        TimeoutError: If the deadline has passed: nothing is sent.
    """
    remaining = time_left()
    if remaining is None or isinstance(transport, PooledTransport):
        return transport.handle_request(request)
    if remaining == 0:
        raise TimeoutError
    # Custom transports do not support the deadline, only the timeouts of phases, which restart
    # with every piece that arrives.
    request.extensions["timeout"] = _ShortenedTimeouts(request.extensions["timeout"])
    assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101
    request.stream = _DeadlineStream(request.stream, httpx.WriteTimeout)
    response = transport.handle_request(request)
    assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101
    response.stream = _DeadlineStream(response.stream, httpx.ReadTimeout)
    return response


class _ShortenedTimeouts(dict[str, float | None]):
    """The timeouts of the phases of a request, shortened to the deadline."""

    def get(self, phase: str, default: object = None) -> float | None:  # noqa: ARG002
        """Return a timeout, computed when the phase begins."""
        limit = limited_to_deadline(super().get(phase))
        return None if limit is None else max(limit, MIN_TIMEOUT)


class _DeadlineStream(httpx.SyncByteStream):
    """A body that ends at the deadline."""

    def __init__(self, inner: httpx.SyncByteStream, error: type[httpx.TimeoutException]) -> None:
        self._inner = inner
        self._error = error

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            if time_left() == 0:
                raise self._error("")
            yield piece

    def close(self) -> None:
        self._inner.close()
