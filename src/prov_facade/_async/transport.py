"""Sends every request and receives its response."""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

import httpx

from prov_api_client import Operation
from prov_facade import errors
from prov_facade._async.authentication import Authentication
from prov_facade._async.http_client import HTTPClientFactory
from prov_facade._async.settings import Timeout
from prov_facade._http.connection_errors import certificate_fault, system_fault
from prov_facade._http.content_encoding import IncompleteBodyError
from prov_facade._http.proxies import ProxySetting, certificate_owner
from prov_facade._http.responses import undecodable_body, without_body
from prov_facade._http.signed_url import bare_request
from prov_facade._http.timeouts import timeout_extension
from prov_facade._runtime.aio.limiter import Limiter
from prov_facade._runtime.aio.pool import Pool
from prov_facade.auth import SupportsAuth

_LOG = logging.getLogger("prov_facade")

# Messages by error class; the first match applies. With the errors of the first table, no request
# was sent.
_NOT_SENT = {
    httpx.ConnectTimeout: "the connection to {host} could not be opened in time",
    httpx.PoolTimeout: "no connection became free in time: too many calls at once",
    httpx.ConnectError: "the connection to {host} could not be opened",
    httpx.ProxyError: "the proxy refused the connection",
    httpx.UnsupportedProtocol: "the address has an unsupported protocol",
    httpx.LocalProtocolError: "the request is not valid HTTP",
}
_OUTCOME_UNKNOWN = {
    IncompleteBodyError: "the compressed body of the response ended too early",
    httpx.ReadTimeout: "the response was not received in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.RemoteProtocolError: "the server closed the connection, or violated the protocol",
    httpx.RequestError: "the connection broke",
}
# The meaning of texts of h11, httpcore and aiohttp. Others may quote the response.
_PROTOCOL_ERRORS = {
    "Receive buffer too long": "the headers of the response are too long",
    "Server disconnected": "the server closed the connection without a response",
    "Server disconnected without sending a response.": (
        "the server closed the connection without a response"
    ),
}
# With these, a proxy, if there is one, may be the cause.
_CONNECTION_ERRORS = (httpx.ConnectTimeout, httpx.ConnectError, httpx.ProxyError)


class BodyWriter(Protocol):
    """Receives the body of a response that may be too large for memory."""

    def accepts(self, operation: Operation[Any], response: httpx.Response) -> bool:
        """Return whether to write the body of a response, judging by its status and headers."""
        ...

    async def receive(self, operation: Operation[Any], response: httpx.Response) -> None:
        """Write the body. If that is interrupted, this is called again with a new response."""
        ...


class APITransport:
    """Sends requests over pooled connections, with the token where one is needed.

    Args:
        auth: The auth manager.
        timeout: The limit of each phase of a request: connecting, writing, reading, waiting for a
            free connection. In seconds, or an ``httpx.Timeout``.
        factory: Creates the HTTP clients.
    """

    def __init__(self, auth: SupportsAuth, timeout: Timeout, factory: HTTPClientFactory) -> None:
        self._authentication = Authentication(auth)
        self._timeout = timeout_extension(timeout)
        self._factory = factory
        # httpx has a queue as well, but scans all of it whenever a call begins or ends, which takes
        # a minute in total for a thousand calls.
        self._limiter = Limiter(factory.max_concurrent)
        # Not a method of `self`: without a reference cycle, a deleted client closes its
        # connections at once, before the garbage collector finds them open.
        self._pool = Pool(factory.open)

    async def send(
        self,
        request: httpx.Request,
        operation: Operation[Any],
        timeout: Timeout | None,
        *,
        body_writer: BodyWriter | None = None,
        attempt: int = 1,
    ) -> httpx.Response:
        """Send a request and receive the response, whatever its status.

        Args:
            request: The request, without credentials.
            operation: The operation of the request.
            timeout: As for the class; ``None`` for the default.
            body_writer: May receive the body.
            attempt: The number of the attempt, for the log.

        Returns:
            The complete response; its body is empty if the writer wrote it.

        Raises:
            ConfigError: If the environment names a proxy or certificates that cannot be used.
            CredentialsError: If no token can be obtained.
            InvalidResponseError: If the content encoding of the response is broken.
            TransportError: If there is no response.
            ProvError: The errors of the body writer.
        """
        limits = self._timeout if timeout is None else timeout_extension(timeout)
        request.extensions["timeout"] = dict(limits)  # a hook may change it
        auth = await self._authentication.current() if operation.secured else None
        await self._factory.prepare()
        client = await self._pool.current()
        start = time.monotonic()
        try:
            async with self._limiter.slot(limits["pool"]):
                if auth is None:
                    response = await client.send(request)
                else:
                    response = await self._authentication.send(client.send, request, auth)
                response = await _receive(response, operation, body_writer)
        except httpx.RequestError as error:
            error.request = bare_request(request)
            proxy = client.proxy_of(request.url)
            failure, cause = _transport_error(error, operation, proxy), _safe_cause(error)
            _log(request, type(error).__name__, start, attempt)
        else:
            _log(request, response.status_code, start, attempt)
            return response
        try:
            # Outside the handler, which would keep an error that is not the cause as the context.
            raise failure from cause
        finally:
            del failure, cause  # or a reference cycle keeps the client alive

    async def aclose(self) -> None:
        """Close the connections."""
        await self._pool.aclose()


def _log(request: httpx.Request, outcome: object, start: float, attempt: int) -> None:
    if _LOG.isEnabledFor(logging.DEBUG):
        # Without the query and headers, which contain names and tokens.
        seconds = time.monotonic() - start
        path = request.url.raw_path.partition(b"?")[0].decode()
        message = "%s %s: %s in %.3f s, attempt %d"
        _LOG.debug(message, request.method, path, outcome, seconds, attempt)


async def _receive(
    response: httpx.Response, operation: Operation[Any], body_writer: BodyWriter | None
) -> httpx.Response:
    """Receive the body of a response, or have a writer receive it."""
    try:
        if body_writer is not None and body_writer.accepts(operation, response):
            await body_writer.receive(operation, response)
            return without_body(response)
        await response.aread()
    except httpx.DecodingError as error:
        error.request = bare_request(response.request)
        raise undecodable_body(operation, response, error) from error
    finally:
        await response.aclose()
    return response


def _transport_error(
    error: httpx.RequestError, operation: Operation[Any], proxy: ProxySetting | None
) -> errors.TransportError:
    host = error.request.url.netloc.decode("ascii")
    fault = certificate_fault(error) if isinstance(error, httpx.ConnectError) else None
    if fault is not None:
        owner = certificate_owner(host, proxy)
        return errors.CertificateError(
            f"no response: the certificate of {owner} was rejected ({fault}). Nothing was sent; if"
            " you trust its issuer, pass a file with the issuer's certificate as verify="
        )
    kind = (
        errors.TransportTimeoutError
        if isinstance(error, httpx.TimeoutException)
        else errors.TransportError
    )
    meaning, sent = next(
        (meaning, table is _OUTCOME_UNKNOWN)
        for table in (_NOT_SENT, _OUTCOME_UNKNOWN)
        for fault, meaning in table.items()
        if isinstance(error, fault)
    )
    meaning = _PROTOCOL_ERRORS.get(str(error), meaning).format(host=host)
    suspects = "the address in the Config and the network"
    if proxy is not None and isinstance(error, _CONNECTION_ERRORS):
        if isinstance(error, httpx.ProxyError):
            meaning = f"the proxy {proxy} refused the connection"
        else:  # it does not tell whether the proxy or the server was unreachable
            meaning += f" through the proxy {proxy}"
        suspects = proxy.suspects
    detail = system_fault(error) if _safe_cause(error) is not None else ""
    message = f"no response: {meaning}" + (f" ({detail})" if detail else "")
    if not sent:
        message += f". Nothing was sent; check {suspects}"
    elif not operation.safe:
        message += f". {errors.OUTCOME_UNKNOWN_ADVICE}"
    return kind(message, may_have_arrived=sent)


def _safe_cause(error: httpx.RequestError) -> httpx.RequestError | None:
    """Return the error, unless its text may quote the request or an echo of it."""
    return None if isinstance(error, httpx.ProtocolError) else error
