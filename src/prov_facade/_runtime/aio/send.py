"""The transports of the asynchronous client, and sending with them."""

from __future__ import annotations

import ssl
from typing import Literal

import httpx

from prov_facade.errors import ConfigError

TransportLike = httpx.AsyncBaseTransport | Literal["aiohttp"]
"""A transport, or the name of one."""


def is_named(transport: object) -> bool:
    """Return whether a transport is given by its name."""
    return transport == "aiohttp"


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
    if not is_named(name):
        return httpx.AsyncHTTPTransport(verify=ssl_context, limits=limits, proxy=proxy)
    try:
        from prov_facade._runtime.aio.aiohttp_transport import (  # noqa: PLC0415  (needs an extra)
            AiohttpTransport,
        )
    except ImportError as error:
        raise ConfigError(f"transport='aiohttp' needs prov-facade[aiohttp] ({error})") from error
    return AiohttpTransport(ssl_context=ssl_context, limits=limits, proxy=proxy)


async def send(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Send a request and receive the head of the response; a deadline cancels this."""
    return await transport.handle_async_request(request)
