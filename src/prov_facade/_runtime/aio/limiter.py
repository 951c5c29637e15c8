"""Has the tasks of a loop take turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class Limiter:
    """Lets a number of tasks of each event loop go on at once; the others wait, in order.

    Args:
        at_once: How many; ``None`` for any number.
    """

    def __init__(self, at_once: int | None) -> None:
        self._at_once = at_once
        self._semaphores: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def turn(self, patience: float | None = None) -> AsyncIterator[None]:
        """Wait for one's turn, and take it, as a context.

        Args:
            patience: How many seconds to wait at most; ``None`` for no limit.

        Raises:
            TimeoutError: If the turn does not come in that time.
        """
        if self._at_once is None:
            yield
            return
        places = self._here(self._at_once)
        async with asyncio.timeout(patience):
            await places.acquire()
        try:
            yield
        finally:
            places.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._at_once,)

    def _here(self, at_once: int) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        found = self._semaphores.get(loop)
        if found is None:
            # A semaphore holds its loop, so a weak reference would keep neither from staying.
            for over in [other for other in list(self._semaphores) if other.is_closed()]:
                self._semaphores.pop(over, None)
            found = self._semaphores[loop] = asyncio.Semaphore(at_once)
        return found
