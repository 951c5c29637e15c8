"""Addresses whose query is a secret, since it lets in whoever has it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import httpx

# Shorter ones are numbers, dates and names, and would be found in any text.
_SHORTEST_SECRET = 8
_PLAIN_IN_YARL = "/?:@!$'()*,;"


class SignedURL(httpx.URL):
    """An address that is shown without its query, in logs above all, and asked for with it.

    Transports take it to pieces and find the query; only as text it lacks it.
    """

    def __str__(self) -> str:
        return str(redacted_url(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def whole(self) -> httpx.URL:
        """Return the address as an ordinary one, with its query."""
        return httpx.URL(self)

    def secrets(self) -> Iterator[bytes]:
        """Say what of it may be repeated nowhere."""
        yield self.query
        for _, value in self.params.multi_items():
            if len(value) >= _SHORTEST_SECRET:
                # As it is meant, and as httpx, servers and aiohttp write it.
                for written in (value, quote(value, safe=""), quote(value, safe=_PLAIN_IN_YARL)):
                    yield written.encode()


def redacted_url(url: httpx.URL) -> httpx.URL:
    """Return an address as it may be shown."""
    if not isinstance(url, SignedURL):
        return url
    return httpx.URL(url).copy_with(query=None, fragment=None)
