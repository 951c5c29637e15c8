"""Limits the number of concurrent threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from prov_facade._runtime.fork import reset_in_child
from prov_facade._runtime.threads.concurrency import limited_to_deadline


class Limiter:
    """Limits the number of concurrent threads; the others wait.

    Args:
        limit: The maximum; ``None`` for no limit.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self.reset_after_fork()
        reset_in_child(self)

    @contextmanager
    def slot(self, timeout: float | None = None) -> Iterator[None]:
        """Wait for a free slot and occupy it, as a context manager.

        Args:
            timeout: How many seconds to wait at most; ``None`` for no limit.

        Raises:
            httpx.PoolTimeout: If no slot becomes free in that time, or before the deadline.
        """
        semaphore = self._semaphore
        if semaphore is None:
            yield
            return
        if not semaphore.acquire(timeout=limited_to_deadline(timeout)):
            raise httpx.PoolTimeout("")
        try:
            yield
        finally:
            semaphore.release()

    def reset_after_fork(self) -> None:
        """Free all slots: they were occupied by threads of the parent."""
        self._semaphore = None if self._limit is None else threading.Semaphore(self._limit)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._limit,)
