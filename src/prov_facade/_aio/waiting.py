"""Waiting: for time to pass, for work in threads, and no longer than a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from typing import TypeVar

import tenacity

from prov_facade._oauth.patience import ABANDONED

R = TypeVar("R")
T = TypeVar("T")

Later = Awaitable
"""What is had by waiting for it."""

Cancelled = asyncio.CancelledError
"""What ends a call from outside."""

Retrying = tenacity.AsyncRetrying
"""Makes attempts."""

# Ends what goes on within it; `expired()` says whether it did.
deadline = asyncio.timeout

sleep = asyncio.sleep


async def in_thread(work: Callable[..., R], *arguments: object) -> R:
    """Have work done in a thread that would hold up the loop.

    The work is told when it is wanted no longer; ending it is its own affair.
    """
    given_up = threading.Event()
    before = ABANDONED.set(given_up)
    try:
        return await asyncio.to_thread(work, *arguments)
    except asyncio.CancelledError:
        given_up.set()
        raise
    finally:
        ABANDONED.reset(before)


async def to_the_end(work: Callable[..., R], *arguments: object) -> R:
    """Have work done in a thread, and do not leave before it is, even when cancelled."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody is there for it any more
        raise


async def each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Go through items, whichever way they come."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
