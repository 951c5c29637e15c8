"""Determines the proxy for a URL from the environment.

httpx parses ``NO_PROXY`` itself, but does not support IPv6 addresses or networks there.
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from urllib.request import getproxies, proxy_bypass

import httpx


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
