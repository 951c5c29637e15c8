"""Has threads take turns."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prov_facade._runtime.threads.concurrency import within


class Limiter:
    """Lets a number of threads go on at once; the others wait.

    Args:
        at_once: How many; ``None`` for any number.
    """

    def __init__(self, at_once: int | None) -> None:
        self._at_once = at_once
        self._process = 0
        self._semaphore = threading.Semaphore()

    @contextmanager
    def turn(self, patience: float | None = None) -> Iterator[None]:
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
        if not places.acquire(timeout=within(patience)):
            raise TimeoutError
        try:
            yield
        finally:
            places.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._at_once,)

    def _here(self, at_once: int) -> threading.Semaphore:
        if self._process != os.getpid():
            # After a fork, the turns that were taken are those of the parent's threads.
            self._semaphore, self._process = threading.Semaphore(at_once), os.getpid()
        return self._semaphore
