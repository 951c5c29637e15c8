"""Blocking calls in threads whose callers may stop waiting for them."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from prov_facade._runtime.fork import ForkSafeLock, reset_in_child

# Set when the caller no longer waits for a thread. A thread cannot be stopped from outside.
ABANDONED: ContextVar[threading.Event | None] = ContextVar("ABANDONED", default=None)

_POLL_INTERVAL = 0.2
_MAX_EXIT_DELAY = 3.0


class AbandonedError(Exception):
    """The caller no longer waits for this thread."""


def sleep(seconds: float) -> None:
    """Sleep, unless the caller stops waiting.

    Raises:
        AbandonedError: As soon as the caller no longer waits.
    """
    abandoned = ABANDONED.get()
    if abandoned is None:
        time.sleep(seconds)
    elif abandoned.wait(seconds):
        raise AbandonedError


def raise_if_abandoned() -> None:
    """Check that the caller still waits.

    Raises:
        AbandonedError: If it does not.
    """
    abandoned = ABANDONED.get()
    if abandoned is not None and abandoned.is_set():
        raise AbandonedError


@contextmanager
def hold(lock: ForkSafeLock) -> Iterator[None]:
    """Hold a lock, as a context manager.

    Raises:
        AbandonedError: As soon as the caller no longer waits for it.
    """
    while not lock.acquire(timeout=_POLL_INTERVAL):
        raise_if_abandoned()
    try:
        yield
    finally:
        lock.release()


class _PendingWork:
    """Counts the work that the process finishes before it exits."""

    def __init__(self) -> None:
        self.reset_after_fork()
        reset_in_child(self)
        atexit.register(self.wait)

    def reset_after_fork(self) -> None:
        self._changed, self._count = threading.Condition(), 0

    def change(self, by: int) -> None:
        with self._changed:
            self._count += by
            self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count <= 0, timeout=_MAX_EXIT_DELAY)


_PENDING_WORK = _PendingWork()


@contextmanager
def delay_exit() -> Iterator[None]:
    """Delay the exit of the process, for a few seconds at most, until the block ends.

    Otherwise a response that contains a single-use token could be lost.
    """
    _PENDING_WORK.change(1)
    try:
        yield
    finally:
        _PENDING_WORK.change(-1)
