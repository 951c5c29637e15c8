"""Makes synchronous clients for tests."""

from __future__ import annotations

from typing import Any

import httpx
from clients import TOKEN, config_for, quick_retries

from prov_facade import BearerToken, RetryPolicy, SyncProvClient

ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)


def client_for(url: str, policy: RetryPolicy | None = None, **settings: Any) -> SyncProvClient:
    """Create a client that retries quickly, with a timeout of 10 s per request."""
    settings = {"timeout": 10, "auth": BearerToken(TOKEN), **settings}
    return SyncProvClient(config=config_for(url), retries=policy or quick_retries(), **settings)
