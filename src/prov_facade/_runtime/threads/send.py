"""What of httpx differs between the clients: which transports there are, and how one sends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from prov_facade._runtime.threads.concurrency import left, within

_SHORTEST = 0.001

TransportLike = httpx.BaseTransport
"""What moves the bytes."""


def own_transport(name: object, settings: dict[str, Any]) -> httpx.BaseTransport | None:  # noqa: ARG001
    """Return ``None``: there is no transport of ours."""
    return None


def is_own(name: object) -> bool:  # noqa: ARG001
    """Say that there is no transport of ours."""
    return False


def send(client: httpx.Client, request: httpx.Request, auth: httpx.Auth | None) -> httpx.Response:
    """Send a request and receive the head of its answer, within the deadline.

    Raises:
        TimeoutError: If that has passed already: nothing is sent.
    """
    if left() is None:
        return _sent(client, request, auth)
    if left() == 0:
        raise TimeoutError
    # The limits of single phases would each begin anew with every piece that comes.
    request.extensions["timeout"] = _Shortened(request.extensions["timeout"])
    assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101
    request.stream = _Bounded(request.stream, httpx.WriteTimeout)
    response = _sent(client, request, auth)
    assert isinstance(response.stream, httpx.SyncByteStream)  # noqa: S101
    response.stream = _Bounded(response.stream, httpx.ReadTimeout)
    return response


def _sent(client: httpx.Client, request: httpx.Request, auth: httpx.Auth | None) -> httpx.Response:
    try:
        return client.send(request, auth=auth, stream=True)
    except RuntimeError:
        if not client.is_closed:
            raise
        # By another thread, before anything was sent. The next attempt has another one.
        raise httpx.ConnectError("the client was closed", request=request) from None


class _Shortened(dict[str, float | None]):
    """The limits of the phases of a request, none of them beyond the deadline."""

    def get(self, phase: str, default: object = None) -> float | None:  # noqa: ARG002
        """Return the limit as it is when a phase begins."""
        limit = within(super().get(phase))
        return None if limit is None else max(limit, _SHORTEST)  # 0 would mean not to wait at all


class _Bounded(httpx.SyncByteStream):
    """A body that comes to an end at the deadline."""

    def __init__(self, inner: httpx.SyncByteStream, late: type[httpx.TimeoutException]) -> None:
        self._inner = inner
        self._late = late

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            if left() == 0:
                raise self._late("")
            yield piece

    def close(self) -> None:
        self._inner.close()
