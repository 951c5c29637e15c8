# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""The one way to the server: puts a request on the wire and brings back the answer."""

from __future__ import annotations

import copy
import logging
import time
from contextlib import ExitStack
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from prov_api_client import Operation, Request
from prov_facade import errors
from prov_facade._http.responses import head_of
from prov_facade._http.signed_url import SignedURL, redacted_url
from prov_facade._runtime.threads.limiter import Limiter
from prov_facade._runtime.threads.pool import Pools
from prov_facade._runtime.threads.send import send
from prov_facade._sync.authentication import credentials
from prov_facade._sync.http_client import HTTPClientFactory
from prov_facade.auth import SupportsAuth

Timeout = float | httpx.Timeout

DEFAULT_TIMEOUT = 30.0

# How many threads of a loop wait for the auth manager at once. A loop has five or more.
_MANAGERS = 2

_LOG = logging.getLogger("prov_facade")

# What a fault means, by its class; the first that fits. For these, no request left the machine.
_NOT_SENT = {
    httpx.ConnectTimeout: "the connection could not be opened in time",
    httpx.PoolTimeout: "no connection became free in time: too many calls at once",
    httpx.ConnectError: "the connection could not be opened",
    httpx.ProxyError: "the proxy refused the connection",
    httpx.UnsupportedProtocol: "the address has no protocol that can be used",
    httpx.LocalProtocolError: "the request cannot be put on the wire",
}
_OUTCOME_UNKNOWN = {
    httpx.ReadTimeout: "the answer did not come in time",
    httpx.WriteTimeout: "the request could not be sent in time",
    httpx.RemoteProtocolError: "the server closed the connection, or broke the protocol",
    httpx.RequestError: "the connection broke",
}


def _note(call: errors.Call, outcome: object, begun: float, attempt: int) -> None:
    # No query and no headers: they are what people and tokens are named in.
    path = urlsplit(call.url).path or "/"
    taken = time.monotonic() - begun
    _LOG.debug("%s %s: %s in %.3f s, attempt %d", call.method, path, outcome, taken, attempt)


class BodyWriter(Protocol):
    """Takes the body of an answer that is too large to be received whole."""

    def takes(self, operation: Operation[Any], response: httpx.Response) -> bool:
        """Say, from the head of an answer, whether it takes the body."""
        ...

    def receive(self, operation: Operation[Any], response: httpx.Response) -> None:
        """Take the body. It may come again, from its start, after one that broke off."""
        ...


class APITransport:
    """Sends requests to one API, over pooled connections.

    Args:
        base_url: The address of the API.
        auth: Gets the tokens.
        timeout: The limit of each phase of a request: connecting, writing, reading, waiting for a
            free connection. In seconds, or an ``httpx.Timeout``.
        connections: How connections are made.
    """

    def __init__(
        self, base_url: str, auth: SupportsAuth, timeout: Timeout, connections: HTTPClientFactory
    ) -> None:
        self._base_url = base_url
        self._auth = auth
        self._timeout = _checked_timeout(timeout)
        self._connections = connections
        self._asking = Limiter(_MANAGERS)
        # httpx has a queue as well, but goes through all of it whenever a call begins or ends,
        # which takes a minute for a thousand of them.
        self._sending = Limiter(connections.at_once)
        # Made without `self`: no cycle of references then, and a client that is dropped closes its
        # connections at once, before the collector finds them open.
        self._pools = Pools(connections.open)

    def for_base_url(self, base_url: str) -> APITransport:
        """Make a transport to another API, which shares this one's connections and tokens."""
        other: APITransport = copy.copy(self)
        other._base_url = base_url
        return other

    def address(self, path: str) -> str:
        """Put a path behind the address of the API."""
        return f"{self._base_url}{path}"

    def call(self, operation: Operation[Any]) -> errors.Call:
        """Say what an error says about a call that was not laid out yet."""
        return errors.Call(operation.operation_id, operation.method, self.address(operation.path))

    def send(
        self,
        request: Request[Any],
        call: errors.Call,
        timeout: Timeout | None,
        *,
        body_writer: BodyWriter | None = None,
        target: str | None = None,
        attempt: int = 1,
    ) -> httpx.Response:
        """Send a request and receive the answer, whatever its status.

        Args:
            request: The request.
            call: What an error says about it.
            timeout: As for the class; ``None`` is the client's own.
            body_writer: May take the body.
            target: The path and the query to ask for, if they are a secret, and may stand in no
                log and no error.
            attempt: Which attempt this is, for the log.

        Returns:
            The answer, received whole; its body is empty if the sink took that.

        Raises:
            CredentialsError: If no token could be had.
            ConfigError: If the environment names a proxy or certificates that cannot be used.
            InvalidRequestError: If an argument makes a URL too long.
            InvalidResponseError: If the answer's content encoding is broken.
            TransportError: If there was no answer.
            ProvError: What the sink raises.
        """
        arguments: dict[str, Any] = request.to_httpx()
        arguments["url"] = self.address(arguments["url"])
        arguments["timeout"] = self._timeout if timeout is None else _checked_timeout(timeout)
        auth = self._credentials(call) if request.operation.secured else None
        self._connections.prepare()
        client = self._pools.current()
        begun = time.monotonic()
        try:
            outgoing = client.build_request(**arguments)
            if target is not None:
                whole = outgoing.url.copy_with(raw_path=target.encode("ascii"))
                outgoing.url = SignedURL(whole)
            with ExitStack() as stack:
                _place(stack, self._sending, outgoing)
                response = _exchange(
                    client, outgoing, auth, call, request.operation, body_writer=body_writer
                )
        except httpx.InvalidURL as error:
            raise errors.InvalidRequestError(
                f"{call} was not sent: an argument does not fit in a URL: {error}", call=call
            ) from error
        except httpx.RequestError as error:
            error.request = _bare(error.request)
            failure, cause = _transport_error(error, request.operation, call), _harmless(error)
            _note(call, type(error).__name__, begun, attempt)
        else:
            _note(call, response.status_code, begun, attempt)
            return response
        # Raised out here: in there, an error that is no cause would still be kept as the context.
        raise failure from cause

    def _credentials(self, call: errors.Call) -> httpx.Auth:
        return credentials(self._auth, call, self._asking)

    def close(self) -> None:
        """Close the connections."""
        self._pools.close()


def _place(stack: ExitStack, turns: Limiter, request: httpx.Request) -> None:
    """Wait for one of the connections that there may be; the stack gives it back."""
    try:
        stack.enter_context(turns.turn(request.extensions["timeout"].get("pool")))
    except TimeoutError:
        raise httpx.PoolTimeout("", request=request) from None


def _exchange(
    client: httpx.Client,
    request: httpx.Request,
    auth: httpx.Auth | None,
    call: errors.Call,
    operation: Operation[Any],
    *,
    body_writer: BodyWriter | None,
) -> httpx.Response:
    """Send a request and receive its answer whole, or leave the body to a sink."""
    response = send(client, request, auth)
    try:
        if body_writer is not None and body_writer.takes(operation, response):
            body_writer.receive(operation, response)
            return head_of(response)
        response.read()
    except httpx.DecodingError as error:
        error.request = _bare(error.request)
        raise _undecodable(operation, call, response) from error
    finally:
        response.close()
    return response


def _undecodable(
    operation: Operation[Any], call: errors.Call, response: httpx.Response
) -> errors.InvalidResponseError:
    # Of the answer there is the status alone: its body is lost, and its headers belong to that.
    bare = httpx.Response(response.status_code, request=_bare(response.request))
    return errors.InvalidResponseError(
        f"{call} was answered with {response.status_code}, which cannot be used: the compression"
        " of the body is broken" + ("" if operation.safe else f". {errors.OUTCOME_UNKNOWN}"),
        call=call,
        response=bare,
    )


def _bare(request: httpx.Request) -> httpx.Request:
    """The request without its headers, the token among them."""
    return httpx.Request(request.method, redacted_url(request.url))


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
        (meaning, table is _OUTCOME_UNKNOWN)
        for table in (_NOT_SENT, _OUTCOME_UNKNOWN)
        for fault, meaning in table.items()
        if issubclass(type(error), fault)
    )
    cause = str(error) if _harmless(error) is not None else ""
    message = f"{call} got no answer: {meaning}" + (f" ({cause})" if cause else "")
    if not sent:
        message += ". Nothing was sent; check the address in the Config and the network"
    elif not operation.safe:
        message += f". {errors.OUTCOME_UNKNOWN}"
    return kind(message, may_have_arrived=sent, call=call)


def _harmless(error: httpx.RequestError) -> httpx.RequestError | None:
    """The error, unless its text may quote what was sent, or what the server repeated of it."""
    return None if isinstance(error, httpx.ProtocolError) else error
