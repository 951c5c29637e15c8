"""What the tests of the facade share: a token, clients, and a way to run them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from prov_facade import APIOverrides, BearerToken, Config, ProvClient, RetryPolicy, SupportsAuth

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

TOKEN = "tok-c2VjcmV0LXNlY3JldC1zZWNyZXQ"


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own, as scripts do call after call."""
    return asyncio.run(coroutine)


def config_for(url: str) -> Config:
    """A deployment whose prov-api is at an address."""
    return Config("prov.test", "provena", APIOverrides(prov_api_endpoint_override=url))


def client_for(url: str, auth: SupportsAuth | None = None, *, timeout: float = 10) -> ProvClient:
    """A client of the prov-api at an address."""
    return ProvClient(
        auth or BearerToken(TOKEN), config_for(url), timeout=timeout, retries=RetryPolicy.none()
    )


def failure(kind: type[E], coroutine: Coroutine[Any, Any, object]) -> E:
    """Run a coroutine that must fail, and return its error."""
    with pytest.raises(kind) as caught:
        run(coroutine)
    return caught.value
