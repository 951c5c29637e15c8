"""The clients that tests use, and helpers to run them.

Tests are written for the asynchronous client. Those with the fixture ``client_kind``, including all
that use a server, run again with the generated synchronous client, through :class:`AwaitedClient`.
These variants are marked ``sync_variant`` and run with ``nox -s tests_sync``.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Literal, ParamSpec, Self, TypeVar, cast

import pytest
from scripted_server import Server

from prov_facade import (
    APIOverrides,
    BaseClient,
    BearerToken,
    Config,
    JobsClient,
    PollPolicy,
    ProvAdminClient,
    ProvClient,
    RetryPolicy,
    SupportsAuth,
    SyncBaseClient,
    SyncJobsClient,
    SyncProvAdminClient,
    SyncProvClient,
)
from prov_facade.sandbox import Sandbox
from prov_facade_pytest import SharedSandbox

ClientKind = Literal["async", "aiohttp", "sync"]
"""The asynchronous client, over either of its transports, and the synchronous one."""

Make = Callable[..., ProvClient]
"""Makes a client of any kind, from the arguments of ``ProvClient``."""

P = ParamSpec("P")
C = TypeVar("C", bound=BaseClient)
E = TypeVar("E", bound=BaseException)
T = TypeVar("T")

TOKEN = "tok-c2VjcmV0LXNlY3JldC1zZWNyZXQ"

SYNCHRONOUS: dict[type[BaseClient], type[SyncBaseClient]] = {
    BaseClient: SyncBaseClient,
    JobsClient: SyncJobsClient,
    ProvAdminClient: SyncProvAdminClient,
    ProvClient: SyncProvClient,
}
"""The synchronous class of each asynchronous one."""

_SYNC = pytest.param("sync", marks=pytest.mark.sync_variant)

BOTH = pytest.mark.usefixtures("client_kind")
"""Runs a test that uses no server with both clients."""

ASYNC_ONLY = pytest.mark.parametrize("client_kind", ["async"], indirect=True)
"""Runs a test of tasks or event loops with the asynchronous client only."""

BOTH_BY_DEFAULT = pytest.mark.parametrize("client_kind", ["async", "sync"], indirect=True)
"""Runs a test with both clients by default, not only in ``nox -s tests_sync``."""


def every_transport(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test with both clients, and with the asynchronous one also over aiohttp."""
    kinds = pytest.mark.parametrize("client_kind", ["async", "aiohttp", _SYNC], indirect=True)
    return BOTH(kinds(test))


class _Current:
    kind: ClientKind = "async"


@pytest.fixture(params=["async", _SYNC])
def client_kind(request: pytest.FixtureRequest) -> Iterator[ClientKind]:
    """The kind of client that :func:`new` makes in this test."""
    if request.param == "aiohttp":
        pytest.importorskip("aiohttp")
    _Current.kind = request.param
    yield request.param
    _Current.kind = "async"


def new(of: type[C], *arguments: Any, kind: ClientKind | None = None, **settings: Any) -> C:
    """Make a client.

    Args:
        of: The asynchronous class.
        arguments: The arguments of that class.
        kind: The kind of client; by default, the kind that the test runs with.
        settings: The keyword arguments of that class.
    """
    kind = kind or _Current.kind
    if kind == "sync":
        return cast("C", AwaitedClient(SYNCHRONOUS[of](*arguments, **settings)))
    if kind == "aiohttp":
        settings["transport"] = "aiohttp"
    return of(*arguments, **settings)


CLIENTS: dict[str, Make] = {
    "async": partial(new, ProvClient, kind="async"),
    "sync": partial(new, ProvClient, kind="sync"),
}
"""Makes each kind of client, for tests without the fixture ``client_kind``."""


class AwaitedClient:
    """A synchronous client whose calls are awaited; each call blocks its own thread.

    Args:
        inner: The synchronous client.
    """

    def __init__(self, inner: SyncBaseClient) -> None:
        self._inner = inner
        self._subclients: dict[str, AwaitedClient] = {}

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, "close" if name == "aclose" else name)
        if isinstance(value, SyncBaseClient):
            return self._subclients.setdefault(name, AwaitedClient(value))
        if not inspect.ismethod(value):
            return value
        return partial(_iterate if inspect.isgeneratorfunction(value) else _call, value)

    async def __aenter__(self) -> Self:
        assert self._inner.__enter__() is self._inner
        return self

    async def __aexit__(self, *error: object) -> None:
        await _call(self._inner.__exit__, *error)


async def _call(work: Callable[..., T], *arguments: Any, **keywords: Any) -> T:
    executor = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(
            executor, partial(copy_context().run, work, *arguments, **keywords)
        )
    finally:
        executor.shutdown(wait=False)


async def _iterate(
    work: Callable[..., Iterator[T]], *arguments: Any, **keywords: Any
) -> AsyncIterator[T]:
    items, end = work(*arguments, **keywords), object()
    while (item := await _call(next, items, end)) is not end:
        yield cast("T", item)


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new event loop, as scripts do for each call."""
    return asyncio.run(coroutine)


def failure(kind: type[E], coroutine: Coroutine[Any, Any, object]) -> E:
    """Run a coroutine that must fail, and return its error."""
    with pytest.raises(kind) as caught:
        run(coroutine)
    return caught.value


def config_for(url: str) -> Config:
    """Return the configuration for a prov-api at a URL and a job-api below it."""
    overrides = APIOverrides(
        prov_api_endpoint_override=url, jobs_service_api_endpoint_override=f"{url}/job-api"
    )
    return Config("prov.test", "provena", overrides)


def quick_retries(**changes: Any) -> RetryPolicy:
    """Make a policy with very short waits between attempts."""
    return RetryPolicy(**{"attempts": 3, "backoff": 0.001, "max_backoff": 0.002, **changes})


def quick_polling(**changes: Any) -> PollPolicy:
    """Make a policy with very short waits between polls."""
    settings = {"interval": 0.01, "max_interval": 0.03, "not_found_grace": 30, "deadline": 30}
    return PollPolicy(**{**settings, **changes})


def client_for(url: str, auth: SupportsAuth | None = None, **settings: Any) -> ProvClient:
    """Make a client for the prov-api at a URL that does not retry and polls often."""
    defaults = {"timeout": 10, "retries": RetryPolicy.none(), "polling": quick_polling()}
    return new(ProvClient, auth or BearerToken(TOKEN), config_for(url), **{**defaults, **settings})


def retrying_client(
    url: str, retries: RetryPolicy | None = None, auth: SupportsAuth | None = None, **settings: Any
) -> ProvClient:
    """Make a client for the prov-api at a URL that retries quickly."""
    return client_for(url, auth, retries=retries or quick_retries(), **settings)


def sandbox_client(sandbox: Sandbox, *roles: str, **settings: Any) -> ProvClient:
    """Make a client for a sandbox, by default with all roles."""
    defaults = {"retries": RetryPolicy.none(), "polling": quick_polling()}
    auth = sandbox.auth(*roles or ("read", "write", "admin"))
    return new(ProvClient, auth, sandbox.config, **{**defaults, **settings})


@pytest.fixture
def server(client_kind: ClientKind) -> Iterator[Server]:  # noqa: ARG001
    """A server that closes every connection until a test sets its response."""
    with Server() as server:
        yield server


@pytest.fixture
def client(server: Server) -> ProvClient:
    """A client for that server, without retries."""
    return client_for(server.url)


@pytest.fixture
def sandbox(client_kind: ClientKind, shared_sandbox: SharedSandbox) -> Sandbox:  # noqa: ARG001
    return shared_sandbox.get()
