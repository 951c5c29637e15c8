"""Loads the certificates by which servers are known."""

from __future__ import annotations

import os
import ssl
import threading
from functools import cache
from pathlib import Path

import httpx

# One thread at a time: the others find the certificates loaded. A fork waits as well; the child
# would otherwise take over a lock of OpenSSL's that nobody is there to give back, and hang at the
# first certificates of its own.
_LOADING = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOADING.acquire,
        after_in_parent=_LOADING.release,
        after_in_child=_LOADING.release,
    )


def load(verify: ssl.SSLContext | str | Path | None) -> ssl.SSLContext:
    """Return a context with the certificates that are trusted.

    Args:
        verify: The path of a CA bundle, a context that is returned as it is, or ``None`` for
            httpx's default, which is loaded once for the whole process.

    Raises:
        OSError: If the file cannot be read.
        ssl.SSLError: If it holds no certificates.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    with _LOADING:
        return _default() if verify is None else ssl.create_default_context(cafile=verify)


@cache
def _default() -> ssl.SSLContext:
    return httpx.create_ssl_context()
