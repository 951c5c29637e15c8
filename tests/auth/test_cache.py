"""The token cache: who can read it, and what happens when it cannot be used."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import pytest
from auth.support import CLIENT, alter, cached_file, device, request_count

from prov_facade import (
    APIOverrides,
    Config,
    ConfigError,
    CredentialsError,
    DeviceFlow,
    TokenCacheWarning,
)
from prov_facade.sandbox import Sandbox

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")


@POSIX
def test_only_their_owner_can_read_cached_tokens(
    sandbox: Sandbox, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    before = os.umask(0)
    try:
        device(sandbox).get_token()
    finally:
        os.umask(before)
    found = cached_file(home)
    assert found.is_relative_to(home / ".local" / "state" / "prov-facade")
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(found.with_suffix(".lock").stat().st_mode) == 0o600
    assert sorted(p.suffix for p in found.parent.iterdir()) == [".json", ".lock"]
    assert not list(work.iterdir())


def test_the_next_process_uses_the_cached_tokens(sandbox: Sandbox) -> None:
    token = device(sandbox).get_token()
    assert DeviceFlow(sandbox.config, CLIENT).get_token() == token
    assert request_count(sandbox) == 1


@pytest.mark.parametrize("other", ["realm", "client", "scope"])
def test_each_realm_client_and_scope_has_a_file(other: str, sandbox: Sandbox, home: Path) -> None:
    auth = device(sandbox)
    auth.get_token()
    config = sandbox.config
    if other == "realm":  # the same one, under another name
        address = config.keycloak_endpoint.replace("127.0.0.1", "localhost")
        config = Config("other.test", "r", APIOverrides(keycloak_endpoint_override=address))
    client_id = "other" if other == "client" else CLIENT
    scope = "openid email" if other == "scope" else "openid"
    DeviceFlow(config, client_id, scope=scope, prompt=auth._prompt).get_token()
    assert len(list(home.rglob("*.json"))) == 2


def test_the_order_of_the_words_in_a_scope_does_not_matter(sandbox: Sandbox, home: Path) -> None:
    device(sandbox, scope="openid email").get_token()
    assert DeviceFlow(sandbox.config, CLIENT, scope="email  openid").get_token()
    assert len(list(home.rglob("*.json"))) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"version": 2}', b"\xff\xfe", b'{"version": 1}', b"[" * 100_000],
)
def test_a_damaged_file_is_set_aside_and_a_new_login_starts(
    content: bytes, sandbox: Sandbox, home: Path
) -> None:
    device(sandbox).get_token()
    path = cached_file(home)
    path.write_bytes(content)
    with pytest.warns(TokenCacheWarning, match="damaged"):
        assert device(sandbox).get_token()
    assert path.with_suffix(".damaged").read_bytes() == content
    assert DeviceFlow(sandbox.config, CLIENT).get_token()
    assert request_count(sandbox, "device_authorization") == 2


def test_a_file_of_another_realm_is_not_sent_to_this_one(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    alter(cached_file(home), realm="https://auth.example.org/realms/another")
    with pytest.warns(TokenCacheWarning, match="damaged"):
        assert device(sandbox).get_token()


@POSIX
@pytest.mark.parametrize(
    ("mode", "message"), [(0o640, "can be read"), (0o604, "can be read"), (0o620, "can be changed")]
)
def test_a_file_that_others_can_access_is_refused(
    mode: int, message: str, sandbox: Sandbox, home: Path
) -> None:
    token = device(sandbox).get_token()
    cached_file(home).chmod(mode)
    with pytest.raises(CredentialsError, match=f"{message} by other users.*chmod 600") as caught:
        device(sandbox).get_token()
    assert str(cached_file(home)) in str(caught.value)
    cached_file(home).chmod(0o600)
    assert DeviceFlow(sandbox.config, CLIENT).get_token() == token


@POSIX
def test_a_directory_that_others_can_change_is_refused(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    cached_file(home).parent.chmod(0o770)
    with pytest.raises(CredentialsError, match=r"can be changed by other users.*chmod 700"):
        DeviceFlow(sandbox.config, CLIENT).get_token()


@POSIX
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs two users")
def test_a_file_of_another_user_is_refused(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    os.chown(cached_file(home), 65534, 65534)
    with pytest.raises(
        CredentialsError, match="belongs to another user: run `chown 0` on it as root"
    ):
        DeviceFlow(sandbox.config, CLIENT).get_token()


@POSIX
def test_a_symbolic_link_in_place_of_the_file_is_refused(
    sandbox: Sandbox, home: Path, tmp_path: Path
) -> None:
    device(sandbox).get_token()
    path = cached_file(home)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CredentialsError, match="could not read the tokens"):
        DeviceFlow(sandbox.config, CLIENT).get_token()


def unwritable(tmp_path: Path) -> Path:
    """A home directory that not even root can write to."""
    path = tmp_path / "no-home"
    path.write_text("")
    return path


def test_signing_in_works_and_warns_if_the_home_directory_is_not_writable(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(unwritable(tmp_path)))
    auth = device(sandbox)
    with pytest.warns(TokenCacheWarning, match="could not be cached"):
        token = auth.get_token()
    assert auth.get_token() == token
    with pytest.warns(TokenCacheWarning):
        auth.force_refresh()
    assert auth.get_token() != token
    auth.logout()
    assert request_count(sandbox, "revocation") == 1


@POSIX
def test_a_cache_that_became_read_only_is_still_used(sandbox: Sandbox, home: Path) -> None:
    # Each refresh token is valid for one use: after the first refresh, using the cached one would
    # end the session.
    sandbox.realm.single_use = True
    device(sandbox).get_token()
    auth = DeviceFlow(sandbox.config, CLIENT)
    with read_only(cached_file(home).parent):
        tokens = {auth.get_token()}
        for _ in range(3):
            with pytest.warns(TokenCacheWarning, match="could not be cached"):
                auth.force_refresh()
            tokens.add(auth.get_token())
    assert len(tokens) == 4


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a directory read-only, even for root."""
    if os.getuid() != 0:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    chattr = shutil.which("chattr")
    if not chattr or subprocess.run([chattr, "+i", folder], check=False).returncode:
        pytest.skip("root can write anywhere here")
    yield
    subprocess.run([chattr, "-i", folder], check=True)


def test_without_a_home_directory_nothing_is_written(
    sandbox: Sandbox,
    tmp_path: Path,
    without_home: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    without_home()
    auth = device(sandbox)
    with pytest.warns(TokenCacheWarning, match="no home directory"):
        auth.get_token()
    auth.logout()
    with pytest.raises(ConfigError, match="cannot be used"):
        device(sandbox, cache=Path("~/tokens"))
    assert not list(work.iterdir())


def test_without_a_cache_nothing_is_written(sandbox: Sandbox, home: Path) -> None:
    device(sandbox, cache=None).get_token()
    assert not list(home.iterdir())


def test_the_cache_can_be_another_directory(sandbox: Sandbox, home: Path, tmp_path: Path) -> None:
    device(sandbox, cache=tmp_path / "tokens").get_token()
    assert list((tmp_path / "tokens").glob("*.json"))
    assert not list(home.iterdir())


@pytest.mark.parametrize("cache", ["files", "", 1])
def test_an_unknown_cache_is_a_configuration_error(cache: Any, sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="cache must be"):
        device(sandbox, cache=cache)


def test_a_file_without_read_permission_is_ignored(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device(sandbox).get_token()
    path = cached_file(home)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("prov_facade._auth.token_cache.read_private", refuse)  # root may read it
        with pytest.warns(TokenCacheWarning, match=f"no permission to read {path}"):
            assert device(sandbox).get_token()
    assert request_count(sandbox, "device_authorization") == 2


def test_a_file_that_cannot_be_removed_is_an_error(sandbox: Sandbox, home: Path) -> None:
    auth = device(sandbox)
    auth.get_token()
    path = cached_file(home)
    path.unlink()
    path.mkdir()
    with pytest.raises(CredentialsError, match=r"could not (read|remove) the tokens"):
        auth.logout()
    path.rmdir()
    path.with_suffix(".damaged").mkdir()
    with pytest.raises(CredentialsError, match="remove the file yourself"):
        auth.logout()


def test_a_lock_that_another_process_never_releases_is_an_error(
    sandbox: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device(sandbox).get_token()
    monkeypatch.setattr("prov_facade._auth.token_cache._LOCK_TIMEOUT", 0)
    monkeypatch.setattr("prov_facade._auth.token_cache._POLL_INTERVAL", 0.01)
    auth = device(sandbox)
    lock = cached_file(home).with_suffix(".lock")
    with filelock.FileLock(lock), pytest.raises(CredentialsError, match="Resume it, or end it"):
        auth.force_refresh()
    auth.force_refresh()


# Expiry


def is_refreshed(sandbox: Sandbox, home: Path, **changes: Any) -> bool:
    """Return whether the next process refreshes cached tokens with these changes."""
    token = device(sandbox).get_token()
    alter(cached_file(home), **changes)
    return DeviceFlow(sandbox.config, CLIENT).get_token() != token


@pytest.mark.parametrize(
    ("age", "expected"), [(0, False), (200, False), (220, True), (299, True), (3000, True)]
)
def test_a_token_is_refreshed_well_before_it_expires(
    age: int, expected: bool, sandbox: Sandbox, home: Path
) -> None:
    # 90 s before it expires, which is more than the clocks of two machines differ.
    assert is_refreshed(sandbox, home, obtained_at=time.time() - age) == expected


@pytest.mark.parametrize("off", [-60, 60])
@pytest.mark.parametrize("age", [0, 150, 239, 299])
def test_no_expired_token_is_used_if_a_clock_is_a_minute_off(
    age: int, off: int, sandbox: Sandbox, home: Path
) -> None:
    # Another machine wrote this, by its own clock.
    refreshed = is_refreshed(sandbox, home, obtained_at=time.time() - age + off)
    assert refreshed or age < 300 - 29
    assert not refreshed or age >= 150


def test_a_token_from_the_future_is_refreshed(sandbox: Sandbox, home: Path) -> None:
    assert is_refreshed(sandbox, home, obtained_at=time.time() + 3600)


def test_a_short_lived_token_is_used_for_half_its_life(sandbox: Sandbox, home: Path) -> None:
    assert not is_refreshed(sandbox, home, obtained_at=time.time() - 9, expires_in=20)
    assert is_refreshed(sandbox, home, obtained_at=time.time() - 11, expires_in=20)


# The keyring


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Any]:
    """A keyring in a file, from the package keyrings.alt."""
    package = pytest.importorskip("keyring")
    backend = pytest.importorskip("keyrings.alt.file").PlaintextKeyring()
    backend.file_path = str(tmp_path / "keyring.cfg")
    before = package.get_keyring()
    package.set_keyring(backend)
    yield package
    package.set_keyring(before)


@pytest.mark.usefixtures("keyring")
def test_the_keyring_stores_the_refresh_token(sandbox: Sandbox, home: Path) -> None:
    sandbox.realm.single_use = True
    auth = device(sandbox, cache="keyring")
    token = auth.get_token()
    assert not list(home.rglob("*.json"))
    other = DeviceFlow(sandbox.config, CLIENT, cache="keyring")
    assert other.get_token() != token  # only the refresh token is stored
    auth.force_refresh()
    other.force_refresh()
    auth.logout()
    assert device(sandbox, cache="keyring").get_token() != token
    assert request_count(sandbox, "device_authorization") == 2


def test_a_damaged_entry_of_the_keyring_is_ignored(sandbox: Sandbox, keyring: Any) -> None:
    auth = device(sandbox, cache="keyring")
    keyring.set_password("prov-facade", auth._key().name, "{")
    with pytest.warns(TokenCacheWarning, match="damaged"):
        assert auth.get_token()


def test_a_keyring_that_fails_is_an_error(sandbox: Sandbox, keyring: Any) -> None:
    auth = device(sandbox, cache="keyring")
    keyring.set_keyring(pytest.importorskip("keyring.backends.fail").Keyring())
    with pytest.raises(CredentialsError, match="the keyring cannot be used"):
        auth.get_token()
    with pytest.raises(CredentialsError, match="the keyring cannot be used"):
        auth.logout()


def test_a_keyring_that_cannot_store_tokens_warns(
    sandbox: Sandbox, keyring: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr(keyring.get_keyring(), "set_password", fail)
    with pytest.warns(TokenCacheWarning, match=r"could not be stored in the keyring \(OSError\)"):
        assert device(sandbox, cache="keyring").get_token()


def test_a_keyring_that_is_not_installed_is_a_configuration_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"install prov-facade\[keyring\]"):
        device(sandbox, cache="keyring")
