"""Determines whether an error is transient, and whether a retry is safe."""

from __future__ import annotations

from enum import IntEnum

from prov_facade.errors import (
    APIError,
    InvalidResponseError,
    ProvError,
    RateLimitedError,
    ServerError,
    TransportError,
)


class Retry(IntEnum):
    """Which retries an error status permits; each value permits those below it as well."""

    NEVER = 0
    LATER = 1
    """A later call may succeed, even if only minutes later."""
    IF_SAFE = 2
    """Immediately, if the call changes nothing: a gateway responded in place of the server."""
    ON_REQUEST = 3
    """Likewise, and the server, or its gateway, requests it."""
    ALWAYS = 4
    """Immediately: this status is sent instead of acting on the request."""


_BY_STATUS = {
    429: Retry.ALWAYS,
    502: Retry.IF_SAFE,
    503: Retry.ON_REQUEST,
    504: Retry.IF_SAFE,
}


def retry_for_status(status: int | None) -> Retry:
    """Return which retries a status permits; ``None`` is no status."""
    if status is None:
        return Retry.NEVER
    return _BY_STATUS.get(status, Retry.LATER if status >= 500 else Retry.NEVER)


def is_transient(error: ProvError) -> bool:
    """Return whether a later call may succeed, even if only minutes later."""
    # The classes of the statuses that permit Retry.LATER.
    return isinstance(error, TransportError | RateLimitedError | ServerError)


def may_have_arrived(error: ProvError) -> bool:
    """Return whether the server may have acted on a request that ended in an error."""
    if isinstance(error, TransportError):
        return error.may_have_arrived
    return isinstance(error, ServerError | InvalidResponseError)


def is_retryable(error: ProvError, *, safe: bool) -> bool:
    """Return whether a call can be retried immediately without the server acting twice.

    Args:
        error: The error of the call.
        safe: Whether the operation changes nothing.
    """
    if isinstance(error, TransportError):
        return safe or not error.may_have_arrived
    if not isinstance(error, APIError):
        return False
    return retry_for_status(error.status_code) >= (Retry.IF_SAFE if safe else Retry.ALWAYS)
