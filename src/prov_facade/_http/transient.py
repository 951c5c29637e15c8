"""Determines whether an error is transient, and whether a retry is safe."""

from __future__ import annotations

from prov_facade.errors import (
    APIError,
    CertificateError,
    InvalidResponseError,
    ProvError,
    RateLimitedError,
    ReportError,
    ServerError,
    TransportError,
)

# With these, a server requests a later retry.
RETRY_LATER_STATUSES = (429, 503)
# Gateways send these in place of the server, which may have acted on the request.
_GATEWAY_STATUSES = (502, 503, 504)


def is_transient(error: ProvError) -> bool:
    """Return whether a later call may succeed, even if only minutes later."""
    if isinstance(error, CertificateError):
        return False
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
    if isinstance(error, CertificateError):
        return False
    if isinstance(error, TransportError):
        return safe or not error.may_have_arrived
    if isinstance(error, ReportError):
        return safe and error.incomplete
    if not isinstance(error, APIError):
        return False
    # A 429 is sent instead of acting on the request.
    return error.status_code == 429 or (safe and error.status_code in _GATEWAY_STATUSES)
