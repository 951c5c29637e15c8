"""Sockets that keep to the deadline.

The limits of httpx's phases begin anew with every byte that comes or goes, and a thread that waits
for a socket cannot be stopped: so each wait is made no longer than to the deadline.
"""

from __future__ import annotations

# The first connection would import this otherwise, and a process that is forked in the middle of an
# import can never import it.
import encodings.idna  # noqa: F401
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from prov_facade._runtime.threads.concurrency import left, within

# How much is written at a time: little enough for a slow server not to hold up one piece for long.
_PIECE = 16 * 1024

_SHORTEST = 0.001  # 0 would mean not to wait at all


def bounded(client: httpx.Client) -> httpx.Client:
    """Have the connections of a client keep to the deadline of whoever waits for them.

    Other transports than httpx's own stay as they are.
    """
    for pool in _pools(client):
        backend = pool._network_backend  # noqa: SLF001
        inner = backend.inner if isinstance(backend, _Network) else backend
        pool._network_backend = _Network(inner)  # noqa: SLF001
    return client


def close(client: httpx.Client) -> None:
    """Close a client, and every connection that a thread may still be at work with or open."""
    client.close()
    for pool in _pools(client):
        backend = pool._network_backend  # noqa: SLF001
        if isinstance(backend, _Network):
            backend.close()


def _pools(client: httpx.Client) -> Iterator[httpcore.ConnectionPool]:
    # httpx has no setting for what connections are made with; httpcore, below it, has.
    for transport in (client._transport, *client._mounts.values()):  # noqa: SLF001
        pool = getattr(transport, "_pool", None)
        if isinstance(pool, httpcore.ConnectionPool):
            yield pool


class _Network(httpcore.NetworkBackend):
    """Opens connections, until it is closed, and knows which are open."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self.inner = inner
        self._lock = threading.Lock()
        self._closed = False
        self._open: set[_Stream] = set()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        return self.opened(
            self.inner.connect_tcp(host, port, _limit(timeout), local_address, socket_options)
        )

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        return self.opened(self.inner.connect_unix_socket(path, _limit(timeout), socket_options))

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(seconds)

    def opened(self, inner: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Take note of a connection."""
        stream = _Stream(inner, self)
        with self._lock:
            self._open.add(stream)
            closed = self._closed
        if closed:
            stream.close()
            raise httpcore.ConnectError("the client was closed")
        return stream

    def gone(self, stream: _Stream) -> None:
        """Take note of the end of a connection."""
        with self._lock:
            self._open.discard(stream)

    def close(self) -> None:
        """Close all connections, and open no more."""
        with self._lock:
            self._closed = True
            left_open = list(self._open)
        for stream in left_open:
            stream.close()


class _Stream(httpcore.NetworkStream):
    """A connection."""

    def __init__(self, inner: httpcore.NetworkStream, network: _Network) -> None:
        self._inner = inner
        self._network = network
        self._at_work = threading.Lock()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._at_work:
            return self._inner.read(max_bytes, _limit(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        unsent = memoryview(buffer)
        with self._at_work:
            while unsent:
                piece, unsent = unsent[:_PIECE], unsent[_PIECE:]
                self._inner.write(bytes(piece), _limit(timeout))

    def close(self) -> None:
        # Another thread may be waiting for it, and would go on to wait for whatever connection gets
        # its number next. This wakes it.
        own = self.get_extra_info("socket")
        if isinstance(own, socket.socket):
            with suppress(OSError):
                socket.socket.shutdown(own, socket.SHUT_RDWR)
        with self._at_work:
            self._inner.close()
        self._network.gone(self)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        with self._at_work:
            secured = self._inner.start_tls(ssl_context, server_hostname, _limit(timeout))
        self._network.gone(self)  # the other one has its socket
        return self._network.opened(secured)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _limit(timeout: float | None) -> float | None:
    if left() == 0:
        raise TimeoutError
    limit = within(timeout)
    return None if limit is None else max(limit, _SHORTEST)
