"""The one way to the server: puts a request on the wire and brings back the answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import httpx

from prov_api_client import Operation, Request
from prov_facade import errors
from prov_facade._credentials import credentials
from prov_facade._pools import LoopPools
from prov_facade.auth import SupportsAuth

Timeout = float | httpx.Timeout

DEFAULT_TIMEOUT = 30.0

# What a fault means, by its class; the first that fits. For these, no request left the machine.
_NOT_SENT = {
    httpx.ConnectTimeout: "the connection could not be opened in time",
    httpx.PoolTimeout: "no connection became free in time: too many calls at once",
    httpx.ConnectError: "the connection could not be opened",
    httpx.ProxyError: "the proxy refused the connection",
    httpx.UnsupportedProtocol: "the address has no protocol that can be used",
    httpx.LocalProtocolError: "the request cannot be put on the wire",
}
_UNKNOWN_FATE = {
    httpx.ReadTimeout: "the answer did not come in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.RemoteProtocolError: "the server closed the connection, or broke the protocol",
    httpx.RequestError: "the connection broke",
}


class Transport:
    """Sends requests to one API, over pooled connections.

    Args:
        base_url: The address of the API.
        auth: Gets the tokens.
        timeout: The limit of each phase of a request: connecting, writing, reading, waiting for a
            free connection. In seconds, or an ``httpx.Timeout``.
        limits: How many connections are open at once and how many are kept; httpx's by default.
        transport: What moves the bytes, instead of httpx's own transport. It is closed with the
            connections, and so serves one event loop.
    """

    def __init__(
        self,
        base_url: str,
        auth: SupportsAuth,
        *,
        timeout: Timeout = DEFAULT_TIMEOUT,
        limits: httpx.Limits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base_url = base_url
        self._auth = auth
        self._timeout = _checked_timeout(timeout)
        # Made without `self`: no cycle of references then, and a client that is dropped closes its
        # connections at once, before the collector finds them open.
        if limits is not None and not isinstance(limits, httpx.Limits):
            raise errors.ConfigError("limits must be an httpx.Limits")
        if transport is not None and not isinstance(transport, httpx.AsyncBaseTransport):
            raise errors.ConfigError(
                "transport must be an httpx.AsyncBaseTransport, such as httpx.AsyncHTTPTransport()"
            )
        self._needs_tls = transport is None
        self._pools = LoopPools(partial(_open, limits, transport))

    def address(self, path: str) -> str:
        """Put a path behind the address of the API."""
        return f"{self._base_url}{path}"

    def call(self, operation: Operation[Any]) -> errors.Call:
        """Say what an error says about a call that was not laid out yet."""
        return errors.Call(operation.operation_id, operation.method, self.address(operation.path))

    async def send(
        self, request: Request[Any], call: errors.Call, timeout: Timeout | None
    ) -> httpx.Response:
        """Send a request and receive the answer, whatever its status.

        Args:
            request: The request.
            call: What an error says about it.
            timeout: As for the class; ``None`` is the client's own.

        Returns:
            The answer, received whole.

        Raises:
            AuthError: If no token could be had.
            ConfigError: If the environment names a proxy or certificates that cannot be used.
            InvalidRequestError: If an argument makes a URL too long.
            InvalidResponseError: If the answer's content encoding is broken.
            TransportError: If there was no answer.
        """
        arguments: dict[str, Any] = request.to_httpx()
        arguments["url"] = self.address(arguments["url"])
        arguments["timeout"] = self._timeout if timeout is None else _checked_timeout(timeout)
        auth = await credentials(self._auth, call) if request.operation.secured else None
        if self._needs_tls:
            await _load_tls()
        client = await self._pools.current()
        try:
            return await _exchange(client, client.build_request(**arguments), auth, call)
        except httpx.InvalidURL as error:
            raise errors.InvalidRequestError(
                f"{call} was not sent: an argument does not fit in a URL: {error}", call=call
            ) from error
        except httpx.RequestError as error:
            error.request = _bare(error.request)
            failure, cause = _transport_error(error, request.operation, call), _harmless(error)
        # Raised out here: in there, an error that is no cause would still be kept as the context.
        raise failure from cause

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pools.aclose()


async def _exchange(
    client: httpx.AsyncClient,
    request: httpx.Request,
    auth: httpx.Auth | None,
    call: errors.Call,
) -> httpx.Response:
    """Send a request and receive its answer whole."""
    response = await client.send(request, auth=auth, stream=True)
    try:
        await response.aread()
    except httpx.DecodingError as error:
        raise _undecodable(call, response) from error
    finally:
        await response.aclose()
    return response


def _undecodable(call: errors.Call, response: httpx.Response) -> errors.InvalidResponseError:
    # Of the answer there is the status alone: its body is lost, and its headers belong to that.
    bare = httpx.Response(response.status_code, request=_bare(response.request))
    return errors.InvalidResponseError(
        f"{call} was answered with {response.status_code}, which cannot be used: the compression"
        " of the body is broken",
        call=call,
        response=bare,
    )


def _bare(request: httpx.Request) -> httpx.Request:
    """The request without its headers, the token among them."""
    return httpx.Request(request.method, request.url)


def _open(
    limits: httpx.Limits | None, transport: httpx.AsyncBaseTransport | None
) -> httpx.AsyncClient:
    settings: dict[str, Any] = {"transport": transport} if transport else {"verify": _tls()}
    if limits is not None:
        settings["limits"] = limits
    with _setting_up():
        return httpx.AsyncClient(follow_redirects=False, **settings)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


async def _load_tls() -> None:
    """Load the certificates, once, in a thread: that takes far longer than a request."""
    if not _tls.cache_info().currsize:
        with _setting_up():
            await asyncio.to_thread(_tls)


@contextmanager
def _setting_up() -> Iterator[None]:
    """Say what in the environment keeps a connection from being set up."""
    try:
        yield
    except ImportError as error:
        raise errors.ConfigError(
            f"the environment names a SOCKS proxy: install prov-facade[socks] ({error})"
        ) from error
    except (ValueError, OSError, httpx.InvalidURL) as error:
        raise errors.ConfigError(
            "no connection can be set up: the environment names a proxy or a file of certificates"
            f" that cannot be used ({error})"
        ) from error


def _checked_timeout(timeout: Timeout) -> Timeout:
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        return timeout
    raise errors.ConfigError(f"a timeout is a positive number of seconds, not {timeout!r}")


def _transport_error(
    error: httpx.RequestError, operation: Operation[Any], call: errors.Call
) -> errors.TransportError:
    kind = (
        errors.TransportTimeoutError
        if isinstance(error, httpx.TimeoutException)
        else errors.TransportError
    )
    meaning, sent = next(
        (meaning, table is _UNKNOWN_FATE)
        for table in (_NOT_SENT, _UNKNOWN_FATE)
        for fault, meaning in table.items()
        if issubclass(type(error), fault)
    )
    cause = str(error) if _harmless(error) is not None else ""
    message = f"{call} got no answer: {meaning}" + (f" ({cause})" if cause else "")
    if not sent:
        message += ". Nothing was sent; check the address in the Config and the network"
    elif not operation.safe:
        message += (
            ". Whether the server acted on the request is not known: look before sending it again"
        )
    return kind(message, call=call)


def _harmless(error: httpx.RequestError) -> httpx.RequestError | None:
    """The error, unless its text may quote what was sent, or what the server repeated of it."""
    return None if isinstance(error, httpx.ProtocolError) else error
