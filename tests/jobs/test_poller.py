"""The waits between polls, without a server."""

from __future__ import annotations

import math
import time

import pytest

from prov_facade import ConfigError, PollPolicy
from prov_facade._jobs.poller import Poller
from prov_facade.errors import (
    BadRequestError,
    ErrorContent,
    InvalidResponseError,
    ProvError,
    RateLimitedError,
    ServerError,
    TransportError,
)

CONSTANT = PollPolicy(interval=8, max_interval=8, deadline=None)


def test_waits_vary_by_a_quarter() -> None:
    poller = Poller(CONSTANT)
    waits = [poller.next_wait() for _ in range(1000)]
    assert 6 <= min(waits) < 6.2
    assert 9.8 < max(waits) <= 10


def test_waits_grow_by_the_factor_up_to_the_maximum() -> None:
    policy = PollPolicy(interval=1, max_interval=20, factor=2, deadline=None)
    for _ in range(20):
        poller = Poller(policy)
        for expected in (1, 2, 4, 8, 16, 20, 20):
            assert 0.75 * expected <= poller.next_wait() <= 1.25 * expected


def test_progress_resets_the_waits() -> None:
    policy = PollPolicy(interval=1, max_interval=100, factor=10, deadline=None)
    poller = Poller(policy)
    poller.next_wait()
    poller.succeeded(progress=False)
    assert poller.next_wait() >= 7.5
    poller.succeeded(progress=True)
    assert poller.next_wait() <= 1.25


def test_no_wait_extends_beyond_the_deadline() -> None:
    poller = Poller(PollPolicy(interval=100, max_interval=100, deadline=50))
    assert 49 < poller.next_wait() <= 50
    assert not poller.is_over
    expired = Poller(PollPolicy(deadline=0))
    assert expired.is_over
    assert expired.next_wait() == 0


def test_the_deadline_can_be_restarted() -> None:
    poller = Poller(PollPolicy(interval=0.001, deadline=0.02))
    time.sleep(0.03)
    assert poller.is_over
    poller.restart()
    assert not poller.is_over


def test_a_poll_has_one_attempt_and_a_minimum_timeout() -> None:
    assert Poller(PollPolicy(deadline=None)).single_poll.deadline is None
    assert Poller(PollPolicy(deadline=0)).single_poll.deadline == 5
    poll = Poller(PollPolicy(deadline=600)).single_poll
    assert poll.attempts == 1
    assert poll.deadline is not None
    assert 590 < poll.deadline <= 600


def test_retry_after_is_the_minimum_wait() -> None:
    poller = Poller(CONSTANT)
    assert poller.tolerates(RateLimitedError("busy", content=ErrorContent(retry_after=30)))
    assert poller.next_wait() == 30
    assert poller.tolerates(ServerError("busy", content=ErrorContent(retry_after=1)))
    assert poller.next_wait() >= 6
    poller.succeeded(progress=False)
    assert poller.next_wait() <= 10


def test_retry_after_delays_a_poll_up_to_the_maximum() -> None:
    for seconds, expected in ((600, 60), (1e300, 60), (59, 59)):
        poller = Poller(CONSTANT)
        assert poller.tolerates(ServerError("busy", content=ErrorContent(retry_after=seconds)))
        assert poller.next_wait() == expected
    poller = Poller(CONSTANT, max_retry_after=0)
    assert poller.tolerates(ServerError("busy", content=ErrorContent(retry_after=600)))
    assert poller.next_wait() <= 10


@pytest.mark.parametrize(
    ("error", "tolerated"),
    [
        (TransportError("cut"), True),
        (RateLimitedError("busy"), True),
        (ServerError("away"), True),
        (BadRequestError("unknown"), True),
        (InvalidResponseError("odd"), False),
        (ProvError("else"), False),
    ],
)
def test_transient_errors_are_tolerated(error: ProvError, tolerated: bool) -> None:
    poller = Poller(CONSTANT)
    assert poller.tolerates(error) is tolerated
    assert poller.last_error is (error if tolerated else None)
    poller.succeeded(progress=False)
    assert poller.last_error is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        *(
            ({name: value}, f"{name} must be a number")
            for name in ("interval", "max_interval", "factor", "not_found_grace", "deadline")
            for value in (-1, math.inf, math.nan, True, "1")
        ),
        *(
            ({name: None}, name)
            for name in ("interval", "max_interval", "factor", "not_found_grace")
        ),
        ({"factor": 0.5}, "factor must be a number of at least 1"),
        ({"interval": 0}, "interval must be greater than 0"),
        ({"interval": 11}, "not greater than max_interval"),
    ],
)
def test_invalid_policies_are_rejected(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PollPolicy(**settings)  # type: ignore[arg-type]


def test_the_deadline_and_the_grace_are_optional() -> None:
    policy = PollPolicy(deadline=None, not_found_grace=0, interval=10)
    assert (policy.deadline, policy.not_found_grace) == (None, 0)
