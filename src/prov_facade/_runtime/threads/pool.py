"""One HTTP client for each process."""

from __future__ import annotations

import os
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
        make: Makes a client.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._inherited: list[object] = []
        self._lock = threading.Lock()
        self._client: C | None = None
        self._finalizer: weakref.finalize[..., Pool[C]] | None = None
        reset_in_child(self)

    def current(self) -> C:
        """Return the client, made at the first call."""
        client = self._client
        if client is not None and not client.is_closed:
            return client
        with self._lock:
            if self._client is None or self._client.is_closed:
                self._detach()
                self._client = self._make()
                self._finalizer = weakref.finalize(self, _close, self._client, os.getpid())
            return self._client

    def close(self) -> None:
        """Close the client. A later call makes a new one."""
        with self._lock:
            client, self._client = self._client, None
            self._detach()
        if client is not None:
            client.close()

    def reset_after_fork(self) -> None:
        """Forget the client: its sockets are the parent's.

        It is kept from being garbage-collected, which would close them.
        """
        self._inherited.append(self._client)
        self._client, self._lock, self._finalizer = None, threading.Lock(), None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make,)

    def _detach(self) -> None:
        """Drop the finalizer of a closed client, which would keep it alive."""
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None


def _close(client: Closable, process: int) -> None:
    if process == os.getpid():
        client.close()
