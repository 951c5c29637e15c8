"""Sleeping, running work, and deadlines."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Annotated, Self, TypeVar

R = TypeVar("R")
T = TypeVar("T")

Awaited = Annotated[T, "at once"]
"""The return type of the client's functions: here, the result itself."""

Cancelled = (KeyboardInterrupt, TimeoutError)
"""The errors that end a call from outside. The latter is raised at the nearest deadline."""

_END: ContextVar[float | None] = ContextVar("prov_facade_deadline", default=None)


class deadline:  # noqa: N801  (like asyncio.timeout, which it replaces)
    """Limits the time that a block takes, as a context manager.

    A thread cannot be stopped from outside. Code that waits within the block limits its waits to
    :func:`time_left`, and raises a ``TimeoutError`` at the deadline, which is replaced by a new
    one without details.

    Args:
        seconds: The limit; ``None`` for none.
    """

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds
        self._end: float | None = None
        self._token: Token[float | None] | None = None

    def __enter__(self) -> Self:
        outer = _END.get()
        if self._seconds is not None:
            self._end = time.monotonic() + self._seconds
        ends = [end for end in (outer, self._end) if end is not None]
        self._token = _END.set(min(ends, default=None))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._token is not None  # noqa: S101
        _END.reset(self._token)
        if isinstance(error, TimeoutError) and self.expired():
            raise TimeoutError from None

    def expired(self) -> bool:
        """Return whether the deadline has passed."""
        return self._end is not None and time.monotonic() >= self._end


def time_left() -> float | None:
    """Return the seconds until the nearest deadline, 0 or more; ``None`` without a deadline."""
    end = _END.get()
    return None if end is None else max(0.0, end - time.monotonic())


def limited_to_deadline(seconds: float | None) -> float | None:
    """Shorten a time so that it ends by the nearest deadline."""
    remaining = time_left()
    times = [time for time in (seconds, remaining) if time is not None]
    return min(times, default=None)


def sleep(seconds: float) -> None:
    """Sleep, up to the deadline.

    Raises:
        TimeoutError: If the deadline comes first.
    """
    remaining = time_left()
    if remaining is None or seconds < remaining:
        time.sleep(seconds)
        return
    time.sleep(remaining)
    raise TimeoutError


def run_in_thread(work: Callable[..., R], *arguments: object) -> R:
    """Run a function in the thread of the caller: there is no event loop to block."""
    return work(*arguments)


def run_in_daemon_thread(work: Callable[..., R], *arguments: object) -> R:
    """Run a function in the thread of the caller, which can be interrupted."""
    return work(*arguments)


def run_shielded(work: Callable[..., R], *arguments: object) -> R:
    """Run a function."""
    return work(*arguments)


def each(items: Iterable[T]) -> Generator[T, None]:
    """Iterate over items."""
    yield from items
