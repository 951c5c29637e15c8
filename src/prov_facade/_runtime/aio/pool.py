"""One connection pool for each event loop that runs."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import httpx
from attrs import frozen

# How many seconds a loop of another thread is given to close its connections.
_PATIENCE = 5.0


@frozen
class _Pool:
    client: httpx.AsyncClient
    lifetime: AsyncGenerator[None, None]


class Pools:
    """Hands out one ``httpx.AsyncClient`` for each running event loop.

    Connections belong to the event loop that opened them. Programs that call ``asyncio.run``
    repeatedly get a new loop each time, so a client object that outlives a loop needs a pool for
    each. A pool is closed with :meth:`aclose`, or else when its loop shuts down: its lifetime is an
    asynchronous generator, and a loop closes those before it closes itself.

    Args:
        make: Makes a client.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._inherited: list[object] = []

    async def current(self) -> httpx.AsyncClient:
        """Return the client of the running loop, made at the first call."""
        loop = asyncio.get_running_loop()
        self._leave_to_parent()
        with self._lock:
            pool = self._pools.get(loop)
            if pool is not None and not pool.client.is_closed:
                return pool.client
            # The finalizer of a lifetime holds its loop, so the weak reference alone frees neither.
            for over in [other for other in self._pools if other.is_closed()]:
                del self._pools[over]
            client = self._make()
            pool = _Pool(client, _lifetime(client))
            self._pools[loop] = pool
        await anext(pool.lifetime)
        return client

    async def aclose(self) -> None:
        """Close every pool. A later call opens new ones."""
        self._leave_to_parent()
        with self._lock:
            pools = list(self._pools.items())
            self._pools.clear()
        for loop, pool in pools:
            if loop is asyncio.get_running_loop():
                await pool.lifetime.aclose()
            else:
                await _close_elsewhere(loop, pool)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._make,)

    def _leave_to_parent(self) -> None:
        """After a fork, forget the pools: their sockets and loops are the parent's.

        They are kept from being collected, which would close them.
        """
        if self._process != os.getpid():
            self._inherited.append(self._pools)
            self._pools, self._lock = WeakKeyDictionary(), threading.Lock()
            self._process = os.getpid()


async def _lifetime(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


async def _end(pool: _Pool) -> None:
    await pool.lifetime.aclose()


async def _close_elsewhere(loop: asyncio.AbstractEventLoop, pool: _Pool) -> None:
    """Have a loop of another thread close its pool, unless it ends first and does so anyway."""
    closed = threading.Event()

    def close() -> None:
        # Made in here: a coroutine that nobody gets to would be complained about.
        task = loop.create_task(_end(pool))
        # Also when it is cancelled before it has begun, since the loop ends.
        task.add_done_callback(lambda _: closed.set())

    if loop.is_running():
        with suppress(RuntimeError):  # it has ended in the meantime
            loop.call_soon_threadsafe(close)
            await asyncio.to_thread(closed.wait, _PATIENCE)
