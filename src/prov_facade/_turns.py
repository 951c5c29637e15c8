"""Has the tasks of a loop take turns."""

from __future__ import annotations

import asyncio


class Turns:
    """Lets a number of tasks of each event loop go on at once; the others wait, in order.

    Args:
        at_once: How many.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._semaphores: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}

    def here(self) -> asyncio.Semaphore:
        """Return what the tasks of the running loop wait for."""
        loop = asyncio.get_running_loop()
        found = self._semaphores.get(loop)
        if found is None:
            # A semaphore holds its loop, so a weak reference would keep neither from staying.
            for over in [other for other in list(self._semaphores) if other.is_closed()]:
                self._semaphores.pop(over, None)
            found = self._semaphores[loop] = asyncio.Semaphore(self._at_once)
        return found
