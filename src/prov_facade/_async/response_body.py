"""Receives the bodies of responses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from prov_facade._http.content_encoding import BodyDecoder, body_decoder


def wrap_body(response: httpx.Response) -> None:
    """Decode the body of a response as it is received, and close the connection if necessary.

    Args:
        response: The response of a transport. Its headers then describe the decoded body.
    """
    if response.is_closed:
        return  # the body was received by a custom transport
    decoder, connection = body_decoder(response), _doomed_connection(response)
    if decoder is None and connection is None:
        return
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101
    response.stream = _Body(response.stream, decoder, connection)
    if decoder is not None:
        for name in ("content-encoding", "content-length"):
            response.headers.pop(name, None)


def _doomed_connection(response: httpx.Response) -> Any:
    """Return the connection of a response if the server is about to close it.

    When an application raises an error, uvicorn sends a response with status 500 and closes the
    connection without announcing it. The next request on it would receive no response.
    """
    if response.status_code != httpx.codes.INTERNAL_SERVER_ERROR:
        return None
    # HTTP/2 connections have other requests.
    is_http1 = response.http_version.startswith("HTTP/1")
    return response.extensions.get("network_stream") if is_http1 else None


class _Body(httpx.AsyncByteStream):
    def __init__(
        self, inner: httpx.AsyncByteStream, decoder: BodyDecoder | None, connection: Any
    ) -> None:
        self._inner = inner
        self._decoder = decoder
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece if self._decoder is None else self._decoder.decode(piece)
        if self._decoder is not None:
            self._decoder.end()

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.aclose()  # before the pool can give it to another request
        await self._inner.aclose()
