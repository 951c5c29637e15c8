"""The transports of the asynchronous client, and sending with them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from inspect import isawaitable
from typing import Any, Literal, TypeVar

import httpx

from prov_facade.errors import ConfigError

T = TypeVar("T")

TransportLike = httpx.AsyncBaseTransport | Literal["aiohttp"]
"""A transport, or the name of one."""


HOOKS = "coroutine functions (async def)"
"""The event hooks of this client."""


def is_named(transport: object) -> bool:
    """Return whether a transport is given by its name.

    Raises:
        ConfigError: If it needs an extra that is not installed.
    """
    if transport != "aiohttp":
        return False
    _aiohttp_transport()
    return True


def make_transport(
    name: object, *, ssl_context: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None
) -> httpx.AsyncBaseTransport:
    """Create a transport.

    Args:
        name: ``"aiohttp"``, or ``None`` for the transport of httpx.
        ssl_context: The certificates that verify servers.
        limits: The limits on connections.
        proxy: The proxy.

    Raises:
        ConfigError: If aiohttp is not installed.
    """
    if name == "aiohttp":
        return _aiohttp_transport()(ssl_context=ssl_context, limits=limits, proxy=proxy)
    return httpx.AsyncHTTPTransport(verify=ssl_context, limits=limits, proxy=proxy)


def _aiohttp_transport() -> Callable[..., httpx.AsyncBaseTransport]:
    try:
        from prov_facade._runtime.aio.aiohttp_transport import (  # noqa: PLC0415  (needs an extra)
            AiohttpTransport,
        )
    except ImportError as error:
        raise ConfigError(f"transport='aiohttp' needs prov-facade[aiohttp] ({error})") from error
    return AiohttpTransport


def is_hook(value: object) -> bool:
    """Return whether a value may be an event hook. Its result is checked when it is called."""
    return callable(value)


async def call_hook(hook: Callable[[T], Any], message: T) -> None:
    """Call an event hook with a request or a response.

    Raises:
        ConfigError: If it is not a coroutine function.
    """
    result = hook(message)
    if not isawaitable(result):
        raise ConfigError(f"event_hooks must be {HOOKS} for the asynchronous client")
    await result


async def send(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Send a request and receive the head of the response; a deadline cancels this."""
    return await transport.handle_async_request(request)
