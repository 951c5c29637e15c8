"""Sends requests over pooled connections."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx
from attrs import define, field

from prov_facade._async.response_body import wrap_body
from prov_facade._async.settings import EventHooks
from prov_facade._http import ssl_context
from prov_facade._http.proxies import environment_proxy
from prov_facade._runtime.aio.concurrency import run_in_thread
from prov_facade._runtime.aio.send import TransportLike, is_named, make_transport, send
from prov_facade.errors import ConfigError

# The numbers of connections are httpx's. uvicorn closes idle connections after 5 s, as httpx does:
# a request sent at that moment would receive no response.
_DEFAULT_LIMITS = httpx.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=4.0
)


@define(kw_only=True)
class HTTPClientFactory:
    """Creates HTTP clients from the connection settings of a :class:`~prov_facade.ProvClient`.

    Raises:
        ConfigError: If a setting cannot be used.
    """

    limits: httpx.Limits | None = None
    transport: TransportLike | None = None
    proxy: str | httpx.URL | httpx.Proxy | None = field(default=None, repr=False)
    verify: ssl.SSLContext | str | Path | None = None
    event_hooks: EventHooks | None = None
    _ssl_context: ssl.SSLContext | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.limits is not None and not isinstance(self.limits, httpx.Limits):
            raise ConfigError("limits must be an httpx.Limits")
        transport: object = self.transport
        if transport is not None and not is_named(transport):
            if not isinstance(transport, httpx.AsyncBaseTransport):
                raise ConfigError(
                    "transport must be an httpx.AsyncBaseTransport, such as"
                    " httpx.AsyncHTTPTransport(), or 'aiohttp' for the asynchronous client"
                )
            if self.proxy is not None or self.verify is not None:
                raise ConfigError(
                    "proxy and verify are for the default transport: configure your own transport"
                    " instead"
                )
        if self.proxy is not None:
            try:
                httpx.Proxy(self.proxy) if not isinstance(self.proxy, httpx.Proxy) else None
            except (httpx.InvalidURL, TypeError, ValueError, AttributeError):
                # Without its text, which may contain the password.
                raise ConfigError(
                    "proxy must be the URL of an http, https or socks5 proxy, or an httpx.Proxy"
                ) from None
        verify: object = self.verify
        if not isinstance(verify, ssl.SSLContext | str | Path | None):
            raise ConfigError(
                "verify must be the path of a CA bundle, or an ssl.SSLContext: certificates are"
                " always checked"
            )

    def __getstate__(self) -> dict[str, Any]:
        # Without the SSL context, which the copy loads again.
        return {a.name: getattr(self, a.name) for a in attrs.fields(type(self)) if a.init}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._ssl_context = None

    @property
    def max_concurrent(self) -> int | None:
        """The maximum number of connections; ``None`` if the caller's transport decides."""
        if isinstance(self.transport, httpx.AsyncBaseTransport):
            return None
        return (self.limits or _DEFAULT_LIMITS).max_connections

    async def prepare(self) -> None:
        """Load the certificates once, in a thread, since it takes far longer than a request."""
        if self._ssl_context is None and not isinstance(self.transport, httpx.AsyncBaseTransport):
            with _config_errors():
                self._ssl_context = await run_in_thread(ssl_context.load, self.verify)

    def open(self) -> HTTPClient:
        """Return a client, which opens connections as needed."""
        return HTTPClient(self)

    def transport_for(self, url: httpx.URL) -> tuple[str, httpx.AsyncBaseTransport | None]:
        """Choose the proxy and the transport for a URL.

        Returns:
            The address of the proxy, empty for none, and the caller's transport, if any.
        """
        if isinstance(self.transport, httpx.AsyncBaseTransport):
            return "", self.transport
        if self.proxy is not None or self.transport is not None:
            return "", None
        return environment_proxy(url) or "", None

    def make_transport(self, proxy: str) -> httpx.AsyncBaseTransport:
        """Create a transport.

        Args:
            proxy: The address of the proxy that the environment names; empty for none.

        Raises:
            ConfigError: If the environment names a proxy or certificates that cannot be used.
        """
        assert self._ssl_context is not None  # noqa: S101  (loaded by `prepare`)
        with _config_errors():
            chosen = proxy or None if self.proxy is None else self.proxy
            return make_transport(
                self.transport,
                ssl_context=self._ssl_context,
                limits=self.limits or _DEFAULT_LIMITS,
                proxy=httpx.Proxy(chosen) if isinstance(chosen, str | httpx.URL) else chosen,
            )


class HTTPClient:
    """Sends requests over the transports of one event loop.

    It replaces ``httpx.AsyncClient``, which spends a fifth of the time of a call on cookies,
    redirects and URL merging. The clients need none of these.
    """

    def __init__(self, factory: HTTPClientFactory) -> None:
        self._factory = factory
        hooks = factory.event_hooks or {}
        self._request_hooks = list(hooks.get("request", ()))
        self._response_hooks = list(hooks.get("response", ()))
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}
        self._routes: dict[tuple[str, str, int | None], httpx.AsyncBaseTransport] = {}
        self.is_closed = False

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of the response.

        Raises:
            ConfigError: If the environment names a proxy or certificates that cannot be used.
            httpx.RequestError: If there is no response.
        """
        for hook in self._request_hooks:
            await hook(request)
        start = time.perf_counter()
        response = await send(self._route(request.url), request)
        response.request = request
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        wrap_body(response)
        try:
            for hook in self._response_hooks:
                await hook(response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        self.is_closed = True
        for transport in list(self._transports.values()):
            await transport.aclose()

    def _route(self, url: httpx.URL) -> httpx.AsyncBaseTransport:
        key = (url.scheme, url.host, url.port)
        found = self._routes.get(key)
        if found is None:
            proxy, transport = self._factory.transport_for(url)
            if transport is None:
                transport = self._transports.get(proxy) or self._factory.make_transport(proxy)
            # If two threads get here at once, both use what the first one made.
            found = self._routes[key] = self._transports.setdefault(proxy, transport)
        if self.is_closed:
            # Another thread closed it before anything was sent. The next attempt uses a new client.
            raise httpx.ConnectError("the client was closed")
        return found


@contextmanager
def _config_errors() -> Iterator[None]:
    """Raise errors that name the setting or the environment variable at fault."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"the environment names a SOCKS proxy: install prov-facade[socks] ({error})"
        ) from error
    except (ValueError, OSError) as error:
        raise ConfigError(
            "no connection can be set up: verify or the environment names a certificate file or a"
            f" proxy that cannot be used ({error})"
        ) from error
    except httpx.InvalidURL:
        # Without its text, which may contain a password.
        raise ConfigError(
            "no connection can be set up: the environment names a proxy whose URL is malformed"
        ) from None
