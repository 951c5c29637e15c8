"""When a call is tried again, and how often."""

from __future__ import annotations

from attrs import frozen

from prov_facade._checks import check_count, check_number


@frozen(kw_only=True)
class RetryPolicy:
    """When a call is tried again.

    What may be tried again depends on the operation. One that only reads is, after a connection
    that failed or broke, a timeout, and the statuses 429, 502, 503 and 504. One that changes
    something is only when it is certain that the server did not act on it: when there was no
    connection, or after a 429. Nothing is ever done twice behind your back.

    Before each further attempt it waits: a random time up to ``backoff``, which doubles each time
    up to ``max_backoff`` ("full jitter"), or as long as the server asks for (``Retry-After``).

    Attributes:
        attempts: How often a call is tried in all, 1 or more.
        backoff: The longest wait before the second attempt, in seconds.
        max_backoff: The longest wait before any, in seconds.
        max_retry_after: The longest wait that the server may ask for, in seconds. If it asks
            for more, its answer is the outcome of the call.
        deadline: How long a call may take in all, in seconds, its waits included; ``None`` for as
            long as its attempts take.

    Raises:
        ConfigError: If an attribute is no such number.
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
        """Try each call once, for as long as that takes."""
        return cls(attempts=1, deadline=None)
