"""Waiting: for time to pass, for work in threads, and no longer than a deadline."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

import tenacity

from prov_facade._runtime.cancellation import ABANDONED

R = TypeVar("R")
T = TypeVar("T")

Awaited = Awaitable
"""What is had by waiting for it."""

Cancelled = asyncio.CancelledError
"""What ends a call from outside."""

Retrying = tenacity.AsyncRetrying
"""Makes attempts."""

# Ends what goes on within it; `expired()` says whether it did.
deadline = asyncio.timeout

sleep = asyncio.sleep


async def run_in_thread(work: Callable[..., R], *arguments: object) -> R:
    """Have work done in a thread that would hold up the loop."""
    return await asyncio.to_thread(work, *arguments)


async def run_in_daemon_thread(work: Callable[..., R], *arguments: object) -> R:
    """Have work done in a thread that nobody waits for, should it be wanted no longer.

    It may be that of another library, and take minutes. The threads of the loop are waited for when
    the loop and the process end.
    """
    given_up = threading.Event()
    context = copy_context()
    context.run(ABANDONED.set, given_up)
    done: asyncio.Future[R] = asyncio.get_running_loop().create_future()

    def settle(result: Callable[[], R]) -> None:
        if done.cancelled():
            return
        try:
            done.set_result(result())
        except BaseException as error:  # noqa: BLE001  (whatever it is, it is the caller's)
            done.set_exception(error)

    def run() -> None:
        try:
            value = context.run(work, *arguments)
        except BaseException as error:  # noqa: BLE001  (likewise)
            result = partial(_raise, error)
        else:
            result = partial(_same, value)
        with suppress(RuntimeError):  # the loop is closed
            done.get_loop().call_soon_threadsafe(settle, result)

    threading.Thread(target=run, name="prov-facade auth", daemon=True).start()
    try:
        return await done
    except BaseException:
        given_up.set()
        raise


def _raise(error: BaseException) -> Any:
    raise error


def _same(value: R) -> R:
    return value


async def run_shielded(work: Callable[..., R], *arguments: object) -> R:
    """Have work done in a thread, and do not leave before it is, even when cancelled."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody is there for it any more
        raise


async def each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Go through items, whichever way they come."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
