"""Each flow obtains, refreshes and revokes tokens at the sandbox's realm."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from auth.conftest import Clock
from auth.support import (
    CLIENT,
    FLOWS,
    SERVICE,
    device,
    end_session,
    offline,
    pickled,
    refresh_token,
    request_count,
    service,
)
from clients import CLIENTS, Make

from prov_facade import (
    AuthenticationError,
    ClientCredentials,
    ConfigError,
    CredentialsError,
    DeviceFlow,
    OfflineFlow,
    SyncProvClient,
)
from prov_facade.sandbox import Fault, Sandbox, expired_token, gateway

ACCOUNTS = {"device": "ann", "offline": "ann", "client": f"service-account-{SERVICE}"}


@pytest.fixture(params=["async", pytest.param("sync", marks=pytest.mark.sync_variant)])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a client of either kind."""
    return CLIENTS[request.param]


@pytest.fixture(params=FLOWS)
def flow(request: pytest.FixtureRequest) -> str:
    """The name of a flow."""
    return str(request.param)


# Signing in


def test_each_flow_signs_in(flow: str, make: Make, sandbox: Sandbox, tmp_path: Path) -> None:
    async def run() -> str:
        async with make(FLOWS[flow](sandbox, tmp_path), sandbox.config) as client:
            return (await client.check_read_access()).username

    assert asyncio.run(run()) == ACCOUNTS[flow]


def test_nothing_is_sent_before_the_first_token_is_needed(sandbox: Sandbox) -> None:
    auth = [device(sandbox), service(sandbox), OfflineFlow(sandbox.config, "c", offline_token="t")]
    clients = [SyncProvClient(each, sandbox.config) for each in auth]
    assert CLIENT in repr(auth[0])
    assert sandbox.requests == []
    for client in clients:
        client.close()


def test_threads_that_need_the_first_token_sign_in_once(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    count, logins = request_count(sandbox), request_count(sandbox, "device_authorization")
    start = threading.Barrier(10)

    def get(_: int) -> str:
        start.wait()
        return auth.get_token()

    with ThreadPoolExecutor(10) as threads:
        assert len(set(threads.map(get, range(10)))) == 1
    assert request_count(sandbox) == count + 1
    assert request_count(sandbox, "device_authorization") - logins == (flow == "device")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": "prov.test"}, "config must be a Config"),
        ({"client_id": ""}, "client_id must be the id"),
        ({"client_id": 5}, "client_id must be the id"),
        ({"client_secret": ""}, "client_secret must be a str"),
        ({"scope": ["openid"]}, "scope must be a str"),
        ({"timeout": 0}, "timeout must be a number"),
        ({"timeout": True}, "timeout must be a number"),
        ({"timeout": "30"}, "timeout must be a number"),
    ],
    ids=str,
)
@pytest.mark.parametrize("flow_class", [DeviceFlow, OfflineFlow, ClientCredentials])
def test_an_invalid_argument_is_a_configuration_error(
    flow_class: type[Any], arguments: dict[str, Any], message: str, sandbox: Sandbox
) -> None:
    given = {"config": sandbox.config, "client_id": CLIENT, "client_secret": "s" * 8, **arguments}
    if flow_class is OfflineFlow:
        given["offline_token"] = "t"
    with pytest.raises(ConfigError, match=message):
        flow_class(**given)


def test_an_invalid_argument_of_a_single_flow_is_a_configuration_error(sandbox: Sandbox) -> None:
    anything: Any = "text"
    with pytest.raises(ConfigError, match="prompt must be a function"):
        DeviceFlow(sandbox.config, CLIENT, prompt=anything)
    with pytest.raises(ConfigError, match="client_secret must be a str that is not empty"):
        ClientCredentials(sandbox.config, CLIENT, None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="must be an offline token, but it is empty"):
        OfflineFlow(sandbox.config, CLIENT, offline_token=" ")


@pytest.mark.parametrize("flow_class", [DeviceFlow, OfflineFlow, ClientCredentials])
def test_a_docstring_describes_every_argument(flow_class: type[Any]) -> None:
    documented = inspect.getdoc(flow_class)
    assert documented is not None
    section = documented.partition("Args:")[2].partition("Raises:")[0]
    names = [line[4:].partition(":")[0] for line in section.splitlines() if line[4:5].strip()]
    assert sorted(names) == sorted(inspect.signature(flow_class).parameters)


# Refreshing


def test_an_expiring_token_is_refreshed_before_a_call_fails(
    flow: str, make: Make, sandbox: Sandbox, tmp_path: Path, clock: Clock
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)

    async def run() -> list[str]:
        tokens = []
        async with make(auth, sandbox.config) as client:
            for _ in range(4):
                for _ in range(2):
                    await client.check_read_access()
                    tokens.append(auth.get_token())
                clock.ahead += 211  # more than 300 - 90
        return tokens

    tokens = asyncio.run(run())
    assert tokens[::2] == tokens[1::2]
    assert len(set(tokens)) == 4
    assert request_count(sandbox, "device_authorization") == {"client": 0}.get(flow, 1)
    # No call was rejected because of an expired token, and sent again.
    assert request_count(sandbox, "check_read_access") == len(tokens)


def test_a_token_that_the_api_rejects_is_refreshed_once_for_all_calls(
    make: Make, sandbox: Sandbox
) -> None:
    auth = service(sandbox)
    before = auth.get_token()

    async def run() -> None:
        async with make(auth, sandbox.config) as client:
            # Delayed, so that all calls are under way before the first fails.
            sandbox.faults.add("check_read_access", *[evolve(expired_token(), delay=0.3)] * 5)
            await asyncio.gather(*(client.check_read_access() for _ in range(5)))

    asyncio.run(run())
    assert auth.get_token() != before
    assert request_count(sandbox) == 2


def test_a_token_that_the_api_keeps_rejecting_is_an_error(make: Make, sandbox: Sandbox) -> None:
    sandbox.faults.add("check_read_access", *[expired_token()] * 9)

    async def run() -> None:
        async with make(service(sandbox), sandbox.config) as client:
            await client.check_read_access()

    with pytest.raises(AuthenticationError):
        asyncio.run(run())


def test_threads_that_force_a_refresh_share_one(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    auth.get_token()
    sandbox.faults.add("token", Fault(delay=0.3, after=True))
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: auth.force_refresh(), range(10)))
    assert request_count(sandbox) == 2


@pytest.mark.parametrize("flow", ["device", "offline"], indirect=True)
def test_a_rotated_refresh_token_replaces_the_cached_one(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.realm.single_use = True
    auth = FLOWS[flow](sandbox, tmp_path)
    tokens = set()
    for copy in (auth, pickled(auth)):
        for _ in range(3):
            copy.force_refresh()
            tokens.add(copy.get_token())
    assert len(tokens) == 6
    assert request_count(sandbox, "device_authorization") == 1


def test_a_pickled_flow_holds_no_obtained_token(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    token = auth.get_token()
    assert token.encode() not in pickle.dumps(auth)
    assert pickled(auth).get_token()


# Revoking


def test_a_revoked_session_makes_the_user_sign_in_again(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    first = auth.get_token()
    end_session(auth)
    auth.force_refresh()
    assert auth.get_token() != first
    assert request_count(sandbox, "device_authorization") == 2


def test_a_revoked_session_without_a_user_is_an_error(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    auth.get_token()
    end_session(auth)
    batch = DeviceFlow(sandbox.config, CLIENT)
    assert batch.get_token()  # the cached access token has not expired
    with pytest.raises(
        CredentialsError, match=r"needs a user.*OfflineFlow.*rejected \(invalid_grant: The"
    ) as caught:
        batch.force_refresh()
    assert caught.value.error == "invalid_grant"


def test_a_revoked_offline_token_is_an_error_that_says_how_to_get_another(
    make: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = offline(sandbox, tmp_path)
    end_session(auth)
    sandbox.faults.add("check_read_access", expired_token())

    async def run() -> None:
        async with make(auth, sandbox.config) as client:
            await client.check_read_access()

    with pytest.raises(
        CredentialsError, match=r"^check_read_access .*save_offline_token"
    ) as caught:
        asyncio.run(run())
    assert caught.value.error == "invalid_grant"
    assert caught.value.error_description == "The session is not active."
    assert caught.value.operation == "check_read_access"


def test_logout_ends_the_session_and_clears_the_cache(
    flow: str, sandbox: Sandbox, tmp_path: Path, home: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    auth.get_token()
    token = None if isinstance(auth, ClientCredentials) else refresh_token(auth)
    auth.logout()
    assert not list(home.rglob("*.json"))
    assert request_count(sandbox, "revocation") == 1
    if token is not None:
        with pytest.raises(CredentialsError, match="not active"):
            auth._realm.refresh(token)


def test_logout_by_another_process_ends_the_cached_session(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    token = refresh_token(auth)
    DeviceFlow(sandbox.config, CLIENT).logout()
    with pytest.raises(CredentialsError, match="not active"):
        auth._realm.refresh(token)


def test_logout_clears_the_cache_even_if_the_realm_fails(sandbox: Sandbox, home: Path) -> None:
    auth = device(sandbox)
    auth.get_token()
    sandbox.faults.add("revocation", gateway(502))
    with pytest.raises(CredentialsError, match=r"could not sign out.*status 502"):
        auth.logout()
    assert not list(home.rglob("*.json"))
    auth.get_token()
    assert request_count(sandbox, "device_authorization") == 2


def test_logout_without_a_login_sends_nothing(sandbox: Sandbox) -> None:
    device(sandbox).logout()
    service(sandbox).logout()
    assert sandbox.requests == []
