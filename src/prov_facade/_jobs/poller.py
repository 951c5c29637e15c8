"""When to look at a job again, and when to give it up."""

from __future__ import annotations

import random
import time

from prov_facade import errors
from prov_facade.polling import PollPolicy
from prov_facade.retries import RetryPolicy

# What a single look may take at the least, though the deadline be near: the last one counts, too.
_LAST_LOOK = 5.0


class Poller:
    """The waits between one look at a job and the next.

    Args:
        policy: How the job is waited for.
    """

    def __init__(self, policy: PollPolicy) -> None:
        self._policy = policy
        self._interval = policy.interval
        self._begun = time.monotonic()
        self._unknown_since: float | None = None
        self.trouble: errors.ProvError | None = None
        """What went wrong at the last look, if anything did."""

    @property
    def look(self) -> RetryPolicy:
        """How a single look is made: once, since another one follows anyway."""
        left = self.left
        return RetryPolicy(attempts=1, deadline=None if left is None else max(left, _LAST_LOOK))

    @property
    def left(self) -> float | None:
        """How many seconds there are until the deadline; ``None`` if there is none."""
        if self._policy.deadline is None:
            return None
        return max(0.0, self._begun + self._policy.deadline - time.monotonic())

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.left == 0

    def heard(self, *, news: bool) -> None:
        """Note that the server has answered, and whether the job has come on."""
        self._unknown_since = None
        self.trouble = None
        if news:
            self._interval = self._policy.interval

    def extend(self, seconds: float) -> None:
        """Put the deadline off."""
        self._begun += seconds

    def postpone(self) -> None:
        """Have the deadline begin anew."""
        self._begun = time.monotonic()

    def is_transient(self, error: errors.ProvError) -> bool:
        """Say whether something that went wrong may pass by itself, and note it if so."""
        if isinstance(error, errors.BadRequestError) or _is_page(error):
            # A job that has just been taken on is not known yet; a gateway may answer with a page.
            now = time.monotonic()
            if self._unknown_since is None:
                self._unknown_since = now
            passing = now - self._unknown_since < self._policy.not_found_grace
        else:
            passing = is_transient(error)
        if passing:
            self.trouble = error
        return passing

    def pause(self) -> float:
        """Return how many seconds to wait before the next look, no longer than to the deadline."""
        seconds = self._interval * random.uniform(0.75, 1.25)  # noqa: S311  (no secret)
        self._interval = min(self._interval * self._policy.factor, self._policy.max_interval)
        if isinstance(self.trouble, errors.APIError):
            seconds = max(seconds, self.trouble.retry_after or 0.0)
        left = self.left
        return seconds if left is None else min(seconds, left)


def _is_page(error: errors.ProvError) -> bool:
    """Say whether something else than the API has answered."""
    if not isinstance(error, errors.InvalidResponseError) or error.response is None:
        return False
    return "json" not in error.response.headers.get("content-type", "")


def is_transient(error: errors.ProvError) -> bool:
    """Say whether an error may be gone by itself when the call is made again later."""
    return isinstance(error, errors.TransportError | errors.RateLimitedError | errors.ServerError)
