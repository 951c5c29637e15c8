"""One connection pool for each process."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

import httpx

from prov_facade._runtime.threads.network import bounded, close


class Pools:
    """Hands out one ``httpx.Client`` for all threads of a process.

    It is closed with :meth:`close`, or else when nobody holds this any more, or when the process
    ends.

    Args:
        make: Makes a client.
    """

    def __init__(self, make: Callable[[], httpx.Client]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._client: httpx.Client | None = None
        self._finalizer: weakref.finalize[..., Pools] | None = None
        self._inherited: list[object] = []

    def current(self) -> httpx.Client:
        """Return the client, made at the first call."""
        self._leave_to_parent()
        with self._lock:
            if self._client is None or self._client.is_closed:
                self._forget()
                self._client = bounded(self._make())
                self._finalizer = weakref.finalize(self, _close, self._client, os.getpid())
            return self._client

    def close(self) -> None:
        """Close the pool. A later call opens a new one."""
        self._leave_to_parent()
        with self._lock:
            client, self._client = self._client, None
            self._forget()
        if client is not None:
            close(client)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make,)

    def _forget(self) -> None:
        """Let go of a client that is closed: whoever opens and closes often would keep them all."""
        if self._finalizer is not None:
            self._finalizer.detach()
            self._finalizer = None

    def _leave_to_parent(self) -> None:
        """After a fork, forget the pool: its sockets are the parent's.

        It is kept from being collected, which would close them.
        """
        if self._process != os.getpid():
            self._inherited.append(self._client)
            self._client, self._lock, self._finalizer = None, threading.Lock(), None
            self._process = os.getpid()


def _close(client: httpx.Client, process: int) -> None:
    if process == os.getpid():
        close(client)
