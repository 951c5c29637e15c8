"""How jobs are waited for."""

from __future__ import annotations

from attrs import frozen

from prov_facade._checks import check_number
from prov_facade.errors import ConfigError


@frozen(kw_only=True)
class PollPolicy:
    """How jobs are waited for: how often the job-api is asked, and for how long.

    It is asked often at first, then ever more seldom, and often again whenever a job has come on.
    Each wait is varied by up to a quarter, so that many who wait do not ask at the same time. What
    is wrong for a while (no connection, 429, 5xx) does not end the wait.

    Attributes:
        interval: The wait before the job-api is asked for the second time, in seconds.
        max_interval: The longest wait, in seconds.
        factor: By how much each wait is longer than the one before, 1 or more.
        not_found_grace: How long the job-api may not know the job, in seconds, as is normal right
            after it was created.
        deadline: How long a job is waited for in all, in seconds; ``None`` for as long as it takes.
            A job runner that has been idle can take minutes to start.

    Raises:
        ConfigError: If an attribute is no such number.
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
