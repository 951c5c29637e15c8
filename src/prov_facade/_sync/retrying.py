# Made of src/prov_facade/_async by `nox -s codegen`: change that, not this file.
"""Tries a call again where that is safe, within the limits of a policy."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import tenacity

from prov_facade import errors
from prov_facade._runtime.threads.concurrency import Awaited, Cancelled, Retrying, deadline, sleep
from prov_facade.retries import RetryPolicy

T = TypeVar("T")

# A gateway says these in place of the server.
_RETRYABLE_STATUSES = (502, 503, 504)


def call_with_retries(
    policy: RetryPolicy,
    call: errors.Call,
    attempt: Callable[[int], Awaited[T]],
    *,
    safe: bool,
) -> T:
    """Make a call, again and again if need be.

    Args:
        policy: How often, and how long.
        call: What an error says about the call.
        attempt: Makes the call once; it is told which attempt that is, from 1 on.
        safe: Whether it changes nothing, so that it may be repeated freely.

    Returns:
        What an attempt returned.

    Raises:
        ProvError: What the last attempt raised. It names all of them.
    """
    made: list[errors.Attempt] = []

    def once() -> T:
        begun = time.monotonic()
        try:
            return attempt(len(made) + 1)
        except errors.ProvError as error:
            seconds = time.monotonic() - begun
            made.append(errors.Attempt(type(error).__name__, error.status_code, seconds))
            raise
        except Cancelled:
            # Cut short: by the deadline, if anybody gets to read this.
            seconds = time.monotonic() - begun
            made.append(errors.Attempt(errors.TransportTimeoutError.__name__, None, seconds))
            raise

    stop: Any = tenacity.stop_after_attempt(policy.attempts)
    if policy.deadline is not None:
        stop |= tenacity.stop_before_delay(policy.deadline)
    retrying = Retrying(
        sleep=sleep,
        stop=stop,
        wait=partial(_wait, policy),
        retry=tenacity.retry_if_exception(partial(_may_be_repeated, policy, safe)),
        reraise=True,
    )
    try:
        with deadline(policy.deadline) as limit:
            return retrying(once)
    except errors.ProvError as error:
        error.record(made)
        raise
    except TimeoutError:
        if not limit.expired():
            raise
    message = f"{call} got no answer within its deadline of {policy.deadline:g} s"
    if not safe:
        message += f". {errors.OUTCOME_UNKNOWN}"
    late = errors.TransportTimeoutError(message, call=call)
    late.record(made)
    raise late


def _may_be_repeated(policy: RetryPolicy, safe: bool, error: BaseException) -> bool:
    if isinstance(error, errors.TransportError):
        return safe or not error.may_have_arrived
    if not isinstance(error, errors.APIError):
        return False
    if (error.retry_after or 0) > policy.max_retry_after:
        return False
    # A 429 comes in place of what was asked for.
    return error.status_code == 429 or (safe and error.status_code in _RETRYABLE_STATUSES)


def _wait(policy: RetryPolicy, state: tenacity.RetryCallState) -> float:
    """Say how long to wait before the next attempt."""
    backoff = tenacity.wait_random_exponential(multiplier=policy.backoff, max=policy.max_backoff)
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, errors.APIError) else None
    return max(backoff(state), asked or 0.0)
