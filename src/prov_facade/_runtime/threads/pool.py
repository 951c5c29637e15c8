"""One HTTP client for each process."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from prov_facade._runtime.fork import reset_in_child


class Closable(Protocol):
    """A client that can be closed."""

    is_closed: bool

    def close(self) -> None:
        """Close the connections."""
        ...


C = TypeVar("C", bound=Closable)


class Pool(Generic[C]):
    """Hands out one client for all threads of a process.

    It is closed with :meth:`close`, or else when nothing refers to the pool any more, or when the
    process ends.

    Args:
        make: Creates a client.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._inherited: list[object] = []
        self._lock = threading.Lock()
        self._open: list[C] = []  # one at most; the finalizer empties it
        weakref.finalize(self, _close_all, self._open)
        reset_in_child(self)

    def current(self) -> C:
        """Return the client, created at the first call."""
        for client in self._open:
            if not client.is_closed:
                return client
        with self._lock:
            if not self._open or self._open[0].is_closed:
                self._open[:] = [self._make()]
            return self._open[0]

    def close(self) -> None:
        """Close the client. A later call creates a new one."""
        with self._lock:
            _close_all(self._open)

    def reset_after_fork(self) -> None:
        """Forget the client: its sockets are the parent's.

        It is kept from being garbage-collected, which would close them.
        """
        self._inherited.extend(self._open)
        self._open.clear()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make,)


def _close_all(clients: list[C]) -> None:
    while clients:
        clients.pop().close()
