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
from prov_facade._files.reports import check_report, report_document, report_job
from prov_facade._files.targets import file_name
from prov_facade._files.uploads import Upload, csv_upload
from prov_facade._http.requests import validate_request
from prov_facade._http.responses import ParsedResponse
from prov_facade._jobs.results import RegisteredModelRun, require_session_id
from prov_facade._registration.batch import BulkProgress, BulkResult
from prov_facade._registration.csv_table import CSVRegistration
from prov_facade._registration.options import RegistrationOptions
from prov_facade.endpoints import ProvAPIEndpoints
from prov_facade.errors import ReportError
from prov_facade.polling import PollPolicy


class ProvClient(BaseClient):
    """A client of the prov-api.

    Every method is one call of one route. Each takes ``timeout``, which replaces the client's own
    for this call, and raises a :class:`~prov_facade.errors.ProvError` when there is no result:

    - :class:`~prov_facade.errors.InvalidRequestError` if an argument does not fit; nothing is sent;
    - :class:`~prov_facade.errors.CredentialsError` if no token could be had;
    - :class:`~prov_facade.errors.TransportError` if there was no answer;
    - :class:`~prov_facade.errors.APIError` if the answer has an error status;
    - :class:`~prov_facade.errors.InvalidResponseError` if the answer cannot be used;
    - :class:`~prov_facade.errors.OperationFailedError` if the answer says that the call failed.

    Model arguments may be models of :mod:`prov_facade.models`, mappings, or pydantic objects.

    Args:
        auth: Gets the tokens: an :class:`AuthManager`, or any object with its methods.
        config: The deployment.
        timeout: The limit of each phase of a request (connecting, writing, reading, waiting for a
            free connection), in seconds, or an ``httpx.Timeout``. 30 s by default.
        retries: When a call is tried again, and how long it may take in all.
        limits: How many connections are open at once, and how many are kept; httpx's default is
            100 and 20.
        transport: What moves the bytes, instead of httpx's own transport. It is closed with the
            connections, and so serves one event loop. ``"aiohttp"`` is for a thousand calls at
            once; it needs the extra ``aiohttp``.
        proxy: The proxy, instead of those that the environment names.
        verify: The path of a CA bundle, or an ``ssl.SSLContext``, instead of the certificates that
            come with httpx or that the environment names.
        event_hooks: As for ``httpx.AsyncClient``. They see tokens.
        polling: How jobs are waited for.

    Attributes:
        admin: The routes that need the admin role. It shares this client's connections.
        jobs: The jobs that the server makes of what is asked of it. It shares them, too.

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
        """Ask whether the prov-api is up. Needs no token.

        Route: ``GET /``

        Args:
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The server's message.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(get_health_check.request(), timeout)

    async def check_general_access(self, *, timeout: Timeout | None = None) -> User:
        """Ask who the server takes the caller for. Any valid token will do.

        Route: ``GET /check-access/check-general-access``

        Args:
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The user, with their roles. Its ``access_token`` is the caller's own, and a secret.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_general_access.request(), timeout)

    async def check_read_access(self, *, timeout: Timeout | None = None) -> User:
        """Ask whether the token may read.

        Route: ``GET /check-access/check-read-access``

        Args:
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The user, with their roles. Its ``access_token`` is the caller's own, and a secret.

        Raises:
            PermissionDeniedError: If it may not.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_read_access.request(), timeout)

    async def check_write_access(self, *, timeout: Timeout | None = None) -> User:
        """Ask whether the token may read and write.

        Route: ``GET /check-access/check-write-access``

        Args:
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The user, with their roles. Its ``access_token`` is the caller's own, and a secret.

        Raises:
            PermissionDeniedError: If it may not.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_write_access.request(), timeout)

    async def check_admin_access(self, *, timeout: Timeout | None = None) -> User:
        """Ask whether the token has the admin role.

        Route: ``GET /check-access/check-admin-access``

        Args:
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The user, with their roles. Its ``access_token`` is the caller's own, and a secret.

        Raises:
            PermissionDeniedError: If it has not.
            ProvError: See :class:`ProvClient`.
        """
        return await self._send(check_admin_access.request(), timeout)

    async def register_model_run(
        self, model_run_payload: ModelRunRecord | ModelLike, *, timeout: Timeout | None = None
    ) -> RegisterModelRunResponse:
        """Register one model run.

        The server checks the record and starts a job that lodges it; this does not wait for the
        job.

        Route: ``POST /model_run/register``

        Args:
            model_run_payload: The model run. Times are Unix seconds; the display name and the
                description must not be empty.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, and the session id of the job.

        Raises:
            BadRequestError: If an id does not exist, or the workflow template is not fulfilled.
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

        The server starts one job that makes a job for each record; this does not wait for them.

        Route: ``POST /model_run/register_batch``

        Args:
            model_run_batch_payload: The model runs, as its ``records``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, and the session id of the job that submits the batch.

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
        """Replace the record of a model run that is registered.

        The server starts a job that does it; this does not wait for the job.

        Route: ``POST /model_run/update``

        Args:
            model_run_id: The handle of the model run.
            reason: Why it is changed; kept in its history.
            record: The new record, whole.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The session id of the job.

        Raises:
            BadRequestError: If an id does not exist, or the workflow template is not fulfilled.
            ProvError: See :class:`ProvClient`.
        """
        body = {"model_run_id": model_run_id, "reason": reason, "record": record}
        return await self._send(post_update_model_run.request(body=body), timeout)

    async def link_model_run_to_study(
        self, model_run_id: str, study_id: str, *, timeout: Timeout | None = None
    ) -> AddStudyLinkResponse:
        """Say that a model run that is registered belongs to a study.

        The server starts a job that adds the link; this does not wait for the job.

        Route: ``POST /model_run/edit/link_to_study``

        Args:
            model_run_id: The handle of the model run.
            study_id: The handle of the study.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, both handles, and the session id of the job.

        Raises:
            BadRequestError: If one of them does not exist, or the model run has a study already.
            ProvError: See :class:`ProvClient`.
        """
        request = link_model_run_to_study.request(model_run_id=model_run_id, study_id=study_id)
        return await self._send(request, timeout)

    async def register_and_wait(
        self,
        record: ModelRunRecord | ModelLike,
        *,
        polling: PollPolicy | None = None,
        on_change: OnChange | None = None,
        timeout: Timeout | None = None,
    ) -> RegisteredModelRun:
        """Register one model run, and wait until it is lodged.

        Routes: ``POST /model_run/register``, ``GET /jobs/user/fetch``

        Args:
            record: The model run, as for :meth:`register_model_run`.
            polling: How the job is waited for; the client's own by default.
            on_change: Called with the job whenever its status is another.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The model run: its handle, its record, its PROV document.

        Raises:
            BadRequestError: If an id does not exist, or the workflow template is not fulfilled.
            JobError: If the job fails, or does not end in time; its ``session_id`` is the job, for
                which ``jobs.wait_for_model_run`` waits again.
            ProvError: See :class:`ProvClient`.
        """
        started = await self.register_model_run(record, timeout=timeout)
        return await self.jobs.wait_for_model_run(
            require_session_id(started.session_id, "register_model_run"),
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
        """Replace the record of a model run, and wait until that is done.

        Routes: ``POST /model_run/update``, ``GET /jobs/user/fetch``

        Args:
            model_run_id: The handle of the model run.
            reason: Why it is changed; kept in its history.
            record: The new record, whole.
            polling: How the job is waited for; the client's own by default.
            on_change: Called with the job whenever its status is another.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The model run as it is now.

        Raises:
            BadRequestError: If an id does not exist, or the workflow template is not fulfilled.
            JobError: If the job fails, or does not end in time; its ``session_id`` is the job, for
                which ``jobs.wait_for_model_run`` waits again.
            ProvError: See :class:`ProvClient`.
        """
        started = await self.post_update_model_run(model_run_id, reason, record, timeout=timeout)
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
        """Say that a model run belongs to a study, and wait until that is done.

        Routes: ``POST /model_run/edit/link_to_study``, ``GET /jobs/user/fetch``

        Args:
            model_run_id: The handle of the model run.
            study_id: The handle of the study.
            polling: How the job is waited for; the client's own by default.
            on_change: Called with the job whenever its status is another.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The model run as it is now.

        Raises:
            BadRequestError: If one of them does not exist, or the model run has a study already.
            JobError: If the job fails, or does not end in time; its ``session_id`` is the job, for
                which ``jobs.wait_for_model_run`` waits again.
            ProvError: See :class:`ProvClient`.
        """
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
        max_concurrent_batches: int = 4,
        on_progress: Callable[[BulkProgress], object] | None = None,
        recovery_timeout: float = 120.0,
        resolutions: Mapping[int, str | None] | None = None,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> AsyncGenerator[BulkResult, None]:
        """Register any number of model runs, each of them once, and follow their jobs.

        Records are read as there is room for them, and submitted in batches. With a manifest, the
        same call with the same records continues where an earlier one stopped, even one that was
        killed: nothing that was submitted is submitted again. If a submission ended without a
        response, its job is looked for among those of the user before anything else is done.

        Routes: ``POST /model_run/register_batch``, ``GET /jobs/user/fetch``,
        ``POST /jobs/user/list_batch``, ``POST /jobs/user/list``

        Args:
            records: The model runs, as for :meth:`register_model_run`, in any iterable. Of an
                iterator, no more are held than are being worked on.
            manifest: The file that stores the outcome of each record. It is created, and kept; one
                process at a time may use it. Without it, the registration cannot be resumed.
            chunk_size: How many records a batch has.
            max_concurrent_batches: How many batches are in flight at once.
            on_progress: Called whenever the registration has made progress.
            recovery_timeout: How many seconds after a submission without a response its job may
                still appear among the user's jobs. After that, it counts as not submitted.
            resolutions: What you found out after a :class:`SubmissionUnknownError`: by the number
                of the chunk, the session id of its job, or ``None`` if it was not submitted.
            polling: How jobs are waited for; the client's own by default. Its deadline is how long
                all batches together may make no progress.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Yields:
            The result of each record, in order of completion: its handle or its error. Those in the
            manifest are returned again.

        Raises:
            ConfigError: If the manifest cannot be used, or has other records.
            FileError: If the manifest cannot be written.
            InvalidRequestError: If an option is out of range; nothing is sent.
            SubmissionUnknownError: If it could not be determined whether records were submitted.
            ProvError: The error that prevented records from being submitted, after all results.
        """
        options = RegistrationOptions(
            chunk_size=chunk_size,
            max_concurrent_batches=max_concurrent_batches,
            recovery_timeout=recovery_timeout,
            resolutions=resolutions or {},
            on_progress=on_progress,
            polling=polling or self._polling,
            timeout=timeout,
        )
        registration = register_records(
            records,
            manifest,
            self._endpoint(self._config),
            submit=partial(self.register_batch_model_runs, timeout=timeout),
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
        max_concurrent_batches: int = 4,
        on_progress: Callable[[BulkProgress], object] | None = None,
        recovery_timeout: float = 120.0,
        resolutions: Mapping[int, str | None] | None = None,
        polling: PollPolicy | None = None,
        timeout: Timeout | None = None,
    ) -> CSVRegistration:
        """Register the model runs of a CSV file, and write their outcomes into it.

        Rows without a job are registered as by :meth:`register_many`; the jobs of the others are
        waited for. Then the columns ``_job_id``, ``_job_status``, ``_model_run_record_id`` and
        ``_error_info`` are filled in. Until all outcomes are known, the file is not changed, and a
        manifest beside it, of the same name and ``.manifest``, stores them: the same call continues
        where an earlier one stopped, even one that was killed. The manifest is deleted at the end.
        If the path is a symbolic link, the file that it points to is written.

        To register a failed row again, correct it and clear its ``_job_id``.

        Routes: ``POST /bulk/convert_model_runs/csv``, and those of :meth:`register_many`

        Args:
            path: The CSV file, in UTF-8, filled in from :meth:`generate_csv_template`.
            output: Where the file with those columns is written, instead of ``path`` itself; the
                manifest is beside it then.
            overwrite: Whether an existing file at ``output`` is replaced.
            chunk_size: How many records a batch has.
            max_concurrent_batches: How many batches are in flight at once.
            on_progress: Called whenever the registration has made progress.
            recovery_timeout: As for :meth:`register_many`, in seconds.
            resolutions: As for :meth:`register_many`.
            polling: How jobs are waited for; the client's own by default.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The file, the warnings of the conversion, and the result of each new row. The warnings
            are issued as :class:`ConversionWarning`, too.

        Raises:
            BadRequestError: If the server cannot read the file, with its reason.
            FileError: If a file cannot be written, or was changed meanwhile, in which case it is
                kept. It is an ``OSError``, too.
            InvalidRequestError: If the file cannot be read, there is already one at ``output``, or
                an option is out of range; nothing is sent.
            JobError: If a job does not end in time; the same call continues to wait.
            ProvError: As for :meth:`register_many`.
        """
        options = RegistrationOptions(
            chunk_size=chunk_size,
            max_concurrent_batches=max_concurrent_batches,
            recovery_timeout=recovery_timeout,
            resolutions=resolutions or {},
            on_progress=on_progress,
            polling=polling or self._polling,
            timeout=timeout,
        )
        return await csv_registration.register(
            path,
            output,
            self._endpoint(self._config),
            convert=partial(self.convert_model_runs_to_csv, timeout=timeout),
            submit=partial(self.register_batch_model_runs, timeout=timeout),
            jobs=self.jobs,
            options=options,
            overwrite=overwrite,
        )

    async def explore_upstream(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Follow the lineage of an item back: what it came from, and who was behind it.

        Route: ``GET /explore/upstream``

        Args:
            starting_id: The handle of the item to start at.
            depth: How many links to follow, at most 10; the server's default, 2, if ``None``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the number of nodes, and the graph as node-link data, as networkx reads it.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        request = explore_upstream.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def explore_downstream(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Follow the lineage of an item forward: what came from it.

        Route: ``GET /explore/downstream``

        Args:
            starting_id: The handle of the item to start at.
            depth: How many links to follow, at most 10; the server's default, 2, if ``None``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the number of nodes, and the graph as node-link data, as networkx reads it.

        Raises:
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
            depth: How many links to follow, at most 10; the server's default, 4, if ``None``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the number of nodes, and the graph as node-link data, as networkx reads it.

        Raises:
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
            depth: How many links to follow, at most 10; the server's default, 4, if ``None``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the number of nodes, and the graph as node-link data, as networkx reads it.

        Raises:
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
            depth: How many links to follow, at most 10; the server's default, 4, if ``None``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the number of nodes, and the graph as node-link data, as networkx reads it.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        request = get_contributing_agents.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def get_effected_agents(
        self, starting_id: str, depth: int | None = None, *, timeout: Timeout | None = None
    ) -> LineageResponse:
        """Find the people and organisations that what came from an item concerns.

        Route: ``GET /explore/special/effected_agents``

        Args:
            starting_id: The handle of the item to start at.
            depth: How many links to follow, at most 10; the server's default, 4, if ``None``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the number of nodes, and the graph as node-link data, as networkx reads it.

        Raises:
            ProvError: See :class:`ProvClient`.
        """
        request = get_effected_agents.request(starting_id=starting_id, depth=depth)
        return await self._send(request, timeout)

    async def generate_csv_template(
        self, workflow_template_id: str, *, timeout: Timeout | None = None
    ) -> str:
        """Make an empty CSV file for the model runs of a workflow template.

        Route: ``GET /bulk/generate_template/csv``

        Args:
            workflow_template_id: The handle of the workflow template.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The CSV text: a header row, to be filled in below, a model run a row.

        Raises:
            BadRequestError: If there is no such workflow template.
            ProvError: See :class:`ProvClient`.
        """
        request = generate_csv_template.request(workflow_template_id=workflow_template_id)
        return await self._send(request, timeout)

    async def convert_model_runs_to_csv(
        self, csv_file_contents: str, *, timeout: Timeout | None = None
    ) -> ConvertModelRunsResponse:
        """Turn the text of a filled-in CSV file into model run records.

        Nothing is registered: give the records to :meth:`register_batch_model_runs` for that.

        Route: ``POST /bulk/convert_model_runs/csv``

        Args:
            csv_file_contents: The CSV text. It is sent as UTF-8; a leading byte order mark does
                not matter.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the new records, the jobs of rows that were submitted before, and warnings.

        Raises:
            BadRequestError: If the server cannot read the file; its reason says why.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(convert_model_runs_to_csv.OPERATION):
            body = csv_upload(csv_file_contents)
        return await self._send(convert_model_runs_to_csv.request(body=body), timeout)

    async def regenerate_csv_from_model_run_batch(
        self, batch_id: str, *, timeout: Timeout | None = None
    ) -> str:
        """Make the CSV file of a batch again, with what became of each row.

        Route: ``GET /bulk/regenerate_from_batch/csv``

        Args:
            batch_id: The id of the batch, from the result of the job that submitted it.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The CSV text: a row for each job of the batch.

        Raises:
            BadRequestError: If there is no such batch, or it mixes workflow templates.
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
        """Make a Word report of a study or a model run: its inputs, model runs and outputs.

        Where the server makes it in a job, this waits for the job and fetches the report.

        Route: ``POST /explore/generate/report``

        Args:
            report_request: The handle and the subtype of the item (``STUDY`` or ``MODEL_RUN``),
                and how many links to follow from it, 1 to 3.
            polling: How the job is waited for; the client's own by default.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The ``.docx`` document.

        Raises:
            JobError: If the job fails, or does not end in time; ``jobs.wait_for_report`` waits for
                it again.
            ReportError: If what came back is not a document. It is an ``AssertionError``, too.
            ProvError: See :class:`ProvClient`.
        """
        request = generate_report.request(body=report_request)
        response = await self._exchange(request, timeout, error_class=ReportError)
        session_id = report_job(response)
        if session_id is None:
            with self._errors_of(generate_report.OPERATION):
                return report_document(response)
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
        """Make a Word report of a study or a model run, and save it as it comes.

        Where the server makes it in a job, this waits for the job and fetches the report.

        The file appears when it is whole and was found to be a Word document; of a call that fails
        or is cancelled, nothing is left. Memory does not grow with its size.

        Route: ``POST /explore/generate/report``

        Args:
            request: The handle and the subtype of the item (``STUDY`` or ``MODEL_RUN``), and how
                many links to follow from it, 1 to 3.
            path: Where to save it. In a directory that exists, a name is made from the handle, such
                as ``report-10378.1_123.docx``.
            overwrite: Whether a file that is there is replaced.
            polling: How the job is waited for; the client's own by default.
            timeout: Seconds for each request, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            Where the report is.

        Raises:
            FileError: If it cannot be written. It is an ``OSError``, too.
            InvalidRequestError: If there is a file already, or no such directory; nothing is sent.
            JobError: If the job fails, or does not end in time; ``jobs.wait_for_report`` waits for
                it again.
            ReportError: If what came back is not a document. It is an ``AssertionError``, too.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(generate_report.OPERATION):
            outgoing = validate_request(generate_report.request(body=request))
            name = file_name("report", outgoing.body.id, ".docx")
            with Download(path, name=name, overwrite=overwrite) as file:
                response: ParsedResponse[Any] = await self._exchange(
                    outgoing, timeout, error_class=ReportError, body_writer=file
                )
                session_id = report_job(response)
                if session_id is None:
                    await file.check(partial(check_report, response))
                else:
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
        """Make an empty CSV file for the model runs of a workflow template, and save it.

        The file appears when it is whole; of a call that fails or is cancelled, nothing is left.

        Route: ``GET /bulk/generate_template/csv``

        Args:
            workflow_template_id: The handle of the workflow template.
            path: Where to save it. In a directory that exists, a name is made from the handle, such
                as ``template-10378.1_123.csv``.
            overwrite: Whether a file that is there is replaced.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            Where the CSV file is: the bytes that the server sent, which are text.

        Raises:
            BadRequestError: If there is no such workflow template.
            FileError: If it cannot be written. It is an ``OSError``, too.
            InvalidRequestError: If there is a file already, or no such directory; nothing is sent.
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
        """Make the CSV file of a batch again, with what became of each row, and save it.

        The file appears when it is whole; of a call that fails or is cancelled, nothing is left.
        Memory does not grow with its size.

        Route: ``GET /bulk/regenerate_from_batch/csv``

        Args:
            batch_id: The id of the batch, from the result of the job that submitted it.
            path: Where to save it. In a directory that exists, a name is made from the id, such as
                ``batch-7f1c2a5e.csv``.
            overwrite: Whether a file that is there is replaced.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            Where the CSV file is: the bytes that the server sent, which are text.

        Raises:
            BadRequestError: If there is no such batch, or it mixes workflow templates.
            FileError: If it cannot be written. It is an ``OSError``, too.
            InvalidRequestError: If there is a file already, or no such directory; nothing is sent.
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
        """Turn a filled-in CSV file into model run records; it is sent as it is read.

        Nothing is registered: give the records to :meth:`register_batch_model_runs` for that.
        Memory does not grow with the size of the file, only with that of the answer.

        Route: ``POST /bulk/convert_model_runs/csv``

        Args:
            path: The CSV file, in UTF-8, which the server checks; a leading byte order mark does
                not matter. Its name is not sent.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, the new records, the jobs of rows that were submitted before, and warnings.

        Raises:
            BadRequestError: If the server cannot read the file; its reason says why.
            FileError: If it cannot be read to its end, or changes meanwhile. It is an ``OSError``,
                too.
            InvalidRequestError: If there is no file that can be read; nothing is sent.
            ProvError: See :class:`ProvClient`.
        """
        with self._errors_of(convert_model_runs_to_csv.OPERATION), Upload(path) as file:
            body = BodyConvertModelRunsCsv(csv_file=file.file())
            return await self._send(convert_model_runs_to_csv.request(body=body), timeout)
