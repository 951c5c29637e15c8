"""A transport for httpx that uses aiohttp."""

from __future__ import annotations

import base64
import selectors
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import LineTooLong
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

# The first match applies. Any other error occurred after the request was sent.
_HTTPX_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientHttpProxyError, httpx.ProxyError),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (aiohttp.InvalidURL, httpx.UnsupportedProtocol),
    (aiohttp.NonHttpUrlClientError, httpx.UnsupportedProtocol),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError),
)

# As in httpcore, where it limits all headers together; aiohttp's default is 8 kB each.
_MAX_HEADER_SIZE = 100 * 1024

# The connections that have been used.
_USED: WeakSet[ResponseHandler] = WeakSet()


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends each request once, with aiohttp, and exactly as httpx's own transport does.

    The path and the query are sent unchanged, where aiohttp would quote them anew: signed URLs are
    valid only as they are.

    Args:
        ssl_context: The certificates that verify servers.
        limits: The limits on connections; ``max_keepalive_connections`` is not supported.
        proxy: The proxy.
    """

    def __init__(
        self, *, ssl_context: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None
    ) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=limits.max_connections or 0,
                keepalive_timeout=limits.keepalive_expiry,
                ssl=ssl_context,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            request_class=_Request,
            response_class=_Response,
            max_line_size=_MAX_HEADER_SIZE,
            max_field_size=_MAX_HEADER_SIZE,
            max_headers=_MAX_HEADER_SIZE,
        )
        # By default, a DELETE is sent again when a connection breaks. There is no public setting.
        self._session._retry_connection = False  # noqa: SLF001
        self._proxy: dict[str, Any] = {} if proxy is None else _proxy_arguments(proxy)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of the response."""
        headers = request.headers.multi_items()
        data: Any
        try:
            data = request.content or None
        except httpx.RequestNotRead:
            data = request.stream
            headers = [(name, value) for name, value in headers if name != "transfer-encoding"]
        timeouts = request.extensions.get("timeout", {})
        with _translate_errors():
            while True:
                try:
                    response = await self._session.request(
                        request.method,
                        URL(str(request.url), encoded=True),
                        headers=headers,
                        data=data,
                        allow_redirects=False,
                        timeout=aiohttp.ClientTimeout(
                            connect=timeouts.get("pool"),
                            sock_connect=timeouts.get("connect"),
                            sock_read=timeouts.get("read"),
                        ),
                        server_hostname=request.extensions.get("sni_hostname"),
                        **self._proxy,
                    )
                    break
                except _ClosedConnectionError:
                    continue  # with another connection: this one is no longer in the pool
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=_Stream(response),
            extensions={
                "http_version": b"HTTP/1.1",
                "reason_phrase": (response.reason or "").encode(),
            },
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._session.close()


class _ClosedConnectionError(aiohttp.ClientConnectionError):
    """The server has closed an idle connection. Nothing was sent."""


class _Request(aiohttp.ClientRequest):
    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        # The event loop may not have had the time to notice that the server closed it.
        if conn.protocol in _USED and _is_readable(conn.transport):
            raise _ClosedConnectionError
        if conn.protocol is not None:
            _USED.add(conn.protocol)
        return await super().send(conn)


class _Response(aiohttp.ClientResponse):
    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        protocol = connection.protocol
        await super().start(connection)
        # See `prov_facade._async.response_body`.
        if self.status == httpx.codes.INTERNAL_SERVER_ERROR and protocol is not None:
            if self.closed:  # the whole response was received, and the connection is in the pool
                protocol.close()
            else:
                protocol.force_close()
        return self


class _Stream(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translate_errors():
            async for piece in self._response.content.iter_any():
                yield piece

    async def aclose(self) -> None:
        self._response.close()  # keeps the connection if the response was received to its end


def _proxy_arguments(proxy: httpx.Proxy) -> dict[str, Any]:
    headers = dict(proxy.headers)
    if proxy.raw_auth is not None:
        # aiohttp makes it a `Proxy-Authorization`.
        headers["Authorization"] = f"Basic {base64.b64encode(b':'.join(proxy.raw_auth)).decode()}"
    return {"proxy": str(proxy.url), "proxy_headers": headers}


def _is_readable(transport: Any) -> bool:
    """Return whether the socket of an idle connection is readable: the server has closed it."""
    sock = None if transport is None else transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return True
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        return bool(selector.select(0))


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientError as error:
        _remove_secrets(error)
        if any(isinstance(cause, LineTooLong) for cause in _causes(error)):
            # The same text as h11's; the original quotes the response.
            raise httpx.RemoteProtocolError("Receive buffer too long") from None
        kind = next(
            (kind for known, kind in _HTTPX_ERRORS if isinstance(error, known)), httpx.ReadError
        )
        raise kind(str(error)) from error
    except ValueError as error:
        raise httpx.LocalProtocolError(str(error)) from error


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _remove_secrets(error: BaseException | None) -> None:
    """Remove possible secrets from an error.

    These are the headers and the query of the request, and the password of the proxy.
    """
    if isinstance(error, aiohttp.ClientResponseError):
        info = error.request_info
        url = info.real_url.with_query(None)
        error.request_info = aiohttp.RequestInfo(
            url, info.method, CIMultiDictProxy(CIMultiDict()), url
        )
        error.args = ()
    if isinstance(error, aiohttp.ClientConnectorError):
        key = error._conn_key._replace(proxy=None, proxy_auth=None)  # noqa: SLF001  (not public)
        error._conn_key = key  # noqa: SLF001
        error.args = (key, *error.args[1:])
