"""The policy for polling jobs."""

from __future__ import annotations

from attrs import frozen

from prov_facade._checks import check_number
from prov_facade.errors import ConfigError


@frozen(kw_only=True)
class PollPolicy:
    """How often, and for how long, the job-api is polled while waiting for a job.

    The interval between polls grows, and is reset whenever the status of the job changes. Each wait
    varies randomly by up to a quarter, so that many clients do not poll at the same time. Transient
    errors (no connection, 429, 5xx) do not end the wait.

    Attributes:
        interval: The wait between the first and the second poll, in seconds.
        max_interval: The longest wait between polls, in seconds.
        factor: The factor by which each wait is longer than the previous one, 1 or more.
        not_found_grace: How long the job-api may respond that it does not know the job, in seconds.
            This is normal right after the job was created.
        deadline: The longest total wait for a job, in seconds; ``None`` for no limit. A job runner
            that has been idle can take minutes to start.

    Raises:
        ConfigError: If an attribute is not a number in its range.
    """

    interval: float = 0.5
    max_interval: float = 10.0
    factor: float = 1.5
    not_found_grace: float = 60.0
    deadline: float | None = 1800.0

    def __attrs_post_init__(self) -> None:
        for name in ("interval", "max_interval", "not_found_grace"):
            check_number(name, getattr(self, name), unit="seconds")
        check_number("factor", self.factor, at_least=1)
        if self.deadline is not None:
            check_number("deadline", self.deadline, unit="seconds")
        if not 0 < self.interval <= self.max_interval:
            raise ConfigError("interval must be greater than 0 and not greater than max_interval")
