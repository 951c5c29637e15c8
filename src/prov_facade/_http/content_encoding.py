"""Decodes the content encodings of responses, and checks that bodies are complete.

httpx's decoders do not check that a gzip, deflate or Brotli stream has reached its end, and read
only the first member of a gzip stream.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import httpx

_ZLIB_HEADER_SIZE = 2


class IncompleteBodyError(httpx.RemoteProtocolError):
    """An encoded body ended too early."""


class UnsupportedEncodingError(httpx.DecodingError):
    """A content encoding needs a package that is not installed."""


class BodyDecoder(Protocol):
    """Decodes a body that is received in pieces."""

    def decode(self, piece: bytes) -> bytes:
        """Decode a piece.

        Raises:
            httpx.DecodingError: If it is malformed.
        """
        ...

    def end(self) -> None:
        """Check that the body is complete.

        Raises:
            IncompleteBodyError: If it is not.
        """
        ...


def body_decoder(response: httpx.Response) -> BodyDecoder | None:
    """Return a decoder for the body of a response; ``None`` if it is not encoded.

    Names that are not encodings are ignored, as in httpx: some servers put a charset there, and
    some object stores ``aws-chunked``.

    Args:
        response: The response, whose body has not been received.
    """
    names = response.headers.get_list("content-encoding", split_commas=True)
    encodings = [_ENCODINGS[name.lower()] for name in names if name.lower() in _ENCODINGS]
    if not encodings:
        return None
    # Servers announce an encoding even for an error without a body.
    optional = not response.is_success or response.status_code in (204, 205)
    decoders = [_StreamDecoder(*encoding, optional=optional) for encoding in reversed(encodings)]
    return decoders[0] if len(decoders) == 1 else _Chain(decoders)


class _Decompressor(Protocol):
    """The interface of the decompressors of zlib and zstandard."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


# Creates a decompressor, and names the error that it raises for malformed data.
_Open = Callable[[], tuple[_Decompressor, type[Exception]]]


class _StreamDecoder:
    """Decodes one encoding.

    Args:
        open_stream: Creates a decompressor.
        has_members: Whether a body may consist of several streams.
        optional: Whether the body may be empty.
    """

    def __init__(self, open_stream: _Open, has_members: bool, *, optional: bool) -> None:
        self._open_stream = open_stream
        self._has_members = has_members
        self._optional = optional
        self._stream: _Decompressor | None = None
        self._error: type[Exception] = zlib.error

    def decode(self, piece: bytes) -> bytes:
        decoded = []
        while piece:
            if self._stream is None or (self._stream.eof and self._has_members):
                try:
                    self._stream, self._error = self._open_stream()
                except ImportError as error:
                    raise UnsupportedEncodingError(str(error)) from error
            elif self._stream.eof:
                raise httpx.DecodingError("data after the end of the compressed stream")
            try:
                decoded.append(self._stream.decompress(piece))
            except self._error as error:
                raise httpx.DecodingError(str(error)) from error
            piece = self._stream.unused_data
        return b"".join(decoded)

    def end(self) -> None:
        complete = self._optional if self._stream is None else self._stream.eof
        if not complete:
            raise IncompleteBodyError("the compressed body is incomplete")


class _Chain:
    def __init__(self, decoders: list[_StreamDecoder]) -> None:
        self._decoders = decoders

    def decode(self, piece: bytes) -> bytes:
        for decoder in self._decoders:
            piece = decoder.decode(piece)
        return piece

    def end(self) -> None:
        for decoder in self._decoders:
            decoder.end()


class _Deflate:
    """A zlib stream, or the raw deflate stream that some servers send instead."""

    def __init__(self) -> None:
        self._header = b""
        self._inner: Any = None

    @property
    def eof(self) -> bool:
        return self._inner is not None and bool(self._inner.eof)

    @property
    def unused_data(self) -> bytes:
        return b"" if self._inner is None else bytes(self._inner.unused_data)

    def decompress(self, data: bytes, /) -> bytes:
        if self._inner is None:
            self._header += data
            if len(self._header) < _ZLIB_HEADER_SIZE:
                return b""
            data, raw = self._header, not _is_zlib(self._header)
            self._inner = zlib.decompressobj(-zlib.MAX_WBITS if raw else zlib.MAX_WBITS)
        return bytes(self._inner.decompress(data))


def _is_zlib(data: bytes) -> bool:
    """Return whether data begins with the header of a zlib stream (RFC 1950, 2.2)."""
    method = data[0] & 0x0F
    return method == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0


class _Brotli:
    unused_data = b""  # the library raises an error for data after the end

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def eof(self) -> bool:
        return bool(self._inner.is_finished())

    def decompress(self, data: bytes, /) -> bytes:
        return bytes(self._inner.process(data))


def _open_gzip() -> tuple[_Decompressor, type[Exception]]:
    return zlib.decompressobj(zlib.MAX_WBITS | 16), zlib.error


def _open_deflate() -> tuple[_Decompressor, type[Exception]]:
    return _Deflate(), zlib.error


def _open_brotli() -> tuple[_Decompressor, type[Exception]]:
    try:
        import brotli  # noqa: PLC0415  (optional)
    except ImportError:
        import brotlicffi as brotli  # noqa: PLC0415
    return _Brotli(brotli.Decompressor()), brotli.error


def _open_zstandard() -> tuple[_Decompressor, type[Exception]]:
    import zstandard  # noqa: PLC0415  (optional)

    return zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError


# How to open a stream, and whether a body may consist of several.
_ENCODINGS: dict[str, tuple[_Open, bool]] = {
    "gzip": (_open_gzip, True),
    "x-gzip": (_open_gzip, True),  # RFC 9110, 8.4.1.3
    "deflate": (_open_deflate, False),
    "br": (_open_brotli, False),
    "zstd": (_open_zstandard, True),
}
