"""A transport whose connections respect the deadline.

httpx's timeouts restart with every byte that is sent or received, and a thread that waits for a
socket cannot be stopped. So no wait goes beyond the deadline.
"""

from __future__ import annotations

# Otherwise the first connection would import this, and a process that is forked during an import
# can never import it.
import encodings.idna  # noqa: F401
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpcore
import httpx

from prov_facade._checks import MAX_TIMEOUT
from prov_facade._runtime.threads.concurrency import limited_to_deadline, time_left

# How much to write at a time: small, so that a slow server does not block a single write for long.
_CHUNK_SIZE = 16 * 1024

MIN_TIMEOUT = 0.001
"""In seconds. With zero, a socket would not block at all."""


class PooledTransport(httpx.BaseTransport):
    """Sends requests over a pool of connections that respect the deadline.

    ``httpx.HTTPTransport`` has no setting for the network backend.

    Args:
        ssl_context: The certificates that verify servers.
        limits: The limits on connections.
        proxy: The proxy.

    Raises:
        ImportError: If the proxy is a SOCKS proxy, and socksio is not installed.
    """

    def __init__(
        self, *, ssl_context: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None
    ) -> None:
        self._network = _Network()
        settings: dict[str, Any] = {
            "ssl_context": ssl_context,
            "max_connections": limits.max_connections,
            "max_keepalive_connections": limits.max_keepalive_connections,
            "keepalive_expiry": limits.keepalive_expiry,
            "network_backend": self._network,
        }
        self._pool = _pool(settings, proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of the response."""
        assert isinstance(request.stream, httpx.SyncByteStream)  # noqa: S101
        with _httpx_errors():
            response = self._pool.handle_request(
                httpcore.Request(
                    method=request.method,
                    url=_url(request.url),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        assert isinstance(response.stream, Iterable)  # noqa: S101
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Body(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close every connection, including those that a thread is using or opening."""
        self._pool.close()
        self._network.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        with _httpx_errors():
            yield from self._stream

    def close(self) -> None:
        self._stream.close()  # type: ignore[attr-defined]


def _pool(settings: dict[str, Any], proxy: httpx.Proxy | None) -> httpcore.ConnectionPool:
    if proxy is None:
        return httpcore.ConnectionPool(**settings)
    url = _url(proxy.url)
    if url.scheme in (b"socks5", b"socks5h"):
        import socksio  # type: ignore[import-not-found]  # noqa: F401, PLC0415  (or httpcore fails later)

        return httpcore.SOCKSProxy(proxy_url=url, proxy_auth=proxy.raw_auth, **settings)
    return httpcore.HTTPProxy(
        proxy_url=url,
        proxy_auth=proxy.raw_auth,
        proxy_headers=proxy.headers.raw,
        proxy_ssl_context=proxy.ssl_context,
        **settings,
    )


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


@contextmanager
def _httpx_errors() -> Iterator[None]:
    """Convert errors of httpcore to the errors of httpx with the same names."""
    try:
        yield
    except Exception as error:
        kind = getattr(httpx, type(error).__name__, None)
        if type(error).__module__.partition(".")[0] != "httpcore" or kind is None:
            raise
        raise kind(str(error)) from error


class _Network(httpcore.NetworkBackend):
    """Opens connections until it is closed, and tracks those that are open."""

    def __init__(self) -> None:
        self.inner = httpcore.SyncBackend()
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
        return self.register(
            self.inner.connect_tcp(
                host, port, _limit_timeout(timeout), local_address, socket_options
            )
        )

    def register(self, inner: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Add a connection to those that are open."""
        stream = _Stream(inner, self)
        with self._lock:
            self._open.add(stream)
            closed = self._closed
        if closed:
            stream.close()
            raise httpcore.ConnectError("the client was closed")
        return stream

    def unregister(self, stream: _Stream) -> None:
        """Remove a connection from those that are open."""
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
        self._in_use = threading.Lock()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with self._in_use:
            return self._inner.read(max_bytes, _limit_timeout(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        unsent = memoryview(buffer)
        with self._in_use:
            while unsent:
                piece, unsent = unsent[:_CHUNK_SIZE], unsent[_CHUNK_SIZE:]
                self._inner.write(bytes(piece), _limit_timeout(timeout))

    def close(self) -> None:
        # Wakes another thread that may be waiting for the socket, and would otherwise keep waiting
        # for the next user of its file descriptor.
        sock = self.get_extra_info("socket")
        if isinstance(sock, socket.socket):
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        with self._in_use:
            self._inner.close()
        self._network.unregister(self)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        with self._in_use:
            secured = self._inner.start_tls(ssl_context, server_hostname, _limit_timeout(timeout))
        self._network.unregister(self)  # the secured one owns the socket
        return self._network.register(secured)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _limit_timeout(timeout: float | None) -> float | None:
    if time_left() == 0:
        raise TimeoutError
    limit = limited_to_deadline(timeout)
    # A deadline can be longer than a socket can wait.
    return None if limit is None else min(max(limit, MIN_TIMEOUT), MAX_TIMEOUT)
