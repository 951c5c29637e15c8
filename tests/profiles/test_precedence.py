from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from profiles.sources import BOTH, DEPLOYMENT, VARIABLES, told, written
from scripted_server import Server

from prov_facade import APIOverrides, BearerToken, connect

SOURCES = ("arguments", "environment", "profile")
CREDENTIALS = ("token", "offline_token", "client_secret")


class Said:
    """Who says what; everybody says something else.

    Args:
        tmp_path: Where the file is.
        monkeypatch: Sets the variables.
    """

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._path = tmp_path / "config.toml"
        self._monkeypatch = monkeypatch

    def arguments(self, said: dict[str, set[str]], **more: Any) -> dict[str, Any]:
        """Set the environment and the file, and return the arguments."""
        for name, variable in VARIABLES.items():
            if name in said["environment"]:
                self._monkeypatch.setenv(variable, value("environment", name))
            else:
                self._monkeypatch.delenv(variable, raising=False)
        profile = {name: value("profile", name) for name in said["profile"]}
        written(self._path, {"default": profile})
        arguments = {name: value("arguments", name) for name in said["arguments"]}
        return {**more, **arguments, "config_file": self._path}


@pytest.fixture
def saying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    return Said(tmp_path, monkeypatch)


def value(source: str, name: str) -> str:
    return f"{name}-of-the-{source}".replace("_", "-")


def subsets(names: tuple[str, ...]) -> Iterator[set[str]]:
    for chosen in product((False, True), repeat=len(names)):
        yield {name for name, is_in in zip(names, chosen, strict=True) if is_in}


@BOTH
@pytest.mark.parametrize("name", ["domain", "realm"])
def test_the_deployment_is_that_of_the_first_source_that_names_it(
    name: str, make: Any, saying: Said
) -> None:
    others = {**DEPLOYMENT, "token": "t"}
    del others[name]
    for sources in subsets(SOURCES):
        if not sources:
            continue
        said = {source: {name} if source in sources else set() for source in SOURCES}
        config = make(**saying.arguments(said, **others))._config
        first = next(source for source in SOURCES if source in sources)
        heard = {"domain": config.domain, "realm": config.realm_name}
        assert heard == {**DEPLOYMENT, name: value(first, name)}


@BOTH
def test_every_combination_of_credentials_signs_in_with_the_first(
    make: Any, saying: Said, realm_server: Server
) -> None:
    overrides = APIOverrides(keycloak_endpoint_override=realm_server.url)
    more = {**DEPLOYMENT, "client_id": "c", "api_overrides": overrides}
    tried = 0
    for given in product(subsets(CREDENTIALS), repeat=3):
        said = dict(zip(SOURCES, given, strict=True))
        client = make(**saying.arguments(said, **more))
        assert told(client, realm_server) == expected(said), said
        tried += 1
    assert tried == 512


def expected(said: dict[str, set[str]]) -> dict[str, str]:
    """What is told to the realm, or to the API, as the docstring has it."""
    secrets = [
        value(source, "client_secret") for source in SOURCES if "client_secret" in said[source]
    ]
    for source in SOURCES:
        if "token" in said[source]:
            return {"token": value(source, "token")}
        if "offline_token" in said[source]:
            form = {"grant_type": "refresh_token", "refresh_token": value(source, "offline_token")}
            secret = {"client_secret": secrets[0]} if secrets else {}
            return {"flow": "OfflineFlow", "client_id": "c", **form, **secret}
        if "client_secret" in said[source]:
            form = {"grant_type": "client_credentials", "client_secret": secrets[0]}
            return {"flow": "ClientCredentials", "client_id": "c", **form}
    return {"flow": "DeviceFlow", "client_id": "c", "scope": "openid"}


@BOTH
@pytest.mark.parametrize("credential", ["offline_token", "client_secret", None])
def test_the_client_id_and_the_scope_are_those_of_the_first_source_that_names_them(
    credential: str | None, make: Any, saying: Said, realm_server: Server
) -> None:
    overrides = APIOverrides(keycloak_endpoint_override=realm_server.url)
    more: dict[str, Any] = {**DEPLOYMENT, "api_overrides": overrides}
    if credential is not None:
        more[credential] = "hush-hush-hush"
    for sources in subsets(SOURCES):
        # The environment has no variable for the scope.
        said = {
            source: {"client_id", "scope"} if source in sources else set() for source in SOURCES
        }
        if not sources:
            more["client_id"] = "c"
        heard = told(make(**saying.arguments(said, **more)), realm_server)
        first = next((source for source in SOURCES if source in sources), None)
        scoped = next((source for source in SOURCES[::2] if source in sources), None)
        assert heard["client_id"] == (value(first, "client_id") if first else "c")
        unasked = None if credential else "openid"
        assert heard.get("scope") == (value(scoped, "scope") if scoped else unasked)
        more.pop("client_id", None)


def test_an_offline_token_in_a_file_counts_like_one_at_hand(
    tmp_path: Path, saying: Said, realm_server: Server
) -> None:
    (tmp_path / "tokens").mkdir()
    (tmp_path / "tokens/given").write_text("token-of-a-file")
    overrides = APIOverrides(keycloak_endpoint_override=realm_server.url)
    said = {"arguments": set(), "environment": {"token"}, "profile": {"client_secret"}}
    arguments = saying.arguments(said, **DEPLOYMENT, client_id="c", api_overrides=overrides)
    client = connect(**arguments, offline_token_file=tmp_path / "tokens/given")
    assert told(client, realm_server) == {
        "flow": "OfflineFlow",
        "grant_type": "refresh_token",
        "refresh_token": "token-of-a-file",
        "client_id": "c",
        "client_secret": value("profile", "client_secret"),
    }


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_counts_as_not_set(
    name: str, saying: Said, monkeypatch: pytest.MonkeyPatch, realm_server: Server
) -> None:
    overrides = APIOverrides(keycloak_endpoint_override=realm_server.url)
    said = {"arguments": set(), "environment": set(), "profile": {*DEPLOYMENT, "client_id"}}
    arguments = saying.arguments(said, api_overrides=overrides)
    monkeypatch.setenv(VARIABLES[name], "")
    client = connect(**arguments)
    assert client._config.domain == value("profile", "domain")
    assert client._config.realm_name == value("profile", "realm")
    heard = told(client, realm_server)
    assert (heard["flow"], heard["client_id"]) == ("DeviceFlow", value("profile", "client_id"))


@BOTH
def test_the_overrides_are_the_arguments_or_else_the_profiles_as_a_whole(
    make: Any, tmp_path: Path
) -> None:
    file = written(
        tmp_path / "config.toml",
        {
            "default": {
                **DEPLOYMENT,
                "prov_api_endpoint_override": "http://prov.profile.test",
                "jobs_service_api_endpoint_override": "http://jobs.profile.test",
                "registry_api_endpoint_override": "http://registry.profile.test",
                "keycloak_endpoint_override": "http://realm.profile.test",
                "allow_http": True,
            }
        },
    )
    of_the_profile = APIOverrides(
        prov_api_endpoint_override="http://prov.profile.test",
        jobs_service_api_endpoint_override="http://jobs.profile.test",
        registry_api_endpoint_override="http://registry.profile.test",
        keycloak_endpoint_override="http://realm.profile.test",
        allow_http=True,
    )
    client = make(config_file=file, token="t")
    assert client._config.api_overrides == of_the_profile
    for given in (APIOverrides(), APIOverrides(registry_api_endpoint_override="https://r.test")):
        client = make(config_file=file, token="t", api_overrides=given)
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
