"""Loads the certificates that servers are checked against."""

from __future__ import annotations

import os
import ssl
import threading
from functools import cache
from pathlib import Path

import httpx

# One thread at a time: the others find the certificates loaded. A fork waits as well: the child
# would otherwise inherit a lock of OpenSSL that no thread of it releases, and hang when it loads
# certificates itself.
_LOADING = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOADING.acquire,
        after_in_parent=_LOADING.release,
        after_in_child=_LOADING.release,
    )


def load(verify: ssl.SSLContext | str | Path | None) -> ssl.SSLContext:
    """Return a context with the trusted certificates.

    Args:
        verify: The path of a CA bundle, a context, which is returned as it is, or ``None`` for
            httpx's default, which is loaded once per process.

    Raises:
        OSError: If the file cannot be read.
        ssl.SSLError: If it contains no certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    with _LOADING:
        return _default() if verify is None else ssl.create_default_context(cafile=verify)


@cache
def _default() -> ssl.SSLContext:
    return httpx.create_ssl_context()
