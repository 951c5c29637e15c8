"""Tokens expire, rotate and are revoked, as the provider confirms."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from auth_provider.provider import CLIENT, Provider, require_provider, secret_of
from auth_provider.tokens import Person, cached_in, flow_of, refresh_token_of
from clients import CLIENTS

from prov_facade import AuthManager, ClientCredentials, CredentialsError, DeviceFlow, OfflineFlow
from prov_facade.sandbox import Sandbox, expired_token

require_provider()

_TIMEOUT = 30  # seconds


@pytest.mark.parametrize("flow", ["device", "client"])
@pytest.mark.parametrize("kind", CLIENTS)
def test_expiring_tokens_are_refreshed_in_time(kind: str, flow: str) -> None:
    person = Person()

    async def calling(auth: AuthManager, sandbox: Sandbox) -> int:
        calls = 0
        async with asyncio.timeout(_TIMEOUT), CLIENTS[kind](auth, sandbox.config) as client:
            while len({request.headers["authorization"] for request in sandbox.requests}) < 3:
                await client.check_general_access()
                calls += 1
        return calls

    # A token of 3 s is used for 1.5 s; its expiry is rounded down to whole seconds.
    with Provider(access_seconds=3) as provider, Sandbox(trusted_issuer=provider.issuer) as sandbox:
        auth: AuthManager = flow_of(sandbox.config, person)
        if flow == "client":
            auth = ClientCredentials(sandbox.config, "with-post", secret_of("with-post"))
        calls = asyncio.run(calling(auth, sandbox))
        # No call was rejected and sent again.
        assert len(sandbox.requests) == calls
        assert person.approved == (flow == "device")


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_rejected_token_is_replaced(kind: str, sandbox: Sandbox) -> None:
    person = Person()
    sandbox.faults.add("check_general_access", expired_token())

    async def calling() -> str:
        async with CLIENTS[kind](flow_of(sandbox.config, person), sandbox.config) as client:
            return (await client.check_general_access()).username

    assert asyncio.run(calling()) == "ann"
    first, second = [request.headers["authorization"] for request in sandbox.requests]
    assert first != second
    assert person.approved == 1


def test_rotated_refresh_tokens_are_used_once(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    person = Person()
    flow = flow_of(sandbox.config, person, tmp_path)
    flow.get_token()
    seen = [cached_in(tmp_path)]
    for _ in range(3):
        flow.force_refresh()
        seen.append(cached_in(tmp_path))
    assert len(set(seen)) == 4
    # Introspection does not count as a use.
    assert [provider.is_active(token) for token in seen] == [False, False, False, True]
    flow.force_refresh()
    assert person.approved == 1

    # The provider treats a second use as theft, and revokes all tokens.
    stolen = provider.refresh(seen[0])
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert not provider.is_active(cached_in(tmp_path))
    flow.force_refresh()
    assert person.approved == 2
    assert provider.is_active(cached_in(tmp_path))


def test_flows_that_share_tokens_use_each_refresh_token_once(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    person = Person()
    flows = [flow_of(sandbox.config, person, tmp_path) for _ in range(4)]
    flows[0].get_token()
    with ThreadPoolExecutor(len(flows)) as threads:
        assert len(set(threads.map(lambda flow: flow.get_token(), flows))) == 1
        for _ in range(5):
            list(threads.map(lambda flow: flow.force_refresh(), flows))
    assert person.approved == 1
    assert provider.is_active(cached_in(tmp_path))


def test_a_revoked_token_leads_to_a_new_login(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    person = Person()
    flow = flow_of(sandbox.config, person, tmp_path)
    before = flow.get_token()
    provider.revoke(cached_in(tmp_path))
    flow.force_refresh()
    assert flow.get_token() != before
    assert person.approved == 2


def test_a_revoked_token_without_a_user_is_an_error(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    flow_of(sandbox.config, Person(), tmp_path).get_token()
    batch = DeviceFlow(sandbox.config, CLIENT, interactive=False, cache=tmp_path)
    batch.force_refresh()
    revoked = cached_in(tmp_path)
    provider.revoke(revoked)
    with pytest.raises(CredentialsError, match=r"needs a user.*OfflineFlow") as caught:
        batch.force_refresh()
    assert revoked not in str(caught.value)


def test_an_expired_refresh_token_leads_to_a_new_login(tmp_path: Path) -> None:
    person = Person()
    with (
        Provider(access_seconds=1, refresh_seconds=1) as provider,
        Sandbox(trusted_issuer=provider.issuer) as sandbox,
    ):
        flow = flow_of(sandbox.config, person, tmp_path)
        flow.get_token()
        end = time.monotonic() + _TIMEOUT
        while provider.is_active(cached_in(tmp_path)):
            assert time.monotonic() < end
        flow.force_refresh()
        assert person.approved == 2
        assert provider.is_active(cached_in(tmp_path))


def test_a_replaced_offline_token_is_an_error(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    token = refresh_token_of(sandbox.config, tmp_path / "person")
    provider.refresh(token).raise_for_status()
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token=token, cache=tmp_path)
    with pytest.raises(CredentialsError, match="get a new one") as caught:
        auth.get_token()
    assert caught.value.error == "invalid_grant"
    assert token not in str(caught.value)


def test_logout_revokes_the_tokens(provider: Provider, sandbox: Sandbox, tmp_path: Path) -> None:
    person = Person()
    flow = flow_of(sandbox.config, person, tmp_path)
    flow.get_token()
    token = cached_in(tmp_path)
    assert provider.is_active(token)
    flow.logout()
    assert not provider.is_active(token)
    assert provider.refresh(token).json()["error"] == "invalid_grant"
    assert list(tmp_path.glob("*.json")) == []
    flow.logout()  # there is nothing left to revoke
    flow.get_token()
    assert person.approved == 2


def test_logout_revokes_the_current_offline_token(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    given, folder = refresh_token_of(sandbox.config, tmp_path / "person"), tmp_path / "batch"
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token=given, cache=folder)
    auth.get_token()
    token = cached_in(folder)
    assert provider.is_active(token)
    auth.logout()
    assert not provider.is_active(token)


def test_logout_succeeds_if_the_provider_does_not_revoke_access_tokens(sandbox: Sandbox) -> None:
    """Its access tokens are JWTs, which APIs can verify. A client has no other tokens."""
    auth = ClientCredentials(sandbox.config, "with-post", secret_of("with-post"))
    before = auth.get_token()
    with pytest.raises(CredentialsError) as caught:
        auth._realm.revoke(before, "access_token")
    assert caught.value.error == "unsupported_token_type"
    assert before not in str(caught.value)
    auth.logout()
    assert auth.get_token() != before
