"""Receives the bodies of responses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx

from prov_facade._http.content_encoding import BodyDecoder, body_decoder


def decode_body(response: httpx.Response) -> None:
    """Decode the body of a response as it is received, in place of httpx.

    Args:
        response: The response of a transport. Its headers then describe the decoded body.
    """
    decoder = None if response.is_closed else body_decoder(response)
    if decoder is not None:
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101
        response.stream = _DecodedStream(response.stream, decoder)
        for name in ("content-encoding", "content-length"):
            response.headers.pop(name, None)


class _DecodedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, decoder: BodyDecoder) -> None:
        self._inner = inner
        self._decoder = decoder

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield self._decoder.decode(piece)
        self._decoder.end()

    async def aclose(self) -> None:
        await self._inner.aclose()
