"""Sends requests over pooled connections."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import attrs
import httpx
from attrs import define, field

from prov_facade._async.response_body import wrap_body
from prov_facade._async.settings import EventHooks
from prov_facade._checks import check_count, check_number
from prov_facade._http import ssl_context
from prov_facade._http.proxies import ProxyLike, ProxySetting, check_proxy, proxy_for
from prov_facade._http.ssl_context import Verify, check_verify
from prov_facade._runtime.aio.concurrency import run_in_thread
from prov_facade._runtime.aio.send import (
    HOOKS,
    TransportLike,
    call_hook,
    is_hook,
    is_named,
    make_transport,
    send,
)
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
    proxy: ProxyLike | None = field(default=None, repr=False)
    verify: Verify = None
    event_hooks: EventHooks | None = None
    _ssl_context: ssl.SSLContext | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        _check_limits(self.limits)
        _check_hooks(self.event_hooks)
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
        check_verify(self.verify)
        check_proxy(self.proxy, socks=not is_named(transport))

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
            self._ssl_context = await run_in_thread(ssl_context.load, self.verify)

    def open(self) -> HTTPClient:
        """Return a client, which opens connections as needed."""
        return HTTPClient(self)

    def proxy_for(self, url: httpx.URL) -> ProxySetting | None:
        """Return the proxy for a URL; ``None`` for none, or if the caller's transport decides."""
        if self.transport is not None and self.proxy is None:
            return None  # only the default transport uses the environment
        return proxy_for(url, self.proxy)

    def make_transport(self, proxy: ProxySetting | None) -> httpx.AsyncBaseTransport:
        """Return the caller's transport, or create one.

        Args:
            proxy: The proxy, if any.

        Raises:
            ConfigError: If the proxy cannot be used.
        """
        if isinstance(self.transport, httpx.AsyncBaseTransport):
            return self.transport
        assert self._ssl_context is not None  # noqa: S101  (loaded by `prepare`)
        parsed = None
        if proxy is not None:
            try:
                parsed = proxy.parse(socks=not is_named(self.transport))
            except ConfigError as error:
                raise ConfigError(f"no connection can be set up: {error}") from error
        return make_transport(
            self.transport,
            ssl_context=self._ssl_context,
            limits=self.limits or _DEFAULT_LIMITS,
            proxy=parsed,
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
        self._transports: dict[ProxySetting | None, httpx.AsyncBaseTransport] = {}
        self._routes: dict[tuple[str, str, int | None], _Route] = {}
        self.is_closed = False

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request and receive the head of the response.

        Raises:
            ConfigError: If the environment names a proxy that cannot be used, or a hook cannot be
                awaited.
            httpx.RequestError: If there is no response.
        """
        for hook in self._request_hooks:
            await call_hook(hook, request)
        start = time.perf_counter()
        response = await send(self._route(request.url).transport, request)
        response.request = request
        response.elapsed = timedelta(seconds=time.perf_counter() - start)
        wrap_body(response)
        try:
            for hook in self._response_hooks:
                await call_hook(hook, response)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        self.is_closed = True
        for transport in list(self._transports.values()):
            await transport.aclose()

    def proxy_of(self, url: httpx.URL) -> ProxySetting | None:
        """Return the proxy that requests for a URL were sent through, if any."""
        route = self._routes.get(_server_of(url))
        return None if route is None else route.proxy

    def _route(self, url: httpx.URL) -> _Route:
        key = _server_of(url)
        found = self._routes.get(key)
        if found is None:
            proxy = self._factory.proxy_for(url)
            transport = self._transports.get(proxy) or self._factory.make_transport(proxy)
            # If two threads get here at once, both use what the first one made.
            transport = self._transports.setdefault(proxy, transport)
            found = self._routes[key] = _Route(transport, proxy)
        if self.is_closed:
            # Another thread closed it before anything was sent. The next attempt uses a new client.
            raise httpx.ConnectError("the client was closed")
        return found


class _Route(NamedTuple):
    transport: httpx.AsyncBaseTransport
    proxy: ProxySetting | None


def _server_of(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check_limits(limits: object) -> None:
    if limits is None:
        return
    if not isinstance(limits, httpx.Limits):
        raise ConfigError("limits must be an httpx.Limits")
    if limits.max_connections is not None:
        check_count("limits.max_connections", limits.max_connections)
    if limits.max_keepalive_connections is not None:
        check_count(
            "limits.max_keepalive_connections", limits.max_keepalive_connections, at_least=0
        )
    if limits.keepalive_expiry is not None:
        check_number("limits.keepalive_expiry", limits.keepalive_expiry, unit="seconds")


def _check_hooks(hooks: object) -> None:
    if hooks is None:
        return
    if not isinstance(hooks, Mapping) or not hooks.keys() <= {"request", "response"}:
        raise ConfigError("event_hooks must be a mapping of 'request' and 'response' to lists")
    for functions in hooks.values():
        if not isinstance(functions, Sequence) or not all(map(is_hook, functions)):
            raise ConfigError(f"event_hooks must be lists of {HOOKS}")
