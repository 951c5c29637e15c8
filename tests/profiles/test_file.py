from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from profiles.sources import BOTH, DEPLOYMENT, text_file, told, written
from scripted_server import Server

from prov_facade import APIOverrides, BearerToken, ConfigError, connect

TOKEN = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"
ONE = {"realm": "provena", "domain": "one.test", "token": TOKEN}
TWO = {"realm": "provena", "domain": "two.test", "token": TOKEN}


AS_ROOT = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="root alone can become somebody else"
)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can get into; pytest's are for who runs it alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


def user_file() -> Path:
    place = platformdirs.user_config_path("prov-facade") / "config.toml"
    assert place.is_relative_to(os.environ["HOME"])
    return place


@BOTH
def test_the_file_is_the_argument_or_that_of_the_variable_or_the_users(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(user_file(), {"default": {**ONE, "domain": "user.test"}})
    assert make()._config.domain == "user.test"
    named = written(tmp_path / "named.toml", {"default": {**ONE, "domain": "named.test"}})
    monkeypatch.setenv("PROV_CONFIG_FILE", str(named))
    assert make()._config.domain == "named.test"
    given = written(tmp_path / "given.toml", {"default": {**ONE, "domain": "given.test"}})
    assert make(config_file=given)._config.domain == "given.test"
    assert make(config_file=str(given))._config.domain == "given.test"
    monkeypatch.setenv("PROV_CONFIG_FILE", "")
    assert make()._config.domain == "user.test"


@BOTH
def test_the_profile_is_the_argument_or_that_of_the_variable_or_the_default(
    make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = {**ONE, "domain": "default.test"}
    file = written(tmp_path / "config.toml", {"one": ONE, "two": TWO, "default": default})
    assert make(config_file=file)._config.domain == "default.test"
    monkeypatch.setenv("PROV_PROFILE", "one")
    assert make(config_file=file)._config.domain == "one.test"
    assert make("two", config_file=file)._config.domain == "two.test"
    monkeypatch.setenv("PROV_PROFILE", "")
    assert make(config_file=file)._config.domain == "default.test"


def test_without_a_default_profile_none_is_used(tmp_path: Path) -> None:
    file = written(tmp_path / "config.toml", {"one": ONE})
    client = connect(config_file=file, **DEPLOYMENT, token="t")
    assert client._config.domain == "prov.test"


def test_a_profile_that_is_not_there_is_refused_with_a_list_of_those_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "config.toml", {"one": ONE, "two words": TWO})
    expected = f"{file} has no profile 'three'; there are: 'one', 'two words'"
    assert refusal("three", config_file=file) == expected
    monkeypatch.setenv("PROV_PROFILE", "three")
    assert refusal(config_file=file) == expected
    assert refusal("", config_file=file).startswith(f"{file} has no profile ''")
    empty = text_file(tmp_path / "empty.toml", "")
    assert refusal(config_file=empty) == f"{empty} has no profile 'three'; there are: none"
    assert refusal("x", **DEPLOYMENT, token="t") == (
        f"there is no profile 'x': there is no file {user_file()}"
    )


def test_a_file_that_is_named_and_not_there_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing.toml"
    given = {**DEPLOYMENT, "token": "t"}
    expected = f"config_file names {missing}, which is not there"
    assert refusal(**given, config_file=missing) == expected
    below = text_file(tmp_path / "file", "") / "config.toml"
    assert refusal(**given, config_file=below) == f"config_file names {below}, which is not there"
    monkeypatch.setenv("PROV_CONFIG_FILE", str(missing))
    assert refusal(**given) == f"PROV_CONFIG_FILE names {missing}, which is not there"


def test_a_file_may_be_named_from_the_home_or_from_here(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(home / "mine.toml", {"default": ONE})
    assert connect(config_file="~/mine.toml")._config.domain == "one.test"
    monkeypatch.setenv("PROV_CONFIG_FILE", "~/mine.toml")
    assert connect()._config.domain == "one.test"
    monkeypatch.chdir(home)
    assert connect(config_file="mine.toml")._config.domain == "one.test"


def test_the_users_file_need_not_be_there() -> None:
    assert connect(**DEPLOYMENT, token="t")._config.domain == "prov.test"
    user_file().parent.parent.mkdir(parents=True)
    user_file().parent.write_text("a file in place of the directory")
    assert connect(**DEPLOYMENT, token="t")._config.domain == "prov.test"


@AS_ROOT
def test_without_a_home_there_is_no_users_file(public: Path) -> None:
    script = """
import os, prov_facade
os.setuid(54321)  # whom the system does not know
client = prov_facade.connect(domain="prov.test", realm="r", token="t")
print(client._config.domain)
for arguments in ({"profile": "one"}, {"token": "t"}, {"config_file": "~/config.toml"}):
    try:
        prov_facade.connect(**arguments)
    except prov_facade.ConfigError as error:
        print(error)
named = {"domain": "named.test", "realm": "r", "token": "t", "config_file": "config.toml"}
print(prov_facade.connect(**named)._config.domain)
try:
    prov_facade.connect("homely", **named)
except prov_facade.ConfigError as error:
    print(error)
"""
    # Nobody put it there for this purpose.
    written(public / "~/.config/prov-facade/config.toml", {"default": ONE, "one": ONE}, 0o644)
    homely = {"offline_token_file": "~/offline"}
    file = written(public / "config.toml", {"homely": homely}, 0o644)
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=public,
        capture_output=True,
        text=True,
        check=False,
    )
    place = "into profile 'default' of a file that config_file or PROV_CONFIG_FILE names"
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "prov.test",
        "there is no profile 'one': without a home directory, there is no file of them",
        "nothing says the domain: give the argument domain, set PROV_DOMAIN, or write domain"
        f" {place}; nothing says the realm: give the argument realm, set PROV_REALM, or write"
        f" realm {place}",
        "config_file: '~/config.toml' needs a home directory",
        "named.test",
        f"profile 'homely' of {file}: offline_token_file: '~/offline' needs a home directory",
    ]


@AS_ROOT
def test_in_the_home_of_somebody_else_there_is_no_users_file(
    public: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = public / "home"
    monkeypatch.setenv("HOME", str(home))
    script = """
import os, sys, prov_facade
os.setuid(54321)
for mended in (False, True):
    try:
        client = prov_facade.connect(domain="prov.test", realm="r", token="t")
        print(client._config.domain)
    except prov_facade.ConfigError as error:
        print(error)
    if not mended:
        print("?", flush=True)
        sys.stdin.readline()
"""
    written(user_file(), {"default": ONE})
    home.chmod(0o700)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "prov.test\n"
        assert process.stdout.readline() == "?\n"
        home.chmod(0o755)  # a file that is seen, and may not be read, is there
        said, _ = process.communicate("go on\n")
    assert said == f"{user_file()} cannot be read: Permission denied\n"


def test_an_offline_token_file_is_beside_the_configuration_file_or_in_the_home(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, realm_server: Server
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "settings").mkdir()
    for place in (tmp_path, tmp_path / "settings", home):
        (place / "offline").write_text(f"token-of-{place.name}")
    overrides = APIOverrides(keycloak_endpoint_override=realm_server.url)
    for given, found in {
        "offline": "token-of-settings",
        "~/offline": "token-of-home",
        str(home / "offline"): "token-of-home",
    }.items():
        profile = {**DEPLOYMENT, "client_id": "c", "offline_token_file": given}
        written(tmp_path / "settings/config.toml", {"default": profile})
        client = connect(config_file="settings/config.toml", api_overrides=overrides)
        monkeypatch.chdir(home)  # where the program goes afterwards does not matter
        assert told(client, realm_server)["refresh_token"] == found
        monkeypatch.chdir(tmp_path)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    text = '[profiles.default]\ndomain = "one.test"\nrealm = "provena"\n'
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert connect(config_file=file, token="t")._config.domain == "one.test"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("profiles", "FILE is not usable TOML: Expected '=' after a key in a key/value pair"),
        ('[profiles.a]\ntoken = "SECRET', "FILE is not usable TOML: Unterminated string"),
        ("a = " + "[" * 100_000, "FILE is not usable TOML: it is nested too deeply"),
        (f"a = {'1' * 5000}", "FILE is not usable TOML: Exceeds the limit"),
        ("[profile.a]", "FILE knows no 'profile': it holds tables [profiles.NAME] alone"),
        ('domain = "a.test"', "FILE knows no 'domain': it holds tables [profiles.NAME] alone"),
        ('profiles = "SECRET"', "FILE: profiles must be a table, not str"),
        ('profiles.a = "SECRET"', "profile 'a' of FILE must be a table, not str"),
        (
            "[profiles.a]\ndomian = 'SECRET'",
            "profile 'a' of FILE: there is no key 'domian'; there are: domain, realm, client_id,",
        ),
        ("[profiles.a]\nregistry_api_endpoint = 'x'", "no key 'registry_api_endpoint'; there are:"),
        (
            "[profiles.a]\nkeycloak_endpoint_override = 'gate.test'",
            "profile 'a' of FILE: keycloak_endpoint_override must be an absolute http:// or",
        ),
        (
            "[profiles.a]\nkeycloak_endpoint_override = 'http://gate.test'",
            "profile 'a' of FILE: keycloak_endpoint_override is 'http://gate.test': over http,",
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
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    text: str, fault: str, tmp_path: Path
) -> None:
    file = text_file(tmp_path / "config.toml", text)
    said = refusal(**DEPLOYMENT, token="t", config_file=file)
    assert "SECRET" not in said
    assert fault.replace("FILE", str(file)) in said


@pytest.mark.parametrize(
    "key",
    [
        *("domain", "realm", "client_id", "scope", "token"),
        *("offline_token", "offline_token_file", "client_secret"),
        *("prov_api_endpoint_override", "jobs_service_api_endpoint_override"),
        *("registry_api_endpoint_override", "keycloak_endpoint_override"),
    ],
)
@pytest.mark.parametrize(
    ("value", "kind"),
    [("12345", "int"), ("true", "bool"), ("[]", "list"), ("{}", "dict"), ("2026-01-01", "date")],
)
def test_a_value_of_the_wrong_type_is_told_with_its_key(
    key: str, value: str, kind: str, tmp_path: Path
) -> None:
    file = text_file(tmp_path / "config.toml", f"[profiles.a]\n{key} = {value}\n")
    said = refusal(**DEPLOYMENT, token="t", config_file=file)
    assert said == f"profile 'a' of {file}: {key} must be a string, not {kind}"


@pytest.mark.parametrize(
    "key",
    [
        *("domain", "realm", "client_id", "scope", "token"),
        *("offline_token", "offline_token_file", "client_secret"),
    ],
)
def test_an_empty_value_is_told_with_its_key(key: str, tmp_path: Path) -> None:
    file = text_file(tmp_path / "config.toml", f"[profiles.a]\n{key} = ''\n")
    said = refusal(**DEPLOYMENT, token="t", config_file=file)
    assert said == f"profile 'a' of {file}: {key} is empty; leave it out"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(f'[profiles.default]\ntoken = "{TOKEN}"\xe9'.encode("latin-1"))
    with pytest.raises(ConfigError) as caught:
        connect(config_file=file)
    assert str(caught.value) == f"{file} is not usable TOML: it is not UTF-8"
    # What decodes bytes keeps them in its error.
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_path_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert refusal(config_file=tmp_path) == f"{tmp_path} cannot be read: Is a directory"
    assert "is no path: embedded null byte" in refusal(config_file="a\0b")
    number: Any = 7
    assert refusal(config_file=number) == "config_file must be a path, not int"


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
@pytest.mark.parametrize("key", ["token", "offline_token", "client_secret"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666])
def test_a_secret_that_others_can_get_at_is_refused(key: str, mode: int, tmp_path: Path) -> None:
    profiles = {"default": DEPLOYMENT, "ours": {**DEPLOYMENT, key: TOKEN}}
    file = written(tmp_path / "con fig.toml", profiles, mode)
    said = refusal(config_file=file, token="t")  # whichever profile is used
    assert said == (
        f"{file} holds a secret ({key} of profile 'ours'), and others can read or change it: its"
        f" permissions are {mode:04o}. Mend it with: chmod 600 '{file}'"
    )
    subprocess.run(said.partition("Mend it with: ")[2], shell=True, check=True)  # noqa: S602
    assert connect(config_file=file, token="t")._config.domain == "prov.test"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700, 0o711])
def test_a_secret_that_only_its_owner_can_get_at_is_used(mode: int, tmp_path: Path) -> None:
    file = written(tmp_path / "config.toml", {"default": ONE}, mode)
    client = connect(config_file=file)
    assert isinstance(client._auth, BearerToken)
    assert client._auth.get_token() == TOKEN


def test_a_file_without_a_secret_may_be_for_all(tmp_path: Path) -> None:
    token_file = {**DEPLOYMENT, "client_id": "c", "offline_token_file": "offline"}
    file = written(tmp_path / "config.toml", {"default": token_file}, 0o644)
    assert connect(config_file=file)._config.domain == "prov.test"


def test_no_file_is_a_file_without_profiles() -> None:
    client = connect(config_file=os.devnull, **DEPLOYMENT, token="t")
    assert client._config.domain == "prov.test"


def refusal(*arguments: Any, **named: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        connect(*arguments, **named)
    return str(caught.value)
