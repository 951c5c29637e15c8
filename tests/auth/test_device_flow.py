"""The device flow: polling, pending logins, and offline tokens."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from attrs import evolve
from auth.support import (
    CLIENT,
    TOKENS,
    client_of,
    config_of,
    device,
    oauth_error,
    request_count,
    responding,
    scripted,
)
from certificates import server_context
from scripted_server import Server, json_reply

from prov_facade import (
    ConfigError,
    CredentialsError,
    DeviceFlow,
    DeviceLogin,
    OfflineFlow,
    ProvClient,
)
from prov_facade.sandbox import Fault, Sandbox, gateway

# Polling


def test_polling_respects_the_interval_and_slow_down(sandbox: Sandbox, sleeps: list[float]) -> None:
    sandbox.realm.interval = 0.3
    pending = oauth_error("authorization_pending")
    sandbox.faults.add("token", pending, oauth_error("slow_down"), pending)
    assert device(sandbox).get_token()
    assert sleeps == [0.3, 0.3, 5.3, 5.3]


def test_an_interval_of_minutes_is_respected_also_after_a_transient_error(
    sandbox: Sandbox, sleeps: list[float]
) -> None:
    sandbox.realm.interval = 90
    pending = oauth_error("authorization_pending")
    sandbox.faults.add("token", pending, gateway(502), oauth_error("slow_down"), pending)
    assert device(sandbox).get_token()
    assert sleeps == [90, 90, 90, 95, 95]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(drop=True),
        Fault(status=500),
        gateway(502),
        *(Fault(status=status, headers={"Retry-After": "0"}) for status in (429, 503)),
    ],
    ids=str,
)
def test_polling_continues_with_longer_intervals_after_a_transient_error(
    fault: Fault, sandbox: Sandbox, sleeps: list[float]
) -> None:
    retried = fault.status in (429, 503)
    # A busy realm is retried three times within one poll.
    sandbox.faults.add("token", *[fault] * (4 if retried else 1))
    assert device(sandbox).get_token()
    assert [each for each in sleeps if each] == [0.01, 1.0]
    assert request_count(sandbox, "device_authorization") == 1


def test_polling_ends_when_the_certificate_is_rejected(
    sandbox: Sandbox, sleeps: list[float], tmp_path: Path
) -> None:
    tls = server_context(tmp_path / "bundle.pem")
    with Server(tls=tls) as realm:
        auth = device(sandbox)
        auth._realm.authorize_device("openid")  # finds the endpoints
        found = auth._realm._endpoints
        assert found is not None
        auth._realm._endpoints = evolve(found, token=f"{realm.url}/token")
        with pytest.raises(CredentialsError, match=r"certificate of 127\.0\.0\.1 was"):
            auth.get_token()
        assert realm.opened == 1
    assert [seconds for seconds in sleeps if seconds] == [0.01]


def test_a_denied_login_is_an_error(sandbox: Sandbox) -> None:
    auth = DeviceFlow(
        sandbox.config, CLIENT, prompt=lambda login: sandbox.realm.deny(login.user_code)
    )
    with pytest.raises(CredentialsError, match="was denied") as caught:
        auth.get_token()
    assert caught.value.error == "access_denied"
    assert caught.value.error_description == "The login was denied."


@pytest.mark.parametrize("interval", [0.05, 5])
def test_a_login_that_nobody_approves_is_an_error_and_the_next_has_a_new_code(
    interval: float, sandbox: Sandbox
) -> None:
    sandbox.realm.device_lifetime = 0.1
    sandbox.realm.interval = interval
    codes: list[str] = []
    auth = DeviceFlow(sandbox.config, CLIENT, prompt=lambda login: codes.append(login.user_code))
    for _ in range(2):
        with pytest.raises(CredentialsError, match=r"nobody approved the login.*in time") as caught:
            auth.get_token()
        assert caught.value.error == "expired_token"
    assert len(set(codes)) == 2


def test_an_expired_code_is_reported_like_one_that_nobody_approved(sandbox: Sandbox) -> None:
    sandbox.faults.add("token", oauth_error("expired_token"))
    with pytest.raises(CredentialsError, match="nobody approved the login") as caught:
        device(sandbox).get_token()
    assert caught.value.error == "expired_token"


# A pending login


def test_a_login_is_resumed_after_its_call_was_cancelled(sandbox: Sandbox) -> None:
    shown: list[DeviceLogin] = []
    is_shown = threading.Event()

    def show(login: DeviceLogin) -> None:
        shown.append(login)
        is_shown.set()

    auth = DeviceFlow(sandbox.config, CLIENT, prompt=show)

    async def run(approve: bool) -> None:
        async with ProvClient(auth, sandbox.config) as client:
            calls = [asyncio.create_task(client.check_read_access()) for _ in range(3)]
            await asyncio.to_thread(is_shown.wait, 10)
            calls[0].cancel()
            if approve:
                sandbox.realm.approve(shown[0].user_code)
            else:
                calls[1].cancel()
                calls[2].cancel()
            await asyncio.gather(*calls, return_exceptions=True)
            assert [call.cancelled() for call in calls] == [True, not approve, not approve]

    asyncio.run(run(approve=False))
    asyncio.run(run(approve=True))
    assert auth.get_token()
    assert {login.user_code for login in shown} == {shown[0].user_code}
    assert request_count(sandbox, "device_authorization") == 1


# Responses of the realm

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
        {"user_code": 5.5},
    ],
    ids=repr,
)
def test_a_login_with_an_invalid_page_or_field_is_not_shown(
    changes: dict[str, object], realm: Server
) -> None:
    realm.response = scripted(lambda: json_reply({**DEVICE, **changes}))
    shown: list[DeviceLogin] = []
    auth = DeviceFlow(config_of(realm), CLIENT, prompt=shown.append)
    with pytest.raises(CredentialsError, match=r"cannot be (opened|used)"):
        auth.get_token()
    assert shown == []


@pytest.mark.parametrize("value", ["long", "", {}, [], True, None, "nan", -5])
@pytest.mark.parametrize("field", ["interval", "expires_in"])
def test_a_time_that_is_not_a_positive_number_is_ignored(
    field: str, value: object, realm: Server, sleeps: list[float]
) -> None:
    replies = iter([{**DEVICE, "interval": 7, field: value}, TOKENS])
    realm.response = scripted(lambda: json_reply(next(replies)))
    shown: list[DeviceLogin] = []
    auth = DeviceFlow(config_of(realm), CLIENT, prompt=shown.append)
    assert auth.get_token() == TOKENS["access_token"]
    assert sleeps == [5 if field == "interval" else 7]
    assert shown[0].expires_in == 600


def test_numbers_may_be_strings_and_optional_fields_absent(realm: Server) -> None:
    replies = iter([{**DEVICE, "expires_in": "600", "interval": "0.01"}, TOKENS])
    realm.response = scripted(lambda: json_reply(next(replies)))
    shown: list[DeviceLogin] = []
    auth = DeviceFlow(config_of(realm), CLIENT, prompt=shown.append)
    assert auth.get_token() == TOKENS["access_token"]
    assert "enter the code ABCD" in str(shown[0])


def test_a_flow_that_the_realm_does_not_allow_is_an_error(realm: Server) -> None:
    realm.response = scripted(lambda: json_reply({"error": "unauthorized_client"}, status=400))
    with pytest.raises(CredentialsError, match="can enable this flow"):
        DeviceFlow(config_of(realm), CLIENT, interactive=True).get_token()
    with pytest.raises(CredentialsError, match="can enable this flow"):
        client_of(realm).get_token()


# Offline tokens


def test_an_offline_token_is_saved_where_only_its_owner_can_read_it(
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
    auth.logout()  # which does not affect the offline token
    found.force_refresh()


@pytest.mark.parametrize(
    ("extra", "revoked"),
    [
        ({}, ("an-access-token", "access_token")),
        ({"scope": "openid"}, ("an-access-token", "access_token")),
        (
            {"refresh_token": "an-ordinary-one", "scope": "openid"},
            ("an-ordinary-one", "refresh_token"),
        ),
    ],
    ids=["none", "denied", "ordinary"],
)
@pytest.mark.parametrize("confirmed", [True, False])
def test_a_token_that_is_not_an_offline_token_is_revoked_and_not_saved(
    extra: dict[str, str],
    revoked: tuple[str, str],
    confirmed: bool,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    sandbox.faults.add("token", responding({**TOKENS, **extra}))
    if not confirmed:
        sandbox.faults.add("revocation", oauth_error("unsupported_token_type"))
    with pytest.raises(
        CredentialsError, match=r"issued no offline token.*offline_access"
    ) as caught:
        device(sandbox).save_offline_token(tmp_path / "token")
    assert (caught.value.__cause__ is None) is confirmed
    assert not (tmp_path / "token").exists()
    (request,) = (r for r in sandbox.requests if r.operation_id == "revocation")
    form = parse_qs(request.body.decode())
    assert (form["token"], form["token_type_hint"]) == ([revoked[0]], [revoked[1]])


def test_an_offline_token_that_cannot_be_written_is_revoked(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="is not a directory"):
        device(sandbox).save_offline_token(tmp_path / "missing" / "token")
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(ConfigError, match="is not writable"):
            device(sandbox).save_offline_token(tmp_path / "token")
    assert sandbox.requests == []
    (tmp_path / "token").mkdir()  # cannot be replaced by a file
    with pytest.raises(CredentialsError, match=r"could not write .*; it was revoked"):
        device(sandbox).save_offline_token(tmp_path / "token")
    assert request_count(sandbox, "revocation") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "home"] == ["token"]
