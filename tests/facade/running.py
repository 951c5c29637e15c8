"""What the tests of the facade share: a token, clients, and a way to run them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from facade.clients import ClientKind, new

from prov_facade import (
    APIOverrides,
    BearerToken,
    Config,
    PollPolicy,
    ProvClient,
    RetryPolicy,
    SupportsAuth,
)

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

TOKEN = "tok-c2VjcmV0LXNlY3JldC1zZWNyZXQ"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own, as scripts do call after call."""
    return asyncio.run(coroutine)


def config_for(url: str) -> Config:
    """A deployment whose prov-api is at an address, and its job-api below that."""
    overrides = APIOverrides(
        prov_api_endpoint_override=url, jobs_service_api_endpoint_override=f"{url}/job-api"
    )
    return Config("prov.test", "provena", overrides)


def client_for(
    url: str,
    auth: SupportsAuth | None = None,
    *,
    timeout: float = 10,
    kind: ClientKind | None = None,
) -> ProvClient:
    """A client of the prov-api at an address, of the kind that the test drives."""
    return new(
        ProvClient,
        auth or BearerToken(TOKEN),
        config_for(url),
        timeout=timeout,
        retries=RetryPolicy.none(),
        polling=PollPolicy(interval=0.01, deadline=5),
        kind=kind,
    )


def failure(kind: type[E], coroutine: Coroutine[Any, Any, object]) -> E:
    """Run a coroutine that must fail, and return its error."""
    with pytest.raises(kind) as caught:
        run(coroutine)
    return caught.value
