# Compiled from openapi/prov-api.yaml by `nox -s codegen`: change the document or a template, not this file.
"""The clients that the generated functions send with."""

import ssl
from types import TracebackType
from typing import Any, Self

import httpx
from attrs import define, evolve, field


@define
class Client:
    """Sends requests that need no token.

    Attributes:
        base_url: Where the API is served; the paths of the operations are put behind it.
        cookies: Cookies of every request.
        headers: Headers of every request.
        timeout: Limit of each phase of a request, 30 s by default; `None` waits for ever.
        verify_ssl: Whether, or how, the server's certificate is checked.
        follow_redirects: Whether redirects are followed.
        httpx_args: Further arguments of `httpx.Client` and `httpx.AsyncClient`.
    """

    base_url: str
    cookies: dict[str, str] = field(factory=dict, repr=False, kw_only=True)
    headers: dict[str, str] = field(factory=dict, repr=False, kw_only=True)
    timeout: httpx.Timeout | None = field(factory=lambda: httpx.Timeout(30.0), kw_only=True)
    verify_ssl: bool | ssl.SSLContext = field(default=True, kw_only=True)
    follow_redirects: bool = field(default=False, kw_only=True)
    httpx_args: dict[str, Any] = field(factory=dict, repr=False, kw_only=True)
    _client: httpx.Client | None = field(default=None, init=False, repr=False, eq=False)
    _async_client: httpx.AsyncClient | None = field(default=None, init=False, repr=False, eq=False)

    def with_headers(self, headers: dict[str, str]) -> Self:
        """Return a copy with more headers."""
        return evolve(self, headers={**self.headers, **headers})

    def with_cookies(self, cookies: dict[str, str]) -> Self:
        """Return a copy with more cookies."""
        return evolve(self, cookies={**self.cookies, **cookies})

    def with_timeout(self, timeout: httpx.Timeout) -> Self:
        """Return a copy with another timeout."""
        return evolve(self, timeout=timeout)

    def set_httpx_client(self, client: httpx.Client) -> Self:
        """Send with a client made elsewhere, which keeps its own settings."""
        self._client = client
        return self

    def get_httpx_client(self) -> httpx.Client:
        """Return the client that sends, made at the first call."""
        if self._client is None:
            self._client = httpx.Client(**self._settings())
        return self._client

    def set_async_httpx_client(self, async_client: httpx.AsyncClient) -> Self:
        """Send with an asynchronous client made elsewhere, which keeps its own settings."""
        self._async_client = async_client
        return self

    def get_async_httpx_client(self) -> httpx.AsyncClient:
        """Return the asynchronous client that sends, made at the first call."""
        if self._async_client is None:
            self._async_client = httpx.AsyncClient(**self._settings())
        return self._async_client

    def __enter__(self) -> Self:
        self.get_httpx_client().__enter__()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.get_httpx_client().__exit__(exc_type, exc_value, traceback)

    async def __aenter__(self) -> Self:
        await self.get_async_httpx_client().__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.get_async_httpx_client().__aexit__(exc_type, exc_value, traceback)

    def _settings(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "cookies": self.cookies,
            "headers": self.headers,
            "timeout": self.timeout,
            "verify": self.verify_ssl,
            "follow_redirects": self.follow_redirects,
            **self.httpx_args,
        }


@define
class AuthenticatedClient(Client):
    """Sends requests that carry a token.

    Attributes:
        token: The token.
        prefix: What stands before it in the header.
        auth_header_name: The header.
    """

    token: str = field(repr=False, kw_only=True)
    prefix: str = field(default="Bearer", kw_only=True)
    auth_header_name: str = field(default="Authorization", kw_only=True)

    def _settings(self) -> dict[str, Any]:
        value = f"{self.prefix} {self.token}" if self.prefix else self.token
        return {**Client._settings(self), "headers": {**self.headers, self.auth_header_name: value}}
