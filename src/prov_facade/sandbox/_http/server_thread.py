"""Runs an ASGI application on uvicorn, in its own thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import uvicorn
from starlette.types import ASGIApp

_T = TypeVar("_T")

_DATE_INTERVAL = 1.0
_GRACE_SECONDS = 1.0
_POLL_INTERVAL = 0.002
_JOIN_SECONDS = 10


class _Server(uvicorn.Server):
    """uvicorn's server without its fixed pauses of 0.1 s when it stops."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stop_requested: asyncio.Event

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self.ready.set()  # also after a failure, or start() would wait forever

    async def main_loop(self) -> None:
        self._stop_requested = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.ready.set()
        # uvicorn refreshes the Date header in the ticks whose number is a multiple of 10.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_requested.wait(), _DATE_INTERVAL)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Stop accepting connections first: before 3.13, Python never closes a connection that is
        # accepted while its server closes.
        for listener in sockets or []:
            asyncio.get_running_loop().remove_reader(listener)
        await asyncio.sleep(_POLL_INTERVAL)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        deadline = time.monotonic() + _GRACE_SECONDS
        # uvicorn has no event for the last connection being closed.
        while (state.connections or state.tasks) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_INTERVAL)
        for task in state.tasks:
            task.cancel()

    def request_stop(self) -> None:
        """Stop the server, from another thread."""
        self.should_exit = True
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._stop_requested.set)


class ServerThread:
    """A thread that serves an application.

    Args:
        app: The application.
        listener: A listening socket.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sandbox", daemon=True
        )

    def start(self) -> None:
        """Start the server, and return when it serves requests."""
        self._thread.start()
        self._server.ready.wait()
        if self._server.loop is None:
            raise RuntimeError("the server of the sandbox failed to start")

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the event loop of the server, and return its result."""
        assert self._server.loop is not None, "the server has not been started"  # noqa: S101
        return asyncio.run_coroutine_threadsafe(work, self._server.loop).result()

    def stop(self) -> None:
        """Stop the server. Requests in progress have a second to finish."""
        self._server.request_stop()
        self._thread.join(_JOIN_SECONDS)
