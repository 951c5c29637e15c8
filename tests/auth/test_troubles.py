"""What goes wrong around a token: other people's, failures that many wait for, odd answers."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from facade.server import Received, Server, json_reply
from signing import (
    CLIENT,
    SECRET,
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
    ClientCredentials,
    Config,
    CredentialsError,
    DeviceFlow,
    DeviceLogin,
    OfflineFlow,
    ProvClient,
    SyncProvClient,
)
from prov_facade.sandbox import Fault, Sandbox, gateway

TOKENS = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300}


@pytest.fixture
def realm() -> Iterator[Server]:
    """A server that is told what to answer as a realm."""
    with Server() as server:
        yield server


def at(server: Server) -> Config:
    return Config("prov.test", "r", APIOverrides(keycloak_endpoint_override=f"{server.url}/r"))


def says(answer: object, *, discovery: object = None, status: int = 200) -> Any:
    """Answers requests for tokens with one thing, and for the addresses with another."""

    def reply(request: Received) -> bytes:
        if request.path.endswith("openid-configuration"):
            return json_reply(discovery) if discovery is not None else json_reply({}, status=404)
        return json_reply(answer, status=status)

    return reply


# Whose tokens they are


def test_another_token_in_the_file_is_another_persons(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.realm.access_lifetime = 1

    def token_of(name: str) -> str:
        flow = DeviceFlow(
            sandbox.config,
            CLIENT,
            prompt=lambda login: sandbox.realm.approve(login.user_code, name),
            cache=None,
        )
        flow.save_offline_token(tmp_path / name)
        return (tmp_path / name).read_text()

    path = tmp_path / "token"
    path.write_text(token_of("ann"))
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    with SyncProvClient(auth, sandbox.config) as client:
        assert client.check_general_access().username == "ann"
        path.write_text(token_of("bob"))
        time.sleep(0.6)
        assert client.check_general_access().username == "bob"
    with SyncProvClient(copied(auth), sandbox.config) as client:
        assert client.check_general_access().username == "bob"


def test_two_offline_tokens_of_a_client_do_not_get_in_each_others_way(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.realm.single_use = True
    one, other = offline(sandbox, tmp_path), offline(sandbox, tmp_path)
    for _ in range(3):
        one.force_refresh()
        other.force_refresh()
        one, other = copied(one), copied(other)


def test_a_run_goes_on_though_its_token_file_has_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(offline_token(sandbox, tmp_path))
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    auth.get_token()
    path.unlink()
    auth.force_refresh()
    auth.logout()
    with pytest.raises(CredentialsError, match="cannot be read"):
        auth.get_token()


def test_a_narrow_scope_stays_narrow(sandbox: Sandbox, tmp_path: Path) -> None:
    token = offline_token(sandbox, tmp_path)
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token=token, scope="profile")
    sandbox.clear_requests()
    for _ in range(3):
        auth.force_refresh()
    sent = [r.body for r in sandbox.requests if r.operation_id == "token"]
    assert len(sent) == 3
    assert all(b"scope=profile" in body for body in sent)


# Failures that many wait for


def test_a_person_who_says_no_is_asked_once_for_all_that_wait(sandbox: Sandbox) -> None:
    shown: list[DeviceLogin] = []
    all_wait = threading.Event()

    def deny(login: DeviceLogin) -> None:
        shown.append(login)
        all_wait.wait(1)
        sandbox.realm.deny(login.user_code)

    auth = DeviceFlow(sandbox.config, CLIENT, prompt=deny)
    with ThreadPoolExecutor(8) as threads:
        futures = [threads.submit(auth.get_token) for _ in range(8)]
        errors = [future.exception() for future in futures]
    assert {str(error) for error in errors} == {str(errors[0])}
    assert all(isinstance(e, CredentialsError) and e.error == "access_denied" for e in errors)
    assert len(shown) == 1


def test_a_realm_that_hangs_holds_up_those_who_wait_once(realm: Server) -> None:
    over = threading.Event()
    realm.answer = lambda _: bytes(over.wait(20) and 0)
    auth = ClientCredentials(at(realm), CLIENT, SECRET, timeout=1)
    begun = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        errors = [f.exception() for f in [threads.submit(auth.get_token) for _ in range(8)]]
    over.set()
    assert time.monotonic() - begun < 4
    assert all(isinstance(error, CredentialsError) for error in errors)


# A realm that fails


@pytest.mark.parametrize("fault", [gateway(502), Fault(drop=True), Fault(status=500)])
def test_a_token_that_is_good_is_used_on_while_the_realm_fails(
    fault: Fault, sandbox: Sandbox, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    device(sandbox).get_token()
    (path,) = home.rglob("*.json")
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "obtained_at": time.time() - 250}))
    auth = DeviceFlow(sandbox.config, CLIENT)
    count = asked(sandbox)
    sandbox.faults.add("token", *[fault] * 9)
    with (
        caplog.at_level(logging.WARNING, "prov_facade"),
        SyncProvClient(auth, sandbox.config) as client,
    ):
        for _ in range(5):
            client.check_read_access()
    assert "used on" in caplog.text
    assert asked(sandbox) == count + 1  # not at every call
    path.write_text(json.dumps({**kept, "obtained_at": time.time() - 299}))
    with pytest.raises(CredentialsError):
        DeviceFlow(sandbox.config, CLIENT).get_token()


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_person_is_waited_for_though_the_realm_fails_for_a_while(
    status: int, sandbox: Sandbox
) -> None:
    sandbox.faults.add("token", Fault(status=status, headers={"Retry-After": "0"}))
    assert device(sandbox).get_token()
    assert asked(sandbox, "device_authorization") == 1


def test_a_realm_that_fails_to_say_its_addresses_is_not_guessed_at(sandbox: Sandbox) -> None:
    sandbox.faults.add("openid_configuration", gateway(502))
    auth = service(sandbox)
    with pytest.raises(CredentialsError, match=r"status 502 when asked for its addresses"):
        auth.get_token()
    assert asked(sandbox) == 0
    assert auth.get_token()
    auth.force_refresh()
    assert asked(sandbox, "openid_configuration") == 2


def test_a_realm_without_a_discovery_document_has_the_addresses_of_keycloak(
    sandbox: Sandbox,
) -> None:
    sandbox.faults.add("openid_configuration", Fault(status=404))
    assert service(sandbox).get_token()


def test_a_document_about_another_realm_is_passed_over(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    document = {"issuer": "https://elsewhere.example.org", "token_endpoint": "https://x.test/t"}
    sandbox.faults.add("openid_configuration", answering(document))
    auth = service(sandbox)
    assert auth.get_token()
    auth.force_refresh()
    assert caplog.text.count("elsewhere.example.org") == 1


@pytest.mark.parametrize(
    "address", ["http://other.example.org/token", "ftp://127.0.0.1/", "token", 5, ["x"]]
)
def test_an_address_to_which_no_token_may_go_is_refused(address: object, realm: Server) -> None:
    discovery = {"issuer": f"{realm.url}/r", "token_endpoint": address}
    realm.answer = says(TOKENS, discovery=discovery)
    auth = ClientCredentials(at(realm), CLIENT, SECRET)
    if isinstance(address, str):
        with pytest.raises(CredentialsError, match="names an address that cannot be used"):
            auth.get_token()
    else:
        assert auth.get_token()  # a document that cannot be read is none


# Odd answers

ODD: list[object] = [
    [],
    None,
    "text",
    5,
    {},
    {"access_token": ""},
    {"access_token": None},
    {"access_token": 5},
    {"access_token": "two words"},
    {"access_token": "line\nbreak"},
    {**TOKENS, "token_type": "mac"},
    {**TOKENS, "expires_in": "soon"},
    {**TOKENS, "expires_in": {}},
    {**TOKENS, "refresh_token": 5},
    {**TOKENS, "scope": {}},
]


@pytest.mark.parametrize("answer", ODD, ids=repr)
def test_an_answer_without_tokens_is_an_error(answer: object, realm: Server) -> None:
    realm.answer = says(answer)
    with pytest.raises(CredentialsError, match="could not sign in as a client"):
        ClientCredentials(at(realm), CLIENT, SECRET).get_token()


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 10_000])
def test_an_answer_that_is_no_json_is_an_error(body: bytes, realm: Server) -> None:
    def reply(request: Received) -> bytes:
        if request.path.endswith("openid-configuration"):
            return json_reply({}, status=404)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        return head + body

    realm.answer = reply
    with pytest.raises(CredentialsError, match="no JSON object"):
        ClientCredentials(at(realm), CLIENT, SECRET).get_token()


@pytest.mark.parametrize("expires_in", [None, 0, -5, "300", "300.5", 300.5, 1e300, 0.001])
def test_the_life_of_a_token_may_be_said_oddly(expires_in: object, realm: Server) -> None:
    realm.answer = says({**TOKENS, "expires_in": expires_in})
    assert ClientCredentials(at(realm), CLIENT, SECRET).get_token() == TOKENS["access_token"]


DEVICE = {
    "device_code": "a-device-code",
    "user_code": "ABCD",
    "verification_uri": "http://127.0.0.1/device",
    "expires_in": 600,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"verification_uri": "javascript:alert(1)"},
        {"verification_uri": "file:///etc/passwd"},
        {"verification_uri": "http://example.org/device"},
        {"verification_uri": "http://127.0.0.1/\x1b[2J"},
        {"verification_uri_complete": "data:text/html,x"},
        {"verification_uri_complete": "http://127.0.0.1:x/"},
        {"verification_uri": None},
        {"expires_in": "long"},
        {"user_code": 5.5},
    ],
    ids=repr,
)
def test_a_page_that_is_none_is_not_shown(changes: dict[str, object], realm: Server) -> None:
    realm.answer = says({**DEVICE, **changes})
    shown: list[DeviceLogin] = []
    auth = DeviceFlow(at(realm), CLIENT, prompt=shown.append)
    with pytest.raises(CredentialsError, match=r"cannot be (opened|used)"):
        auth.get_token()
    assert shown == []


def test_a_device_answer_may_say_numbers_as_text_and_leave_out_the_rest(realm: Server) -> None:
    answers = iter([{**DEVICE, "expires_in": "600", "interval": "0.01"}, TOKENS])

    def reply(request: Received) -> bytes:
        if request.path.endswith("openid-configuration"):
            return json_reply({}, status=404)
        return json_reply(next(answers))

    realm.answer = reply
    shown: list[DeviceLogin] = []
    auth = DeviceFlow(at(realm), CLIENT, prompt=shown.append)
    assert auth.get_token() == TOKENS["access_token"]
    assert "enter the code ABCD" in str(shown[0])


# Secrets


def test_no_secret_hangs_on_an_error(sandbox: Sandbox, tmp_path: Path) -> None:
    auth = offline(sandbox, tmp_path, client_secret="a-client-secret", cache=None)
    given = auth._given_token()
    sandbox.faults.add("token", Fault(drop=True))
    with SyncProvClient(auth, sandbox.config) as client, pytest.raises(CredentialsError) as caught:
        client.check_read_access()
    error: BaseException | None = caught.value
    depth = 0
    while error is not None:
        request = getattr(error, "_request", None)
        told = f"{error!r} {vars(error)} {request and (request.content, request.headers)}"
        assert given not in told
        assert "a-client-secret" not in told
        error, depth = error.__cause__ or error.__context__, depth + 1
    assert depth >= 3
    assert "a-client-secret" not in f"{auth!r} {auth._realm!r} {vars(auth)!r}"


def test_a_realm_that_repeats_what_it_was_told_does_not_have_it_repeated(realm: Server) -> None:
    realm.answer = says(
        {"error": "invalid_grant", "error_description": f"{SECRET} \x1b[31mis wrong\n"}, status=400
    )
    with pytest.raises(CredentialsError) as caught:
        ClientCredentials(at(realm), CLIENT, SECRET).get_token()
    assert caught.value.error == "invalid_grant"
    assert caught.value.error_description == "*** [31mis wrong"
    assert SECRET not in str(caught.value)


def test_a_secret_that_is_a_word_leaves_the_error_recognisable(sandbox: Sandbox) -> None:
    auth = device(sandbox, client_secret="grant")
    auth.get_token()
    sandbox.faults.add("token", refusal("invalid_grant"))
    auth.force_refresh()  # by signing in anew
    assert asked(sandbox, "device_authorization") == 2


def test_a_job_whose_token_was_revoked_is_told_so(sandbox: Sandbox) -> None:
    device(sandbox).get_token()
    sandbox.faults.add("token", refusal("invalid_grant"))
    with pytest.raises(
        CredentialsError, match=r"OfflineFlow.*good no more \(invalid_grant\)"
    ) as caught:
        DeviceFlow(sandbox.config, CLIENT).force_refresh()
    assert caught.value.error == "invalid_grant"


def test_an_ordinary_refresh_token_is_not_saved_as_an_offline_one(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    answer = {**TOKENS, "refresh_token": "an-ordinary-one", "scope": "openid"}
    sandbox.faults.add("token", answering(answer))
    with pytest.raises(CredentialsError, match="gave no offline token"):
        device(sandbox).save_offline_token(tmp_path / "token")
    assert not (tmp_path / "token").exists()
    assert asked(sandbox, "revocation") == 1


def test_logging_out_forgets_a_file_that_cannot_be_trusted(sandbox: Sandbox, home: Path) -> None:
    auth = device(sandbox)
    auth.get_token()
    (path,) = home.rglob("*.json")
    path.chmod(0o644)
    path.with_suffix(".damaged").write_text("tokens")
    with pytest.raises(CredentialsError, match="can be read by other users"):
        auth.logout()
    assert [p.suffix for p in path.parent.iterdir()] == [".lock"]
    assert asked(sandbox, "revocation") == 1


# The end of a process

WAITING = """
import asyncio, signal, sys
# Where these tests run in the background, Ctrl-C is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
from prov_facade import *
config = Config("p", "r", APIOverrides(keycloak_endpoint_override=sys.argv[1]))
auth = DeviceFlow(config, "c", prompt=lambda login: print("shown", flush=True), timeout=30)
client = ProvClient(auth, config)
async def main():
    print("begun", flush=True)
    await client.check_read_access()
"""
ENDS = {
    "asyncio.run": "asyncio.run(main())",
    "run_until_complete": "asyncio.new_event_loop().run_until_complete(main())",
    "sync": "print('begun', flush=True); SyncProvClient(auth, config).check_read_access()",
}


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent")
@pytest.mark.parametrize("hangs", [False, True], ids=["person", "realm"])
@pytest.mark.parametrize("way", ENDS)
def test_ctrl_c_ends_the_process_while_a_person_or_the_realm_is_waited_for(
    way: str, hangs: bool, sandbox: Sandbox
) -> None:
    sandbox.realm.interval = 5
    if hangs:
        sandbox.faults.add("device_authorization", Fault(delay=25))
    process = subprocess.Popen(
        [sys.executable, "-Wignore", "-c", WAITING + ENDS[way], sandbox.config.keycloak_endpoint],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "begun\n"
        if not hangs:
            assert process.stdout.readline() == "shown\n"
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=10)
    finally:
        process.kill()
    assert "KeyboardInterrupt" in said
    assert process.returncode != 0


def test_calls_that_are_cancelled_leave_the_login_to_the_next(sandbox: Sandbox) -> None:
    shown: list[DeviceLogin] = []
    is_shown = threading.Event()

    def show(login: DeviceLogin) -> None:
        shown.append(login)
        is_shown.set()

    auth = DeviceFlow(sandbox.config, CLIENT, prompt=show)

    async def run() -> None:
        async with ProvClient(auth, sandbox.config) as client:
            calls = [asyncio.create_task(client.check_read_access()) for _ in range(3)]
            await asyncio.to_thread(is_shown.wait, 10)
            calls[0].cancel()
            await asyncio.sleep(0.3)
            sandbox.realm.approve(shown[0].user_code)
            await asyncio.wait_for(asyncio.gather(*calls[1:]), 10)

    asyncio.run(run())
    assert {login.user_code for login in shown} == {shown[0].user_code}


def test_a_file_of_certificates_that_is_none_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "bundle.pem").write_text("nothing")
    auth = device(sandbox, verify=tmp_path / "bundle.pem")
    with (
        SyncProvClient(auth, sandbox.config) as client,
        pytest.raises(CredentialsError, match=r"no connection to .* can be set up: verify"),
    ):
        client.check_read_access()


def test_a_redirect_is_not_followed(realm: Server) -> None:
    def reply(request: Received) -> bytes:
        if request.path.endswith("openid-configuration"):
            return json_reply({}, status=404)
        return json_reply({}, status=307, headers={"Location": "http://127.0.0.1:1/"})

    realm.answer = reply
    with pytest.raises(CredentialsError, match="Redirects are not followed"):
        ClientCredentials(at(realm), CLIENT, SECRET).get_token()
    assert len(realm.received) == 2


def test_a_token_that_is_good_is_used_by_those_who_wait_for_a_refresh_that_fails(
    sandbox: Sandbox, home: Path
) -> None:
    device(sandbox).get_token()
    (path,) = home.rglob("*.json")
    kept = json.loads(path.read_text())
    path.write_text(json.dumps({**kept, "obtained_at": time.time() - 250}))
    auth = DeviceFlow(sandbox.config, CLIENT)
    count = asked(sandbox)
    sandbox.faults.add("token", evolve(gateway(502), delay=1))
    with ThreadPoolExecutor(6) as threads:
        forced = threads.submit(auth.force_refresh)
        while asked(sandbox) == count:
            time.sleep(0.01)
        waiting = [threads.submit(auth.get_token) for _ in range(4)]
        again = threads.submit(auth.force_refresh)
    assert {each.result() for each in waiting} == {kept["access_token"]}
    assert isinstance(forced.exception(), CredentialsError)
    assert isinstance(again.exception(), CredentialsError)
    assert asked(sandbox) == count + 1
