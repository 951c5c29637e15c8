"""Records responses as they were received."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

_RECORDER: ContextVar[list[httpx.Response] | None] = ContextVar(
    "prov_facade_raw_responses", default=None
)


@contextmanager
def raw_responses() -> Iterator[list[httpx.Response]]:
    """Record the responses to the calls made in a ``with`` statement.

    Use it for what the methods do not return: headers, the status, and the original text. The
    results and errors of the calls do not change.

    Yields:
        The responses, in the order in which they arrive; the last one is that of the last call. A
        call that is retried has one for each attempt that got a response. Their requests are
        without headers; the caller's token and the signature of a report's URL are masked. A body
        that is written to a file is not kept.

    Examples:
        >>> with raw_responses() as responses:
        ...     await client.explore_upstream("10378.1/1955123")
        >>> responses[-1].headers["date"]
    """
    recorded: list[httpx.Response] = []
    token = _RECORDER.set(recorded)
    try:
        yield recorded
    finally:
        _RECORDER.reset(token)


def active_recorder() -> list[httpx.Response] | None:
    """Return the list that responses are recorded in, if there is one."""
    return _RECORDER.get()
