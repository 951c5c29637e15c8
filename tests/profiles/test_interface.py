from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import httpx
import pytest
from profiles.sources import BOTH, DEPLOYMENT, text_file, told, written
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
def test_the_settings_are_those_of_the_client(make: Any, client: Any, settings: Any) -> None:
    hints = get_type_hints(client.__init__)
    keywords = {
        name: hints[name]
        for name, parameter in inspect.signature(client).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    assert get_type_hints(settings) == keywords
    assert settings.__required_keys__ == set()
    assert get_type_hints(make)["return"] is client


def test_both_take_the_same_arguments() -> None:
    one, other = (list(inspect.signature(make).parameters.values()) for make, _, _ in PAIRS)
    assert one[:-1] == other[:-1]
    assert {parameter.name for parameter in one[:-1]} == OWN
    assert [p.name for p in one if p.kind is p.POSITIONAL_OR_KEYWORD] == ["profile"]
    assert all(parameter.default is None for parameter in one[:-1])


@pytest.mark.parametrize("make", [connect, connect_sync])
def test_a_docstring_names_every_parameter(make: Any) -> None:
    lines = inspect.getdoc(make).splitlines()  # type: ignore[union-attr]
    arguments = lines[lines.index("Args:") : lines.index("Returns:")]
    documented = [
        line.strip().partition(":")[0]
        for line in arguments
        if line.startswith("    ") and not line.startswith("     ")
    ]
    assert documented == list(inspect.signature(make).parameters)


def test_a_docstring_names_every_variable_and_every_key() -> None:
    told_about = inspect.getdoc(connect) or ""
    for name in ("DOMAIN", "REALM", "CLIENT_ID", "TOKEN", "OFFLINE_TOKEN", "CLIENT_SECRET"):
        assert f"``PROV_{name}``" in told_about
    for name in ("PROV_PROFILE", "PROV_CONFIG_FILE", *(OWN - {"profile", "config_file"})):
        assert f"``{name}``" in told_about


@BOTH
def test_a_client_gets_its_settings(make: Any, tmp_path: Path) -> None:
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
    assert client._transport._connections == expected._transport._connections
    assert client._transport._timeout == expected._transport._timeout
    assert (client._retries, client._polling) == (retries, polling)


@BOTH
@pytest.mark.parametrize("scope", [None, "openid"])
@pytest.mark.parametrize("credential", ["offline_token", "client_secret", None])
def test_verify_is_for_signing_in_as_well(
    credential: str | None, scope: str | None, make: Any, tmp_path: Path, realm_server: Server
) -> None:
    given: dict[str, Any] = {credential: "hush-hush-hush"} if credential else {}
    given["scope"] = scope
    given |= {
        **DEPLOYMENT,
        "client_id": "c",
        "api_overrides": APIOverrides(keycloak_endpoint_override=realm_server.url),
    }
    missing = tmp_path / "missing.pem"
    auth = make(**given, verify=missing)._auth
    if isinstance(auth, DeviceFlow):
        auth._interactive = True  # it would not ask where nobody is there
    with pytest.raises(CredentialsError, match=r"file of certificates.*No such file"):
        auth.get_token()
    assert realm_server.received == []
    told(make(**given), realm_server)


@BOTH
@pytest.mark.parametrize("credential", ["token", "offline_token", "client_secret", None])
def test_nothing_goes_onto_the_network_before_the_first_call(
    credential: str | None, make: Any, realm_server: Server
) -> None:
    given: dict[str, Any] = {credential: "hush-hush-hush"} if credential else {}
    addresses = {
        attribute.name: realm_server.url
        for attribute in attrs.fields(APIOverrides)
        if attribute.name != "allow_http"
    }
    overrides: Any = APIOverrides(**addresses)  # type: ignore[arg-type]
    make(**DEPLOYMENT, client_id="c", api_overrides=overrides, **given)
    assert realm_server.opened == 0


def test_a_settings_file_is_read_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "config.toml", {"default": {**DEPLOYMENT, "client_id": "c"}}, 0o400)
    text_file(tmp_path / "offline", "hush")
    before = sorted(tmp_path.rglob("*"))
    connect(config_file="config.toml", offline_token_file="offline")
    connect_sync(config_file=Path("config.toml"))
    assert sorted(tmp_path.rglob("*")) == before
