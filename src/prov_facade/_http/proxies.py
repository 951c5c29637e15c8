"""Determines the proxy for a URL, from an argument or the environment.

httpx parses ``NO_PROXY`` itself, but does not support IPv6 addresses or networks there, and fails
if an entry is malformed.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

import httpx
from attrs import field, frozen

from prov_facade._http import ssl_context
from prov_facade._http.ssl_context import Verify
from prov_facade.errors import ConfigError

ProxyLike = str | httpx.URL | httpx.Proxy
"""A proxy, as an argument."""

_HOST = re.compile(r"[a-z0-9._:-]+", re.IGNORECASE)
_MAX_PORT = 65535


@frozen
class ProxySetting:
    """A proxy, and the setting that it is from.

    Attributes:
        value: The proxy. It may contain a password.
        source: The argument or the environment variable.
    """

    value: ProxyLike = field(repr=False)
    source: str

    def __str__(self) -> str:
        # Without the password.
        return str(self.parse().url)

    @property
    def suspects(self) -> str:
        """What to check if there is no connection through the proxy."""
        return f"the setting {self.source}, the proxy and the network"

    def parse(self, *, socks: bool = True) -> httpx.Proxy:
        """Return the proxy as httpx takes it.

        Args:
            socks: Whether the transport supports SOCKS proxies.

        Raises:
            ConfigError: If it cannot be used. The message and its context contain no part of it,
                since any part of a malformed URL may be the password.
        """
        try:
            proxy = self.value if isinstance(self.value, httpx.Proxy) else httpx.Proxy(self.value)
        except (httpx.InvalidURL, TypeError, ValueError, AttributeError):
            proxy = None
        if proxy is None or not _is_usable(proxy.url):
            raise ConfigError(
                f"{self.source} must be the URL of an http, https or socks5 proxy, such as"
                " 'http://user:password@proxy.example.org:3128', with special characters in the"
                " password percent-encoded"
            )
        if proxy.url.scheme.startswith("socks"):
            if not socks:
                raise ConfigError(
                    f"{self.source} names a SOCKS proxy: transport='aiohttp' does not support SOCKS"
                )
            if not _has_socks():
                raise ConfigError(f"{self.source} names a SOCKS proxy: install prov-facade[socks]")
        return proxy


def _is_usable(url: httpx.URL) -> bool:
    # A `/`, `?` or `#` in a password that is not percent-encoded ends the host.
    rest = url.raw_path.strip(b"/") or url.query or url.fragment
    port_is_valid = url.port is None or 1 <= url.port <= _MAX_PORT
    return not rest and port_is_valid and _HOST.fullmatch(url.raw_host.decode()) is not None


def _has_socks() -> bool:
    try:
        import socksio  # type: ignore[import-not-found]  # noqa: F401, PLC0415  (an extra)
    except ImportError:
        return False
    return True


def check_proxy(proxy: ProxyLike | None, *, socks: bool = True) -> None:
    """Check the argument ``proxy``.

    Args:
        proxy: The argument.
        socks: Whether the transport supports SOCKS proxies.

    Raises:
        ConfigError: If it cannot be used.
    """
    if proxy is not None:
        ProxySetting(proxy, "proxy").parse(socks=socks)


def open_client(
    address: str, *, proxy: ProxyLike | None, verify: Verify, timeout: float
) -> httpx.Client:
    """Return a client for a single host, which does not follow redirects.

    Args:
        address: A URL on the host.
        proxy: The proxy to use instead of those from the environment.
        verify: How certificates are verified.
        timeout: The timeout of each phase of a request, in seconds.

    Raises:
        ConfigError: If the proxy or the certificates cannot be used.
    """
    setting = proxy_for(httpx.URL(address), proxy)
    return httpx.Client(
        proxy=None if setting is None else setting.parse(),
        verify=ssl_context.load(verify),
        timeout=timeout,
        trust_env=False,  # it would not find the same proxy
    )


def proxy_for(url: httpx.URL, argument: ProxyLike | None) -> ProxySetting | None:
    """Return the proxy for a URL; ``None`` for a direct connection.

    Args:
        url: The URL.
        argument: The proxy to use instead of those from the environment.
    """
    if argument is not None:
        return ProxySetting(argument, "proxy")
    address = environment_proxy(url)
    return None if address is None else ProxySetting(address, _variable(url.scheme))


def certificate_owner(host: str, proxy: ProxySetting | None) -> str:
    """Return whose certificate was rejected: that of a host or, if it has one, of the proxy."""
    if proxy is None or proxy.parse().url.scheme != "https":
        return host
    return f"{host} or the proxy {proxy}"


def _variable(scheme: str) -> str:
    """Return the environment variable with the proxy for a scheme."""
    for name in (f"{scheme}_proxy", "all_proxy"):
        for variable in (name, name.upper()):  # as urllib does, lower case first
            if os.environ.get(variable):
                return variable
    return "the proxy settings of the system"


def environment_proxy(url: httpx.URL) -> str | None:
    """Return the address of the proxy for a URL; ``None`` for a direct connection.

    The variables are ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in upper
    or lower case. The proxy settings of macOS and Windows are used as well.
    """
    proxies = getproxies()
    address = proxies.get(url.scheme) or proxies.get("all")
    if not address or _is_excluded(url, proxies.get("no", "")):
        return None
    return address if "://" in address else f"http://{address}"


def _is_excluded(url: httpx.URL, no_proxy: str) -> bool:
    host = url.host
    entries = [entry.strip() for entry in no_proxy.split(",")]
    if any(entry.rstrip("/") == f"{url.scheme}://{host}" for entry in entries):
        return True  # httpx supports entries with a scheme
    try:
        address = ip_address(host)
    except ValueError:
        return bool(proxy_bypass(f"{host}:{url.port}" if url.port else host))
    bracketed = f"[{host}]" if address.version == 6 else host
    if proxy_bypass(host) or proxy_bypass(f"{bracketed}:{url.port or ''}".rstrip(":")):
        return True
    return any(_contains(entry, address) for entry in entries)


def _contains(entry: str, address: object) -> bool:
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False
