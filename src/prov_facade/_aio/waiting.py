"""Waiting: for time to pass, for work in threads, and no longer than a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

import tenacity

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
    """Have work done in a thread that would hold up the loop."""
    return await asyncio.to_thread(work, *arguments)


async def each(items: Iterable[T] | AsyncIterable[T]) -> AsyncIterator[T]:
    """Go through items, whichever way they come."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
