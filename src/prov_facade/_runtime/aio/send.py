"""What of httpx differs between the clients: which transports there are, and how one sends."""

from __future__ import annotations

from typing import Any, Literal

import httpx

from prov_facade.errors import ConfigError

TransportLike = httpx.AsyncBaseTransport | Literal["aiohttp"]
"""What moves the bytes: a transport, or the name of one."""


def own_transport(name: object, settings: dict[str, Any]) -> httpx.AsyncBaseTransport | None:
    """Make a transport of ours.

    Args:
        name: Its name.
        settings: The settings of its connections.

    Returns:
        The transport, or ``None`` where there is none of that name.

    Raises:
        ConfigError: If it is not installed.
    """
    if name != "aiohttp":
        return None
    try:
        from prov_facade._runtime.aio.aiohttp_transport import AiohttpTransport  # noqa: PLC0415  (needs an extra)
    except ImportError as error:
        raise ConfigError(f"transport='aiohttp' needs prov-facade[aiohttp] ({error})") from error
    return AiohttpTransport(**settings)


def is_own(name: object) -> bool:
    """Say whether there is a transport of ours of that name."""
    return name == "aiohttp"


async def send(
    client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None
) -> httpx.Response:
    """Send a request and receive the head of its answer; a deadline ends this from outside."""
    return await client.send(request, auth=auth, stream=True)
