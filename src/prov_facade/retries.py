"""The policy for retrying calls."""

from __future__ import annotations

from attrs import frozen

from prov_facade._checks import check_count, check_number


@frozen(kw_only=True)
class RetryPolicy:
    """Which calls are retried, how often, and how long to wait in between.

    Operations that only read are retried after a failed or broken connection, a timeout, and the
    statuses 429, 502, 503 and 504. Operations that change something are retried only if it is
    certain that the server did not act on the request: if no connection was made, or after a 429.
    Nothing is ever done twice without your knowledge.

    The wait before a retry is random, with an upper limit that starts at ``backoff`` and doubles
    each time up to ``max_backoff`` ("full jitter"); or as long as the server requests with
    ``Retry-After``.

    Attributes:
        attempts: The maximum number of attempts, 1 or more.
        backoff: The longest wait before the second attempt, in seconds.
        max_backoff: The longest wait before any attempt, in seconds.
        max_retry_after: The longest ``Retry-After`` to wait for, in seconds. If the server requests
            a longer wait, the call fails with its response; while a job is waited for, the next
            poll comes after this time.
        deadline: The longest total time of a call, including waits, in seconds; ``None`` for no
            limit.

    Raises:
        ConfigError: If an attribute is not a number in its range.
    """

    attempts: int = 4
    backoff: float = 0.5
    max_backoff: float = 20.0
    max_retry_after: float = 60.0
    deadline: float | None = 300.0

    def __attrs_post_init__(self) -> None:
        check_count("attempts", self.attempts)
        for name in ("backoff", "max_backoff", "max_retry_after"):
            check_number(name, getattr(self, name), unit="seconds")
        if self.deadline is not None:
            check_number("deadline", self.deadline, unit="seconds")

    @classmethod
    def none(cls) -> RetryPolicy:
        """Return a policy without retries and without a deadline."""
        return cls(attempts=1, deadline=None)
