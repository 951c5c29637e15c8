"""One connection pool for each event loop that runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from weakref import WeakKeyDictionary

import httpx
from attrs import frozen


@frozen
class _Pool:
    client: httpx.AsyncClient
    lifetime: AsyncGenerator[None, None]


class LoopPools:
    """Hands out one ``httpx.AsyncClient`` for each running event loop.

    Connections belong to the loop that opened them. Programs that call ``asyncio.run`` again and
    again get a new loop each time, so a client object that outlives a loop needs a pool for each.
    A pool is closed with :meth:`aclose`, or else when its loop shuts down: its lifetime is an
    asynchronous generator, and a loop closes those before it closes itself.

    Args:
        make: Makes a client.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self._pools: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pool] = WeakKeyDictionary()
        self._lock = threading.Lock()

    async def current(self) -> httpx.AsyncClient:
        """Return the client of the running loop, made at the first call."""
        loop = asyncio.get_running_loop()
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
        with self._lock:
            pools = list(self._pools.items())
            self._pools.clear()
        for loop, pool in pools:
            if loop is asyncio.get_running_loop():
                await pool.lifetime.aclose()
            elif loop.is_running():
                # A loop of another thread closes its own connections.
                closing = asyncio.run_coroutine_threadsafe(_close(pool), loop)
                await asyncio.wrap_future(closing)


async def _lifetime(client: httpx.AsyncClient) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await client.aclose()


async def _close(pool: _Pool) -> None:
    await pool.lifetime.aclose()
