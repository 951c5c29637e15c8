"""Every flow, against the realm of the sandbox, and its tokens, at the sandbox's prov-api."""

from __future__ import annotations

import asyncio
import pickle
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import evolve
from driving import CLIENTS, Make
from signing import (
    CLIENT,
    FLOWS,
    SECRET,
    SERVICE,
    answering,
    asked,
    copied,
    device,
    offline,
    offline_token,
    refusal,
    service,
)

from prov_facade import (
    APIOverrides,
    AuthenticationError,
    ClientCredentials,
    Config,
    ConfigError,
    CredentialsError,
    DeviceFlow,
    DeviceLogin,
    OfflineFlow,
    ProvClient,
    SyncProvClient,
)
from prov_facade.sandbox import Fault, Sandbox, expired_token, gateway, statuses

ACCOUNTS = {"device": "ann", "offline": "ann", "client": f"service-account-{SERVICE}"}


@pytest.fixture(params=CLIENTS)
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a client, of the one kind and of the other."""
    return CLIENTS[request.param]


@pytest.fixture(params=FLOWS)
def flow(request: pytest.FixtureRequest) -> str:
    """The name of each flow."""
    return str(request.param)


def test_each_flow_signs_in_for_both_clients(
    flow: str, make: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    async def run() -> str:
        async with make(FLOWS[flow](sandbox, tmp_path), sandbox.config) as client:
            user = await client.check_read_access()
        return user.username

    assert asyncio.run(run()) == ACCOUNTS[flow]


def test_nothing_is_sent_before_the_first_token_is_asked_for(sandbox: Sandbox) -> None:
    auth = [device(sandbox), service(sandbox), OfflineFlow(sandbox.config, "c", offline_token="t")]
    clients = [SyncProvClient(each, sandbox.config) for each in auth]
    assert repr(auth)
    assert sandbox.requests == []
    for client in clients:
        client.close()


def test_a_token_that_runs_out_in_the_middle_of_a_run_is_renewed_without_a_call_failing(
    flow: str, make: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.realm.access_lifetime = 1
    auth = FLOWS[flow](sandbox, tmp_path)

    calls = 0

    async def run() -> set[str]:
        nonlocal calls
        tokens = set()
        async with make(auth, sandbox.config) as client:
            end = time.monotonic() + 2.2
            while time.monotonic() < end:
                await client.check_read_access()
                calls += 1
                tokens.add(auth.get_token())
                await asyncio.sleep(0.05)
        return tokens

    tokens = asyncio.run(run())
    # Half of their life, in a little more than two seconds.
    assert 3 <= len(tokens) <= 6
    assert asked(sandbox, "device_authorization") == {"client": 0}.get(flow, 1)
    # Without any that was sent twice, as one with a token that has run out would be.
    assert asked(sandbox, "check_read_access") == calls


def test_a_token_that_the_api_refuses_is_renewed_once_for_all_calls(
    flow: str, make: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    before = auth.get_token()
    count = asked(sandbox)

    async def run() -> None:
        async with make(auth, sandbox.config) as client:
            # Late, so that all are on their way before the first knows of it.
            sandbox.faults.add("check_read_access", *[evolve(expired_token(), delay=0.7)] * 5)
            await asyncio.gather(*(client.check_read_access() for _ in range(5)))

    asyncio.run(run())
    assert auth.get_token() != before
    assert asked(sandbox) == count + 1


def test_many_threads_that_need_the_first_token_sign_in_once(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    count, logins = asked(sandbox), asked(sandbox, "device_authorization")
    start = threading.Barrier(10)

    def get(_: int) -> str:
        start.wait()
        return auth.get_token()

    with ThreadPoolExecutor(10) as threads:
        assert len(set(threads.map(get, range(10)))) == 1
    assert asked(sandbox) == count + 1
    assert asked(sandbox, "device_authorization") - logins == (flow == "device")


def test_many_threads_that_force_a_refresh_make_one(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    auth.get_token()
    count = asked(sandbox)
    sandbox.faults.add("token", Fault(delay=0.5, after=True))
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda _: auth.force_refresh(), range(10)))
    assert asked(sandbox) == count + 1


@pytest.mark.parametrize("flow", ["device", "offline"], indirect=True)
def test_a_rotated_refresh_token_is_replaced_and_the_next_process_has_it(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.realm.single_use = True
    auth = FLOWS[flow](sandbox, tmp_path)
    tokens = set()
    for _ in range(3):
        auth.force_refresh()
        tokens.add(auth.get_token())
    copy = copied(auth)
    for _ in range(3):
        copy.force_refresh()
        tokens.add(copy.get_token())
    assert len(tokens) == 6
    assert asked(sandbox, "device_authorization") == 1


def test_a_pickled_flow_holds_no_token_that_was_got(
    flow: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    token = auth.get_token()
    assert token.encode() not in pickle.dumps(auth)
    assert copied(auth).get_token()


def test_a_revoked_refresh_token_has_the_person_sign_in_anew(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    first = auth.get_token()
    _end_sessions(auth)
    auth.force_refresh()
    assert auth.get_token() != first
    assert asked(sandbox, "device_authorization") == 2


def test_a_revoked_refresh_token_without_a_person_is_an_error(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    auth.get_token()
    _end_sessions(auth)
    alone = DeviceFlow(sandbox.config, CLIENT)
    assert alone.get_token()  # what is kept has not run out
    with pytest.raises(CredentialsError, match=r"needs a person, and nobody is there.*OfflineFlow"):
        alone.force_refresh()


def test_a_revoked_offline_token_is_an_error_that_says_how_to_get_another(
    make: Make, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = offline(sandbox, tmp_path)
    _end_sessions(auth)
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


def _end_sessions(auth: DeviceFlow | OfflineFlow) -> None:
    """End the session as an administrator does, whom the client does not see."""
    tokens = auth._realm.refreshed(_refresh_token(auth))
    assert tokens.refresh_token is not None
    auth._realm.revoke(tokens.refresh_token, "refresh_token")


def _refresh_token(auth: DeviceFlow | OfflineFlow) -> str:
    auth.get_token()
    tokens = auth._tokens
    assert tokens is not None
    assert tokens.refresh_token is not None
    return tokens.refresh_token


# The device flow


def test_it_waits_as_long_as_the_realm_wants_and_longer_when_told_to_slow_down(
    sandbox: Sandbox,
) -> None:
    sandbox.faults.add("token", *[refusal("authorization_pending")] * 2)
    sandbox.realm.interval = 0.3
    begun = time.monotonic()
    assert device(sandbox).get_token()
    assert 0.9 <= time.monotonic() - begun < 3
    assert asked(sandbox) == 3


def test_a_slow_down_adds_five_seconds(sandbox: Sandbox) -> None:
    sandbox.faults.add("token", refusal("slow_down"))
    begun = time.monotonic()
    assert device(sandbox).get_token()
    assert 5 <= time.monotonic() - begun < 8


def test_a_realm_that_breaks_off_while_a_person_is_waited_for_is_asked_again(
    sandbox: Sandbox,
) -> None:
    sandbox.faults.add("token", Fault(drop=True))
    assert device(sandbox).get_token()
    assert asked(sandbox) == 2


def test_a_denied_login_is_an_error(sandbox: Sandbox) -> None:
    auth = DeviceFlow(
        sandbox.config, CLIENT, prompt=lambda login: sandbox.realm.deny(login.user_code)
    )
    with pytest.raises(CredentialsError, match="was denied") as caught:
        auth.get_token()
    assert caught.value.error == "access_denied"
    assert caught.value.error_description == "The login was denied."


@pytest.mark.parametrize("told", [True, False])
def test_a_login_that_nobody_approves_is_an_error_and_the_next_has_a_new_code(
    told: bool, sandbox: Sandbox
) -> None:
    sandbox.realm.device_lifetime = 0.3
    sandbox.realm.interval = 0.1 if told else 5
    codes: list[str] = []
    auth = DeviceFlow(sandbox.config, CLIENT, prompt=lambda login: codes.append(login.user_code))
    for _ in range(2):
        with pytest.raises(CredentialsError, match=r"nobody approved the login.*in time") as caught:
            auth.get_token()
        assert caught.value.error == "expired_token"
    assert len(set(codes)) == 2


def test_a_login_that_was_given_up_is_taken_up_again(sandbox: Sandbox) -> None:
    shown: list[DeviceLogin] = []
    sandbox.realm.interval = 0.05
    auth = DeviceFlow(sandbox.config, CLIENT, prompt=shown.append)

    async def give_up() -> None:
        async with ProvClient(auth, sandbox.config) as client:
            await asyncio.wait_for(client.check_read_access(), 1)

    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    # The loop's threads end with it, though nobody has decided.
    assert time.monotonic() - begun < 4
    sandbox.realm.approve(shown[0].user_code)
    assert auth.get_token()
    assert {login.user_code for login in shown} == {shown[0].user_code}
    assert asked(sandbox, "device_authorization") == 1


def test_an_offline_token_goes_to_a_file_that_only_its_owner_can_read(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text("an older one")
    path.chmod(0o644)
    auth = device(sandbox)
    auth.save_offline_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    found = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    assert found.get_token()
    auth.logout()  # which does not concern the offline token
    found.force_refresh()


def test_a_realm_that_gives_no_refresh_token_gives_no_offline_token(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = {"access_token": "a" * 20, "token_type": "Bearer", "expires_in": 60}
    sandbox.faults.add("token", answering(answer))
    with pytest.raises(CredentialsError, match=r"gave no offline token.*offline_access"):
        device(sandbox).save_offline_token(tmp_path / "token")
    assert not (tmp_path / "token").exists()


# The offline flow


@pytest.mark.parametrize("place", ["argument", "file", "environment"])
def test_the_offline_token_is_given_in_one_of_three_places(
    place: str, sandbox: Sandbox, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = offline_token(sandbox, tmp_path)
    (home / "token").write_text(f"{token}\n")
    monkeypatch.setenv("PROV_OFFLINE_TOKEN", token if place == "environment" else "another")
    auth = {
        "argument": lambda: OfflineFlow(sandbox.config, CLIENT, offline_token=token),
        "file": lambda: OfflineFlow(sandbox.config, CLIENT, offline_token_file="~/token"),
        "environment": lambda: OfflineFlow(sandbox.config, CLIENT),
    }[place]()
    assert auth.get_token()


def test_another_offline_token_is_not_served_with_what_the_first_one_got(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    first = offline(sandbox, tmp_path)
    token = first.get_token()
    assert offline(sandbox, tmp_path).get_token() != token


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"", "must hold"), (b"two words", "must hold"), (b"\xff", "no text")],
)
def test_a_file_without_an_offline_token_is_an_error(
    content: bytes | None, said: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    with pytest.raises(CredentialsError, match=said.replace("no text", "is not text")) as caught:
        auth.get_token()
    assert str(path) in str(caught.value)
    assert sandbox.requests == []


def test_no_offline_token_or_two_is_a_configuration_error(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="PROV_OFFLINE_TOKEN"):
        OfflineFlow(sandbox.config, CLIENT)
    with pytest.raises(ConfigError, match="not both"):
        OfflineFlow(sandbox.config, CLIENT, offline_token="t", offline_token_file="f")


# The end


def test_logging_out_ends_the_session_and_forgets_it(
    flow: str, sandbox: Sandbox, tmp_path: Path, home: Path
) -> None:
    auth = FLOWS[flow](sandbox, tmp_path)
    auth.get_token()
    refresh_token = _refresh_token(auth) if not isinstance(auth, ClientCredentials) else ""
    auth.logout()
    assert not list(home.rglob("*.json"))
    assert asked(sandbox, "revocation") == 1
    if refresh_token:
        with pytest.raises(CredentialsError, match="not active"):
            auth._realm.refreshed(refresh_token)


def test_logging_out_by_another_process_ends_what_is_kept(sandbox: Sandbox) -> None:
    auth = device(sandbox)
    refresh_token = _refresh_token(auth)
    DeviceFlow(sandbox.config, CLIENT).logout()
    with pytest.raises(CredentialsError, match="not active"):
        auth._realm.refreshed(refresh_token)


def test_logging_out_forgets_the_tokens_though_the_realm_fails(
    sandbox: Sandbox, home: Path
) -> None:
    auth = device(sandbox)
    auth.get_token()
    sandbox.faults.add("revocation", gateway(502))
    with pytest.raises(CredentialsError, match=r"could not sign out.*status 502"):
        auth.logout()
    assert not list(home.rglob("*.json"))
    auth.get_token()
    assert asked(sandbox, "device_authorization") == 2


def test_logging_out_without_having_signed_in_does_nothing(sandbox: Sandbox) -> None:
    device(sandbox).logout()
    service(sandbox).logout()
    assert sandbox.requests == []


# The realm


def test_a_wrong_secret_is_an_error_that_does_not_name_it(make: Make, sandbox: Sandbox) -> None:
    auth = ClientCredentials(sandbox.config, SERVICE, "a wrong secret")

    async def run() -> None:
        async with make(auth, sandbox.config) as client:
            await client.check_read_access()

    with pytest.raises(CredentialsError, match=r"invalid_client.*client_secret") as caught:
        asyncio.run(run())
    assert caught.value.error == "invalid_client"
    assert "a wrong secret" not in str(caught.value) + repr(caught.value.__cause__)


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"], None])
def test_the_secret_goes_where_the_realm_takes_it(
    methods: list[str] | None, sandbox: Sandbox
) -> None:
    document: dict[str, object] = {"issuer": sandbox.config.keycloak_endpoint}
    if methods is not None:
        document["token_endpoint_auth_methods_supported"] = methods
    sandbox.faults.add("openid_configuration", answering(document))
    assert service(sandbox).get_token()
    (request,) = [r for r in sandbox.requests if r.operation_id == "token"]
    in_header = "authorization" in {name.lower() for name in dict(request.headers)}
    assert in_header == (methods != ["client_secret_post"])
    assert (b"client_secret" in request.body) != in_header


def test_a_realm_that_is_not_there_is_an_error_that_says_what_to_check(sandbox: Sandbox) -> None:
    def at(address: str) -> ClientCredentials:
        overrides = APIOverrides(keycloak_endpoint_override=address)
        return ClientCredentials(Config("x.localhost", "r", overrides), SERVICE, SECRET)

    with pytest.raises(CredentialsError, match=r"status 404\. Is there such a realm\?"):
        at(f"{sandbox.url}/auth/realms/nothing").get_token()
    address = sandbox.url
    sandbox.stop()
    with pytest.raises(CredentialsError, match=r"no answer.*Check the Config"):
        at(address).get_token()


def test_a_busy_realm_is_asked_again(sandbox: Sandbox) -> None:
    sandbox.faults.add("token", Fault(status=503, headers={"Retry-After": "0"}), Fault(status=429))
    assert service(sandbox).get_token()
    assert asked(sandbox) == 3


@pytest.mark.parametrize("fault", [Fault(drop=True, after=True), *statuses([500]), gateway(502)])
def test_a_refresh_that_may_have_been_acted_on_is_not_sent_again(
    fault: Fault, sandbox: Sandbox
) -> None:
    auth = device(sandbox)
    auth.get_token()
    count = asked(sandbox)
    sandbox.faults.add("token", fault)
    with pytest.raises(CredentialsError):
        auth.force_refresh()
    assert asked(sandbox) == count + 1


def test_a_token_that_the_api_goes_on_refusing_is_an_error_of_the_call(
    make: Make, sandbox: Sandbox
) -> None:
    sandbox.faults.add("check_read_access", *[expired_token()] * 9)

    async def run() -> None:
        async with make(service(sandbox), sandbox.config) as client:
            await client.check_read_access()

    with pytest.raises(AuthenticationError):
        asyncio.run(run())
