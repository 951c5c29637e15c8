"""Where tokens are kept: by whom they can be read, and what happens when they cannot be kept."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from signing import CLIENT, asked, copied, device, offline, refusal

from prov_facade import ConfigError, CredentialsError, DeviceFlow, TokenCacheWarning
from prov_facade.sandbox import Sandbox

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
SHARING = Path(__file__).parent / "sharing.py"


def file_of(home: Path) -> Path:
    (found,) = home.rglob("*.json")
    return found


def alter(path: Path, **changes: Any) -> None:
    """Change what is kept, as another machine would have written it."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@POSIX
def test_tokens_are_kept_where_only_their_owner_can_read_them(
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
    found = file_of(home)
    assert found.is_relative_to(home / ".local" / "state" / "prov-facade")
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(found.with_suffix(".lock").stat().st_mode) == 0o600
    assert sorted(p.suffix for p in found.parent.iterdir()) == [".json", ".lock"]
    assert not list(work.iterdir())


def test_the_next_process_has_the_tokens(sandbox: Sandbox) -> None:
    token = device(sandbox).get_token()
    assert DeviceFlow(sandbox.config, CLIENT).get_token() == token
    assert asked(sandbox) == 1


@pytest.mark.parametrize("other", ["realm", "client", "scope"])
def test_there_is_a_file_for_each_realm_client_and_scope(
    other: str, sandbox: Sandbox, home: Path
) -> None:
    device(sandbox).get_token()
    if other == "realm":
        with Sandbox() as another:
            another.realm.interval = 0.01
            device(another).get_token()
    elif other == "scope":
        device(sandbox, scope="openid email").get_token()
    else:
        auth = DeviceFlow(
            sandbox.config, "other", prompt=lambda login: sandbox.realm.approve(login.user_code)
        )
        auth.get_token()
    assert len(list(home.rglob("*.json"))) == 2


def test_the_order_of_the_words_of_a_scope_does_not_matter(sandbox: Sandbox, home: Path) -> None:
    device(sandbox, scope="openid email").get_token()
    assert DeviceFlow(sandbox.config, CLIENT, scope="email  openid").get_token()
    assert len(list(home.rglob("*.json"))) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"version": 2}', b"\xff\xfe", b'{"version": 1}', b"[" * 100_000],
)
def test_a_damaged_file_is_set_aside_and_signing_in_starts_afresh(
    content: bytes, sandbox: Sandbox, home: Path
) -> None:
    device(sandbox).get_token()
    path = file_of(home)
    path.write_bytes(content)
    with pytest.warns(TokenCacheWarning, match="damaged"):
        assert device(sandbox).get_token()
    assert path.with_suffix(".damaged").read_bytes() == content
    assert DeviceFlow(sandbox.config, CLIENT).get_token()
    assert asked(sandbox, "device_authorization") == 2


def test_a_file_of_another_realm_is_not_sent_to_this_one(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    alter(file_of(home), realm="https://auth.example.org/realms/another")
    with pytest.warns(TokenCacheWarning, match="damaged"):
        assert device(sandbox).get_token()


@POSIX
@pytest.mark.parametrize(
    ("mode", "said"), [(0o640, "can be read"), (0o604, "can be read"), (0o620, "can be changed")]
)
def test_a_file_that_others_can_read_is_refused(
    mode: int, said: str, sandbox: Sandbox, home: Path
) -> None:
    token = device(sandbox).get_token()
    file_of(home).chmod(mode)
    with pytest.raises(CredentialsError, match=f"{said} by other users.*chmod 600") as caught:
        device(sandbox).get_token()
    assert str(file_of(home)) in str(caught.value)
    file_of(home).chmod(0o600)
    assert DeviceFlow(sandbox.config, CLIENT).get_token() == token


@POSIX
def test_a_directory_that_others_can_change_is_refused(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    file_of(home).parent.chmod(0o770)
    with pytest.raises(CredentialsError, match=r"can be changed by other users.*chmod 700"):
        DeviceFlow(sandbox.config, CLIENT).get_token()


@POSIX
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="needs two users")
def test_a_file_of_another_user_is_refused(sandbox: Sandbox, home: Path) -> None:
    device(sandbox).get_token()
    os.chown(file_of(home), 65534, 65534)
    with pytest.raises(CredentialsError, match="belongs to another user"):
        DeviceFlow(sandbox.config, CLIENT).get_token()


@POSIX
def test_a_link_in_place_of_the_file_is_refused(
    sandbox: Sandbox, home: Path, tmp_path: Path
) -> None:
    device(sandbox).get_token()
    path = file_of(home)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CredentialsError, match="cannot be read"):
        DeviceFlow(sandbox.config, CLIENT).get_token()


def unwritable(tmp_path: Path) -> Path:
    """A home in which nothing can be written, not even by root."""
    path = tmp_path / "no-home"
    path.write_text("")
    return path


def test_without_a_writable_home_signing_in_works_and_warns(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(unwritable(tmp_path)))
    auth = device(sandbox)
    with pytest.warns(TokenCacheWarning, match="cannot be kept"):
        token = auth.get_token()
    assert auth.get_token() == token
    with pytest.warns(TokenCacheWarning):
        auth.force_refresh()
    assert auth.get_token() != token
    auth.logout()
    assert asked(sandbox, "revocation") == 1


@POSIX
def test_what_was_kept_in_a_home_that_is_now_read_only_serves_still(
    sandbox: Sandbox, home: Path
) -> None:
    # Each refresh token is good for one time, so that what is in the home is of no use any more
    # after the first renewal, and trying it would end the session.
    sandbox.realm.single_use = True
    device(sandbox).get_token()
    auth = DeviceFlow(sandbox.config, CLIENT)
    with read_only(file_of(home).parent):
        tokens = {auth.get_token()}
        for _ in range(3):
            with pytest.warns(TokenCacheWarning, match="cannot be kept"):
                auth.force_refresh()
            tokens.add(auth.get_token())
    assert len(tokens) == 4


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written to a directory, not even by root."""
    if os.getuid() != 0:
        folder.chmod(0o500)
        yield
        folder.chmod(0o700)
        return
    chattr = shutil.which("chattr")
    if not chattr or subprocess.run([chattr, "+i", folder], check=False).returncode:
        pytest.skip("root may write anywhere here")
    yield
    subprocess.run([chattr, "-i", folder], check=True)


def test_without_any_home_nothing_is_written_to_the_working_directory(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    # Where HOME is not set, and the list of users does not know this one.
    script = f"""
import os, warnings
del os.environ["HOME"]
os.getuid = lambda: 4_000_000
from prov_facade import APIOverrides, Config, DeviceFlow
config = Config("d", "r", APIOverrides(
    keycloak_endpoint_override={sandbox.config.keycloak_endpoint!r}))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    DeviceFlow(config, "c", prompt=lambda login: print(login.user_code, flush=True)).get_token()
print(*(str(w.message) for w in caught))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=work,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(os.path.isabs, sys.path))},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    sandbox.realm.approve(process.stdout.readline().strip())
    assert "no home directory" in process.communicate(timeout=30)[0]
    assert process.returncode == 0
    assert not list(work.iterdir())


def test_nothing_is_written_when_that_is_not_wanted(sandbox: Sandbox, home: Path) -> None:
    device(sandbox, cache=None).get_token()
    assert not list(home.iterdir())


def test_another_directory_can_be_named(sandbox: Sandbox, home: Path, tmp_path: Path) -> None:
    device(sandbox, cache=tmp_path / "tokens").get_token()
    assert list((tmp_path / "tokens").glob("*.json"))
    assert not list(home.iterdir())


@pytest.mark.parametrize("cache", ["files", "", 1])
def test_another_cache_is_a_configuration_error(cache: Any, sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="cache must be"):
        device(sandbox, cache=cache)


# Time


def renewed(sandbox: Sandbox, home: Path, **changes: Any) -> bool:
    """Whether the next process renews tokens that were written like this."""
    token = device(sandbox).get_token()
    alter(file_of(home), **changes)
    return DeviceFlow(sandbox.config, CLIENT).get_token() != token


@pytest.mark.parametrize(
    ("age", "is_renewed"), [(0, False), (200, False), (220, True), (299, True), (3000, True)]
)
def test_a_token_is_renewed_well_before_it_runs_out(
    age: int, is_renewed: bool, sandbox: Sandbox, home: Path
) -> None:
    # Of 300 s: 90 s before, which is more than the clocks of two machines differ.
    assert renewed(sandbox, home, obtained_at=time.time() - age) == is_renewed


@pytest.mark.parametrize("off", [-60, 60])
@pytest.mark.parametrize("age", [0, 150, 239, 299])
def test_a_clock_that_is_a_minute_off_lets_no_token_run_out(
    age: int, off: int, sandbox: Sandbox, home: Path
) -> None:
    # Another machine wrote this, by its own clock.
    is_renewed = renewed(sandbox, home, obtained_at=time.time() - age + off)
    assert is_renewed or age < 300 - 29
    assert not is_renewed or age >= 150


def test_a_token_from_the_future_is_renewed(sandbox: Sandbox, home: Path) -> None:
    assert renewed(sandbox, home, obtained_at=time.time() + 3600)


def test_a_short_lived_token_is_used_for_half_its_life(sandbox: Sandbox, home: Path) -> None:
    assert not renewed(sandbox, home, obtained_at=time.time() - 9, expires_in=20)
    assert renewed(sandbox, home, obtained_at=time.time() - 11, expires_in=20)


# Many processes


def share(sandbox: Sandbox, processes: int, what: str) -> list[str]:
    """Let many processes use what is kept, all at once, and return the tokens that they have."""
    done = subprocess.run(
        [
            *(sys.executable, str(SHARING), sandbox.config.keycloak_endpoint),
            *(CLIENT, what, str(processes)),
        ],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    tokens = done.stdout.split()
    assert len(tokens) == processes
    return tokens


@FORKS
def test_fifty_processes_that_share_tokens_refresh_them_once(sandbox: Sandbox, home: Path) -> None:
    # Each refresh token is good for one time: a second use would end the session for all of them.
    sandbox.realm.single_use = True
    first = device(sandbox).get_token()
    alter(file_of(home), obtained_at=time.time() - 1000)
    tokens = share(sandbox, 50, "get_token")
    assert len(set(tokens)) == 1
    assert tokens[0] != first
    assert asked(sandbox) == 2
    copied(device(sandbox)).force_refresh()


@FORKS
def test_processes_that_keep_renewing_do_not_get_in_each_others_way(
    sandbox: Sandbox, home: Path
) -> None:
    sandbox.realm.single_use = True
    device(sandbox).get_token()
    tokens = share(sandbox, 8, "force_refresh")
    assert len(set(tokens)) > 1
    assert asked(sandbox, "device_authorization") == 1
    DeviceFlow(sandbox.config, CLIENT).force_refresh()
    assert file_of(home).stat().st_size


def test_a_process_that_is_killed_leaves_the_tokens_and_no_lock(
    sandbox: Sandbox, home: Path
) -> None:
    device(sandbox).get_token()
    process = subprocess.Popen(
        [sys.executable, str(SHARING), sandbox.config.keycloak_endpoint, CLIENT, "hold", "1"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    process.kill()
    process.communicate()
    begun = time.monotonic()
    DeviceFlow(sandbox.config, CLIENT).force_refresh()
    assert time.monotonic() - begun < 5
    assert file_of(home).stat().st_size


# The keyring


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Any]:
    """A keyring that is a file, of the package keyrings.alt."""
    package = pytest.importorskip("keyring")
    backend = pytest.importorskip("keyrings.alt.file").PlaintextKeyring()
    backend.file_path = str(tmp_path / "keyring.cfg")
    before = package.get_keyring()
    package.set_keyring(backend)
    yield package
    package.set_keyring(before)


@pytest.mark.usefixtures("keyring")
def test_tokens_are_kept_in_the_keyring_when_that_is_wanted(sandbox: Sandbox, home: Path) -> None:
    sandbox.realm.single_use = True
    auth = device(sandbox, cache="keyring")
    token = auth.get_token()
    assert not list(home.rglob("*.json"))
    other = DeviceFlow(sandbox.config, CLIENT, cache="keyring")
    assert other.get_token() != token  # there is room for the refresh token alone
    auth.force_refresh()
    other.force_refresh()
    auth.logout()
    assert device(sandbox, cache="keyring").get_token() != token
    assert asked(sandbox, "device_authorization") == 2


def test_a_damaged_entry_of_the_keyring_is_passed_over(sandbox: Sandbox, keyring: Any) -> None:
    auth = device(sandbox, cache="keyring")
    keyring.set_password("prov-facade", auth._key().name, "{")
    with pytest.warns(TokenCacheWarning, match="damaged"):
        assert auth.get_token()


def test_a_keyring_that_fails_is_an_error(sandbox: Sandbox, keyring: Any) -> None:
    keyring.set_keyring(pytest.importorskip("keyring.backends.fail").Keyring())
    with pytest.raises(CredentialsError, match="the keyring cannot be used"):
        device(sandbox, cache="keyring").get_token()


def test_an_offline_token_that_is_spent_is_tried_once_in_each_form(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    auth = offline(sandbox, tmp_path)
    auth.get_token()
    count = asked(sandbox)
    sandbox.faults.add("token", *[refusal("invalid_grant")] * 5)
    with pytest.raises(CredentialsError):
        auth.force_refresh()
    assert asked(sandbox) == count + 2  # what is kept, and what was given
