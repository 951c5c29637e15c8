"""The signatures, and the settings that are passed to the client."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import httpx
import pytest
from profiles.sources import BOTH, DEPLOYMENT, credential, write_config, write_file
from scripted_server import Server

from prov_facade import (
    APIOverrides,
    CredentialsError,
    DeviceFlow,
    PollPolicy,
    ProvClient,
    RetryPolicy,
    SyncProvClient,
    connect,
    connect_sync,
)
from prov_facade._async.settings import ClientSettings
from prov_facade._profiles.settings import ConnectSettings, Settings
from prov_facade._sync.settings import ClientSettings as SyncClientSettings

OWN = {
    *("profile", "domain", "realm", "client_id", "token", "offline_token", "offline_token_file"),
    *("client_secret", "api_overrides", "config_file", "scope"),
}
PAIRS: list[tuple[Any, Any, Any]] = [
    (connect, ProvClient, ClientSettings),
    (connect_sync, SyncProvClient, SyncClientSettings),
]


@pytest.mark.parametrize(("make", "client", "settings"), PAIRS)
def test_the_signature_shows_the_client_settings(make: Any, client: Any, settings: Any) -> None:
    keywords = {
        name: parameter.annotation
        for name, parameter in inspect.signature(client).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert get_type_hints(settings).keys() == keywords.keys()
    assert settings.__required_keys__ == set()
    shown = inspect.signature(make)
    assert {name: shown.parameters[name].annotation for name in keywords} == keywords
    assert shown.parameters.keys() == OWN | keywords.keys()
    assert shown.return_annotation == client.__name__


def test_a_profile_is_positional_and_everything_else_optional() -> None:
    for make, _, settings in PAIRS:
        parameters = inspect.signature(make).parameters.values()
        assert [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY] == ["profile"]
        defaults = {p.name: p.default for p in parameters}
        assert defaults == {**dict.fromkeys(OWN | get_type_hints(settings).keys()), "timeout": 30}
        with pytest.raises(TypeError, match=r"connect\w*\(\) got an unexpected .*'colour'"):
            make(colour="red")


def test_a_source_has_the_settings_that_connect_takes() -> None:
    hints = get_type_hints(ConnectSettings)
    del hints["config_file"]
    fields = get_type_hints(Settings)
    del fields["where"]
    assert fields == hints


def test_the_docstring_names_every_argument_variable_and_key() -> None:
    documented = inspect.getdoc(connect) or ""
    for name in OWN - {"profile"}:
        assert f"- ``{name}``: " in documented
    for name in ("DOMAIN", "REALM", "CLIENT_ID", "TOKEN", "OFFLINE_TOKEN", "CLIENT_SECRET"):
        assert f"``PROV_{name}``" in documented
    for name in ("PROV_PROFILE", "PROV_CONFIG_FILE", *(OWN - {"profile", "config_file"})):
        assert f"``{name}``" in documented


@BOTH
def test_the_client_settings_are_passed_to_the_client(make: Any, tmp_path: Path) -> None:
    retries, polling = RetryPolicy(attempts=2), PollPolicy(deadline=7)
    limits, hooks = httpx.Limits(max_connections=3), {"request": [print]}
    bundle = tmp_path / "bundle.pem"
    client = make(
        **DEPLOYMENT,
        token="t",
        timeout=7,
        retries=retries,
        polling=polling,
        limits=limits,
        proxy="http://proxy.test",
        verify=bundle,
        event_hooks=hooks,
    )
    expected = type(client)(
        client._auth,
        client._config,
        timeout=7,
        retries=retries,
        polling=polling,
        limits=limits,
        proxy="http://proxy.test",
        verify=bundle,
        event_hooks=hooks,
    )
    core, wanted = client._core, expected._core
    assert core.transport._factory == wanted.transport._factory
    assert core.transport._timeout == wanted.transport._timeout
    assert (core.retries, core.polling) == (retries, polling)


@pytest.mark.parametrize("scope", [None, "openid"])
@pytest.mark.parametrize("name", ["offline_token", "client_secret", None])
def test_verify_applies_to_signing_in_as_well(
    name: str | None, scope: str | None, tmp_path: Path, realm_server: Server
) -> None:
    given: dict[str, Any] = {name: "hush-hush-hush"} if name else {}
    given["scope"] = scope
    given |= {
        **DEPLOYMENT,
        "client_id": "c",
        "api_overrides": APIOverrides(keycloak_endpoint_override=realm_server.url),
    }
    missing = tmp_path / "missing.pem"
    auth = connect(**given, verify=missing)._auth
    if isinstance(auth, DeviceFlow):
        auth._interactive = True  # otherwise it refuses to run without a terminal
    with pytest.raises(CredentialsError, match=r"certificate file.*No such file"):
        auth.get_token()
    assert realm_server.received == []
    assert credential(connect(**given)._auth, realm_server)["client_id"] == "c"


@BOTH
@pytest.mark.parametrize("name", ["token", "offline_token", "client_secret", None])
def test_nothing_is_sent_before_the_first_call(
    name: str | None, make: Any, realm_server: Server
) -> None:
    given: dict[str, Any] = {name: "hush-hush-hush"} if name else {}
    addresses = {
        attribute.name: realm_server.url
        for attribute in attrs.fields(APIOverrides)
        if attribute.name != "allow_http"
    }
    overrides: Any = APIOverrides(**addresses)  # type: ignore[arg-type]
    make(**DEPLOYMENT, client_id="c", api_overrides=overrides, **given)
    assert realm_server.opened == 0


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_config(tmp_path / "config.toml", {"default": {**DEPLOYMENT, "client_id": "c"}}, 0o400)
    write_file(tmp_path / "offline", "hush")
    before = sorted(tmp_path.rglob("*"))
    connect(config_file="config.toml", offline_token_file="offline")
    connect_sync(config_file=Path("config.toml"))
    assert sorted(tmp_path.rglob("*")) == before
