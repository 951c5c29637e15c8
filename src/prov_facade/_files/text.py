"""Validates text that is received in pieces."""

from __future__ import annotations

import codecs
from contextlib import suppress

import httpx

from prov_facade._http.responses import undecodable_text


class TextValidator:
    """Checks that a body, received in pieces, can be decoded as text.

    Args:
        charset: The expected charset.
        response: The response, for errors.

    Raises:
        InvalidResponseError: If the charset is unknown.
    """

    def __init__(self, charset: str, response: httpx.Response) -> None:
        self._charset = charset
        self._response = response
        self._position = 0
        try:
            # `bytes.decode` rejects codecs that decode bytes into bytes, such as hex.
            with suppress(UnicodeError):
                bytes(4).decode(charset)
            self._decoder = codecs.getincrementaldecoder(charset)()
        except (LookupError, ValueError) as error:
            raise undecodable_text(response, charset, str(error)) from error

    def feed(self, piece: bytes, *, final: bool = False) -> None:
        """Check the next piece."""
        buffered = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            position = self._position - buffered + error.start
            reason = f"{error.reason} at position {position}"
            raise undecodable_text(self._response, self._charset, reason) from None
        except UnicodeError as error:
            raise undecodable_text(self._response, self._charset, str(error)) from None
        self._position += len(piece)

    def end(self) -> None:
        """Check that the text does not end within a character."""
        self.feed(b"", final=True)
