"""Proxies from arguments and the environment, for clients and for signing in."""

from __future__ import annotations

import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import server_context
from clients import BOTH, TOKEN, every_transport, failure, new, run
from scripted_server import Received, Server, json_reply, reply

from prov_facade import (
    APIOverrides,
    BearerToken,
    CertificateError,
    ClientCredentials,
    Config,
    ConfigError,
    CredentialsError,
    DeviceFlow,
    OfflineFlow,
    ProvClient,
    ProvError,
    RetryPolicy,
    SyncProvClient,
    TransportError,
    connect_sync,
)
from prov_facade._http.proxies import environment_proxy

PROXY = "http://proxy.test:3128"
PASSWORD = "hunter2-hunter2"
HEALTHY = json_reply({"message": "Up."})
TOKENS = {"access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300}

# Values that no proxy can have, each with a password in it.
MALFORMED = [
    f"ftp://user:{PASSWORD}@proxy.test",
    f"http://user:{PASSWORD}@proxy.test:port",
    f"http://user:{PASSWORD}@proxy.test:99999",
    f"http://user:{PASSWORD}@[proxy.test",
    f"http://user:12#{PASSWORD}@proxy.test",
    f"http://user:12/{PASSWORD}@proxy.test",
    f"http://user:12?{PASSWORD}@proxy.test",
    f"ht tp://user:{PASSWORD}@proxy.test",
    f"http://user:{PASSWORD}@",
]


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "https://prov.test", None),
        ({"HTTPS_PROXY": PROXY}, "https://prov.test", PROXY),
        ({"https_proxy": PROXY}, "https://prov.test", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://prov.test", None),
        ({"ALL_PROXY": "socks5://proxy.test"}, "http://prov.test", "socks5://proxy.test"),
        ({"ALL_PROXY": "a.test", "HTTP_PROXY": "b.test"}, "http://prov.test", "http://b.test"),
        ({"HTTPS_PROXY": "proxy.test:3128"}, "https://prov.test", PROXY),
    ],
)
def test_the_proxy_of_the_scheme_precedes_all_proxy(
    environment: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert environment_proxy(httpx.URL(url)) == expected


@pytest.mark.parametrize(
    ("no_proxy", "excluded", "proxied"),
    [
        ("*", "https://prov.test", None),
        ("prov.test", "https://prov.test", "https://other.test"),
        ("prov.test", "https://api.prov.test", "https://notprov.test"),
        (".prov.test", "https://api.prov.test", "https://prov.test.elsewhere"),
        ("a.test, prov.test:8443", "https://prov.test:8443", "https://prov.test:9443"),
        ("10.1.2.3", "https://10.1.2.3", "https://10.1.2.4"),
        ("10.1.2.3:81", "http://10.1.2.3:81", "http://10.1.2.3:82"),
        ("10.0.0.0/8", "http://10.200.0.1:8080", "http://11.0.0.1"),
        ("::1", "http://[::1]:8080", "http://[::2]:8080"),
        ("[::1]", "http://[::1]", "http://[::2]"),
        ("https://prov.test", "https://prov.test", "http://prov.test"),
        ("fd00::/8", "http://[fd12:3456::1]", "http://[fe80::1]"),
    ],
)
def test_no_proxy_excludes_names_addresses_ports_and_networks(
    no_proxy: str, excluded: str, proxied: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert environment_proxy(httpx.URL(excluded)) is None
    if proxied is not None:
        assert environment_proxy(httpx.URL(proxied)) == PROXY


NO_PROXY_ODDITIES = [
    "fe80::/10",
    "[::1]",
    "[fe80",
    "10.0.0.0/33",
    ":::",
    "http://[::1",
    "*.prov.test",
    "a b",
    ",,",
]


@pytest.fixture(params=["variable", "lower case", "argument"])
def given(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[dict[str, Any], str]]:
    """Sets a proxy in one of the possible ways.

    Returns a function that returns the settings of a client, and the name of what it set.
    """

    kind = request.getfixturevalue("client_kind") if "client_kind" in request.fixturenames else ""
    if kind == "aiohttp" and request.param != "argument":
        pytest.skip("this transport does not use the environment")

    def give(proxy: str) -> tuple[dict[str, Any], str]:
        if request.param == "argument":
            return {"proxy": proxy}, "proxy"
        name = "HTTP_PROXY" if request.param == "variable" else "all_proxy"
        monkeypatch.setenv(name, proxy)
        return {}, name

    return give


Give = Callable[[str], tuple[dict[str, Any], str]]


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def config_of(url: str) -> Config:
    overrides = APIOverrides(
        prov_api_endpoint_override=url, keycloak_endpoint_override=f"{url}/r", allow_http=True
    )
    return Config("prov.test", "r", overrides)


def client_of(url: str, **settings: Any) -> ProvClient:
    """Make a client for the prov-api at a URL, even on another machine without encryption."""
    settings = {"retries": RetryPolicy.none(), **settings}
    return new(ProvClient, BearerToken(TOKEN), config_of(url), **settings)


def shown(error: BaseException) -> Iterator[str]:
    """Yield everything that a log or another process may show of an error."""
    yield "".join(traceback.format_exception(error))
    yield str(pickle.dumps(error))
    link: BaseException | None = error
    while link is not None:
        yield f"{link}{link!r}{link.args!r}{vars(link)!r}"
        link = link.__cause__ or link.__context__


def assert_names(error: BaseException, name: str) -> None:
    """Check that an error names the setting, not another one, and shows no password."""
    for text in shown(error):
        assert PASSWORD not in text
    assert name in str(error)
    if name == "proxy":
        assert "environment" not in str(error)
        assert "verify" not in str(error)


@every_transport
@pytest.mark.parametrize("proxy", MALFORMED)
def test_a_malformed_proxy_is_named_without_its_password(proxy: str, given: Give) -> None:
    settings, name = given(proxy)
    with pytest.raises(ConfigError) as caught:
        run(client_of("http://prov.test", **settings).get_health_check())
    assert_names(caught.value, name)


@pytest.mark.parametrize("proxy", MALFORMED)
def test_a_malformed_proxy_is_named_when_signing_in(proxy: str, given: Give) -> None:
    settings, name = given(proxy)
    expected = ConfigError if settings else CredentialsError
    with pytest.raises(expected) as caught:
        ClientCredentials(config_of("http://prov.test"), "c", "s", **settings).get_token()
    assert_names(caught.value, name)


@every_transport
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_named(scheme: str, given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{unused_port()}"
    settings, name = given(f"http://user:{PASSWORD}@{address}")
    if scheme == "https" and not settings:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@{address}")
        name = "HTTPS_PROXY"
    error = failure(
        TransportError, client_of(f"{scheme}://prov.test", **settings).get_health_check()
    )
    assert f"through the proxy http://{address}" in str(error)
    assert "Nothing was sent" in str(error)
    assert not error.may_have_arrived
    assert_names(error, name)


def test_a_dead_proxy_is_named_when_signing_in(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prov_facade._auth.token_endpoint.sleep", lambda _: None)
    address = f"127.0.0.1:{unused_port()}"
    settings, name = given(f"http://user:{PASSWORD}@{address}")
    auth = ClientCredentials(config_of("http://prov.test"), "c", "s", **settings)
    with pytest.raises(CredentialsError, match=f"through the proxy http://{address}") as caught:
        auth.get_token()
    assert_names(caught.value, name)


@every_transport
def test_a_proxy_that_refuses_is_named(server: Server, given: Give) -> None:
    server.response = reply(b"", None, 407)
    address = f"127.0.0.1:{server.port}"
    settings, name = given(f"http://user:{PASSWORD}@{address}")
    error = failure(
        TransportError, client_of("https://prov.test", **https(settings, name)).get_health_check()
    )
    assert f"the proxy http://{address}" in str(error)
    assert "refused the connection" in str(error)
    assert server.last.method == "CONNECT"
    for text in shown(error):
        assert PASSWORD not in text


def https(settings: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the settings for an https URL, to which HTTP_PROXY does not apply."""
    if name == "HTTP_PROXY":
        pytest.skip("HTTP_PROXY does not apply to https")
    return settings


def test_aiohttp_does_not_use_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    with Server(HEALTHY) as server:
        run(client_of(server.url, transport="aiohttp").get_health_check())
        assert len(server.received) == 1


@every_transport
def test_a_dead_server_is_not_blamed_on_a_proxy() -> None:
    error = failure(
        TransportError, client_of(f"http://127.0.0.1:{unused_port()}").get_health_check()
    )
    assert "proxy" not in str(error)


@every_transport
def test_a_rejected_certificate_may_be_that_of_the_proxy(tmp_path: Path) -> None:
    with Server(tls=server_context(tmp_path / "bundle.pem")) as server:
        proxy = server.url.replace("://", f"://user:{PASSWORD}@")
        error = failure(
            CertificateError, client_of("https://prov.test", proxy=proxy).get_health_check()
        )
        auth = ClientCredentials(config_of("https://prov.test"), "c", "s", proxy=proxy)
        with pytest.raises(CredentialsError) as signing_in:
            auth.get_token()
    owner = f"certificate of prov.test or the proxy {server.url} was rejected"
    for each in (error, signing_in.value):
        assert owner in str(each)
        for text in shown(each):
            assert PASSWORD not in text


@every_transport
def test_requests_are_sent_through_the_proxy(server: Server, given: Give) -> None:
    server.response = HEALTHY
    settings, _ = given(f"http://user:{PASSWORD}@127.0.0.1:{server.port}")
    run(client_of("http://prov.test", **settings).get_health_check())
    assert server.last.headers["host"] == "prov.test"
    assert server.last.headers["proxy-authorization"].startswith("Basic ")


@BOTH
@pytest.mark.parametrize("entry", NO_PROXY_ODDITIES)
def test_an_odd_exclusion_does_not_affect_other_hosts(
    entry: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.response = HEALTHY
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", f"{entry},127.0.0.1")
    run(client_of(server.url).get_health_check())
    assert len(server.received) == 1


@pytest.fixture
def realm(client_kind: str) -> Iterator[Server]:  # noqa: ARG001
    """A realm, or a proxy in front of one."""

    def respond(request: Received) -> bytes:
        if request.path.endswith("openid-configuration"):
            return json_reply({}, status=404)
        return json_reply(TOKENS)

    with Server(respond) as server:
        yield server


@pytest.mark.parametrize("entry", NO_PROXY_ODDITIES)
def test_an_odd_exclusion_does_not_prevent_signing_in(
    entry: str, realm: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", f"{entry},127.0.0.1")
    auth = ClientCredentials(config_of(realm.url), "c", "s")
    assert auth.get_token() == TOKENS["access_token"]


def test_signing_in_uses_the_proxy(realm: Server, given: Give, tmp_path: Path) -> None:
    settings, _ = given(f"http://user:{PASSWORD}@127.0.0.1:{realm.port}")
    config = config_of("http://auth.prov.test")
    offline = OfflineFlow(config, "c", offline_token="t", cache=tmp_path, **settings)
    for auth in (ClientCredentials(config, "c", "s", **settings), offline):
        copy = pickle.loads(pickle.dumps(auth))  # noqa: S301  (our own)
        assert auth.get_token() == copy.get_token() == TOKENS["access_token"]
        assert realm.last.headers["host"] == "auth.prov.test"
        assert "proxy-authorization" in realm.last.headers
        assert PASSWORD not in repr(auth)


def test_the_proxy_of_a_connection_applies_to_signing_in(
    realm: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with (
        connect_sync(
            domain="prov.test",
            realm="r",
            client_id="c",
            client_secret="s",
            api_overrides=config_of("http://prov.test").api_overrides,
            proxy=realm.url,
        ) as client,
        pytest.raises(ProvError),
    ):
        client.check_general_access()  # the realm does not act as a prov-api
    assert {request.headers["host"] for request in realm.received} == {"prov.test"}
    assert [request.path for request in realm.received][1:2] == ["/r/protocol/openid-connect/token"]


def test_every_auth_manager_takes_a_proxy() -> None:
    config = config_of("http://prov.test")
    DeviceFlow(config, "c", proxy=PROXY)
    OfflineFlow(config, "c", offline_token="t", proxy=httpx.URL(PROXY))
    ClientCredentials(config, "c", "s", proxy=httpx.Proxy(PROXY))


IGNORED = pytest.mark.skipif(
    httpx.__version__.startswith("0.27."), reason="httpx 0.27 ignores a missing SSL_CERT_FILE"
)


@pytest.mark.parametrize("verify", ["missing.pem", pytest.param(None, marks=IGNORED)])
def test_a_missing_certificate_file_is_named(
    verify: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prov_facade._http import ssl_context  # noqa: PLC0415  (to load the default again)

    ssl_context._default.cache_clear()
    monkeypatch.chdir(tmp_path)
    if verify is None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    config = config_of("https://prov.test")
    client = SyncProvClient(BearerToken(TOKEN), config, verify=verify)
    with client, pytest.raises(ConfigError, match="certificate file") as caught:
        client.get_health_check()
    with pytest.raises(CredentialsError, match="certificate file") as signing_in:
        ClientCredentials(config, "c", "s", verify=verify).get_token()
    for error in (caught.value, signing_in.value):
        assert ("SSL_CERT_FILE" in str(error)) == (verify is None)
        assert ("verify" in str(error)) == (verify is not None)
        assert "proxy" not in str(error)
