"""httpx over aiohttp, which tells apart whether a request that failed may have arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import httpx
import httpx_aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

from prov_facade._http.signed_url import SignedURL

# The first that fits. Whatever is not here came after the request was sent.
_MEANINGS: tuple[tuple[type[Exception], type[httpx.TransportError]], ...] = (
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
    """Sends requests with aiohttp, each of them once.

    httpx_aiohttp calls a connection that breaks a ``ConnectTimeout``, whether or not the request
    was sent; some faults it lets through as aiohttp raises them. And a session of aiohttp sends a
    ``DELETE`` again by itself when a kept connection breaks.

    Args:
        settings: As for ``httpx_aiohttp.AiohttpTransport``.
    """

    def __init__(self, **settings: Any) -> None:
        self._inner: Any = httpx_aiohttp.AiohttpTransport(**settings)
        session: Any = self._inner.get_client()
        session._retry_connection = False  # noqa: SLF001  (there is no other way to say so)
        self._inner.client = session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of its answer."""
        if isinstance(request.url, SignedURL):
            # httpx_aiohttp asks for the address as text.
            request = httpx.Request(
                request.method,
                request.url.whole(),
                headers=request.headers,
                content=request.content,
                extensions=request.extensions,
            )
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
            _strip(cause)
        kind = next(
            (kind for known, kind in _MEANINGS if isinstance(cause, known)), httpx.ReadError
        )
        raise kind(str(error)) from cause


def _strip(error: aiohttp.ClientResponseError) -> None:
    """Take what may be secret out of an error: the headers of the request, and its query."""
    asked = error.request_info
    address = asked.real_url.with_query(None)
    error.request_info = aiohttp.RequestInfo(
        address, asked.method, CIMultiDictProxy(CIMultiDict()), address
    )
    error.args = ()
