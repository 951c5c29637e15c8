"""The offline flow: where its token comes from, and how it is refreshed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from auth.conftest import Clock
from auth.support import (
    CLIENT,
    TOKENS,
    oauth_error,
    offline,
    offline_token,
    pickled,
    request_count,
    responding,
)

from prov_facade import ConfigError, CredentialsError, OfflineFlow, SyncProvClient
from prov_facade._files.private import write_private
from prov_facade.sandbox import Sandbox


@pytest.mark.parametrize("place", ["argument", "file", "environment"])
def test_the_offline_token_is_an_argument_a_file_or_a_variable(
    place: str, sandbox: Sandbox, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = offline_token(sandbox, tmp_path)
    write_private(home / "token", f"{token}\n".encode())
    monkeypatch.setenv("PROV_OFFLINE_TOKEN", token if place == "environment" else "another")
    settings: dict[str, dict[str, Any]] = {
        "argument": {"offline_token": token},
        "file": {"offline_token_file": "~/token"},
        "environment": {},
    }
    auth = OfflineFlow(sandbox.config, CLIENT, **settings[place])
    assert auth.get_token()


def test_a_variable_that_is_no_longer_set_is_an_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROV_OFFLINE_TOKEN", "t")
    auth = OfflineFlow(sandbox.config, CLIENT)
    monkeypatch.delenv("PROV_OFFLINE_TOKEN")
    with pytest.raises(CredentialsError, match="PROV_OFFLINE_TOKEN is no longer set"):
        auth.get_token()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"", "must contain"),
        (b"two words", "must contain"),
        (b"\xff", "is not text"),
    ],
)
def test_a_file_without_an_offline_token_is_an_error(
    content: bytes | None, message: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    if content is not None:
        write_private(path, content)
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    with pytest.raises(CredentialsError, match=message) as caught:
        auth.get_token()
    assert str(path) in str(caught.value)
    assert sandbox.requests == []


def test_no_offline_token_or_two_is_a_configuration_error(
    sandbox: Sandbox, without_home: Callable[[], None]
) -> None:
    with pytest.raises(ConfigError, match="PROV_OFFLINE_TOKEN"):
        OfflineFlow(sandbox.config, CLIENT)
    with pytest.raises(ConfigError, match="not both"):
        OfflineFlow(sandbox.config, CLIENT, offline_token="t", offline_token_file="f")
    without_home()
    with pytest.raises(ConfigError, match="offline_token_file cannot be located"):
        OfflineFlow(sandbox.config, CLIENT, offline_token_file="~/token")


def test_another_token_in_the_file_signs_in_another_user(
    sandbox: Sandbox, tmp_path: Path, clock: Clock
) -> None:
    path = tmp_path / "token"
    write_private(path, offline_token(sandbox, tmp_path, "ann").encode())
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    with SyncProvClient(auth, sandbox.config) as client:
        assert client.check_general_access().username == "ann"
        write_private(path, offline_token(sandbox, tmp_path, "bob").encode())
        clock.ahead += 211
        assert client.check_general_access().username == "bob"
    with SyncProvClient(pickled(auth), sandbox.config) as client:
        assert client.check_general_access().username == "bob"


def test_two_offline_tokens_of_a_client_are_cached_separately(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.realm.single_use = True
    one, other = offline(sandbox, tmp_path), offline(sandbox, tmp_path)
    assert one.get_token() != other.get_token()
    for _ in range(3):
        one.force_refresh()
        other.force_refresh()
        one, other = pickled(one), pickled(other)


def test_a_run_continues_after_its_token_file_was_removed(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "token"
    write_private(path, offline_token(sandbox, tmp_path).encode())
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token_file=path)
    auth.get_token()
    path.unlink()
    auth.force_refresh()
    auth.logout()
    with pytest.raises(CredentialsError, match="cannot read the offline token"):
        auth.get_token()


def test_a_narrower_scope_is_requested_with_every_refresh(sandbox: Sandbox, tmp_path: Path) -> None:
    token = offline_token(sandbox, tmp_path)
    auth = OfflineFlow(sandbox.config, CLIENT, offline_token=token, scope="profile")
    sandbox.clear_requests()
    for _ in range(3):
        auth.force_refresh()
    sent = [r.body for r in sandbox.requests if r.operation_id == "token"]
    assert len(sent) == 3
    assert all(b"scope=profile" in body for body in sent)


@pytest.mark.parametrize(("rotates", "attempts"), [(True, 2), (False, 1)])
def test_the_cached_and_the_supplied_token_are_each_tried_once(
    rotates: bool, attempts: int, sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = offline(sandbox, tmp_path)
    if not rotates:
        sandbox.faults.add("token", responding(TOKENS))  # without a refresh token
    auth.get_token()
    count = request_count(sandbox)
    sandbox.faults.add("token", *[oauth_error("invalid_grant")] * 5)
    with pytest.raises(CredentialsError, match="has expired or was revoked"):
        auth.force_refresh()
    assert request_count(sandbox) == count + attempts
    sandbox.faults.clear()
    sandbox.faults.add("token", oauth_error("server_error"))
    with pytest.raises(CredentialsError, match=r"server_error$"):
        auth.force_refresh()
