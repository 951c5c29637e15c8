from __future__ import annotations

import pickle
import traceback
from pathlib import Path
from typing import Any

import pytest
from profiles.sources import BOTH, DEPLOYMENT, VARIABLES, text_file, written

from prov_facade import ConfigError, connect
from prov_facade._profiles.config_file import from_file
from prov_facade._profiles.settings import Settings, from_environment

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ"


def refusal(*arguments: Any, **named: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        connect(*arguments, **named)
    return str(caught.value)


@BOTH
def test_what_is_nowhere_is_told_with_every_place_where_it_could_be(
    make: Any, tmp_path: Path
) -> None:
    file = text_file(tmp_path / "config.toml", "[profiles.default]\n[profiles.x]")
    domain = "nothing says the domain: give the argument domain, set PROV_DOMAIN, or write domain"
    realm = "nothing says the realm: give the argument realm, set PROV_REALM, or write realm"
    with pytest.raises(ConfigError) as caught:
        make(config_file=file)
    place = f"into profile 'default' of {file}"
    assert str(caught.value) == f"{domain} {place}; {realm} {place}"
    with pytest.raises(ConfigError) as caught:
        make("x", config_file=file, domain="prov.test")
    assert str(caught.value) == f"{realm} into profile 'x' of {file}"
    with pytest.raises(ConfigError) as caught:
        make("x", config_file=file, realm="provena")
    assert str(caught.value) == f"{domain} into profile 'x' of {file}"


@BOTH
@pytest.mark.parametrize("credential", ["offline_token", "client_secret", None])
def test_signing_in_needs_a_client_id(credential: str | None, make: Any, tmp_path: Path) -> None:
    file = text_file(tmp_path / "config.toml", "")
    given = {credential: SECRET} if credential else {}
    with pytest.raises(ConfigError) as caught:
        make(config_file=file, **DEPLOYMENT, **given)
    assert str(caught.value) == (
        "nothing says the client_id: give the argument client_id, set PROV_CLIENT_ID, or write"
        f" client_id into profile 'default' of {file}. Only a token needs none"
    )


def test_what_is_malformed_is_told_with_where_it_is_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path / "config.toml", {"default": {"realm": "provena"}})
    monkeypatch.setenv("PROV_DOMAIN", "https://prov.test")
    said = refusal(config_file=file, token="t")
    assert said.startswith("'https://prov.test' is not a domain: give a bare host name")
    assert said.endswith(
        f" (the domain is from the environment, the realm from profile 'default' of {file})"
    )


@pytest.mark.parametrize("value", [7, b"x", True, ["x"]])
@pytest.mark.parametrize(
    "name",
    [
        *("domain", "realm", "client_id", "scope", "token"),
        *("offline_token", "offline_token_file", "client_secret"),
    ],
)
def test_an_argument_of_the_wrong_type_is_refused(name: str, value: object) -> None:
    said = refusal(**{name: value})
    assert said == f"the arguments: {name} must be a str, not {type(value).__name__}"


@pytest.mark.parametrize(
    "name",
    [
        *("domain", "realm", "client_id", "scope", "token"),
        *("offline_token", "offline_token_file", "client_secret"),
    ],
)
def test_an_empty_argument_is_refused_and_not_passed_over(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for named, variable in VARIABLES.items():
        monkeypatch.setenv(variable, named)
    assert refusal(**{name: ""}) == f"the arguments: {name} is empty; leave it out"


def test_overrides_are_an_object_of_their_class() -> None:
    said = refusal(**DEPLOYMENT, token="t", api_overrides={"allow_http": True})
    assert said == "the arguments: api_overrides must be an APIOverrides"


def test_only_a_token_may_be_a_function() -> None:
    for name in ("offline_token", "client_secret", "domain"):
        assert "must be a str, not function" in refusal(**{name: lambda: SECRET})


def test_an_offline_token_is_given_once() -> None:
    said = refusal(**DEPLOYMENT, client_id="c", offline_token=SECRET, offline_token_file="x")
    assert said == "the arguments: give offline_token or offline_token_file, not both"


def test_a_setting_that_no_client_has_is_refused() -> None:
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
        file = written(tmp_path / "config.toml", {"default": {name: SECRET}})
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
def test_no_error_shows_a_secret_of_a_file_that_cannot_be_used(text: str, tmp_path: Path) -> None:
    file = text_file(tmp_path / "config.toml", text)
    with pytest.raises(ConfigError) as caught:
        connect(config_file=file, **DEPLOYMENT)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error}{error!r}{vars(error)!r}{error.args!r}"
        error = error.__cause__ or error.__context__


@BOTH
@pytest.mark.parametrize("name", ["token", "offline_token", "client_secret"])
def test_nothing_that_is_made_shows_a_secret(
    name: str, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {name: SECRET}
    client = make(**DEPLOYMENT, client_id="c", **given)
    assert SECRET not in f"{client!r}{client._auth!r}{client._config!r}"
    file = written(tmp_path / "config.toml", {"default": {name: SECRET}})
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


@BOTH
@pytest.mark.parametrize("name", ["domain", "realm"])
@pytest.mark.parametrize("place", ["argument", "variable"])
@pytest.mark.parametrize(
    ("said", "what"),
    [
        (OFFLINE, "credential"),
        ({"token": "a-token"}, "credential"),
        ({"client_secret": SECRET, "client_id": "c"}, "credential"),
        (OVERRIDES, "api_overrides"),
    ],
)
def test_what_is_for_one_deployment_does_not_go_to_another(  # noqa: PLR0917
    make: Any,
    name: str,
    place: str,
    said: dict[str, str],
    what: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = written(tmp_path / "config.toml", {"default": {**DEPLOYMENT, **said}})
    arguments = {} if place == "variable" else {name: "other.test"}
    if place == "variable":
        monkeypatch.setenv(VARIABLES[name], "other.test")
    with pytest.raises(ConfigError) as caught:
        make(config_file=file, **arguments)
    own = DEPLOYMENT[name]
    assert str(caught.value) == (
        f"the {what} of profile 'default' of {file} is for the {name} {own!r}, and 'other.test' is"
        f" asked for: name a profile of that deployment, or say its {what} as well"
    )
    # The same once more is no other deployment, nor is one that was not named.
    assert make(config_file=file, client_id="c", **{name: own})


@BOTH
def test_the_secret_of_another_deployment_does_not_go_with_an_offline_token(
    make: Any, tmp_path: Path
) -> None:
    profile = {**DEPLOYMENT, "client_secret": SECRET, "client_id": "c"}
    file = written(tmp_path / "config.toml", {"default": profile})
    with pytest.raises(ConfigError, match=r"^the client_secret of profile 'default'") as caught:
        make(config_file=file, domain="other.test", offline_token="t")
    assert SECRET not in str(caught.value)
