# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
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
from prov_facade._sync.base_client import SyncBaseClient
from prov_facade._sync.settings import Timeout
from prov_facade.endpoints import ProvAPIAdminEndpoints
from prov_facade.errors import InvalidRequestError


class SyncProvAdminClient(SyncBaseClient):
    """The routes of the prov-api that need the admin role.

    Usually reached as ``admin`` of a :class:`~prov_facade.SyncProvClient`, whose connections it then
    shares; it can also be made by itself, with the same arguments. Methods take ``timeout`` and
    raise errors as those of ``SyncProvClient`` do.
    """

    def _build_endpoint(self, endpoint: ProvAPIAdminEndpoints) -> str:
        """Return the URL of a route."""
        return f"{self._base_url}{endpoint.value}"

    def generate_config_file(
        self, required_only: bool = True, *, timeout: Timeout | None = None
    ) -> str:
        """Show how the server is configured.

        Route: ``GET /admin/config``

        Args:
            required_only: Leave out what has a default.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            Lines of the form ``KEY=value``.

        Raises:
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        return self._send(generate_config_file.request(required_only=required_only), timeout)

    def store_record(
        self,
        registry_record: ItemModelRun | ModelLike,
        validate_record: bool = True,
        *,
        timeout: Timeout | None = None,
    ) -> StatusResponse:
        """Store the provenance of a model run that the registry holds, again.

        Route: ``POST /admin/store_record``

        Args:
            registry_record: The model run, complete, as the registry holds it.
            validate_record: Check that the ids in it exist.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status.

        Raises:
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        request = store_record.request(body=registry_record, validate_record=validate_record)
        return self._send(request, timeout)

    def store_multiple_records(
        self,
        registry_record: Iterable[ItemModelRun | ModelLike],
        validate_record: bool = True,
        *,
        timeout: Timeout | None = None,
    ) -> StatusResponse:
        """Store the provenance of several model runs that the registry holds, again.

        Route: ``POST /admin/store_records``

        Args:
            registry_record: The model runs, complete, as the registry holds them.
            validate_record: Check that the ids in them exist.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status.

        Raises:
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        request = store_multiple_records.request(
            body=registry_record, validate_record=validate_record
        )
        return self._send(request, timeout)

    def store_all_registry_records(
        self, validate_record: bool = True, *, timeout: Timeout | None = None
    ) -> StatusResponse:
        """Store the provenance of every model run that the registry holds, again.

        The server fetches the model runs itself. That takes long where there are many: consider a
        longer timeout.

        Route: ``POST /admin/store_all_registry_records``

        Args:
            validate_record: Check that the ids in them exist.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status.

        Raises:
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        request = store_all_registry_records.request(validate_record=validate_record)
        return self._send(request, timeout)

    def delete_model_run_provenance(
        self, model_run_id: str, trial_mode: bool = False, *, timeout: Timeout | None = None
    ) -> PostDeleteGraphResponse:
        """Delete the provenance of a model run from the graph.

        Route: ``POST /model_run/delete``

        Args:
            model_run_id: The handle of the model run.
            trial_mode: Only say what would be deleted.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The nodes and links that were, or would be, changed.

        Raises:
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        body = PostDeleteGraphRequest(record_id=model_run_id, trial_mode=trial_mode)
        return self._send(delete_model_run_provenance.request(body=body), timeout)

    def register_model_run_sync(
        self, record: ModelRunRecord | ModelLike, *, timeout: Timeout | None = None
    ) -> SyncRegisterModelRunResponse:
        """Register one model run, and wait until it is lodged.

        Route: ``POST /model_run/register_sync``

        Args:
            record: The model run, as for :meth:`SyncProvClient.register_model_run`.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status, and the model run: its handle, its PROV document, its record.

        Raises:
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        return self._send(register_model_run_sync.request(body=record), timeout)

    def trigger_sentry_debug(self, *, timeout: Timeout | None = None) -> dict[str, str] | None:
        """Make the server fail on purpose, to see whether its monitoring notices.

        Route: ``GET /admin/sentry-debug``

        Args:
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The server's message, or ``None``, where monitoring is off.

        Raises:
            ServerError: Where monitoring is on: that is the failure asked for.
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        return self._send(trigger_sentry_debug.request(), timeout)

    def clear_graph(self, *, confirm: bool, timeout: Timeout | None = None) -> StatusResponse:
        """Delete the whole provenance graph, of all users. It cannot be undone.

        Route: ``DELETE /graph/admin/clear``

        Args:
            confirm: Must be ``True``.
            timeout: Seconds, or an ``httpx.Timeout``; the client's own by default.

        Returns:
            The status.

        Raises:
            InvalidRequestError: If ``confirm`` is anything else; nothing is sent.
            ProvError: See :class:`~prov_facade.SyncProvClient`.
        """
        if confirm is not True:
            with self._errors_of(clear_graph.OPERATION):
                raise InvalidRequestError(
                    "nothing was sent: this would delete the whole provenance graph. Pass"
                    " confirm=True if that is what you want",
                    path="$.confirm",
                )
        return self._send(clear_graph.request(), timeout)
