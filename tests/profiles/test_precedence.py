"""The source that each setting is taken from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from profiles.sources import DEPLOYMENT, VARIABLES, credential, write_config, write_file
from scripted_server import Server

from prov_facade import APIOverrides, BearerToken, connect

SOURCES = ("arguments", "environment", "profile")
CREDENTIALS = ("token", "offline_token", "client_secret")
SUBSETS = [frozenset(chosen) for size in range(4) for chosen in combinations(CREDENTIALS, size)]

Sources = Mapping[str, Collection[str]]
"""The settings that each source has; every source has values of its own."""


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Sets the environment and the file, and returns the arguments."""

    def prepare(sources: Sources, **more: Any) -> dict[str, Any]:
        for name, variable in VARIABLES.items():
            if name in sources.get("environment", ()):
                monkeypatch.setenv(variable, value("environment", name))
            else:
                monkeypatch.delenv(variable, raising=False)
        profile = {name: value("profile", name) for name in sources.get("profile", ())}
        file = write_config(tmp_path / "config.toml", {"default": profile})
        given = {name: value("arguments", name) for name in sources.get("arguments", ())}
        return {**more, **given, "config_file": file}

    return prepare


@pytest.fixture
def overrides(realm_server: Server) -> APIOverrides:
    return APIOverrides(keycloak_endpoint_override=realm_server.url)


def value(source: str, name: str) -> str:
    return f"{name}-of-the-{source}".replace("_", "-")


@pytest.mark.parametrize("name", ["domain", "realm"])
@pytest.mark.parametrize("first", range(3))
def test_the_deployment_is_taken_from_the_first_source(
    name: str, first: int, arguments: Callable[..., dict[str, Any]]
) -> None:
    others = {**DEPLOYMENT, "token": "t"}
    del others[name]
    config = connect(**arguments(dict.fromkeys(SOURCES[first:], (name,)), **others))._config
    found = {"domain": config.domain, "realm": config.realm_name}
    assert found == {**DEPLOYMENT, name: value(SOURCES[first], name)}


@pytest.mark.parametrize(
    "subsets",
    [
        # Each source has no credential, one, or both that are not a token.
        pytest.param([s for s in SUBSETS if len(s) < 2 or "token" not in s], id="some"),
        pytest.param(SUBSETS, id="all", marks=pytest.mark.stress),
    ],
)
def test_the_credential_is_taken_from_the_first_source_that_has_one(
    subsets: list[frozenset[str]],
    arguments: Callable[..., dict[str, Any]],
    overrides: APIOverrides,
    realm_server: Server,
) -> None:
    more = {**DEPLOYMENT, "client_id": "c", "api_overrides": overrides}
    for combination in product(subsets, repeat=3):
        sources = dict(zip(SOURCES, combination, strict=True))
        auth = connect(**arguments(sources, **more))._auth
        assert credential(auth, realm_server) == expected(sources), sources


def test_a_token_comes_before_the_other_credentials_of_its_source(
    arguments: Callable[..., dict[str, Any]],
) -> None:
    for source in SOURCES:
        auth = connect(**arguments({source: CREDENTIALS}, **DEPLOYMENT, client_id="c"))._auth
        assert isinstance(auth, BearerToken)
        assert auth.get_token() == value(source, "token")


def expected(sources: Sources) -> dict[str, str]:
    """Return the credential that the docstring promises to send to the realm or the API."""
    secrets = [value(source, "client_secret") for source in SOURCES if _has_secret(sources, source)]
    for source in SOURCES:
        if "token" in sources[source]:
            return {"token": value(source, "token")}
        if "offline_token" in sources[source]:
            form = {"grant_type": "refresh_token", "refresh_token": value(source, "offline_token")}
            secret = {"client_secret": secrets[0]} if secrets else {}
            return {"flow": "OfflineFlow", "client_id": "c", **form, **secret}
        if "client_secret" in sources[source]:
            form = {"grant_type": "client_credentials", "client_secret": secrets[0]}
            return {"flow": "ClientCredentials", "client_id": "c", **form}
    return {"flow": "DeviceFlow", "client_id": "c", "scope": "openid"}


def _has_secret(sources: Sources, source: str) -> bool:
    return "client_secret" in sources[source]


@pytest.mark.parametrize("name", ["offline_token", "client_secret", None])
def test_the_client_id_and_the_scope_are_taken_from_the_first_source(
    name: str | None,
    arguments: Callable[..., dict[str, Any]],
    overrides: APIOverrides,
    realm_server: Server,
) -> None:
    more: dict[str, Any] = {**DEPLOYMENT, "api_overrides": overrides}
    if name is not None:
        more[name] = "hush-hush-hush"
    for first, source in enumerate(SOURCES):
        sources = dict.fromkeys(SOURCES[first:], ("client_id", "scope"))
        sent = credential(connect(**arguments(sources, **more))._auth, realm_server)
        assert sent["client_id"] == value(source, "client_id")
        # The scope has no variable.
        assert sent["scope"] == value("profile" if first else "arguments", "scope")
    client = connect(**arguments({}, **more, client_id="c"))
    sent = credential(client._auth, realm_server)
    assert sent.get("scope") == (None if name else "openid")


def test_an_offline_token_file_counts_like_an_offline_token(
    tmp_path: Path,
    arguments: Callable[..., dict[str, Any]],
    overrides: APIOverrides,
    realm_server: Server,
) -> None:
    write_file(tmp_path / "given", "token-of-a-file")
    sources = {"environment": {"token"}, "profile": {"client_secret"}}
    settings = arguments(sources, **DEPLOYMENT, client_id="c", api_overrides=overrides)
    client = connect(**settings, offline_token_file=tmp_path / "given")
    assert credential(client._auth, realm_server) == {
        "flow": "OfflineFlow",
        "grant_type": "refresh_token",
        "refresh_token": "token-of-a-file",
        "client_id": "c",
        "client_secret": value("profile", "client_secret"),
    }


@pytest.mark.parametrize("name", ["token", "offline_token"])
@pytest.mark.parametrize("place", ["argument", "variable", "profile"])
def test_a_token_is_stripped_of_what_is_around_it(  # noqa: PLR0917
    name: str,
    place: str,
    tmp_path: Path,
    overrides: APIOverrides,
    realm_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = f"\ufeffexport {VARIABLES[name]}='a-token'\n"
    profile = {name: text} if place == "profile" else {}
    settings = {**DEPLOYMENT, "client_id": "c", "api_overrides": overrides}
    settings["config_file"] = write_config(tmp_path / "config.toml", {"default": profile})
    if place == "variable":
        monkeypatch.setenv(VARIABLES[name], text)
    elif place == "argument":
        settings[name] = text
    sent = credential(connect(**settings)._auth, realm_server)
    assert sent["token" if name == "token" else "refresh_token"] == "a-token"


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_counts_as_not_set(
    name: str,
    arguments: Callable[..., dict[str, Any]],
    overrides: APIOverrides,
    realm_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = arguments({"profile": {*DEPLOYMENT, "client_id"}}, api_overrides=overrides)
    monkeypatch.setenv(VARIABLES[name], "")
    client = connect(**settings)
    assert client._config.domain == value("profile", "domain")
    assert client._config.realm_name == value("profile", "realm")
    sent = credential(client._auth, realm_server)
    assert (sent["flow"], sent["client_id"]) == ("DeviceFlow", value("profile", "client_id"))


def test_the_overrides_are_taken_as_a_whole(tmp_path: Path) -> None:
    fields = {
        "prov_api_endpoint_override": "http://prov.profile.test",
        "jobs_service_api_endpoint_override": "http://jobs.profile.test",
        "registry_api_endpoint_override": "http://registry.profile.test",
        "keycloak_endpoint_override": "http://realm.profile.test",
    }
    profile = {**DEPLOYMENT, **fields, "allow_http": True}
    file = write_config(tmp_path / "config.toml", {"default": profile})
    client = connect(config_file=file, token="t")
    assert client._config.api_overrides == APIOverrides(**fields, allow_http=True)
    for given in (APIOverrides(), APIOverrides(registry_api_endpoint_override="https://r.test")):
        client = connect(config_file=file, token="t", api_overrides=given)
        assert client._config.api_overrides == given


def test_without_overrides_the_addresses_follow_from_the_domain() -> None:
    client = connect(**DEPLOYMENT, token="t")
    assert client._config.api_overrides == APIOverrides()
    assert client._config.keycloak_endpoint == "https://auth.prov.test/auth/realms/provena"


def test_a_token_may_be_a_function() -> None:
    tokens = iter(["one", "two"])
    client = connect(**DEPLOYMENT, token=lambda: next(tokens))
    assert isinstance(client._auth, BearerToken)
    assert [client._auth.get_token(), client._auth.get_token()] == ["one", "two"]
