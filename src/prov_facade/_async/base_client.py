"""The base class of the clients."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from itertools import count
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from job_api_client.models import JobStatusTable
from prov_api_client import Operation, Request
from prov_facade._async.core import ClientCore
from prov_facade._async.downloads import Download
from prov_facade._async.retrying import call_with_retries
from prov_facade._async.settings import DEFAULT_TIMEOUT, ClientSettings, Timeout
from prov_facade._async.transport import BodyWriter
from prov_facade._files.reports import (
    FETCH_REPORT,
    check_report,
    redirect_target,
    report_job,
    report_unavailable,
    signed_report_url,
)
from prov_facade._http.error_context import ErrorContext, shorten_cause
from prov_facade._http.raw_responses import active_recorder
from prov_facade._http.requests import build_request, validate_request
from prov_facade._http.responses import ParsedResponse, parse_response, redacted
from prov_facade._http.signed_url import SignedURL
from prov_facade._http.transient import certainly_refused
from prov_facade._runtime.aio.concurrency import Awaited
from prov_facade._signatures import takes_settings
from prov_facade.auth import SupportsAuth
from prov_facade.config import Config
from prov_facade.errors import (
    APIError,
    AuthenticationError,
    Call,
    InvalidResponseError,
    ProvError,
    ReportError,
)
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

T = TypeVar("T")

Check = Callable[[ParsedResponse[Any]], Awaited[None]]

_REGISTERING = ("register_model_run", "register_model_run_sync")


class BaseClient:
    """The base of the clients: credentials, a configuration, and connections.

    It can be used with ``async with``, which closes its connections at the end, or without.
    Connections are opened at the first call and kept for the next ones. Pickling a client
    includes its settings and its auth manager, but no connections.

    Args:
        auth: The auth manager.
        config: The deployment.
        **settings: As for :class:`~prov_facade.ProvClient`, which documents them.

    Raises:
        ConfigError: If an argument cannot be used.
    """

    @takes_settings(ClientSettings, timeout=DEFAULT_TIMEOUT)
    def __init__(
        self, auth: SupportsAuth, config: Config, **settings: Unpack[ClientSettings]
    ) -> None:
        self._use(ClientCore(auth, config, **settings))

    @classmethod
    def _sharing(cls, core: ClientCore) -> Self:
        """Create a client that shares the settings and connections of another one."""
        client = cls.__new__(cls)
        client._use(core)  # noqa: SLF001  (its own class)
        return client

    def _use(self, core: ClientCore) -> None:
        self._core = core
        self._base_url = self._endpoint(core.config)

    @classmethod
    def _endpoint(cls, config: Config) -> str:
        """Return the URL of the API of this client."""
        return config.prov_api_endpoint

    @property
    def _auth(self) -> SupportsAuth:
        return self._core.auth

    @property
    def _config(self) -> Config:
        return self._core.config

    @property
    def _polling(self) -> PollPolicy:
        return self._core.polling

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._base_url!r})"

    async def aclose(self) -> None:
        """Close the connections. A later call opens new ones."""
        await self._core.transport.aclose()

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
        """Send a request and return the value of the response."""
        try:
            return (await self._exchange(request, timeout)).value
        except ProvError as error:
            error.__traceback__ = None  # as in _exchange
            raise

    async def _exchange(
        self,
        request: Request[T],
        timeout: Timeout | None,
        *,
        error_class: type[InvalidResponseError] = InvalidResponseError,
        body_writer: BodyWriter | None = None,
        signed_url: SignedURL | None = None,
        retries: RetryPolicy | None = None,
        check: Check | None = None,
        unsent_only: bool = False,
    ) -> ParsedResponse[T]:
        """Send a request and return the response with its value.

        Args:
            request: The request.
            timeout: As for the class; ``None`` for the client's.
            error_class: The error to raise for a successful response that cannot be used.
            body_writer: May receive the body; the value is then empty.
            signed_url: The URL to request, if the operation does not define one.
            retries: When to retry the call; the client's policy by default.
            check: Raises an error if the value cannot be used; that may cause a retry.
            unsent_only: Whether the call is repeated only if it was certainly not sent.

        The frames between the public method and the socket do not help the caller, so the error
        has no traceback when it is raised again; a bare ``raise`` adds no frame for this method.
        """
        operation, core = request.operation, self._core
        may_refresh = operation.secured

        async def send_to(url: str | SignedURL, number: int) -> httpx.Response:
            response = await core.transport.send(
                build_request(request, url),
                operation,
                timeout,
                body_writer=body_writer,
                attempt=number,
            )
            recorder = active_recorder()
            if recorder is not None:
                recorder.append(redacted(response))
            return response

        async def send(number: int) -> httpx.Response:
            if signed_url is None:
                return await send_to(self._base_url, number)
            url = signed_url
            for redirects in count():
                response = await send_to(url, number)
                if not response.has_redirect_location:
                    break
                url = redirect_target(url, response, redirects)
            return response

        async def parse(response: httpx.Response) -> ParsedResponse[T]:
            parsed = parse_response(operation, response, error_class=error_class)
            if check is not None:
                await check(parsed)
            return parsed

        async def attempt(number: int) -> ParsedResponse[T]:
            nonlocal may_refresh
            response = await send(number)
            try:
                return await parse(response)
            except AuthenticationError:
                # The server rejects a token before it acts on a request: it can safely be repeated.
                rejected = response.request.headers.get("authorization", "")
                if not may_refresh or not rejected:
                    raise
                may_refresh = False  # once per call, not per attempt
                if not await core.refresher.refresh(rejected):
                    raise
            return await parse(await send(number))

        try:
            request = validate_request(request)
            return await call_with_retries(
                retries or core.retries, attempt, safe=operation.safe, unsent_only=unsent_only
            )
        except ProvError as error:
            self._attach(error, operation, signed_url)
            shorten_cause(error)
            error.__traceback__ = None
            raise

    def _errors_of(
        self, operation: Operation[Any], signed_url: SignedURL | None = None
    ) -> ErrorContext:
        """Return a context that attaches the call to the errors raised within."""
        return ErrorContext(partial(self._attach, operation=operation, signed_url=signed_url))

    def _attach(
        self, error: ProvError, operation: Operation[Any], signed_url: SignedURL | None
    ) -> None:
        url = str(signed_url or f"{self._base_url}{operation.path}")
        is_new = error.call is None
        error.attach(Call(operation.operation_id, operation.method, url))
        if is_new and operation.operation_id in _REGISTERING and not certainly_refused(error):
            error.add_note("jobs.find_submitted(record, since=...) finds the job, if there is one.")

    async def _fetch_report(self, job: JobStatusTable, timeout: Timeout | None) -> bytes:
        """Fetch the report that a job created. No token is sent: the URL is sufficient."""
        return (await self._request_report(job, timeout)).value

    async def _save_report(
        self, job: JobStatusTable, file: Download, timeout: Timeout | None
    ) -> None:
        """Save the report that a job created to a file."""
        await self._request_report(job, timeout, file)

    async def _request_report(
        self,
        job: JobStatusTable,
        timeout: Timeout | None,
        file: Download | None = None,
    ) -> ParsedResponse[bytes]:
        url = signed_report_url(job)
        with self._errors_of(FETCH_REPORT, url):
            try:
                return await self._exchange_report(
                    Request(FETCH_REPORT), timeout, file=file, signed_url=url
                )
            except APIError as error:
                raise report_unavailable(error, job) from error
            except ReportError as error:
                error.session_id = job.session_id
                raise

    async def _exchange_report(
        self,
        request: Request[T],
        timeout: Timeout | None,
        *,
        file: Download | None = None,
        signed_url: SignedURL | None = None,
    ) -> ParsedResponse[T]:
        """Send a request for a report, again if the report in the response is incomplete.

        Args:
            request: The request.
            timeout: As for the class; ``None`` for the client's.
            file: The file to save the report to.
            signed_url: The URL to request, if the operation does not define one.
        """

        async def check(response: ParsedResponse[Any]) -> None:
            if report_job(response) is not None:
                return
            if file is None:
                check_report(response, io.BytesIO(response.value))
            else:
                await file.check(partial(check_report, response))

        return await self._exchange(
            request,
            timeout,
            error_class=ReportError,
            body_writer=file,
            signed_url=signed_url,
            check=check,
        )


ClientService = BaseClient
"""The name that provenaclient gives the base class."""
