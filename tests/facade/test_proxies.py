"""The proxy that the environment selects for a URL."""

from __future__ import annotations

import httpx
import pytest

from prov_facade._http.proxies import environment_proxy

PROXY = "http://proxy.test:3128"


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
