"""Retries a call if that is safe, within the limits of a policy."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from prov_facade import errors
from prov_facade._http.transient import is_retryable
from prov_facade._runtime.aio.concurrency import Awaited, Cancelled, deadline, sleep
from prov_facade.retries import RetryPolicy

T = TypeVar("T")


async def call_with_retries(
    policy: RetryPolicy,
    attempt: Callable[[int], Awaited[T]],
    *,
    safe: bool,
    unsent_only: bool = False,
) -> T:
    """Make a call, and retry it if necessary.

    Args:
        policy: How often to retry, and for how long.
        attempt: Makes the call once; its argument is the number of the attempt, from 1.
        safe: Whether the call changes nothing, so that it can be repeated freely.
        unsent_only: Whether it is repeated only if it was certainly not sent.

    Returns:
        The result of the successful attempt.

    Raises:
        ProvError: The error of the last attempt. It lists all attempts.
    """
    how = {"safe": safe, "unsent_only": unsent_only}
    made_attempts: list[errors.Attempt] = []
    start = time.monotonic()
    try:
        async with deadline(policy.deadline) as limit:
            while True:
                attempt_start = time.monotonic()
                try:
                    return await attempt(len(made_attempts) + 1)
                except errors.ProvError as error:
                    seconds = time.monotonic() - attempt_start
                    made_attempts.append(
                        errors.Attempt(type(error).__name__, error.status_code, seconds)
                    )
                    wait = _wait(policy, error, len(made_attempts), **how)
                    left = _left(policy, start)
                    if wait is None or (left is not None and wait >= left):
                        error.record(made_attempts)
                        raise
                except Cancelled:
                    # Reported only if the deadline interrupts the attempt.
                    seconds = time.monotonic() - attempt_start
                    kind = errors.TransportTimeoutError.__name__
                    made_attempts.append(errors.Attempt(kind, None, seconds))
                    raise
                await sleep(wait)
    except TimeoutError as error:
        if isinstance(error, errors.ProvError) or not limit.expired():
            raise
    timed_out = errors.TransportTimeoutError(
        f"no response within the deadline of {policy.deadline:g} s"
        + ("" if safe else f". {errors.OUTCOME_UNKNOWN_ADVICE}")
    )
    timed_out.record(made_attempts)
    raise timed_out


def _wait(
    policy: RetryPolicy,
    error: errors.ProvError,
    attempts: int,
    *,
    safe: bool,
    unsent_only: bool,
) -> float | None:
    """Return how many seconds to wait before the next attempt; ``None`` for no retry."""
    requested = (error.retry_after if isinstance(error, errors.APIError) else None) or 0.0
    if attempts >= policy.attempts or requested > policy.max_retry_after:
        return None
    if not is_retryable(error, safe=safe, unsent_only=unsent_only):
        return None
    longest = min(policy.max_backoff, policy.backoff * 2.0 ** min(attempts - 1, 64))
    return max(requested, random.uniform(0, longest))  # noqa: S311  (not a secret)


def _left(policy: RetryPolicy, start: float) -> float | None:
    return None if policy.deadline is None else start + policy.deadline - time.monotonic()
