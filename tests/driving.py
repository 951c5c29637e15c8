"""Drives both clients with one test: the synchronous one, too, is awaited here.

A test is written for the asynchronous client. :class:`Awaited` makes the synchronous one look like
it: each call goes to a thread, and what a generator yields comes asynchronously.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar, cast

from prov_facade import JobsClient, ProvClient, SyncBaseClient, SyncJobsClient, SyncProvClient

T = TypeVar("T")

_END = object()


class Awaited:
    """A synchronous client that is called as the asynchronous one.

    Args:
        client: The client.
    """

    def __init__(self, client: SyncBaseClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, {"aclose": "close"}.get(name, name))
        if isinstance(found, SyncBaseClient):
            return Awaited(found)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            if inspect.isgeneratorfunction(found):
                return _stepped(found(*arguments, **named))
            return asyncio.to_thread(found, *arguments, **named)

        return call

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._client.__enter__)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self._client.__exit__, exc_type, exc_value, traceback)


async def _stepped(items: Iterator[T]) -> AsyncIterator[T]:
    while (item := await asyncio.to_thread(next, items, _END)) is not _END:
        yield cast("T", item)


def _sync_client(*arguments: Any, **named: Any) -> ProvClient:
    return cast("ProvClient", Awaited(SyncProvClient(*arguments, **named)))


def _sync_jobs(*arguments: Any, **named: Any) -> JobsClient:
    return cast("JobsClient", Awaited(SyncJobsClient(*arguments, **named)))


def _over_aiohttp(*arguments: Any, **named: Any) -> ProvClient:
    return ProvClient(*arguments, **named, transport="aiohttp")


Make = Callable[..., ProvClient]
"""Makes a client, of whichever kind, with the arguments of ``ProvClient``."""

CLIENTS: dict[str, Make] = {"async": ProvClient, "sync": _sync_client}
"""The clients."""

TRANSPORTS: dict[str, Make] = {**CLIENTS, "aiohttp": _over_aiohttp}
"""The clients, and what they may stand on."""

JOBS: dict[str, Callable[..., JobsClient]] = {"async": JobsClient, "sync": _sync_jobs}
"""The clients of the job-api alone."""
