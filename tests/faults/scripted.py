"""Clients of a raw server with a policy of their own, and scripts for that server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from facade.clients import new
from facade.running import TOKEN, config_for
from facade.samples import LINEAGE, SAMPLES
from facade.server import Received, Reply, json_reply

from prov_facade import BearerToken, ProvClient, RetryPolicy, SupportsAuth

GOOD = json_reply(LINEAGE)
AWAY = json_reply({"detail": "Away."}, 503)
NO_TOKEN = json_reply({"detail": "Could not validate credentials"}, 401)
WRITE = SAMPLES["register_model_run_sync"]


def quick(**changes: Any) -> RetryPolicy:
    """A policy that hardly waits."""
    return RetryPolicy(**{"attempts": 3, "backoff": 0.001, "max_backoff": 0.002, **changes})


def client_for(
    url: str, policy: RetryPolicy | None = None, auth: SupportsAuth | None = None, **settings: Any
) -> ProvClient:
    """A client that tries again."""
    auth = auth or BearerToken(TOKEN)
    return new(ProvClient, auth, config_for(url), retries=policy or quick(), **settings)


def one_by_one(*replies: Reply) -> Callable[[Received], Reply]:
    """Give these answers, one after the other, and the last one from then on."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
