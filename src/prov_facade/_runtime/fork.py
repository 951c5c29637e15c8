"""Locks and state that survive ``os.fork``.

A forked child has one thread, the one that forked. It inherits the locks that other threads held,
which are never released there, and the sockets of its parent, which it must not use. Objects that
are registered here are reset before the child runs anything else, so code need not compare process
ids.

- :class:`ForkSafeLock` replaces ``threading.Lock``. A pickled or copied one is a new lock.
- :func:`reset_in_child` registers any other object that has a ``reset_after_fork`` method::

    class Pool:
        def __init__(self) -> None:
            self.reset_after_fork()
            reset_in_child(self)

        def reset_after_fork(self) -> None:
            self._lock, self._client = threading.Lock(), None

- :func:`hold_during_fork` makes a fork wait for a lock, for work that a child cannot restart,
  such as a call into a C library with its own locks.

Without ``os.fork``, none of this has an effect.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol


class Resettable(Protocol):
    """An object for :func:`reset_in_child`: held by a weak reference, and hashed by identity."""

    def reset_after_fork(self) -> None:
        """Drop what belongs to the parent. Called in the child, where no other thread runs."""


_registered: weakref.WeakSet[Resettable] = weakref.WeakSet()


def reset_in_child(owner: Resettable) -> None:
    """Call ``owner.reset_after_fork()`` in every process that is forked from this one."""
    _registered.add(owner)


def hold_during_fork(lock: threading.Lock | threading.RLock) -> None:
    """Acquire a lock before each fork, and release it afterwards in both processes."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )


class ForkSafeLock:
    """A lock that is released in a forked child, unless the thread that forked holds it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None
        reset_in_child(self)

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire the lock, and return whether that succeeded within the timeout, in seconds."""
        acquired = self._lock.acquire(timeout=timeout)
        if acquired:
            self._owner = threading.get_ident()
        return acquired

    def release(self) -> None:
        """Release the lock."""
        self._owner = None
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def reset_after_fork(self) -> None:
        """Release the lock if another thread of the parent held it."""
        if self._owner != threading.get_ident():
            self._lock, self._owner = threading.Lock(), None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()


def _reset_all() -> None:
    for owner in list(_registered):
        owner.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
