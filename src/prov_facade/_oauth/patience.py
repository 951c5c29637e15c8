"""Waiting in a thread that nobody may be waiting for any more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Set by whoever has work done in a thread, when it is wanted no longer. A thread cannot be stopped
# from outside, and the process would wait for it at its end.
ABANDONED: ContextVar[threading.Event | None] = ContextVar("ABANDONED", default=None)

_LOOK = 0.2


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


class OneAtATime:
    """A lock that can be given up waiting for, and that a forked process does not inherit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = os.getpid()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody else is within, as a context.

        Raises:
            AbandonedError: As soon as nobody waits for it any more.
        """
        if self._process != os.getpid():
            # Whoever held the lock of the parent is not there to give it back.
            self._lock, self._process = threading.Lock(), os.getpid()
        lock = self._lock
        while not lock.acquire(timeout=_LOOK):
            check()
        try:
            yield
        finally:
            lock.release()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()
