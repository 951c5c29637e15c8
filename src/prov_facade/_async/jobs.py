"""The client of the job-api."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from job_api_client.api.jobs import fetch_job, list_batch, list_jobs
from job_api_client.models import (
    JobStatusTable,
    ListByBatchRequest,
    ListByBatchResponse,
    ListJobsRequest,
    ListJobsResponse,
)
from prov_api_client import Request
from prov_api_client.api.model_run import register_model_run
from prov_api_client.models import ModelRunRecord
from prov_api_client.types import ModelLike
from prov_facade import errors
from prov_facade._async.base_client import BaseClient
from prov_facade._async.downloads import Download
from prov_facade._async.job_search import SEARCH_PAGE_SIZE, jobs_since
from prov_facade._async.settings import Timeout
from prov_facade._checks import check_count, check_number
from prov_facade._files.targets import file_name
from prov_facade._http.requests import validate_request
from prov_facade._jobs import results as job_results
from prov_facade._jobs.poller import Poller, check_waiting
from prov_facade._jobs.results import RegisteredModelRun
from prov_facade._registration.recognition import fingerprint, may_register
from prov_facade._runtime.aio.concurrency import sleep
from prov_facade.config import Config
from prov_facade.polling import PollPolicy

# A page may be empty although jobs follow, since the database filters what it has read.
_MAX_EMPTY_PAGES = 100
_MAX_SEARCH_TIME = 300.0
_MAX_UNIX_TIME = 253_402_300_799  # the end of the year 9999

OnChange = Callable[[JobStatusTable], object]


class JobsClient(BaseClient):
    """The caller's jobs in the job-api.

    Registering a model run, updating it, linking it to a study, registering a batch and, on newer
    servers, creating a report are jobs: the prov-api returns a ``session_id``, and the job-api
    reports the status of the job. Usually the ``jobs`` attribute of a
    :class:`~prov_facade.ProvClient`, whose connections it shares. It can also be created on its
    own, with the same arguments.

    A job continues whether or not a client waits for it. With its ``session_id``, any process can
    wait for it again. Methods take ``timeout`` and raise errors like those of ``ProvClient``.
    ``timeout`` applies to each request; ``polling`` sets how long to wait for a job.
    """

    @classmethod
    def _endpoint(cls, config: Config) -> str:
        return config.job_api_endpoint

    async def fetch(self, session_id: str, *, timeout: Timeout | None = None) -> JobStatusTable:
        """Fetch the current state of a job.

        Route: ``GET /jobs/user/fetch``

        Args:
            session_id: The session id of the job.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The job.

        Raises:
            AuthenticationError: If the token is invalid.
            PermissionDeniedError: If the job belongs to another user.
            BadRequestError: If the job is unknown, as every job is for its first few seconds.
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        return (await self._send(fetch_job.request(session_id=session_id), timeout)).job

    async def list(
        self, *, page_size: int = 50, timeout: Timeout | None = None
    ) -> AsyncGenerator[JobStatusTable, None]:
        """Iterate over the jobs that the caller started, newest first by whole seconds.

        Pages are fetched as needed, so iteration can stop at any point.

        Route: ``POST /jobs/user/list``

        Args:
            page_size: The number of jobs per request, 1 or more.
            timeout: The timeout of each request, as for the client; by default the client's.

        Yields:
            The jobs.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        with self._errors_of(list_jobs.OPERATION):
            _check_page_size(page_size)

        def request(key: dict[str, Any] | None) -> Request[ListJobsResponse]:
            body = ListJobsRequest(pagination_key=key, limit=page_size)
            return list_jobs.request(body=body)

        async for job in self._pages(request, timeout):
            yield job

    async def list_batch(
        self, batch_id: str, *, page_size: int = 50, timeout: Timeout | None = None
    ) -> AsyncGenerator[JobStatusTable, None]:
        """Iterate over the jobs of a batch, newest first by whole seconds.

        Route: ``POST /jobs/user/list_batch``

        Args:
            batch_id: The id of the batch, from the result of the job that submitted it.
            page_size: The number of jobs per request, 1 or more.
            timeout: The timeout of each request, as for the client; by default the client's.

        Yields:
            The jobs.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        with self._errors_of(list_batch.OPERATION):
            _check_page_size(page_size)

        def request(key: dict[str, Any] | None) -> Request[ListByBatchResponse]:
            body = ListByBatchRequest(batch_id=batch_id, pagination_key=key, limit=page_size)
            return list_batch.request(body=body)

        async for job in self._pages(request, timeout):
            yield job

    async def find_submitted(
        self,
        record: ModelRunRecord | ModelLike,
        *,
        since: datetime | float,
        timeout: Timeout | None = None,
    ) -> Sequence[JobStatusTable]:
        """Find the jobs that register a model run, among those that the caller started.

        Use it before repeating ``register_model_run`` after an error that leaves open whether
        the server has acted. A job may appear a few seconds after the request, or minutes if the
        server is under load.

        Route: ``POST /jobs/user/list``

        Args:
            record: The model run, as it was registered.
            since: When it was submitted: a ``datetime`` with a time zone, or Unix time.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The jobs that may have been started since then, and register a record with the same
            name, workflow template and times, or one that cannot be read.

        Raises:
            InvalidRequestError: If an argument is not valid; nothing is sent.
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        request: Any = register_model_run.request(body=record)
        wanted = fingerprint(validate_request(request).body)
        if isinstance(since, datetime):
            if since.tzinfo is None:
                raise errors.InvalidRequestError("since must have a time zone", path="$.since")
            since = since.timestamp()
        error = partial(errors.InvalidRequestError, path="$.since")
        check_number("since", since, at_most=_MAX_UNIX_TIME, unit="seconds", error=error)
        listed = self.list(page_size=SEARCH_PAGE_SIZE, timeout=timeout)
        found = jobs_since(listed, since, end=time.monotonic() + _MAX_SEARCH_TIME)
        async with aclosing(found) as jobs:
            return [
                job
                async for job, is_since in jobs
                if is_since is not False and may_register(job, wanted)
            ]

    async def _pages(
        self,
        request: Callable[
            [dict[str, Any] | None], Request[ListJobsResponse] | Request[ListByBatchResponse]
        ],
        timeout: Timeout | None,
    ) -> AsyncGenerator[JobStatusTable, None]:
        key: dict[str, Any] | None = None
        seen: set[bytes] = set()
        seen_jobs: set[str] = set()
        empty = 0
        while True:
            page_request: Request[Any] = request(key)
            page = (await self._exchange(page_request, timeout)).value
            for job in page.jobs:
                yield job
            key = page.pagination_key
            if key is None:
                return
            encoded = msgspec.json.encode(key, order="deterministic")
            new_jobs = {job.session_id for job in page.jobs} - seen_jobs
            seen_jobs |= new_jobs
            empty = 0 if new_jobs else empty + 1
            if encoded in seen or empty == _MAX_EMPTY_PAGES:
                fault = (
                    f"is the {empty}th without another job" if empty else "repeats a pagination key"
                )
                with self._errors_of(page_request.operation):
                    raise errors.InvalidResponseError(
                        f"the response {fault}: the list would never end", path="$.pagination_key"
                    )
            seen.add(encoded)

    async def watch(
        self,
        session_id: str,
        *,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> AsyncGenerator[JobStatusTable, None]:
        """Follow a job to its end, and yield it at each change of its status.

        Statuses that the job passes through between two polls are missed. Transient errors (no
        connection, 429, 5xx) only delay the next poll.

        Route: ``GET /jobs/user/fetch``

        Args:
            session_id: The session id of the job.
            polling: How to wait for the job; by default as set for the client.
            timeout: The timeout of each request, as for the client; by default the client's.

        Yields:
            The job, whenever its status has changed. The last one has succeeded or failed.

        Raises:
            AuthenticationError: If the token is invalid.
            PermissionDeniedError: If the job belongs to another user.
            JobNotFoundError: If the job-api still does not know the job after
                ``polling.not_found_grace``.
            JobTimeoutError: If the job does not end before ``polling.deadline``.
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        errors_of_fetch = self._errors_of(fetch_job.OPERATION)
        with errors_of_fetch:
            check_waiting(polling)
            if not session_id:
                raise errors.InvalidRequestError(
                    "there is no job to wait for: the session id is empty", path="$.session_id"
                )
        poller = Poller(
            polling or self._polling, max_retry_after=self._core.retries.max_retry_after
        )
        request = fetch_job.request(session_id=session_id)
        job: JobStatusTable | None = None
        while True:
            late = poller.is_over
            try:
                response = await self._exchange(request, timeout, retries=poller.single_poll)
            except errors.ProvError as error:
                if not poller.tolerates(error):
                    if isinstance(error, errors.BadRequestError):
                        with errors_of_fetch:
                            raise _not_found_error(session_id, job, error) from error
                    error.add_note(f"The job {session_id} may continue: {_resume(session_id)}.")
                    raise
            else:
                previous, job = job, response.value.job
                progress = previous is None or previous.status != job.status
                poller.succeeded(progress=progress)
                if progress:
                    yield job
                if job_results.has_ended(job):
                    return
            if late:
                with errors_of_fetch:
                    raise _timeout_error(
                        session_id, job, polling or self._polling
                    ) from poller.last_error
            await sleep(poller.next_wait())

    async def wait(
        self,
        session_id: str,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> JobStatusTable:
        """Wait until a job has succeeded.

        If the wait ends early (by an error, a cancelled task, a killed process), the job is not
        affected: call this again with the same ``session_id``.

        Route: ``GET /jobs/user/fetch``

        Args:
            session_id: The session id of the job.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The job, which has succeeded. The content of its ``result`` depends on its type.

        Raises:
            AuthenticationError: If the token is invalid.
            PermissionDeniedError: If the job belongs to another user.
            JobFailedError: If the job fails, with its ``reason``.
            JobNotFoundError: If the job-api still does not know the job after
                ``polling.not_found_grace``.
            JobTimeoutError: If the job does not end before ``polling.deadline``. Its ``job`` is the
                last known state.
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        with self._errors_of(fetch_job.OPERATION):
            check_waiting(polling, on_change)
        last: JobStatusTable | None = None
        with self._errors_of(fetch_job.OPERATION):
            async for job in self.watch(session_id, polling=polling, timeout=timeout):
                last = job
                if on_change is not None:
                    on_change(job)
            assert last is not None  # noqa: S101  (`watch` yields a job or raises)
            failed = job_results.failure_of(last)
            if failed is not None:
                raise failed
        return last

    async def wait_for_model_run(
        self,
        session_id: str,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> RegisteredModelRun:
        """Wait until a job that registers, updates or links a model run has succeeded.

        Route: ``GET /jobs/user/fetch``

        Args:
            session_id: The session id of the job.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The model run: its handle, its record and its PROV document.

        Raises:
            InvalidResponseError: If the result of the job is not a model run.
            ProvError: As for :meth:`wait`.
        """
        with self._errors_of(fetch_job.OPERATION):
            return job_results.registered_model_run(
                await self.wait(session_id, polling=polling, on_change=on_change, timeout=timeout)
            )

    async def wait_for_batch(
        self,
        session_id: str,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> str:
        """Wait until a job that submits a batch has succeeded.

        The jobs of the individual records may still be running: see :meth:`list_batch`.

        Route: ``GET /jobs/user/fetch``

        Args:
            session_id: The session id of the job.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The id of the batch.

        Raises:
            InvalidResponseError: If the result of the job is not a batch.
            ProvError: As for :meth:`wait`.
        """
        with self._errors_of(fetch_job.OPERATION):
            return job_results.batch_id(
                await self.wait(session_id, polling=polling, on_change=on_change, timeout=timeout)
            )

    async def wait_for_report(
        self,
        session_id: str,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> bytes:
        """Wait until a job has created a report, and download it.

        Routes: ``GET /jobs/user/fetch``, and the URL in the result of the job, to which no token is
        sent.

        Args:
            session_id: The session id of the job.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The ``.docx`` document.

        Raises:
            ReportError: If the URL does not return a document. It is valid for about an hour after
                the end of the job.
            ProvError: As for :meth:`wait`.
        """
        with self._errors_of(fetch_job.OPERATION):
            job = await self.wait(session_id, polling=polling, on_change=on_change, timeout=timeout)
            return await self._fetch_report(job, timeout)

    async def save_report(
        self,
        session_id: str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> Path:
        """Wait until a job has created a report, and stream it to a file.

        The file appears once it is complete and is known to be a Word document. A call that fails
        or is cancelled leaves no file. Memory use does not depend on the size of the file.

        Routes: ``GET /jobs/user/fetch``, and the URL in the result of the job, to which no token is
        sent.

        Args:
            session_id: The session id of the job.
            path: The file, or an existing directory. In a directory, the file is named after the
                session id, such as ``report-7f0c1a52.docx``.
            overwrite: Whether to replace an existing file.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The path of the report.

        Raises:
            FileError: If the file cannot be written. It is also an ``OSError``.
            InvalidRequestError: If the file exists, or its directory does not; nothing is sent.
            ReportError: If the URL does not return a document.
            ProvError: As for :meth:`wait`.
        """
        name = file_name("report", session_id, ".docx")
        with (
            self._errors_of(fetch_job.OPERATION),
            Download(path, name=name, overwrite=overwrite) as file,
        ):
            job = await self.wait(session_id, polling=polling, on_change=on_change, timeout=timeout)
            await self._save_report(job, file, timeout)
            return await file.keep()


def _check_page_size(size: object) -> None:
    check_count("page_size", size, error=partial(errors.InvalidRequestError, path="$.page_size"))


def _resume(session_id: str) -> str:
    return f"wait for it again with jobs.wait({session_id!r})"


def _not_found_error(
    session_id: str, job: JobStatusTable | None, error: errors.APIError
) -> errors.JobNotFoundError:
    return errors.JobNotFoundError(
        f"the job-api does not know the job {session_id}: {error.detail} If it was created just"
        f" now, {_resume(session_id)}",
        session_id=session_id,
        job=job,
        response=error.response,
    )


def _timeout_error(
    session_id: str, job: JobStatusTable | None, policy: PollPolicy
) -> errors.JobTimeoutError:
    status = f"its last known status is {job.status}" if job else "no poll has succeeded"
    return errors.JobTimeoutError(
        f"the job {session_id} did not end within {policy.deadline:g} s: {status}. It may still"
        f" end: {_resume(session_id)}. Do not repeat what it does without checking its effect",
        session_id=session_id,
        job=job,
    )
