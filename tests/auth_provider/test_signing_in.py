"""Each flow works with an independent provider, for both clients."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from auth_provider.person import approve
from auth_provider.provider import CLIENT, Provider, require_provider, secret_of
from auth_provider.tokens import Person, flow_of
from clients import CLIENTS
from sandbox.caller import record_of

from prov_facade import (
    AuthManager,
    ClientCredentials,
    DeviceFlow,
    DeviceLogin,
    OfflineFlow,
    PermissionDeniedError,
    models,
)
from prov_facade.sandbox import Sandbox

require_provider()

READ, WRITE = "entity-registry-read", "entity-registry-write"


def user_of(kind: str, auth: AuthManager, sandbox: Sandbox) -> Any:
    """Register a model run, and return the user whom the prov-api sees."""

    async def call() -> Any:
        async with CLIENTS[kind](auth, sandbox.config) as client:
            record = models.ModelRunRecord.from_dict(record_of(sandbox))
            assert (await client.register_model_run(record)).session_id
            return await client.check_general_access()

    return asyncio.run(call())


@pytest.fixture(params=CLIENTS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_user_signs_in_with_the_device_flow(kind: str, sandbox: Sandbox) -> None:
    seen: list[str] = []

    def prompt(login: DeviceLogin) -> None:
        assert login.user_code in str(login)
        seen.extend(approve(login))

    user = user_of(kind, DeviceFlow(sandbox.config, CLIENT, prompt=prompt, cache=None), sandbox)
    assert (user.username, user.email) == ("ann", "ann@example.org")
    assert sorted(user.roles) == [READ, WRITE]
    assert seen[1:] == ["Device Login Confirmation", "Sign-in", "Sign-in", "Sign-in Success"]


def test_a_user_without_the_role_is_rejected(kind: str, sandbox: Sandbox) -> None:
    with pytest.raises(PermissionDeniedError):
        user_of(kind, flow_of(sandbox.config, Person("bob")), sandbox)
    assert [request.operation_id for request in sandbox.requests] == ["register_model_run"]


def test_an_offline_token_signs_in_without_user_interaction(
    kind: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    person, path = Person(), tmp_path / "token"
    flow_of(sandbox.config, person).save_offline_token(path)
    for _ in range(2):  # the second time with the rotated token
        auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path, cache=tmp_path / "kept")
        auth.force_refresh()
        assert user_of(kind, auth, sandbox).username == "ann"
    assert person.approved == 1


@pytest.mark.parametrize("client_id", ["with-post", "with-basic"])
def test_a_client_signs_in_as_itself(kind: str, client_id: str, sandbox: Sandbox) -> None:
    auth = ClientCredentials(sandbox.config, client_id, secret_of(client_id))
    user = user_of(kind, auth, sandbox)
    assert (user.username, sorted(user.roles)) == (client_id, [READ, WRITE])


def test_a_secret_is_sent_in_the_header_if_the_provider_requires_it(kind: str) -> None:
    with (
        Provider(auth_methods=("client_secret_basic", "none")) as provider,
        Sandbox(trusted_issuer=provider.issuer) as sandbox,
    ):
        auth = ClientCredentials(sandbox.config, "with-basic", secret_of("with-basic"))
        assert user_of(kind, auth, sandbox).username == "with-basic"
