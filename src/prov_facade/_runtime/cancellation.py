"""Waiting in a thread that nobody may be waiting for any more."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Set by whoever has work done in a thread, when it is wanted no longer. A thread cannot be stopped
# from outside.
ABANDONED: ContextVar[threading.Event | None] = ContextVar("ABANDONED", default=None)

_POLL_INTERVAL = 0.2
_LONGEST_FINISH = 3.0


class AbandonedError(Exception):
    """Nobody waits for this any more."""


def pause(seconds: float) -> None:
    """Let time pass.

    Raises:
        AbandonedError: As soon as nobody waits for it any more.
    """
    abandoned = ABANDONED.get()
    if abandoned is None:
        time.sleep(seconds)
    elif abandoned.wait(seconds):
        raise AbandonedError


def check() -> None:
    """Go on, if somebody still waits.

    Raises:
        AbandonedError: If nobody does.
    """
    abandoned = ABANDONED.get()
    if abandoned is not None and abandoned.is_set():
        raise AbandonedError


class ForkSafeLock:
    """A lock that can be given up waiting for, and that a forked process does not inherit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        _LOCKS.add(self)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else is within, as a context.

        Raises:
            AbandonedError: As soon as nobody waits for it any more.
        """
        lock = self._lock
        while not lock.acquire(timeout=_POLL_INTERVAL):
            check()
        try:
            yield
        finally:
            lock.release()

    def renew(self) -> None:
        """Forget who is within: they are threads of another process."""
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


_LOCKS: weakref.WeakSet[ForkSafeLock] = weakref.WeakSet()


class _Unfinished:
    """Counts what must not be cut off: an answer with a token that can be had once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._changed:
            self._count += 1
        try:
            yield
        finally:
            with self._changed:
                self._count -= 1
                self._changed.notify_all()

    def wait(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._count == 0, timeout=_LONGEST_FINISH)

    def renew(self) -> None:
        self._changed, self._count = threading.Condition(), 0


_UNFINISHED = _Unfinished()
atexit.register(_UNFINISHED.wait)


@contextmanager
def finishing() -> Iterator[None]:
    """Have the process wait a little at its end for what goes on within."""
    with _UNFINISHED.one():
        yield


def _after_fork() -> None:
    _UNFINISHED.renew()
    for lock in list(_LOCKS):
        lock.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
