"""What the clients have in common."""

from __future__ import annotations

import ssl
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx

from job_api_client.models import JobStatusTable
from prov_api_client import Request
from prov_facade._async.authentication import TokenRefresher
from prov_facade._async.http_client import EventHooks, HTTPClientFactory
from prov_facade._async.retrying import call_with_retries
from prov_facade._async.transport import DEFAULT_TIMEOUT, APITransport, BodyWriter, Timeout
from prov_facade._files.reports import FETCH_REPORT, no_report, signed_address
from prov_facade._http.raw_responses import active_recorder
from prov_facade._http.requests import checked
from prov_facade._http.responses import ParsedResponse, read, redacted
from prov_facade._jobs.results import report_url
from prov_facade._runtime.aio.send import TransportLike
from prov_facade.auth import SupportsAuth
from prov_facade.config import Config
from prov_facade.errors import (
    APIError,
    AuthenticationError,
    ConfigError,
    InvalidResponseError,
    ReportError,
)
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

T = TypeVar("T")


class BaseClient:
    """The base of the clients: an auth manager, a configuration, and a way to the server.

    It can be used with ``async with``, which closes its connections at the end, or without.
    HTTPClientFactory are opened at the first call and kept for the next ones. It can be
    pickled: its settings and its auth manager are, and no connections.

    Args:
        auth: The auth manager: an :class:`AuthManager`, or any object with its methods.
        config: The deployment.
        timeout: The timeout of each phase of a request (connecting, writing, reading, waiting for a
            free connection), in seconds, or an ``httpx.Timeout``. 30 s by default.
        retries: Which calls are retried, how often, and how long a call may take in total.
        limits: The maximum number of open connections, and of idle ones that are kept; httpx's
            default is 100 and 20.
        transport: The transport, instead of httpx's own. It is closed with the connections, so it
            can be used in one event loop only. ``"aiohttp"`` is faster for a thousand concurrent
            calls; it needs the extra ``aiohttp``.
        proxy: The proxy, instead of the proxies from the environment.
        verify: The path of a CA bundle, or an ``ssl.SSLContext``, instead of httpx's default
            certificates or those from the environment.
        event_hooks: As for ``httpx.AsyncClient``. They receive requests with tokens.
        polling: How to wait for jobs.

    Raises:
        ConfigError: If an argument cannot be used.
    """

    _auth: SupportsAuth
    _config: Config

    def __init__(
        self,
        auth: SupportsAuth,
        config: Config,
        *,
        timeout: Timeout = DEFAULT_TIMEOUT,
        retries: RetryPolicy | None = None,
        limits: httpx.Limits | None = None,
        transport: TransportLike | None = None,
        proxy: str | httpx.URL | httpx.Proxy | None = None,
        verify: ssl.SSLContext | str | Path | None = None,
        event_hooks: EventHooks | None = None,
        polling: PollPolicy | None = None,
    ) -> None:
        if not isinstance(auth, SupportsAuth) or isinstance(auth, type):
            raise ConfigError(
                "auth needs the methods get_token, force_refresh and get_auth: for a token that"
                " is at hand, give BearerToken(token)"
            )
        if not isinstance(config, Config):
            raise ConfigError("config must be a prov_facade.Config")
        self._auth = auth
        self._config = config
        policy: object = RetryPolicy() if retries is None else retries
        if not isinstance(policy, RetryPolicy):
            raise ConfigError("retries must be a RetryPolicy, such as RetryPolicy.none()")
        self._retries = policy
        patience: object = PollPolicy() if polling is None else polling
        if not isinstance(patience, PollPolicy):
            raise ConfigError("polling must be a PollPolicy, such as PollPolicy(deadline=60)")
        self._polling = patience
        self._renewal = TokenRefresher(auth)
        connections = HTTPClientFactory(
            limits=limits, transport=transport, proxy=proxy, verify=verify, event_hooks=event_hooks
        )
        self._transport = APITransport(self._endpoint(config), auth, timeout, connections)

    @classmethod
    def _endpoint(cls, config: Config) -> str:
        """Return the address of the API that this is a client of."""
        return config.prov_api_endpoint

    def _share(self, other: BaseClient) -> None:
        """Make another client use this one's auth manager, configuration and connections."""
        other._auth, other._config = self._auth, self._config
        other._transport = self._transport.for_base_url(other._endpoint(self._config))
        other._retries, other._renewal = self._retries, self._renewal
        other._polling = self._polling

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._endpoint(self._config)!r})"

    async def aclose(self) -> None:
        """Close the connections. A later call opens new ones."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def _send(self, request: Request[T], timeout: Timeout | None) -> T:
        """Send a request and return the value of its answer."""
        return (await self._exchange(request, timeout)).value

    async def _exchange(
        self,
        request: Request[T],
        timeout: Timeout | None,
        *,
        error_class: type[InvalidResponseError] = InvalidResponseError,
        body_writer: BodyWriter | None = None,
        through: APITransport | None = None,
        target: str | None = None,
        retries: RetryPolicy | None = None,
    ) -> ParsedResponse[T]:
        """Send a request and return its answer.

        Args:
            request: The request.
            timeout: As for the class; ``None`` is the client's own.
            error_class: The error for an answer that cannot be used.
            body_writer: May take the body; the value is empty then.
            through: The way to the server, if it is not this client's own.
            target: The path and the query to ask for, if they are a secret.
            retries: When the call is tried again, if it is not as the client has it.
        """
        transport = through or self._transport
        call = transport.call(request.operation)
        request = checked(request, call)
        renewable = request.operation.secured

        async def sent(number: int) -> httpx.Response:
            response = await transport.send(
                request, call, timeout, body_writer=body_writer, target=target, attempt=number
            )
            kept = active_recorder()
            if kept is not None:
                kept.append(redacted(response))
            return response

        async def attempt(number: int) -> ParsedResponse[T]:
            nonlocal renewable
            response = await sent(number)
            try:
                return read(request.operation, call, response, error_class=error_class)
            except AuthenticationError:
                # It comes before the server acts on a request, which may be sent again therefore.
                refused = response.request.headers.get("authorization", "")
                if not renewable or not refused:
                    raise
                renewable = False  # once a call, however many attempts it takes
                if not await self._renewal.renewed(refused, call):
                    raise
            response = await sent(number)
            return read(request.operation, call, response, error_class=error_class)

        policy = retries or self._retries
        return await call_with_retries(policy, call, attempt, safe=request.operation.safe)

    async def _fetch_report(
        self, job: JobStatusTable, timeout: Timeout | None, *, body_writer: BodyWriter | None = None
    ) -> ParsedResponse[bytes]:
        """Fetch the report that a job has made. No token goes there: the address is enough."""
        address, target = signed_address(report_url(job), job)
        try:
            return await self._exchange(
                Request(FETCH_REPORT),
                timeout,
                error_class=ReportError,
                body_writer=body_writer,
                through=self._transport.for_base_url(address),
                target=target,
            )
        except APIError as error:
            raise no_report(error, job) from error
