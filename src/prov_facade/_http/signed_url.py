"""URLs whose query is a secret that grants access."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote

import httpx
from attrs import field, frozen

from prov_facade._http.secrets import MASK

# The URL of a report in the response that describes its job, up to the signature.
_REPORT_QUERY = re.compile(rb'("report_url"\s*:\s*"[^"?]*\?)[^"]*')
# What servers leave unquoted in a query that they repeat.
_UNQUOTED = "/?:@!$'()*,;"
_EXTENSION = "prov_facade.signed_url"


@frozen
class SignedURL:
    """A URL that is requested with its query, and shown without it.

    Attributes:
        url: The URL, with its query.
    """

    url: httpx.URL = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> SignedURL:
        """Parse a URL.

        Raises:
            ValueError: If it is not an absolute http or https URL. The message contains no secret.
        """
        try:
            url = httpx.URL(text)
            url.raw_path.decode("ascii")
        except (httpx.InvalidURL, ValueError):
            raise ValueError("it is not a URL") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("it is not an absolute http or https URL")
        return cls(url.copy_with(fragment=None, userinfo=b""))

    def __str__(self) -> str:
        return str(self.url.copy_with(query=None))

    @property
    def secrets(self) -> list[str]:
        """The strings to mask: see :func:`query_secrets`."""
        return query_secrets(self.url.query.decode())

    def redirected(self, location: str) -> SignedURL:
        """Return the URL that a redirect from this URL leads to.

        Args:
            location: The ``Location`` of the redirect.

        Raises:
            ValueError: If it cannot or must not be followed. The message contains no secret.
        """
        try:
            target = str(self.url.join(location))
        except (httpx.InvalidURL, ValueError):
            raise ValueError("it does not lead to a URL") from None
        found = type(self).parse(target)
        if self.url.scheme == "https" and found.url.scheme != "https":
            raise ValueError("it leads from https to http")
        return found

    def request(self, method: str, **arguments: object) -> httpx.Request:
        """Build a request for the URL, marked as signed: see :func:`signed_url`."""
        request = httpx.Request(method, self.url, **arguments)  # type: ignore[arg-type]
        request.extensions[_EXTENSION] = self
        return request


def query_secrets(query: str) -> list[str]:
    """Return the strings to mask for a query: itself, and its values in every usual encoding."""
    values = [value for _, value in parse_qsl(query)]
    return [
        query,
        *values,
        *(quote(value, safe="") for value in values),
        *(quote(value, safe=_UNQUOTED) for value in values),
    ]


def signed_url(request: httpx.Request) -> SignedURL | None:
    """Return the signed URL that a request was built for, if any."""
    found: SignedURL | None = request.extensions.get(_EXTENSION)
    return found


def bare_request(request: httpx.Request) -> httpx.Request:
    """Copy a request for an error to hold: without headers, body, and the query of a signed URL."""
    return httpx.Request(request.method, str(signed_url(request) or request.url))


def mask_report_url(body: bytes) -> bytes:
    """Mask the signature of a report's URL in the response that describes its job."""
    return _REPORT_QUERY.sub(rb"\1" + MASK.encode(), body)


def without_query(location: bytes) -> bytes:
    """Drop the query of the address that a response redirects to, which may be signed."""
    return location.partition(b"?")[0]
