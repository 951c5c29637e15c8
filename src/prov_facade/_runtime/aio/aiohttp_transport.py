"""httpx over aiohttp, with errors that show whether a request may have arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
import httpx_aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

# The first match applies. Any other error occurred after the request was sent.
_HTTPX_ERRORS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout),
    (aiohttp.ServerTimeoutError, httpx.ReadTimeout),
    (aiohttp.ClientProxyConnectionError, httpx.ProxyError),
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
        settings: As for ``httpx_aiohttp.AiohttpTransport``.
    """

    def __init__(self, **settings: Any) -> None:
        self._inner: Any = httpx_aiohttp.AiohttpTransport(**settings)
        session: Any = self._inner.get_client()
        session._retry_connection = False  # noqa: SLF001  (there is no public setting)
        self._inner.client = session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of the response."""
        with _translate_errors():
            response: httpx.Response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101
        response.stream = _Stream(response.stream)
        return response

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
        if isinstance(cause, aiohttp.ClientResponseError):
            _remove_secrets(cause)
        kind = next(
            (kind for known, kind in _HTTPX_ERRORS if isinstance(cause, known)), httpx.ReadError
        )
        raise kind(str(error)) from cause


def _remove_secrets(error: aiohttp.ClientResponseError) -> None:
    """Remove possible secrets from an error: the headers and the query of the request."""
    info = error.request_info
    url = info.real_url.with_query(None)
    error.request_info = aiohttp.RequestInfo(url, info.method, CIMultiDictProxy(CIMultiDict()), url)
    error.args = ()
