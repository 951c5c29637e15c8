"""Determines whether an error is transient, and whether a retry is safe."""

from __future__ import annotations

from enum import IntEnum

from prov_facade.errors import (
    APIError,
    CertificateError,
    InvalidResponseError,
    OperationFailedError,
    ProvError,
    RateLimitedError,
    ReportError,
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


# The server sends these, with a reason, instead of acting on a request.
_REFUSALS = (400, 401, 403, 404, 405, 422)


def is_transient(error: ProvError, *, reached: bool = True) -> bool:
    """Return whether a later call may succeed, even if only minutes later.

    Args:
        error: The error of the call.
        reached: Whether the server was ever reached. Until then, a connection that cannot be opened
            is more likely a mistake in the address than an outage.
    """
    if isinstance(error, CertificateError):
        return False
    if isinstance(error, TransportError) and not error.may_have_arrived:
        return reached
    # The classes of the statuses that permit Retry.LATER.
    return isinstance(error, TransportError | RateLimitedError | ServerError)


def is_retryable(error: ProvError, *, safe: bool, unsent_only: bool = False) -> bool:
    """Return whether a call can be retried immediately without the server acting twice.

    Args:
        error: The error of the call.
        safe: Whether the operation changes nothing.
        unsent_only: Whether to repeat only what was certainly not sent: a gateway may respond with
            any status after the server has acted.
    """
    if isinstance(error, CertificateError):
        return False
    if isinstance(error, TransportError):
        return safe or not error.may_have_arrived
    if unsent_only:
        return False
    if isinstance(error, ReportError):
        return safe and error.incomplete
    if not isinstance(error, APIError):
        return False
    return retry_for_status(error.status_code) >= (Retry.IF_SAFE if safe else Retry.ALWAYS)


def certainly_refused(error: ProvError) -> bool:
    """Return whether the server has certainly not acted on a request that changes something.

    A gateway may respond with any status after the server has acted. Only a status that the server
    itself sends before it acts, with its own body, is a proof.
    """
    if isinstance(error, TransportError):
        return not error.may_have_arrived
    if isinstance(error, OperationFailedError | InvalidResponseError):
        return False
    if not isinstance(error, APIError):
        return True  # nothing was sent
    own = isinstance(error.body, dict) and "detail" in error.body
    return own and error.status_code in _REFUSALS


def is_too_large(error: ProvError) -> bool:
    """Return whether the server refuses a request for its size.

    The prov-api passes a batch on in a message, and responds with 500 if the message is too long.
    """
    if not isinstance(error, APIError):
        return False
    too_long = error.status_code == 500 and "message too long" in str(error).lower()
    return error.status_code == 413 or too_long
