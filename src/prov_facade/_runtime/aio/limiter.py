"""Limits the number of concurrent tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx


class Limiter:
    """Limits the number of concurrent tasks of each event loop; the others wait in order.

    Args:
        limit: The maximum; ``None`` for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._semaphores: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def slot(self, timeout: float | None = None) -> AsyncIterator[None]:
        """Wait for a free slot and occupy it, as a context manager.

        Args:
            timeout: How many seconds to wait at most; ``None`` for no limit.

        Raises:
            httpx.PoolTimeout: If no slot becomes free in that time.
        """
        if self._limit is None:
            yield
            return
        semaphore = self._current(self._limit)
        if semaphore.locked():
            try:
                async with asyncio.timeout(timeout):
                    await semaphore.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("") from None
        else:
            await semaphore.acquire()
        try:
            yield
        finally:
            semaphore.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._limit,)

    def _current(self, limit: int) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        found = self._semaphores.get(loop)
        if found is None:
            # A semaphore refers to its loop, so weak references would free neither.
            for closed in [other for other in list(self._semaphores) if other.is_closed()]:
                self._semaphores.pop(closed, None)
            found = self._semaphores[loop] = asyncio.Semaphore(limit)
        return found
