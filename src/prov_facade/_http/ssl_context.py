"""Loads the certificates that verify servers."""

from __future__ import annotations

import ssl
import threading
from functools import cache
from pathlib import Path

import httpx

from prov_facade._runtime.fork import hold_during_fork
from prov_facade.errors import ConfigError

Verify = ssl.SSLContext | str | Path | None
"""How to verify servers: a context, the path of a CA bundle, or ``None`` for the default."""

# One thread loads the certificates; the others wait, and use them. A fork waits as well: otherwise
# the child could inherit a lock of OpenSSL that is never released, and hang when it loads
# certificates itself.
_LOADING = threading.Lock()
hold_during_fork(_LOADING)


def check_verify(verify: object) -> None:
    """Check the argument ``verify``.

    Raises:
        ConfigError: If it is neither a path nor a context.
    """
    if verify == "" or not isinstance(verify, Verify):
        raise ConfigError(
            "verify must be the path of a CA bundle, or an ssl.SSLContext: certificates are always"
            " checked"
        )


def load(verify: Verify) -> ssl.SSLContext:
    """Return a context with the trusted certificates.

    Args:
        verify: The path of a CA bundle, a context, which is returned unchanged, or ``None`` for
            httpx's default, which is loaded once per process.

    Raises:
        ConfigError: If the file cannot be read, or contains no certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    try:
        with _LOADING:
            return _default() if verify is None else ssl.create_default_context(cafile=verify)
    except (OSError, ValueError) as error:  # ValueError for a NUL in the path
        source = "SSL_CERT_FILE or SSL_CERT_DIR" if verify is None else "verify"
        raise ConfigError(
            f"no connection can be set up: {source} names a certificate file that cannot be used"
            f" ({error})"
        ) from error


@cache
def _default() -> ssl.SSLContext:
    return httpx.create_ssl_context()
