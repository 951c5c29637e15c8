"""How jobs are waited for."""

from __future__ import annotations

import math

from attrs import frozen

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
        for name in ("interval", "max_interval", "factor", "not_found_grace", "deadline"):
            value: object = getattr(self, name)
            if value is None and name == "deadline":
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 <= value < math.inf:  # type: ignore[operator]
                raise ConfigError(f"{name} is a number, 0 or more, not {value!r}")
        if self.factor < 1:
            raise ConfigError(f"factor is a number, 1 or more, not {self.factor!r}")
        if not 0 < self.interval <= self.max_interval:
            raise ConfigError("interval is more than 0, and no more than max_interval")
