"""The configuration file: where it is, what may be in it, and who may read it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from profiles.sources import DEPLOYMENT, credential, write_config, write_file
from scripted_server import Server

from prov_facade import APIOverrides, BearerToken, ConfigError, connect
from prov_facade._profiles.settings import TEXTS

TOKEN = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
ONE = {"realm": "provena", "domain": "one.test", "token": TOKEN}
TWO = {"realm": "provena", "domain": "two.test", "token": TOKEN}


POSIX = pytest.mark.skipif(os.name != "posix", reason="needs POSIX users and permissions")
AS_ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that all users can enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


def user_file() -> Path:
    place = platformdirs.user_config_path("prov-facade") / "config.toml"
    assert place.is_relative_to(os.environ["HOME"])
    return place


def test_the_argument_and_the_variable_override_the_users_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(user_file(), {"default": {**ONE, "domain": "user.test"}})
    assert connect()._config.domain == "user.test"
    named = write_config(tmp_path / "named.toml", {"default": {**ONE, "domain": "named.test"}})
    monkeypatch.setenv("PROV_CONFIG_FILE", str(named))
    assert connect()._config.domain == "named.test"
    given = write_config(tmp_path / "given.toml", {"default": {**ONE, "domain": "given.test"}})
    assert connect(config_file=given)._config.domain == "given.test"
    assert connect(config_file=str(given))._config.domain == "given.test"
    monkeypatch.setenv("PROV_CONFIG_FILE", "")
    assert connect()._config.domain == "user.test"


def test_the_argument_and_the_variable_override_the_default_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = {**ONE, "domain": "default.test"}
    file = write_config(tmp_path / "config.toml", {"one": ONE, "two": TWO, "default": default})
    assert connect(config_file=file)._config.domain == "default.test"
    monkeypatch.setenv("PROV_PROFILE", "one")
    assert connect(config_file=file)._config.domain == "one.test"
    assert connect("two", config_file=file)._config.domain == "two.test"
    monkeypatch.setenv("PROV_PROFILE", "")
    assert connect(config_file=file)._config.domain == "default.test"


def test_no_profile_is_used_if_there_is_no_default_profile(tmp_path: Path) -> None:
    file = write_config(tmp_path / "config.toml", {"one": ONE})
    client = connect(config_file=file, **DEPLOYMENT, token="t")
    assert client._config.domain == "prov.test"


def test_an_unknown_profile_is_an_error_that_lists_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_config(tmp_path / "config.toml", {"one": ONE, "two words": TWO})
    expected = f"{file} has no profile 'three'; its profiles: 'one', 'two words'"
    assert config_error("three", config_file=file) == expected
    monkeypatch.setenv("PROV_PROFILE", "three")
    assert config_error(config_file=file) == expected
    assert config_error("", config_file=file).startswith(f"{file} has no profile ''")
    empty = write_file(tmp_path / "empty.toml", "")
    assert config_error(config_file=empty) == f"{empty} has no profile 'three'; its profiles: none"
    assert config_error("x", **DEPLOYMENT, token="t") == (
        f"profile 'x' not found: the file {user_file()} does not exist"
    )


def test_a_named_file_that_does_not_exist_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing.toml"
    given = {**DEPLOYMENT, "token": "t"}
    expected = f"config_file names {missing}, which does not exist"
    assert config_error(**given, config_file=missing) == expected
    below = write_file(tmp_path / "file", "") / "config.toml"
    assert (
        config_error(**given, config_file=below)
        == f"config_file names {below}, which does not exist"
    )
    monkeypatch.setenv("PROV_CONFIG_FILE", str(missing))
    assert config_error(**given) == f"PROV_CONFIG_FILE names {missing}, which does not exist"


def test_a_path_may_be_relative_to_the_home_or_the_working_directory(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home / "mine.toml", {"default": ONE})
    assert connect(config_file="~/mine.toml")._config.domain == "one.test"
    monkeypatch.setenv("PROV_CONFIG_FILE", "~/mine.toml")
    assert connect()._config.domain == "one.test"
    monkeypatch.chdir(home)
    assert connect(config_file="mine.toml")._config.domain == "one.test"


def test_the_users_file_need_not_exist() -> None:
    assert connect(**DEPLOYMENT, token="t")._config.domain == "prov.test"
    user_file().parent.parent.mkdir(parents=True)
    user_file().parent.write_text("a file in place of the directory")
    assert connect(**DEPLOYMENT, token="t")._config.domain == "prov.test"


@POSIX
def test_without_a_home_directory_there_is_no_users_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # a user unknown to the system
    # A file that an unexpanded path would find.
    write_config(tmp_path / "~/.config/prov-facade/config.toml", {"default": ONE, "one": ONE})
    write_config(tmp_path / "config.toml", {"home": {"offline_token_file": "~/offline"}})
    assert connect(**DEPLOYMENT, token="t")._config.domain == "prov.test"
    assert config_error("one") == (
        "profile 'one' not found: without a home directory, no configuration file exists"
    )
    place = "profile 'default' of a file named by config_file or PROV_CONFIG_FILE"
    assert config_error(token="t").endswith(f"or add realm to {place}")
    named = {**DEPLOYMENT, "token": "t", "config_file": "config.toml"}
    assert connect(**named)._config.domain == "prov.test"
    assert "'~/config.toml' needs a home directory" in config_error(config_file="~/config.toml")
    assert config_error("home", **named) == (
        f"profile 'home' of {tmp_path / 'config.toml'}: offline_token_file: '~/offline' needs a"
        " home directory"
    )


@AS_ROOT
def test_the_home_of_another_user_has_no_users_file(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = public / "home"
    monkeypatch.setenv("HOME", str(home))
    file = write_config(user_file(), {"default": ONE})
    home.chmod(0o700)
    os.seteuid(54321)
    try:
        assert connect(**DEPLOYMENT, token="t")._config.domain == "prov.test"
    finally:
        os.seteuid(0)
    home.chmod(0o755)  # the file exists, but cannot be read
    os.seteuid(54321)
    try:
        assert config_error(**DEPLOYMENT, token="t") == f"could not read {file}: Permission denied"
    finally:
        os.seteuid(0)


def test_an_offline_token_file_is_relative_to_the_file_or_the_home(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, realm_server: Server
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings").mkdir()
    for place in (tmp_path, tmp_path / "settings", home):
        write_file(place / "offline", f"token-of-{place.name}")
    overrides = APIOverrides(keycloak_endpoint_override=realm_server.url)
    for given, found in {
        "offline": "token-of-settings",
        "~/offline": "token-of-home",
        str(home / "offline"): "token-of-home",
    }.items():
        profile = {**DEPLOYMENT, "client_id": "c", "offline_token_file": given}
        write_config(tmp_path / "settings/config.toml", {"default": profile})
        client = connect(config_file="settings/config.toml", api_overrides=overrides)
        monkeypatch.chdir(home)  # a later change of directory does not matter
        assert credential(client._auth, realm_server)["refresh_token"] == found
        monkeypatch.chdir(tmp_path)


def test_a_byte_order_mark_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    text = '[profiles.default]\ndomain = "one.test"\nrealm = "provena"\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert connect(config_file=file, token="t")._config.domain == "one.test"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("profiles", "FILE is not valid TOML: Expected '=' after a key in a key/value pair"),
        ('[profiles.a]\ntoken = "SECRET', "FILE is not valid TOML: Unterminated string"),
        ("a = " + "[" * 100_000, "FILE is not valid TOML: it is nested too deeply"),
        (f"a = {'1' * 5000}", "FILE is not valid TOML: Exceeds the limit"),
        ("[profile.a]", "FILE: unknown key 'profile'; only [profiles.NAME] is allowed"),
        ('domain = "a.test"', "FILE: unknown key 'domain'; only [profiles.NAME] is allowed"),
        ('profiles = "SECRET"', "FILE: profiles must be a table, not str"),
        ('profiles.a = "SECRET"', "profile 'a' of FILE must be a table, not str"),
        (
            "[profiles.a]\ndomian = 'SECRET'",
            "profile 'a' of FILE: unknown key 'domian'; the keys are: domain, realm, client_id,",
        ),
        ("[profiles.a]\nregistry_api_endpoint = 'x'", "unknown key 'registry_api_endpoint';"),
        (
            "[profiles.a]\nkeycloak_endpoint_override = 'gate.test'",
            "profile 'a' of FILE: keycloak_endpoint_override must be an absolute http:// or",
        ),
        (
            "[profiles.a]\nkeycloak_endpoint_override = 'http://gate.test'",
            "profile 'a' of FILE: keycloak_endpoint_override is 'http://gate.test': with http,",
        ),
        (
            "[profiles.a]\nprov_api_endpoint_override = 'https://u:SECRET@gate.test'",
            "profile 'a' of FILE: prov_api_endpoint_override must be an absolute http://",
        ),
        (
            "[profiles.a]\nallow_http = 'yes'",
            "profile 'a' of FILE: allow_http must be true or false, not str",
        ),
        (
            "[profiles.a]\nallow_http = 1",
            "profile 'a' of FILE: allow_http must be true or false, not int",
        ),
        (
            "[profiles.a]\noffline_token = 'SECRET'\noffline_token_file = 'x'",
            "profile 'a' of FILE: give offline_token or offline_token_file, not both",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_an_error_in_a_file_names_its_location(text: str, fault: str, tmp_path: Path) -> None:
    file = write_file(tmp_path / "config.toml", text)
    message = config_error(**DEPLOYMENT, token="t", config_file=file)
    assert "SECRET" not in message
    assert fault.replace("FILE", str(file)) in message


@pytest.mark.parametrize("key", [*TEXTS, "keycloak_endpoint_override"])
@pytest.mark.parametrize(("value", "kind"), [("12345", "int"), ("2026-01-01", "date")])
def test_a_value_of_the_wrong_type_is_an_error_that_names_its_key(
    key: str, value: str, kind: str, tmp_path: Path
) -> None:
    file = write_file(tmp_path / "config.toml", f"[profiles.a]\n{key} = {value}\n")
    message = config_error(**DEPLOYMENT, token="t", config_file=file)
    assert message == f"profile 'a' of {file}: {key} must be a string, not {kind}"


@pytest.mark.parametrize("key", TEXTS)
def test_an_empty_value_is_an_error_that_names_its_key(key: str, tmp_path: Path) -> None:
    file = write_file(tmp_path / "config.toml", f"[profiles.a]\n{key} = ''\n")
    message = config_error(**DEPLOYMENT, token="t", config_file=file)
    assert message == f"profile 'a' of {file}: {key} is empty; leave it out"


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(f'[profiles.default]\ntoken = "{TOKEN}"\xe9'.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        connect(config_file=file)
    assert str(caught.value) == f"{file} is not valid TOML: it is not UTF-8"
    # A UnicodeDecodeError contains the bytes.
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_path_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert config_error(config_file=tmp_path) == f"could not read {tmp_path}: Is a directory"
    assert "is not a path: embedded null byte" in config_error(config_file="a\0b")
    number: Any = 7
    assert config_error(config_file=number) == "config_file must be a path, not int"


@POSIX
@pytest.mark.parametrize("key", ["token", "offline_token", "client_secret"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_secret_that_others_can_access_is_an_error(key: str, mode: int, tmp_path: Path) -> None:
    profiles = {"default": DEPLOYMENT, "ours": {**DEPLOYMENT, key: TOKEN}}
    file = write_config(tmp_path / "con fig.toml", profiles, mode)
    message = config_error(config_file=file, token="t")  # even if another profile is used
    assert message == (
        f"{file} contains a secret ({key} of profile 'ours'), but others can read or change it: its"
        f" mode is {mode:04o}. Fix it with: chmod 600 '{file}'"
    )
    subprocess.run(message.partition("Fix it with: ")[2], shell=True, check=True)  # noqa: S602
    assert connect(config_file=file, token="t")._config.domain == "prov.test"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o711])
def test_a_secret_that_only_its_owner_can_access_is_used(mode: int, tmp_path: Path) -> None:
    file = write_config(tmp_path / "config.toml", {"default": ONE}, mode)
    client = connect(config_file=file)
    assert isinstance(client._auth, BearerToken)
    assert client._auth.get_token() == TOKEN


def test_a_file_without_a_secret_may_be_readable_by_all(tmp_path: Path) -> None:
    token_file = {**DEPLOYMENT, "client_id": "c", "offline_token_file": "offline"}
    file = write_config(tmp_path / "config.toml", {"default": token_file}, 0o644)
    assert connect(config_file=file)._config.domain == "prov.test"


def test_an_empty_file_has_no_profiles() -> None:
    client = connect(config_file=os.devnull, **DEPLOYMENT, token="t")
    assert client._config.domain == "prov.test"


def config_error(*arguments: Any, **named: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        connect(*arguments, **named)
    return str(caught.value)
