"""httpx over aiohttp, with errors that show whether a request may have arrived."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
import httpx_aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

_PROXY_AUTHORIZATION = "Proxy-Authorization"

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


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends each request once, with aiohttp.

    httpx_aiohttp raises ``ConnectTimeout`` for a connection that breaks, whether or not the request
    was sent, and lets some errors of aiohttp through. An aiohttp session also repeats a ``DELETE``
    when a keep-alive connection breaks.

    Args:
        proxy: The proxy.
        settings: As for ``httpx_aiohttp.AiohttpTransport``.
    """

    def __init__(self, *, proxy: httpx.Proxy | None = None, **settings: Any) -> None:
        # As a header: aiohttp warns that its class for credentials is deprecated.
        self._proxy_authorization = None
        if proxy is not None and proxy.raw_auth is not None:
            credentials = base64.b64encode(b":".join(proxy.raw_auth)).decode()
            self._proxy_authorization = f"Basic {credentials}"
            headers = {**proxy.headers, _PROXY_AUTHORIZATION: self._proxy_authorization}
            proxy = httpx.Proxy(proxy.url, ssl_context=proxy.ssl_context, headers=headers)
        self._inner: Any = httpx_aiohttp.AiohttpTransport(proxy=proxy, **settings)
        session: Any = self._inner.get_client()
        session._retry_connection = False  # noqa: SLF001  (there is no public setting)
        self._inner.client = session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of the response."""
        with _translate_errors(), self._proxy_credentials(request):
            response: httpx.Response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101
        response.stream = _Stream(response.stream)
        return response

    @contextmanager
    def _proxy_credentials(self, request: httpx.Request) -> Iterator[None]:
        """Add the credentials of the proxy, unless aiohttp does that when it opens a tunnel."""
        if self._proxy_authorization is None or request.url.scheme != "http":
            yield
            return
        request.headers[_PROXY_AUTHORIZATION] = self._proxy_authorization
        try:
            yield
        finally:
            del request.headers[_PROXY_AUTHORIZATION]

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translate_errors():
            async for chunk in self._inner:
                yield chunk

    async def aclose(self) -> None:
        with _translate_errors():
            await self._inner.aclose()


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except (httpx.TransportError, aiohttp.ClientError) as error:
        cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
        _remove_secrets(cause)
        kind = next(
            (kind for known, kind in _HTTPX_ERRORS if isinstance(cause, known)), httpx.ReadError
        )
        raise kind(str(error)) from cause


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
        error.args = (key, error.os_error)
