"""Errors for invalid settings, which show no secrets."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from profiles.sources import BOTH, DEPLOYMENT, VARIABLES, write_config, write_file

from prov_facade import ConfigError, connect
from prov_facade._profiles.config_file import from_file
from prov_facade._profiles.settings import TEXTS, Settings, from_environment

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"


def config_error(*arguments: Any, **named: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        connect(*arguments, **named)
    return str(caught.value)


@BOTH
def test_a_missing_setting_is_an_error_that_names_every_place_for_it(
    make: Any, tmp_path: Path
) -> None:
    file = write_file(tmp_path / "config.toml", "[profiles.default]\n[profiles.x]")
    domain = "domain is missing: give the argument domain, set PROV_DOMAIN, or add domain"
    realm = "realm is missing: give the argument realm, set PROV_REALM, or add realm"
    with pytest.raises(ConfigError) as caught:
        make(config_file=file)
    place = f"to profile 'default' of {file}"
    assert str(caught.value) == f"{domain} {place}; {realm} {place}"
    with pytest.raises(ConfigError) as caught:
        make("x", config_file=file, domain="prov.test")
    assert str(caught.value) == f"{realm} to profile 'x' of {file}"
    with pytest.raises(ConfigError) as caught:
        make("x", config_file=file, realm="provena")
    assert str(caught.value) == f"{domain} to profile 'x' of {file}"


@pytest.mark.parametrize("credential", ["offline_token", "client_secret", None])
def test_signing_in_requires_a_client_id(credential: str | None, tmp_path: Path) -> None:
    file = write_file(tmp_path / "config.toml", "")
    given = {credential: SECRET} if credential else {}
    assert config_error(config_file=file, **DEPLOYMENT, **given) == (
        "client_id is missing: give the argument client_id, set PROV_CLIENT_ID, or add"
        f" client_id to profile 'default' of {file}. Only a token works without it"
    )


def test_a_malformed_setting_is_an_error_that_names_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_config(tmp_path / "config.toml", {"default": {"realm": "provena"}})
    monkeypatch.setenv("PROV_DOMAIN", "https://prov.test")
    message = config_error(config_file=file, token="t")
    assert message.startswith("'https://prov.test' is not a domain: give a bare host name")
    assert message.endswith(
        f" (the domain is from the environment, the realm from profile 'default' of {file})"
    )


@pytest.mark.parametrize("value", [7, b"x"])
@pytest.mark.parametrize("name", TEXTS)
def test_an_argument_of_the_wrong_type_is_rejected(name: str, value: object) -> None:
    message = config_error(**{name: value})
    assert message == f"the arguments: {name} must be a str, not {type(value).__name__}"


@pytest.mark.parametrize("name", TEXTS)
def test_an_empty_argument_is_an_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for named, variable in VARIABLES.items():
        monkeypatch.setenv(variable, named)
    assert config_error(**{name: ""}) == f"the arguments: {name} is empty; leave it out"


@pytest.mark.parametrize("source", ["arguments", "environment", "profile"])
@pytest.mark.parametrize("name", ["token", "offline_token"])
def test_a_token_with_more_than_a_token_is_an_error_that_names_its_source(
    name: str, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write_config(tmp_path / "config.toml", {"default": {}})
    text = f"{SECRET} {SECRET}"
    given = {}
    if source == "arguments":
        given, where = {name: text}, f"the arguments: {name}"
    elif source == "environment":
        monkeypatch.setenv(VARIABLES[name], text)
        where = f"the environment: {VARIABLES[name]}"
    else:
        write_config(file, {"default": {name: text}})
        where = f"profile 'default' of {file}: {name}"
    message = config_error(config_file=file, **DEPLOYMENT, client_id="c", **given)
    kind = "an access token" if name == "token" else "an offline token"
    assert message == f"{where} must be {kind}, but it contains a space"


@pytest.mark.parametrize("name", VARIABLES)
def test_undecodable_bytes_in_a_variable_are_an_error_that_names_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLES[name], f"{SECRET}\udce9")
    message = config_error(**{**DEPLOYMENT, "client_id": "c", "token": "t"})
    assert message == (f"the environment: {VARIABLES[name]} contains a byte that is not UTF-8")


def test_overrides_must_be_api_overrides() -> None:
    message = config_error(**DEPLOYMENT, token="t", api_overrides={"allow_http": True})
    assert message == "the arguments: api_overrides must be an APIOverrides"


def test_only_a_token_may_be_a_function() -> None:
    for name in ("offline_token", "client_secret", "domain"):
        assert "must be a str, not function" in config_error(**{name: lambda: SECRET})


def test_an_offline_token_and_a_file_exclude_each_other() -> None:
    message = config_error(
        **DEPLOYMENT, client_id="c", offline_token=SECRET, offline_token_file="x"
    )
    assert message == "the arguments: give offline_token or offline_token_file, not both"


def test_an_unknown_setting_is_an_error() -> None:
    settings: Any = {"timout": 5}
    with pytest.raises(TypeError, match="timout"):
        connect(**DEPLOYMENT, token="t", **settings)


@pytest.mark.parametrize("name", ["token", "offline_token", "client_secret"])
@pytest.mark.parametrize("source", ["arguments", "environment", "profile"])
@pytest.mark.parametrize(
    "fault",
    [
        {"domain": "not a domain"},
        {"config_file": "/nowhere"},
        {"profile": "unknown"},
        {"scope": 7},
        {"realm": None},
        {"client_id": None},
    ],
    ids=str,
)
def test_no_error_shows_a_secret(
    fault: dict[str, Any],
    source: str,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments: dict[str, Any] = {**DEPLOYMENT, "client_id": "c"}
    if source == "environment":
        monkeypatch.setenv(VARIABLES[name], SECRET)
    elif source == "profile":
        file = write_config(tmp_path / "config.toml", {"default": {name: SECRET}})
        arguments["config_file"] = file
    else:
        arguments[name] = SECRET
    if name == "token" and "client_id" in fault:
        fault = {"domain": "prov.test:port"}
    with pytest.raises(ConfigError) as caught:
        connect(**{**arguments, **fault})
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in f"{shown}{caught.value!r}{vars(caught.value)!r}"
    assert SECRET.encode() not in pickle.dumps(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f'[profiles.default]\ntoken = "{SECRET}"\ntoken = "{SECRET}"',
        f"[profiles.default]\ntoken = {SECRET}",
        f'[profiles.default]\ntoken = "{SECRET}',
        f"[profiles.default]\ntoken = ['{SECRET}']",
        f"[profiles.default]\ntokens = '{SECRET}'",
        f"[profiles]\ndefault = '{SECRET}'",
        f"[profiles.default]\nkeycloak_endpoint_override = 'https://u:{SECRET}@gate.test'",
    ],
)
def test_no_error_shows_a_secret_from_an_invalid_file(text: str, tmp_path: Path) -> None:
    file = write_file(tmp_path / "config.toml", text)
    with pytest.raises(ConfigError) as caught:
        connect(config_file=file, **DEPLOYMENT)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error}{error!r}{vars(error)!r}{error.args!r}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", ["token", "offline_token", "client_secret"])
def test_no_repr_shows_a_secret(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {name: SECRET}
    client = connect(**DEPLOYMENT, client_id="c", **given)
    assert SECRET not in f"{client!r}{client._auth!r}{client._config!r}"
    file = write_config(tmp_path / "config.toml", {"default": {name: SECRET}})
    monkeypatch.setenv(VARIABLES[name], SECRET)
    for settings in (
        Settings(where="here", **given),
        from_environment(),
        from_file(file, None),
    ):
        assert getattr(settings, name) == SECRET
        assert SECRET not in repr(settings)


OFFLINE = {"offline_token": "an-offline-token", "client_id": "c"}
OVERRIDES = {"prov_api_endpoint_override": "https://gate.example.org"}


@pytest.mark.parametrize("name", ["domain", "realm"])
@pytest.mark.parametrize("place", ["argument", "variable"])
@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (OFFLINE, "credential"),
        ({"token": "a-token"}, "credential"),
        ({"client_secret": SECRET, "client_id": "c"}, "credential"),
        (OVERRIDES, "api_overrides"),
    ],
)
def test_settings_of_one_deployment_are_not_used_for_another(  # noqa: PLR0917
    name: str,
    place: str,
    settings: dict[str, str],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = write_config(tmp_path / "config.toml", {"default": {**DEPLOYMENT, **settings}})
    arguments = {} if place == "variable" else {name: "other.test"}
    if place == "variable":
        monkeypatch.setenv(VARIABLES[name], "other.test")
    own = DEPLOYMENT[name]
    assert config_error(config_file=file, **arguments) == (
        f"the {what} of profile 'default' of {file} is for the {name} {own!r}, not 'other.test':"
        f" name a profile of that deployment, or give its {what} as well"
    )
    # Naming the same deployment again is allowed.
    assert connect(config_file=file, client_id="c", **{name: own})._config.domain == "prov.test"


def test_the_secret_of_another_deployment_is_not_sent_with_an_offline_token(
    tmp_path: Path,
) -> None:
    profile = {**DEPLOYMENT, "client_secret": SECRET, "client_id": "c"}
    file = write_config(tmp_path / "config.toml", {"default": profile})
    with pytest.raises(ConfigError, match=r"^the client_secret of profile 'default'") as caught:
        connect(config_file=file, domain="other.test", offline_token="t")
    assert SECRET not in str(caught.value)
