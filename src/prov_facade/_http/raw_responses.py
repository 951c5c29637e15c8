"""Keeps the answers of calls for those who want to see them as they came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

_KEPT: ContextVar[list[httpx.Response] | None] = ContextVar("prov_facade_raw_responses")


@contextmanager
def raw_responses() -> Iterator[list[httpx.Response]]:
    """Keep the answers of the calls that are made in a ``with`` statement.

    For what the methods do not return: headers, the status, the text as it came. The calls return
    and raise what they always do.

    Yields:
        The answers, in the order in which they come; the last one is that of the last call. Where a
        call was tried again there is one for each attempt that was answered. Their requests are
        without headers; the caller's token, and what signs the address of a report, are masked. A
        body that went into a file is not kept.

    Examples:
        >>> with raw_responses() as responses:
        ...     await client.explore_upstream("10378.1/1955123")
        >>> responses[-1].headers["date"]
    """
    kept: list[httpx.Response] = []
    token = _KEPT.set(kept)
    try:
        yield kept
    finally:
        _KEPT.reset(token)


def active_recorder() -> list[httpx.Response] | None:
    """Return where answers are kept, if anybody wants them."""
    return _KEPT.get(None)
