"""One HTTP client for each running event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

from attrs import frozen

from prov_facade._runtime.fork import reset_in_child

# How many seconds an event loop of another thread may take to close its connections.
_CLOSE_TIMEOUT = 5.0


class Closable(Protocol):
    """A client that can be closed."""

    is_closed: bool

    async def aclose(self) -> None:
        """Close the connections."""
        ...


C = TypeVar("C", bound=Closable)


@frozen
class _Entry(Generic[C]):
    client: C
    lifetime: AsyncGenerator[None, None]


class Pool(Generic[C]):
    """Hands out one client for each running event loop.

    Connections belong to the event loop that opened them. Programs that call ``asyncio.run``
    repeatedly get a new loop each time, so a client that outlives a loop needs connections for
    each. These are closed with :meth:`aclose`, or else when their loop shuts down: their lifetime
    is an asynchronous generator, and a loop closes those before it closes itself.

    Args:
        make: Creates a client.
    """

    def __init__(self, make: Callable[[], C]) -> None:
        self._make = make
        self._inherited: list[object] = []
        self._entries: WeakKeyDictionary[asyncio.AbstractEventLoop, _Entry[C]] = WeakKeyDictionary()
        self._lock = threading.Lock()
        reset_in_child(self)

    async def current(self) -> C:
        """Return the client of the running loop, created at the first call."""
        loop = asyncio.get_running_loop()
        with self._lock:
            entry = self._entries.get(loop)
            if entry is not None and not entry.client.is_closed:
                return entry.client
            # The finalizer of a lifetime refers to its loop, so the weak reference frees neither.
            for closed in [other for other in self._entries if other.is_closed()]:
                del self._entries[closed]
            client = self._make()
            entry = _Entry(client, _lifetime(client))
            self._entries[loop] = entry
        await anext(entry.lifetime)
        return client

    async def aclose(self) -> None:
        """Close every client. A later call creates new ones."""
        with self._lock:
            entries = list(self._entries.items())
            self._entries.clear()
        for loop, entry in entries:
            if loop is asyncio.get_running_loop():
                await entry.lifetime.aclose()
            else:
                await _close_elsewhere(loop, entry)

    def reset_after_fork(self) -> None:
        """Forget the clients: their sockets and loops are the parent's.

        They are kept from being garbage-collected, which would close them.
        """
        self._inherited.append(self._entries)
        self._entries, self._lock = WeakKeyDictionary(), threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make,)


async def _lifetime(client: Closable) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


async def _close(entry: _Entry[Any]) -> None:
    await entry.lifetime.aclose()


async def _close_elsewhere(loop: asyncio.AbstractEventLoop, entry: _Entry[Any]) -> None:
    """Have a loop of another thread close its client, unless it ends first and does so anyway."""
    closed = threading.Event()

    def close() -> None:
        # Created here: a coroutine that is never awaited would cause a warning.
        task = loop.create_task(_close(entry))
        # Also called when the task is cancelled before it begins, because the loop ends.
        task.add_done_callback(lambda _: closed.set())

    if loop.is_running():
        with suppress(RuntimeError):  # it has ended in the meantime
            loop.call_soon_threadsafe(close)
            await asyncio.to_thread(closed.wait, _CLOSE_TIMEOUT)
