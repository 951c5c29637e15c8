"""The predecessor, `provenaclient`, configured for a sandbox."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from sandbox.caller import COMPLETE_RUN, run_of

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._state.store import Item

REASON = "provenaclient is not installed: nox -s predecessor"

with warnings.catch_warnings():
    # Its models use pydantic 1 validators, and its dependencies are old.
    warnings.simplefilter("ignore", DeprecationWarning)
    # Import every name as the predecessor's users do.
    provenaclient = pytest.importorskip("provenaclient", reason=REASON)
    flows = pytest.importorskip("provenaclient.auth.implementations", reason=REASON)
    manager = pytest.importorskip("provenaclient.auth.manager", reason=REASON)
    clients = pytest.importorskip("provenaclient.clients", reason=REASON)
    modules = pytest.importorskip("provenaclient.modules", reason=REASON)
    general = pytest.importorskip("provenaclient.models.general", reason=REASON)
    config = pytest.importorskip("provenaclient.utils.config", reason=REASON)
    exceptions = pytest.importorskip("provenaclient.utils.exceptions", reason=REASON)
    ProvenanceAPI = pytest.importorskip("ProvenaInterfaces.ProvenanceAPI", reason=REASON)
    RegistryAPI = pytest.importorskip("ProvenaInterfaces.RegistryAPI", reason=REASON)
    AsyncJobAPI = pytest.importorskip("ProvenaInterfaces.AsyncJobAPI", reason=REASON)

MARKS = [
    pytest.mark.predecessor,
    # The predecessor uses pydantic 1 methods throughout.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]

# The predecessor counts whole seconds between polls, and blocks its event loop meanwhile.
SETTINGS = general.AsyncAwaitSettings(
    job_polling_interval=0,
    job_async_queue_delay_polling_timeout=15,
    job_async_pending_polling_timeout=15,
    job_async_in_progress_polling_timeout=15,
)

AuthManager: Any = manager.AuthManager


class SandboxAuth(AuthManager):  # type: ignore[misc]  # type checkers cannot see the class
    """A subclass of the predecessor's auth manager, with tokens from a sandbox."""

    def __init__(self, sandbox: Sandbox, *roles: str, username: str = "sandbox") -> None:
        super().__init__()
        self._sandbox = sandbox
        self._roles = roles or ("read", "write", "admin")
        self._username = username

    def get_token(self) -> str:
        return self._sandbox.token(*self._roles, username=self._username)

    def force_refresh(self) -> None:
        """Do nothing: each token is a new one."""


def config_of(sandbox: Sandbox) -> Any:
    """Return the predecessor's configuration for a sandbox.

    The domain does not resolve, so that requests to endpoints that are not overridden fail.
    """
    ours = sandbox.config
    return config.Config(
        domain="sandbox.invalid",
        realm_name="sandbox",
        api_overrides=config.APIOverrides(
            prov_api_endpoint_override=ours.prov_api_endpoint,
            jobs_service_api_endpoint_override=ours.job_api_endpoint,
            keycloak_endpoint_override=ours.keycloak_endpoint,
            # The sandbox has no registry: such requests get a 404.
            registry_api_endpoint_override=f"{sandbox.url}/registry-api",
        ),
    )


def client_of(sandbox: Sandbox, *roles: str, username: str = "sandbox") -> Any:
    """Return the predecessor's full client, with tokens for these roles; by default, for all."""
    auth = SandboxAuth(sandbox, *roles, username=username)
    return provenaclient.ProvenaClient(auth=auth, config=config_of(sandbox))


def low_level_of(sandbox: Sandbox, *roles: str) -> Any:
    """Return the predecessor's lower layer for the prov-api."""
    return clients.ProvClient(auth=SandboxAuth(sandbox, *roles), config=config_of(sandbox))


def a_run(sandbox: Sandbox) -> Item:
    """Return a model run of the seed that has every dataset, a study and an organisation."""
    return run_of(sandbox, COMPLETE_RUN)


def record_of(sandbox: Sandbox, **changes: Any) -> Any:
    """Return the record of that model run with changes, as the predecessor's model."""
    return ProvenanceAPI.ModelRunRecord(**{**a_run(sandbox).body["record"], **changes})


def registry_item(run: Item) -> Any:
    """Return a model run in the format of the registry, as the predecessor's model."""
    return RegistryAPI.ItemModelRun(
        **run.body,
        id=run.id,
        owner_username=run.owner_username,
        created_timestamp=run.created_timestamp,
        updated_timestamp=run.updated_timestamp,
    )
