"""When to poll a job again, and when to give up."""

from __future__ import annotations

import random
import time
from functools import partial

from prov_facade import errors
from prov_facade._checks import check_callback
from prov_facade._http.transient import is_transient
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

# The minimum timeout of a poll, in seconds, even at the deadline: the last poll must be able to
# succeed.
_MIN_POLL_TIMEOUT = 5.0

_DEFAULT_RETRIES = RetryPolicy()


def check_waiting(polling: object, on_change: object = None) -> None:
    """Check the options of a method that waits for a job.

    Args:
        polling: How to wait; ``None`` for the client's policy.
        on_change: The function to call when the job changes, if any.

    Raises:
        InvalidRequestError: If an option cannot be used.
    """
    if polling is not None and not isinstance(polling, PollPolicy):
        raise errors.InvalidRequestError(
            "polling must be a PollPolicy, such as PollPolicy(deadline=60)", path="$.polling"
        )
    if on_change is not None:
        error = partial(errors.InvalidRequestError, path="$.on_change")
        check_callback("on_change", on_change, error=error)


class Poller:
    """Decides the waits between polls of a job.

    Args:
        policy: How to wait for the job.
        max_retry_after: The longest ``Retry-After`` to wait for, in seconds. If the server requests
            a longer wait, the next poll comes after this time.

    Attributes:
        last_error: The error of the last poll, if it failed.
    """

    def __init__(
        self, policy: PollPolicy, *, max_retry_after: float = _DEFAULT_RETRIES.max_retry_after
    ) -> None:
        self._policy = policy
        self._max_retry_after = max_retry_after
        self._interval = policy.interval
        self._start = time.monotonic()
        self._unknown_since: float | None = None
        self.last_error: errors.ProvError | None = None

    @property
    def single_poll(self) -> RetryPolicy:
        """The retry policy of a poll: one attempt, since another poll follows anyway."""
        left = self.left
        deadline = None if left is None else max(left, _MIN_POLL_TIMEOUT)
        return RetryPolicy(attempts=1, deadline=deadline)

    @property
    def left(self) -> float | None:
        """The seconds until the deadline; ``None`` without a deadline."""
        if self._policy.deadline is None:
            return None
        return max(0.0, self._start + self._policy.deadline - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self.left == 0

    def succeeded(self, *, progress: bool) -> None:
        """Note that a poll got a response, and whether the job has made progress."""
        self._unknown_since = None
        self.last_error = None
        if progress:
            self._interval = self._policy.interval

    def extend(self, seconds: float) -> None:
        """Postpone the deadline."""
        self._start += seconds

    def restart(self) -> None:
        """Restart the time until the deadline."""
        self._start = time.monotonic()

    def tolerates(self, error: errors.ProvError, *, reached: bool = True) -> bool:
        """Return whether to continue polling after an error, and record the error if so.

        Args:
            error: The error.
            reached: Whether the server was ever reached; see :func:`is_transient`.
        """
        if isinstance(error, errors.BadRequestError) or _is_not_from_api(error):
            # A new job may not be known yet, and a gateway may respond with an HTML page.
            now = time.monotonic()
            if self._unknown_since is None:
                self._unknown_since = now
            tolerated = now - self._unknown_since < self._policy.not_found_grace
        else:
            tolerated = is_transient(error, reached=reached)
        if tolerated:
            self.last_error = error
        return tolerated

    def next_wait(self) -> float:
        """Return the seconds to wait before the next poll, at most until the deadline."""
        seconds = self._interval * random.uniform(0.75, 1.25)  # noqa: S311  (not a secret)
        self._interval = min(self._interval * self._policy.factor, self._policy.max_interval)
        if isinstance(self.last_error, errors.APIError):
            requested = self.last_error.retry_after or 0.0
            seconds = max(seconds, min(requested, self._max_retry_after))
        left = self.left
        return seconds if left is None else min(seconds, left)


def _is_not_from_api(error: errors.ProvError) -> bool:
    """Return whether something other than the API, such as a gateway, has responded."""
    if not isinstance(error, errors.InvalidResponseError) or error.response is None:
        return False
    return "json" not in error.response.headers.get("content-type", "")
