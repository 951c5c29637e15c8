"""The intervals between polls, without a server."""

from __future__ import annotations

import math
import time

import pytest

from prov_facade import ConfigError, PollPolicy
from prov_facade._jobs.poller import Poller
from prov_facade.errors import (
    BadRequestError,
    Fault,
    InvalidResponseError,
    ProvError,
    RateLimitedError,
    ServerError,
    TransportError,
)

EVEN = PollPolicy(interval=8, max_interval=8, deadline=None)


def test_intervals_vary_by_a_quarter() -> None:
    rhythm = Poller(EVEN)
    waits = [rhythm.pause() for _ in range(1000)]
    assert 6 <= min(waits) < 6.2
    assert 9.8 < max(waits) <= 10


def test_intervals_grow_by_the_factor_up_to_the_maximum() -> None:
    policy = PollPolicy(interval=1, max_interval=20, factor=2, deadline=None)
    for _ in range(20):
        rhythm = Poller(policy)
        for expected in (1, 2, 4, 8, 16, 20, 20):
            assert 0.75 * expected <= rhythm.pause() <= 1.25 * expected


def test_intervals_start_again_when_the_job_changes() -> None:
    policy = PollPolicy(interval=1, max_interval=100, factor=10, deadline=None)
    rhythm = Poller(policy)
    rhythm.pause()
    rhythm.heard(news=False)
    assert rhythm.pause() >= 7.5
    rhythm.heard(news=True)
    assert rhythm.pause() <= 1.25


def test_no_interval_exceeds_the_deadline() -> None:
    rhythm = Poller(PollPolicy(interval=100, max_interval=100, deadline=50))
    assert 49 < rhythm.pause() <= 50
    assert not rhythm.over
    over = Poller(PollPolicy(deadline=0))
    assert over.over
    assert over.pause() == 0


def test_the_deadline_can_be_restarted() -> None:
    rhythm = Poller(PollPolicy(interval=0.001, deadline=0.02))
    time.sleep(0.03)
    assert rhythm.over
    rhythm.postpone()
    assert not rhythm.over


def test_there_is_always_one_poll_with_some_time() -> None:
    assert Poller(PollPolicy(deadline=None)).look.deadline is None
    assert Poller(PollPolicy(deadline=0)).look.deadline == 5
    look = Poller(PollPolicy(deadline=600)).look
    assert look.attempts == 1
    assert look.deadline is not None
    assert 590 < look.deadline <= 600


def test_the_interval_is_at_least_retry_after() -> None:
    rhythm = Poller(EVEN)
    assert rhythm.is_transient(RateLimitedError("busy", fault=Fault(retry_after=30)))
    assert rhythm.pause() == 30
    assert rhythm.is_transient(ServerError("busy", fault=Fault(retry_after=1)))
    assert rhythm.pause() >= 6
    rhythm.heard(news=False)
    assert rhythm.pause() <= 10


@pytest.mark.parametrize(
    ("error", "passing"),
    [
        (TransportError("cut"), True),
        (RateLimitedError("busy"), True),
        (ServerError("away"), True),
        (BadRequestError("unknown"), True),
        (InvalidResponseError("odd"), False),
        (ProvError("else"), False),
    ],
)
def test_transient_errors_are_recognised(error: ProvError, passing: bool) -> None:
    rhythm = Poller(EVEN)
    assert rhythm.is_transient(error) is passing
    assert rhythm.trouble is (error if passing else None)
    rhythm.heard(news=False)
    assert rhythm.trouble is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        *(
            ({name: value}, f"{name} is a number")
            for name in ("interval", "max_interval", "factor", "not_found_grace", "deadline")
            for value in (-1, math.inf, math.nan, True, "1")
        ),
        *(
            ({name: None}, name)
            for name in ("interval", "max_interval", "factor", "not_found_grace")
        ),
        ({"factor": 0.5}, "factor is a number, 1 or more"),
        ({"interval": 0}, "interval is more than 0"),
        ({"interval": 11}, "no more than max_interval"),
    ],
)
def test_an_invalid_policy_is_rejected(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PollPolicy(**settings)  # type: ignore[arg-type]


def test_a_policy_can_omit_the_deadline_and_the_grace() -> None:
    policy = PollPolicy(deadline=None, not_found_grace=0, interval=10)
    assert (policy.deadline, policy.not_found_grace) == (None, 0)
