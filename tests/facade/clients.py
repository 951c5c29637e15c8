"""Both clients in one form, so that one test drives either.

A test makes its clients with :func:`new`, and awaits their calls. If it has the fixture
``client_kind``, as all have that ask for a server, it runs twice: once with the asynchronous
client, and once with the synchronous one in its clothes, each call of which then has a thread of
its own.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Literal, Self, TypeVar, cast, get_args

import pytest

from prov_facade import (
    ClientService,
    JobsClient,
    ProvAdminClient,
    ProvClient,
    SyncBaseClient,
    SyncJobsClient,
    SyncProvAdminClient,
    SyncProvClient,
)

ClientKind = Literal["async", "sync"]
KINDS: tuple[ClientKind, ...] = get_args(ClientKind)

C = TypeVar("C", bound=ClientService)
R = TypeVar("R")

SIBLINGS: dict[type[ClientService], type[SyncBaseClient]] = {
    ClientService: SyncBaseClient,
    JobsClient: SyncJobsClient,
    ProvAdminClient: SyncProvAdminClient,
    ProvClient: SyncProvClient,
}

BOTH = pytest.mark.usefixtures("client_kind")
"""Runs a test with both clients that asks for no server."""

ASYNC_ONLY = pytest.mark.parametrize("client_kind", ["async"], indirect=True)
"""Runs a test that asks for a server with the asynchronous client alone: it is about tasks."""

EVERY_TRANSPORT = pytest.mark.parametrize(
    ("client_kind", "transport"),
    [("async", None), ("async", "aiohttp"), ("sync", None)],
    indirect=["client_kind"],
)
"""Runs a test with both clients, and over aiohttp, which the asynchronous one alone has."""


class _Driven:
    kind: ClientKind = "async"


@pytest.fixture(params=KINDS)
def client_kind(request: pytest.FixtureRequest) -> Iterator[ClientKind]:
    """Which client the test drives."""
    _Driven.kind = request.param
    yield request.param
    _Driven.kind = "async"


def new(of: type[C], *arguments: Any, kind: ClientKind | None = None, **keywords: Any) -> C:
    """Make a client.

    Args:
        of: The asynchronous class.
        arguments: What it is made with.
        kind: Whether it is that class or its sibling; by default, as the test has it.
        keywords: What it is made with.
    """
    if (kind or _Driven.kind) == "async":
        return of(*arguments, **keywords)
    return cast("C", Threaded(SIBLINGS[of](*arguments, **keywords)))


class Threaded:
    """A synchronous client that is awaited: each of its calls blocks a thread of its own.

    Args:
        inner: The client.
    """

    def __init__(self, inner: SyncBaseClient) -> None:
        self._inner = inner
        self._beside: dict[str, Threaded] = {}

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, "close" if name == "aclose" else name)
        if isinstance(found, SyncBaseClient):
            return self._beside.setdefault(name, Threaded(found))
        if not inspect.ismethod(found):
            return found
        return partial(_iterated if inspect.isgeneratorfunction(found) else _called, found)

    async def __aenter__(self) -> Self:
        assert self._inner.__enter__() is self._inner
        return self

    async def __aexit__(self, *error: object) -> None:
        await _called(self._inner.__exit__, *error)


async def _called(work: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
    thread = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(
            thread, partial(copy_context().run, work, *arguments, **keywords)
        )
    finally:
        thread.shutdown(wait=False)


async def _iterated(
    work: Callable[..., Iterator[R]], *arguments: Any, **keywords: Any
) -> AsyncIterator[R]:
    items, end = work(*arguments, **keywords), object()
    while (item := await _called(next, items, end)) is not end:
        yield cast("R", item)
