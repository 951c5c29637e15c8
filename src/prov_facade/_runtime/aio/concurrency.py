"""Sleeping, running work in threads, and deadlines."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from prov_facade._runtime.cancellation import ABANDONED
from prov_facade._runtime.fork import reset_in_child

R = TypeVar("R")
T = TypeVar("T")

Awaited = Awaitable
"""The return type of the client's functions: here, an awaitable."""

Cancelled = asyncio.CancelledError
"""The error that ends a call from outside."""

# Cancels its body at the deadline; `expired()` returns whether it did.
deadline = asyncio.timeout

sleep = asyncio.sleep

_MAX_IDLE_THREADS = 2


class _DaemonThreads:
    """Runs functions in daemon threads, a few of which are kept for reuse."""

    def __init__(self) -> None:
        self.reset_after_fork()
        reset_in_child(self)

    def reset_after_fork(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0

    def submit(self, work: Callable[[], None]) -> None:
        with self._lock:
            start = self._idle == 0
            if not start:
                self._idle -= 1
        self._work.put(work)
        if start:
            threading.Thread(target=self._run, name="prov-facade auth", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._work.get()()
            with self._lock:
                if self._idle >= _MAX_IDLE_THREADS:
                    return
                self._idle += 1


_DAEMON_THREADS = _DaemonThreads()


async def run_in_thread(work: Callable[..., R], *arguments: object) -> R:
    """Run a function in a thread, so that it does not block the event loop."""
    return await asyncio.to_thread(work, *arguments)


async def run_in_daemon_thread(work: Callable[..., R], *arguments: object) -> R:
    """Run a function in a thread that neither the event loop nor the process waits for.

    The function may belong to another library, and take minutes. If the caller is cancelled, the
    function continues, and :data:`~prov_facade._runtime.cancellation.ABANDONED` is set for it.
    """
    abandoned = threading.Event()
    context = copy_context()
    context.run(ABANDONED.set, abandoned)
    result: Future[R] = Future()
    _DAEMON_THREADS.submit(partial(_run_into, result, partial(context.run, work, *arguments)))
    try:
        return await asyncio.wrap_future(result)
    except BaseException:
        abandoned.set()
        raise


def _run_into(result: Future[R], work: Callable[[], R]) -> None:
    """Run a function, and put what it returns or raises into a future."""
    try:
        if not result.set_running_or_notify_cancel():
            return
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001  (whatever it is, the caller gets it)
            result.set_exception(error)
        else:
            result.set_result(value)
    finally:
        del result  # an error's traceback refers to this frame


async def run_shielded(work: Callable[..., R], *arguments: object) -> R:
    """Run a function in a thread, and return only when it has ended, even when cancelled."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not log it
        raise


async def each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Iterate over a synchronous or an asynchronous iterable."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
