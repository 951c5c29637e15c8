"""The routes of the prov-api that need the admin role."""

from __future__ import annotations

from collections.abc import Iterable

from prov_api_client.api.admin import (
    clear_graph,
    delete_model_run_provenance,
    generate_config_file,
    register_model_run_sync,
    store_all_registry_records,
    store_multiple_records,
    store_record,
    trigger_sentry_debug,
)
from prov_api_client.models import (
    ItemModelRun,
    ModelRunRecord,
    PostDeleteGraphRequest,
    PostDeleteGraphResponse,
    StatusResponse,
    SyncRegisterModelRunResponse,
)
from prov_api_client.types import ModelLike
from prov_facade._async.base_client import BaseClient
from prov_facade._async.settings import Timeout
from prov_facade.endpoints import ProvAPIAdminEndpoints
from prov_facade.errors import InvalidRequestError


class ProvAdminClient(BaseClient):
    """The routes of the prov-api that need the admin role.

    Usually the ``admin`` attribute of a :class:`~prov_facade.ProvClient`, whose connections it
    shares. It can also be created on its own, with the same arguments. Its methods take ``timeout``
    and raise errors like those of ``ProvClient``.
    """

    def _build_endpoint(self, endpoint: ProvAPIAdminEndpoints) -> str:
        """Return the URL of a route."""
        return f"{self._base_url}{endpoint.value}"

    async def generate_config_file(
        self, required_only: bool = True, *, timeout: Timeout | None = None
    ) -> str:
        """Get the configuration of the server.

        Route: ``GET /admin/config``

        Args:
            required_only: Whether to omit settings that have a default.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            Lines of the form ``key=value``, with keys in lower case.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        return await self._send(generate_config_file.request(required_only=required_only), timeout)

    async def store_record(
        self,
        registry_record: ItemModelRun | ModelLike,
        validate_record: bool = True,
        *,
        timeout: Timeout | None = None,
    ) -> StatusResponse:
        """Store the provenance of a model run from the registry again.

        Route: ``POST /admin/store_record``

        Args:
            registry_record: The complete model run, as stored in the registry.
            validate_record: Whether to check that the ids in the record exist.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        request = store_record.request(body=registry_record, validate_record=validate_record)
        return await self._send(request, timeout)

    async def store_multiple_records(
        self,
        registry_record: Iterable[ItemModelRun | ModelLike],
        validate_record: bool = True,
        *,
        timeout: Timeout | None = None,
    ) -> StatusResponse:
        """Store the provenance of several model runs from the registry again.

        Route: ``POST /admin/store_records``

        Args:
            registry_record: The complete model runs, as stored in the registry.
            validate_record: Whether to check that the ids in the records exist.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        request = store_multiple_records.request(
            body=registry_record, validate_record=validate_record
        )
        return await self._send(request, timeout)

    async def store_all_registry_records(
        self, validate_record: bool = True, *, timeout: Timeout | None = None
    ) -> StatusResponse:
        """Store the provenance of every model run in the registry again.

        The server fetches the model runs itself. This takes a long time if there are many: consider
        a longer timeout.

        Route: ``POST /admin/store_all_registry_records``

        Args:
            validate_record: Whether to check that the ids in the records exist.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        request = store_all_registry_records.request(validate_record=validate_record)
        return await self._send(request, timeout)

    async def delete_model_run_provenance(
        self, model_run_id: str, trial_mode: bool = False, *, timeout: Timeout | None = None
    ) -> PostDeleteGraphResponse:
        """Delete the provenance of a model run from the graph.

        Route: ``POST /model_run/delete``

        Args:
            model_run_id: The handle of the model run.
            trial_mode: Whether to report the changes without making them.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The changes to nodes and links that were made or, in trial mode, would be made.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        body = PostDeleteGraphRequest(record_id=model_run_id, trial_mode=trial_mode)
        return await self._send(delete_model_run_provenance.request(body=body), timeout)

    async def register_model_run_sync(
        self, record: ModelRunRecord | ModelLike, *, timeout: Timeout | None = None
    ) -> SyncRegisterModelRunResponse:
        """Register one model run within the request, without a job.

        Route: ``POST /model_run/register_sync``

        Args:
            record: The model run, as for :meth:`ProvClient.register_model_run`.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status and the model run: its handle, its PROV document and its record.

        Raises:
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        return await self._send(register_model_run_sync.request(body=record), timeout)

    async def trigger_sentry_debug(
        self, *, timeout: Timeout | None = None
    ) -> dict[str, str] | None:
        """Make the server fail on purpose, to test its error monitoring.

        Route: ``GET /admin/sentry-debug``

        Args:
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The server's message, or ``None``, if monitoring is off.

        Raises:
            ServerError: If monitoring is on. This is the expected result.
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        return await self._send(trigger_sentry_debug.request(), timeout)

    async def clear_graph(self, *, confirm: bool, timeout: Timeout | None = None) -> StatusResponse:
        """Delete the whole provenance graph of all users. This cannot be undone.

        Route: ``DELETE /graph/admin/clear``

        Args:
            confirm: Must be ``True``.
            timeout: The timeout in seconds, or an ``httpx.Timeout``; by default the client's.

        Returns:
            The status.

        Raises:
            InvalidRequestError: If ``confirm`` is not ``True``; nothing is sent.
            ProvError: See :class:`~prov_facade.ProvClient`.
        """
        if confirm is not True:
            with self._errors_of(clear_graph.OPERATION):
                raise InvalidRequestError(
                    "nothing was sent: this would delete the whole provenance graph. Pass"
                    " confirm=True if that is what you want",
                    path="$.confirm",
                )
        return await self._send(clear_graph.request(), timeout)
