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

    Use it for details that the methods do not return: headers, the status, and the original text.
    The results and errors of the calls do not change.

    Yields:
        The responses, in order of arrival; the last one belongs to the last call. A retried call
        has one for each attempt that got a response. Their requests have no headers; the caller's
        token and the signature of a report's URL are masked. A body that is written to a file is
        not kept.

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
    """Return the list in which responses are recorded, if any."""
    return _RECORDER.get()
