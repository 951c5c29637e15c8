"""The client of the prov-api."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from prov_api_client import Request
from prov_api_client.api.access import (
    check_admin_access,
    check_general_access,
    check_read_access,
    check_write_access,
)
from prov_api_client.api.bulk import (
    convert_model_runs_to_csv,
    generate_csv_template,
    regenerate_csv_from_model_run_batch,
)
from prov_api_client.api.explore import (
    explore_downstream,
    explore_upstream,
    generate_report,
    get_contributing_agents,
    get_contributing_datasets,
    get_effected_agents,
    get_effected_datasets,
)
from prov_api_client.api.health import get_health_check
from prov_api_client.api.model_run import (
    link_model_run_to_study,
    post_update_model_run,
    register_batch_model_runs,
    register_model_run,
)
from prov_api_client.models import (
    AddStudyLinkResponse,
    BodyConvertModelRunsCsv,
    ConvertModelRunsResponse,
    GenerateReportRequest,
    HealthCheckResponse,
    LineageResponse,
    ModelRunRecord,
    PostUpdateModelRunResponse,
    RegisterBatchModelRunRequest,
    RegisterBatchModelRunResponse,
    RegisterModelRunResponse,
    User,
)
from prov_api_client.types import ModelLike
from prov_facade._async import csv_registration
from prov_facade._async.admin import ProvAdminClient
from prov_facade._async.base_client import BaseClient
from prov_facade._async.core import ClientCore
from prov_facade._async.downloads import Download
from prov_facade._async.jobs import JobsClient, OnChange
from prov_facade._async.registration.registration import register_records
from prov_facade._async.settings import Timeout
from prov_facade._files.reports import report_job
from prov_facade._files.targets import file_name
from prov_facade._files.uploads import Upload, csv_upload
from prov_facade._http.requests import check_records, validate_request
from prov_facade._http.responses import ParsedResponse
from prov_facade._jobs.poller import check_waiting
from prov_facade._jobs.results import RegisteredModelRun, require_session_id
from prov_facade._registration.batch import BulkProgress, BulkResult
from prov_facade._registration.csv_table import CSVRegistration
from prov_facade._registration.options import RegistrationOptions
from prov_facade.endpoints import ProvAPIEndpoints
from prov_facade.polling import PollPolicy


class ProvClient(BaseClient):
    """A client of the prov-api.

    The docstring of each method names the routes that it calls. Each method takes ``timeout``,
    which overrides the client's timeout for this call, and raises a
    :class:`~prov_facade.errors.ProvError` if it fails:

    - :class:`~prov_facade.errors.InvalidRequestError` if an argument is invalid; nothing is sent;
    - :class:`~prov_facade.errors.CredentialsError` if no token could be obtained;
    - :class:`~prov_facade.errors.TransportError` if no response was received;
    - :class:`~prov_facade.errors.APIError` if the response has an error status;
    - :class:`~prov_facade.errors.InvalidResponseError` if the response is invalid;
    - :class:`~prov_facade.errors.OperationFailedError` if the response reports a failure.

    Model arguments can be models of :mod:`prov_facade.models`, mappings, or pydantic models.

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

    Attributes:
        admin: The routes that need the admin role. It shares this client's connections.
        jobs: The jobs that the server runs for the caller. It shares this client's connections.

    Raises:
        ConfigError: If an argument cannot be used.

    Examples:
        >>> async with ProvClient(BearerToken(token), Config("example.org", "provena")) as client:
        ...     health = await client.get_health_check()
    """

    admin: ProvAdminClient
    jobs: JobsClient

    def _use(self, core: ClientCore) -> None:
        super()._use(core)
        self.admin = ProvAdminClient._sharing(core)  # noqa: SLF001  (a part of this)
        self.jobs = JobsClient._sharing(core)  # noqa: SLF001

    def _build_endpoint(self, endpoint: ProvAPIEndpoints) -> str:
        """Return the URL of a route."""
        return f"{self._base_url}{endpoint.value}"

    async def get_health_check(self, *, timeout: Timeout | None = None) -> HealthCheckResponse:
        """Check that the prov-api is running. This needs no token.

        Route: ``GET /``

        Args:
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The server's message.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(get_health_check.request(), timeout)

    async def check_general_access(self, *, timeout: Timeout | None = None) -> User:
        """Get the user of the token. Any valid token is sufficient.

        Route: ``GET /check-access/check-general-access``

        Args:
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The user and their roles. Its ``access_token`` is the caller's token: keep it secret.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_general_access.request(), timeout)

    async def check_read_access(self, *, timeout: Timeout | None = None) -> User:
        """Check that the token grants read access.

        Route: ``GET /check-access/check-read-access``

        Args:
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The user and their roles. Its ``access_token`` is the caller's token: keep it secret.

        Raises:
            PermissionDeniedError: If it does not.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_read_access.request(), timeout)

    async def check_write_access(self, *, timeout: Timeout | None = None) -> User:
        """Check that the token grants read and write access.

        Route: ``GET /check-access/check-write-access``

        Args:
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The user and their roles. Its ``access_token`` is the caller's token: keep it secret.

        Raises:
            PermissionDeniedError: If it does not.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_write_access.request(), timeout)

    async def check_admin_access(self, *, timeout: Timeout | None = None) -> User:
        """Check that the token grants admin access.

        Route: ``GET /check-access/check-admin-access``

        Args:
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The user and their roles. Its ``access_token`` is the caller's token: keep it secret.

        Raises:
            PermissionDeniedError: If it does not.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_admin_access.request(), timeout)

    async def register_model_run(
        self, model_run_payload: ModelRunRecord | ModelLike, *, timeout: Timeout | None = None
    ) -> RegisterModelRunResponse:
        """Register one model run.

        The server checks the record and starts a job that registers it. This method does not wait
        for the job; :meth:`register_and_wait` does.

        Route: ``POST /model_run/register``

        Args:
            model_run_payload: The model run. Times are in Unix seconds. The display name and the
                description must not be empty.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status and the session id of the job.

        Raises:
            BadRequestError: If an id does not exist, or the record does not conform to its workflow
                template.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(register_model_run.request(body=model_run_payload), timeout)

    async def register_batch_model_runs(
        self,
        model_run_batch_payload: RegisterBatchModelRunRequest | ModelLike,
        *,
        timeout: Timeout | None = None,
    ) -> RegisterBatchModelRunResponse:
        """Register many model runs at once.

        The server starts one job, which starts a job for each record. It does not check the ids in
        the records: an invalid record only fails its own job. This method does not wait for the
        jobs; :meth:`register_many` does.

        Route: ``POST /model_run/register_batch``

        Args:
            model_run_batch_payload: The model runs, as its ``records``.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status and the session id of the job that submits the batch.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        request = register_batch_model_runs.request(body=model_run_batch_payload)
        return await self._send(request, timeout)

    async def post_update_model_run(
        self,
        model_run_id: str,
        reason: str,
        record: ModelRunRecord | ModelLike,
        *,
        timeout: Timeout | None = None,
    ) -> PostUpdateModelRunResponse:
        """Replace the record of a registered model run.

        The server checks the record and starts a job that makes the change; if the model run does
        not exist, the job fails. This method does not wait for the job; :meth:`update_and_wait`
        does.

        Route: ``POST /model_run/update``

        Args:
            model_run_id: The handle of the model run.
            reason: The reason for the change, which is stored in the history of the model run.
            record: The complete new record.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The session id of the job.

        Raises:
            BadRequestError: If an id in the record does not exist, or the record does not conform
                to its workflow template.
            ProvError: See :class:`ProvClient`.
        """
        body = {"model_run_id": model_run_id, "reason": reason, "record": record}
        return await self._send(post_update_model_run.request(body=body), timeout)

    async def link_model_run_to_study(
        self, model_run_id: str, study_id: str, *, timeout: Timeout | None = None
    ) -> AddStudyLinkResponse:
        """Link a registered model run to a study.

        The server starts a job that adds the link. This method does not wait for the job;
        :meth:`link_to_study_and_wait` does.

        Route: ``POST /model_run/edit/link_to_study``

        Args:
            model_run_id: The handle of the model run.
            study_id: The handle of the study.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, both handles, and the session id of the job.

        Raises:
            BadRequestError: If one of them does not exist, or the model run already has a study.
            ProvError: See :class:`ProvClient`.
        """
        request = link_model_run_to_study.request(model_run_id=model_run_id, study_id=study_id)
        return await self._send(request, timeout)

    async def _submit_batch(
        self, batch: RegisterBatchModelRunRequest, *, timeout: Timeout | None
    ) -> str:
        """Submit a batch once, whatever a gateway responds; return the session id of its job."""
        request = register_batch_model_runs.request(body=batch)
        with self._errors_of(request.operation):
            response = (await self._exchange(request, timeout, unsent_only=True)).value
            return require_session_id(response.session_id)

    async def register_and_wait(
        self,
        record: ModelRunRecord | ModelLike,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> RegisteredModelRun:
        """Register one model run, and wait until it is registered.

        Routes: ``POST /model_run/register``, ``GET /jobs/user/fetch``

        Args:
            record: The model run, as for :meth:`register_model_run`.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The model run: its handle, its record and its PROV document.

        Raises:
            BadRequestError: If an id does not exist, or the record does not conform to its workflow
                template.
            JobError: If the job fails, or does not end in time. Its ``session_id`` identifies the
                job; ``jobs.wait_for_model_run`` waits for it again.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(register_model_run.OPERATION):
            check_waiting(polling, on_change)
            started = await self.register_model_run(record, timeout=timeout)
            return await self.jobs.wait_for_model_run(
                require_session_id(started.session_id),
                polling=polling,
                on_change=on_change,
                timeout=timeout,
            )

    async def update_and_wait(
        self,
        model_run_id: str,
        reason: str,
        record: ModelRunRecord | ModelLike,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> RegisteredModelRun:
        """Replace the record of a model run, and wait for the change.

        Routes: ``POST /model_run/update``, ``GET /jobs/user/fetch``

        Args:
            model_run_id: The handle of the model run.
            reason: The reason for the change, which is stored in the history of the model run.
            record: The complete new record.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The changed model run.

        Raises:
            BadRequestError: If an id in the record does not exist, or the record does not conform
                to its workflow template.
            JobError: If the job fails, for example because the model run does not exist, or does
                not end in time. Its ``session_id`` identifies the job; ``jobs.wait_for_model_run``
                waits for it again.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(post_update_model_run.OPERATION):
            check_waiting(polling, on_change)
            started = await self.post_update_model_run(
                model_run_id, reason, record, timeout=timeout
            )
            return await self.jobs.wait_for_model_run(
                started.session_id, polling=polling, on_change=on_change, timeout=timeout
            )

    async def link_to_study_and_wait(
        self,
        model_run_id: str,
        study_id: str,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> RegisteredModelRun:
        """Link a model run to a study, and wait for the change.

        Routes: ``POST /model_run/edit/link_to_study``, ``GET /jobs/user/fetch``

        Args:
            model_run_id: The handle of the model run.
            study_id: The handle of the study.
            polling: How to wait for the job; by default as set for the client.
            on_change: Called with the job whenever its status changes.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The changed model run.

        Raises:
            BadRequestError: If one of them does not exist, or the model run already has a study.
            JobError: If the job fails, or does not end in time. Its ``session_id`` identifies the
                job; ``jobs.wait_for_model_run`` waits for it again.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(link_model_run_to_study.OPERATION):
            check_waiting(polling, on_change)
            started = await self.link_model_run_to_study(model_run_id, study_id, timeout=timeout)
            return await self.jobs.wait_for_model_run(
                started.session_id, polling=polling, on_change=on_change, timeout=timeout
            )

    async def register_many(
        self,
        records: Iterable[ModelRunRecord | ModelLike] | AsyncIterable[ModelRunRecord | ModelLike],
        *,
        manifest: str | os.PathLike[str] | None = None,
        chunk_size: int = 100,
        max_chunk_bytes: int = 200_000,
        max_concurrent_batches: int = 4,
        on_progress: Callable[[BulkProgress], object] | None = None,
        recovery_timeout: float = 120.0,
        resolutions: Mapping[int, str | None] | None = None,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> AsyncGenerator[BulkResult, None]:
        """Register any number of model runs, each of them once, and follow their jobs.

        Records are read as needed, and submitted in batches. With a manifest, the same call with
        the same records continues where an earlier one stopped, even one that was killed: nothing
        that was submitted is submitted again. If a submission ended without a response, this first
        looks for its job among the user's jobs.

        Routes: ``POST /model_run/register_batch``, ``GET /jobs/user/fetch``,
        ``POST /jobs/user/list_batch``, ``POST /jobs/user/list``

        Args:
            records: The model runs, as for :meth:`register_model_run`, in any iterable. An iterator
                is read as batches are submitted: only the records in progress are held in memory.
            manifest: The file that stores the outcome of each record. It is created if necessary,
                and kept; only one process at a time may use it. Without it, the registration cannot
                be resumed.
            chunk_size: The number of records per batch.
            max_chunk_bytes: The maximum size of a batch's records as JSON, unless it has only one
                record. The server cannot process batches of more than 256 KB.
            max_concurrent_batches: The maximum number of batches in flight.
            on_progress: Called with the current progress whenever the registration advances.
            recovery_timeout: How many seconds after a submission without a response its job may
                still appear among the user's jobs. After that, it counts as not submitted.
            resolutions: Your findings after a :class:`SubmissionUnknownError`: for the number of
                each chunk, the session id of its job, or ``None`` if it was not submitted.
            polling: How to wait for jobs; by default as set for the client. Its deadline applies to
                the time in which no batch makes progress.
            timeout: The timeout of each request, as for the client; by default the client's.

        Yields:
            The result of each record, in order of completion: its handle or its error. Results in
            the manifest are returned again.

        Raises:
            ConfigError: If the manifest cannot be used, or contains other records.
            FileError: If the manifest cannot be written.
            InvalidRequestError: If an option is out of range; nothing is sent.
            SubmissionUnknownError: If it could not be determined whether records were submitted.
            ProvError: The error that prevented records from being submitted, after all results.
        """
        with self._errors_of(register_batch_model_runs.OPERATION):
            check_records(records)
            options = RegistrationOptions(
                chunk_size=chunk_size,
                max_chunk_bytes=max_chunk_bytes,
                max_concurrent_batches=max_concurrent_batches,
                recovery_timeout=recovery_timeout,
                resolutions=resolutions or {},
                on_progress=on_progress,
                polling=polling or self._polling,
                timeout=timeout,
                max_retry_after=self._core.retries.max_retry_after,
            )
            registration = register_records(
                records,
                manifest,
                self._endpoint(self._config),
                submit=partial(self._submit_batch, timeout=timeout),
                jobs=self.jobs,
                options=options,
            )
            async with aclosing(registration) as results:
                async for result in results:
                    yield result

    async def register_csv(
        self,
        path: str | os.PathLike[str],
        *,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        chunk_size: int = 100,
        max_chunk_bytes: int = 200_000,
        max_concurrent_batches: int = 4,
        on_progress: Callable[[BulkProgress], object] | None = None,
        recovery_timeout: float = 120.0,
        resolutions: Mapping[int, str | None] | None = None,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> CSVRegistration:
        """Register the model runs of a CSV file, and write their outcomes into it.

        Rows without a job are registered as by :meth:`register_many`; for the others, this waits
        for their jobs. Then the columns ``_job_id``, ``_job_status``, ``_model_run_record_id`` and
        ``_error_info`` are filled in, as the outcomes become known. A manifest next to the file,
        with the suffix ``.manifest``, stores those that are not written yet, and locks the file:
        the same call continues where an earlier one stopped, even one that was killed. Rows are
        recognised by their content, so the file may be edited between two calls. The manifest is
        deleted at the end. If the path is a symbolic link, its target is written.

        To register a failed row again, correct it and clear its ``_job_id``. A row whose job is
        unknown, or belongs to another user, does not affect the others.

        Routes: ``POST /bulk/convert_model_runs/csv``, and those of :meth:`register_many`

        Args:
            path: The CSV file, in UTF-8, filled in from :meth:`generate_csv_template`.
            output: Where to write the file with those columns, instead of ``path`` itself. It is
                written at the end; the manifest is next to ``path`` nevertheless.
            overwrite: Whether to replace an existing file at ``output``.
            chunk_size: The number of records per batch.
            max_chunk_bytes: The maximum size of a batch's records as JSON, unless it has only one
                record. The server cannot process batches of more than 256 KB.
            max_concurrent_batches: The maximum number of batches in flight.
            on_progress: Called with the current progress whenever the registration advances.
            recovery_timeout: As for :meth:`register_many`, in seconds.
            resolutions: As for :meth:`register_many`.
            polling: How to wait for jobs; by default as set for the client.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The file, the warnings of the conversion, and the result of each new row. The warnings
            are also issued as :class:`ConversionWarning`.

        Raises:
            BadRequestError: If the server cannot read the file. The error gives its reason.
            FileError: If a file cannot be written, or was changed in the meantime, in which case it
                is kept. It is also an ``OSError``.
            InvalidRequestError: If the file cannot be read, one already exists at ``output``, or an
                option is out of range; nothing is sent.
            JobError: If a job does not end in time; the same call continues to wait.
            ProvError: As for :meth:`register_many`.
        """
        with self._errors_of(register_batch_model_runs.OPERATION):
            options = RegistrationOptions(
                chunk_size=chunk_size,
                max_chunk_bytes=max_chunk_bytes,
                max_concurrent_batches=max_concurrent_batches,
                recovery_timeout=recovery_timeout,
                resolutions=resolutions or {},
                on_progress=on_progress,
                polling=polling or self._polling,
                timeout=timeout,
                max_retry_after=self._core.retries.max_retry_after,
            )
            return await csv_registration.register(
                path,
                output,
                self._endpoint(self._config),
                convert=partial(self.convert_model_runs_to_csv, timeout=timeout),
                submit=partial(self._submit_batch, timeout=timeout),
                jobs=self.jobs,
                options=options,
                overwrite=overwrite,
            )

    async def explore_upstream(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Explore the lineage upstream of an item: its inputs and the agents behind them.

        Route: ``GET /explore/upstream``

        Args:
            starting_id: The handle of the item to start at.
            depth: Number of links to follow, 1 or more; by default the server follows 2. Its
                maximum, 10 unless the deployment changes it, is checked by the server.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the number of nodes, and the graph as node-link data for networkx, with
            ``nodes`` and ``links``. It is empty if no path leads anywhere.

        Raises:
            BadRequestError: If the depth is more than the maximum of the deployment.
            ServerError: If the item does not exist; the server responds with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = explore_upstream.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def explore_downstream(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Explore the lineage downstream of an item: what was derived from it.

        Route: ``GET /explore/downstream``

        Args:
            starting_id: The handle of the item to start at.
            depth: Number of links to follow, 1 or more; by default the server follows 2. Its
                maximum, 10 unless the deployment changes it, is checked by the server.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the number of nodes, and the graph as node-link data for networkx, with
            ``nodes`` and ``links``. It is empty if no path leads anywhere.

        Raises:
            BadRequestError: If the depth is more than the maximum of the deployment.
            ServerError: If the item does not exist; the server responds with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = explore_downstream.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def get_contributing_datasets(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Find the datasets upstream of an item, and the paths to them.

        Route: ``GET /explore/special/contributing_datasets``

        Args:
            starting_id: The handle of the item to start at.
            depth: Number of links to follow, 1 or more; by default the server follows 4. Its
                maximum, 10 unless the deployment changes it, is checked by the server.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the number of nodes, and the graph as node-link data for networkx, with
            ``nodes`` and ``links``. It is empty if no path leads anywhere.

        Raises:
            BadRequestError: If the depth is more than the maximum of the deployment.
            ServerError: If the item does not exist; the server responds with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = get_contributing_datasets.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def get_effected_datasets(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Find the datasets downstream of an item, and the paths to them.

        Route: ``GET /explore/special/effected_datasets``

        Args:
            starting_id: The handle of the item to start at.
            depth: Number of links to follow, 1 or more; by default the server follows 4. Its
                maximum, 10 unless the deployment changes it, is checked by the server.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the number of nodes, and the graph as node-link data for networkx, with
            ``nodes`` and ``links``. It is empty if no path leads anywhere.

        Raises:
            BadRequestError: If the depth is more than the maximum of the deployment.
            ServerError: If the item does not exist; the server responds with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = get_effected_datasets.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def get_contributing_agents(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Find the people and organisations upstream of an item, and the paths to them.

        Route: ``GET /explore/special/contributing_agents``

        Args:
            starting_id: The handle of the item to start at.
            depth: Number of links to follow, 1 or more; by default the server follows 4. Its
                maximum, 10 unless the deployment changes it, is checked by the server.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the number of nodes, and the graph as node-link data for networkx, with
            ``nodes`` and ``links``. It is empty if no path leads anywhere.

        Raises:
            BadRequestError: If the depth is more than the maximum of the deployment.
            ServerError: If the item does not exist; the server responds with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = get_contributing_agents.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def get_effected_agents(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Find the people and organisations downstream of an item, and the paths to them.

        Route: ``GET /explore/special/effected_agents``

        Args:
            starting_id: The handle of the item to start at.
            depth: Number of links to follow, 1 or more; by default the server follows 4. Its
                maximum, 10 unless the deployment changes it, is checked by the server.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the number of nodes, and the graph as node-link data for networkx, with
            ``nodes`` and ``links``. It is empty if no path leads anywhere.

        Raises:
            BadRequestError: If the depth is more than the maximum of the deployment.
            ServerError: If the item does not exist; the server responds with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = get_effected_agents.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def generate_csv_template(
        self, workflow_template_id: str, *, timeout: Timeout | None = None
    ) -> str:
        """Generate an empty CSV file for the model runs of a workflow template.

        Route: ``GET /bulk/generate_template/csv``

        Args:
            workflow_template_id: The handle of the workflow template.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The CSV text: a header row, below which to add one row per model run.

        Raises:
            BadRequestError: If the workflow template does not exist.
            ProvError: See :class:`ProvClient`.
        """
        request = generate_csv_template.request(workflow_template_id=workflow_template_id)
        return await self._send(request, timeout)

    async def convert_model_runs_to_csv(
        self, csv_file_contents: str, *, timeout: Timeout | None = None
    ) -> ConvertModelRunsResponse:
        """Convert the text of a completed CSV file into model run records.

        This registers nothing: pass the records to :meth:`register_batch_model_runs` for that.
        Each row must have all datasets, even those that are optional in the workflow template. A
        row with any UUID as its ``_job_id`` counts as already submitted.

        Route: ``POST /bulk/convert_model_runs/csv``

        Args:
            csv_file_contents: The CSV text, which is sent as UTF-8. A leading byte order mark is
                allowed.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the new records, the jobs of rows that were already submitted, and warnings.

        Raises:
            BadRequestError: If the server cannot read the file. The error gives its reason.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(convert_model_runs_to_csv.OPERATION):
            body = csv_upload(csv_file_contents)
        return await self._send(convert_model_runs_to_csv.request(body=body), timeout)

    async def regenerate_csv_from_model_run_batch(
        self, batch_id: str, *, timeout: Timeout | None = None
    ) -> str:
        """Generate the CSV file of a batch, with the outcome of each row.

        Route: ``GET /bulk/regenerate_from_batch/csv``

        Args:
            batch_id: The id of the batch, from the result of the job that submitted it.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The CSV text, with a row for each job of the batch.

        Raises:
            BadRequestError: If the batch mixes workflow templates, or a record lacks a dataset,
                even an optional one.
            ServerError: If the batch does not exist or belongs to another user; the server responds
                with 500.
            ProvError: See :class:`ProvClient`.
        """
        request = regenerate_csv_from_model_run_batch.request(batch_id=batch_id)
        return await self._send(request, timeout)

    async def generate_report(
        self,
        report_request: GenerateReportRequest | ModelLike,
        *,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> bytes:
        """Create a Word report of a study or a model run: its inputs, model runs and outputs.

        If the server creates the report in a job, this waits for the job and downloads the report.

        Route: ``POST /explore/generate/report``

        Args:
            report_request: The handle and the subtype of the item (``STUDY`` or ``MODEL_RUN``),
                and the number of links to follow from it, 1 to 3.
            polling: How to wait for the job; by default as set for the client.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The ``.docx`` document.

        Raises:
            BadRequestError: If an older server cannot report on the item.
            JobError: If the job fails, for example because the item does not exist or has another
                subtype, or does not end in time. ``jobs.wait_for_report`` waits for it again.
            ReportError: If the response is not a document. It is also an ``AssertionError``.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(generate_report.OPERATION):
            check_waiting(polling)
        request = generate_report.request(body=report_request)
        with self._errors_of(request.operation):
            response: ParsedResponse[Any] = await self._exchange_report(request, timeout)
            session_id = report_job(response)
            if session_id is None:
                document: bytes = response.value
                return document
            return await self.jobs.wait_for_report(session_id, polling=polling, timeout=timeout)

    async def download_report(
        self,
        request: GenerateReportRequest | ModelLike,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> Path:
        """Create a Word report of a study or a model run, and stream it to a file.

        If the server creates the report in a job, this waits for the job and downloads the report.

        The file appears once it is complete and is known to be a Word document. A call that fails
        or is cancelled leaves no file. Memory use does not depend on the size of the file.

        Route: ``POST /explore/generate/report``

        Args:
            request: The handle and the subtype of the item (``STUDY`` or ``MODEL_RUN``), and the
                number of links to follow from it, 1 to 3.
            path: The file, or an existing directory. In a directory, the file is named after the
                handle, such as ``report-10378.1_123.docx``.
            overwrite: Whether to replace an existing file.
            polling: How to wait for the job; by default as set for the client.
            timeout: The timeout of each request, as for the client; by default the client's.

        Returns:
            The path of the report.

        Raises:
            FileError: If the file cannot be written. It is also an ``OSError``.
            InvalidRequestError: If the file exists, or its directory does not; nothing is sent.
            BadRequestError: If an older server cannot report on the item.
            JobError: If the job fails, for example because the item does not exist or has another
                subtype, or does not end in time. ``jobs.wait_for_report`` waits for it again.
            ReportError: If the response is not a document. It is also an ``AssertionError``.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(generate_report.OPERATION):
            check_waiting(polling)
            outgoing = validate_request(generate_report.request(body=request))
            name = file_name("report", outgoing.body.id, ".docx")
            with Download(path, name=name, overwrite=overwrite) as file:
                response = await self._exchange_report(outgoing, timeout, file=file)
                session_id = report_job(response)
                if session_id is not None:
                    job = await self.jobs.wait(session_id, polling=polling, timeout=timeout)
                    await self._save_report(job, file, timeout)
                return await file.keep()

    async def save_csv_template(
        self,
        workflow_template_id: str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        timeout: Timeout | None = None,
    ) -> Path:
        """Generate an empty CSV file for the model runs of a workflow template, and save it.

        The file appears once it is complete. A call that fails or is cancelled leaves no file.

        Route: ``GET /bulk/generate_template/csv``

        Args:
            workflow_template_id: The handle of the workflow template.
            path: The file, or an existing directory. In a directory, the file is named after the
                handle, such as ``template-10378.1_123.csv``.
            overwrite: Whether to replace an existing file.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The path of the CSV file, which contains the bytes that the server sent.

        Raises:
            BadRequestError: If the workflow template does not exist.
            FileError: If the file cannot be written. It is also an ``OSError``.
            InvalidRequestError: If the file exists, or its directory does not; nothing is sent.
            ProvError: See :class:`ProvClient`.
        """
        request = generate_csv_template.request(workflow_template_id=workflow_template_id)
        return await self._save_csv(
            request, path, ("template", workflow_template_id), overwrite=overwrite, timeout=timeout
        )

    async def save_csv_from_batch(
        self,
        batch_id: str,
        path: str | os.PathLike[str],
        *,
        overwrite: bool = False,
        timeout: Timeout | None = None,
    ) -> Path:
        """Generate the CSV file of a batch, with the outcome of each row, and save it.

        The file appears once it is complete. A call that fails or is cancelled leaves no file.
        Memory use does not depend on the size of the file.

        Route: ``GET /bulk/regenerate_from_batch/csv``

        Args:
            batch_id: The id of the batch, from the result of the job that submitted it.
            path: The file, or an existing directory. In a directory, the file is named after the
                id, such as ``batch-7f1c2a5e.csv``.
            overwrite: Whether to replace an existing file.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The path of the CSV file, which contains the bytes that the server sent.

        Raises:
            BadRequestError: If the batch mixes workflow templates, or a record lacks a dataset,
                even an optional one.
            ServerError: If the batch does not exist or belongs to another user; the server responds
                with 500.
            FileError: If the file cannot be written. It is also an ``OSError``.
            InvalidRequestError: If the file exists, or its directory does not; nothing is sent.
            ProvError: See :class:`ProvClient`.
        """
        request = regenerate_csv_from_model_run_batch.request(batch_id=batch_id)
        return await self._save_csv(
            request, path, ("batch", batch_id), overwrite=overwrite, timeout=timeout
        )

    async def _save_csv(
        self,
        request: Request[str],
        path: object,
        named: tuple[str, str],
        *,
        overwrite: bool,
        timeout: Timeout | None,
    ) -> Path:
        with self._errors_of(request.operation):
            request = validate_request(request)
            with Download(path, name=file_name(*named, ".csv"), overwrite=overwrite) as file:
                await self._exchange(request, timeout, body_writer=file)
                return await file.keep()

    async def convert_model_runs_file(
        self, path: str | os.PathLike[str], *, timeout: Timeout | None = None
    ) -> ConvertModelRunsResponse:
        """Convert a completed CSV file into model run records, streaming the file to the server.

        This registers nothing: pass the records to :meth:`register_batch_model_runs` for that.
        Each row must have all datasets, even those that are optional in the workflow template. A
        row with any UUID as its ``_job_id`` counts as already submitted.
        Memory use depends on the size of the response, not on that of the file.

        Route: ``POST /bulk/convert_model_runs/csv``

        Args:
            path: The CSV file, in UTF-8, which the server checks. A leading byte order mark is
                allowed. The name of the file is not sent.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status, the new records, the jobs of rows that were already submitted, and warnings.

        Raises:
            BadRequestError: If the server cannot read the file. The error gives its reason.
            FileError: If reading the file fails, or the file changes during the upload. It is also
                an ``OSError``.
            InvalidRequestError: If the file does not exist or cannot be opened; nothing is sent.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(convert_model_runs_to_csv.OPERATION), Upload(path) as file:
            body = BodyConvertModelRunsCsv(csv_file=file.file())
            return await self._send(convert_model_runs_to_csv.request(body=body), timeout)
