from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import partial
from typing import Any

import attrs
import pytest

from prov_facade import APIOverrides, Config, ConfigError, ProvError

OVERRIDES = {
    "prov_api_endpoint_override": "prov_api_endpoint",
    "jobs_service_api_endpoint_override": "job_api_endpoint",
    "registry_api_endpoint_override": "registry_api_endpoint",
    "keycloak_endpoint_override": "keycloak_endpoint",
}
PASSWORD = "hunter2-hunter2"


def overridden(name: str, url: str) -> APIOverrides:
    settings: dict[str, Any] = {name: url}
    return APIOverrides(**settings)


def test_the_addresses_derive_from_the_domain_and_the_realm() -> None:
    config = Config("provena.example.org", "our-realm")
    assert config.prov_api_endpoint == "https://prov-api.provena.example.org"
    assert config.job_api_endpoint == "https://job-api.provena.example.org"
    assert config.registry_api_endpoint == "https://registry-api.provena.example.org"
    assert config.keycloak_endpoint == "https://auth.provena.example.org/auth/realms/our-realm"
    assert config.jobs_service_api_endpoint == config.job_api_endpoint
    assert (config.domain, config.realm_name) == ("provena.example.org", "our-realm")


@pytest.mark.parametrize(("override", "address"), OVERRIDES.items())
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("https://gate.example.org/prov/v1", "https://gate.example.org/prov/v1"),
        ("https://gate.example.org/prov/v1/", "https://gate.example.org/prov/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_override_replaces_one_address(
    override: str, address: str, url: str, expected: str
) -> None:
    plain = Config("prov.test", "r")
    config = Config("prov.test", "r", overridden(override, url))
    for other in OVERRIDES.values():
        if other == address:
            assert getattr(config, other) == expected
        else:
            assert getattr(config, other) == getattr(plain, other)


@pytest.mark.parametrize("domain", ["localhost", "localhost:8443", "a.b-c.example.org", "X.ORG"])
def test_a_domain_may_have_a_port(domain: str) -> None:
    assert Config(domain, "r").prov_api_endpoint == f"https://prov-api.{domain}"


@pytest.mark.parametrize(
    "domain",
    [
        "",
        " ",
        "https://prov.test",
        "prov.test/",
        "prov.test/api",
        "prov.test?x",
        "prov test",
        "prov.test\n",
        "-prov.test",
        ".prov.test",
        "prov.test:",
        "prov.test:port",
        "prov.test:99999",
        "user@prov.test",
        None,
        b"prov.test",
        7,
    ],
)
def test_an_invalid_domain_is_rejected(domain: Any) -> None:
    with pytest.raises(ConfigError, match="domain") as caught:
        Config(domain, "r")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ProvError)


@pytest.mark.parametrize("realm", ["", " ", "a b", "a/b", "a?b", "a#b", "a\n", None, 7])
def test_an_invalid_realm_is_rejected(realm: Any) -> None:
    with pytest.raises(ConfigError, match="realm") as caught:
        Config("prov.test", realm)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("override", OVERRIDES)
@pytest.mark.parametrize(
    "url",
    [
        "",
        "prov.test",
        "//prov.test",
        "ftp://prov.test",
        "https://",
        "https:///path",
        "https://prov.test:port",
        "https://prov.test:99999",
        "https://[::1",
        "https://prov .test",
        " https://prov.test",
        "https://prov.test?x=1",
        "https://prov.test#x",
        "https://user@prov.test",
        b"https://prov.test",
        7,
    ],
)
def test_an_invalid_url_is_rejected(override: str, url: Any) -> None:
    with pytest.raises(ConfigError, match=override) as caught:
        APIOverrides(**{override: url})
    assert isinstance(caught.value, ValueError)


def test_overrides_of_another_type_are_rejected() -> None:
    overrides: Any = {"prov_api_endpoint_override": "http://localhost"}
    with pytest.raises(ConfigError, match="APIOverrides"):
        Config("prov.test", "r", overrides)


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{PASSWORD}@prov.test",
        f"https://user:{PASSWORD}@prov.test:port",
        f"https://user:{PASSWORD}@prov.test:99999",
        f"https://user:{PASSWORD}@prov.test?x=1",
        f"https://user:{PASSWORD}@[::1",
        f"https://user:{PASSWORD}/@prov.test",
        f"https://user:{PASSWORD}\u2100@prov.test",
        f"https://user:{PASSWORD} @prov.test",
        f"https:user:{PASSWORD}@prov.test",
        f"ftp://user:{PASSWORD}@prov.test",
        f"user:{PASSWORD}@prov.test",
        f"//user:{PASSWORD}@prov.test",
        f"https://user:{PASSWORD}@",
    ],
)
def test_a_password_in_a_url_is_rejected_and_not_shown(url: str) -> None:
    attempts: list[Callable[[], object]] = [
        partial(Config, url, "r"),
        *(partial(overridden, name, url) for name in OVERRIDES),
    ]
    if "/" in url:  # a realm may contain the other special characters
        attempts.append(partial(Config, "prov.test", url))
    for attempt in attempts:
        with pytest.raises(ConfigError) as caught:
            attempt()
        shown = "".join(traceback.format_exception(caught.value))
        assert PASSWORD not in f"{shown}{caught.value!r}{caught.value.__cause__!r}"


def test_equal_configurations_compare_equal() -> None:
    overrides = APIOverrides(prov_api_endpoint_override="http://localhost")
    config = Config("prov.test", "r", overrides)
    same = Config(domain="prov.test", realm_name="r", api_overrides=attrs.evolve(overrides))
    assert config == same
    assert hash(config) == hash(same)
    assert config != Config("prov.test", "r")
    assert repr(config).startswith("Config(domain='prov.test', realm_name='r', api_overrides=API")
    assert eval(repr(config), {"Config": Config, "APIOverrides": APIOverrides}) == config  # noqa: S307


def test_configurations_are_frozen() -> None:
    config: Any = Config("prov.test", "r")
    with pytest.raises(AttributeError):
        config.domain = "other.test"
    with pytest.raises(AttributeError):
        config.api_overrides.keycloak_endpoint_override = "https://other.test"


@pytest.mark.parametrize("name", OVERRIDES)
@pytest.mark.parametrize("url", ["http://gate.example.org", "http://192.168.0.7:8000"])
def test_http_to_another_host_must_be_allowed_explicitly(name: str, url: str) -> None:
    with pytest.raises(ConfigError, match="with http, tokens are sent unencrypted"):
        overridden(name, url)
    settings: dict[str, Any] = {name: url, "allow_http": True}
    assert getattr(APIOverrides(**settings), name) == url


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_http_to_this_machine_is_allowed(host: str) -> None:
    url = f"http://{host}:8000"
    assert overridden("prov_api_endpoint_override", url).prov_api_endpoint_override == url
