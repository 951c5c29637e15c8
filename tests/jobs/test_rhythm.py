"""The waits between looks, without a server."""

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


def test_waits_are_spread_by_a_quarter_each_way() -> None:
    rhythm = Poller(EVEN)
    waits = [rhythm.next_wait() for _ in range(1000)]
    assert 6 <= min(waits) < 6.2
    assert 9.8 < max(waits) <= 10


def test_waits_grow_by_the_factor_up_to_the_longest() -> None:
    policy = PollPolicy(interval=1, max_interval=20, factor=2, deadline=None)
    for _ in range(20):
        rhythm = Poller(policy)
        for expected in (1, 2, 4, 8, 16, 20, 20):
            assert 0.75 * expected <= rhythm.next_wait() <= 1.25 * expected


def test_waits_begin_anew_when_there_is_news_and_not_otherwise() -> None:
    policy = PollPolicy(interval=1, max_interval=100, factor=10, deadline=None)
    rhythm = Poller(policy)
    rhythm.next_wait()
    rhythm.succeeded(progress=False)
    assert rhythm.next_wait() >= 7.5
    rhythm.succeeded(progress=True)
    assert rhythm.next_wait() <= 1.25


def test_no_wait_goes_beyond_the_deadline() -> None:
    rhythm = Poller(PollPolicy(interval=100, max_interval=100, deadline=50))
    assert 49 < rhythm.next_wait() <= 50
    assert not rhythm.is_over
    over = Poller(PollPolicy(deadline=0))
    assert over.over
    assert over.pause() == 0


def test_the_deadline_can_begin_anew() -> None:
    rhythm = Poller(PollPolicy(interval=0.001, deadline=0.02))
    time.sleep(0.03)
    assert rhythm.is_over
    rhythm.restart()
    assert not rhythm.is_over


def test_a_look_is_made_once_and_has_a_moment_even_at_the_deadline() -> None:
    assert Poller(PollPolicy(deadline=None)).look.deadline is None
    assert Poller(PollPolicy(deadline=0)).look.deadline == 5
    look = Poller(PollPolicy(deadline=600)).look
    assert look.attempts == 1
    assert look.deadline is not None
    assert 590 < look.deadline <= 600


def test_what_the_server_asks_for_is_waited_at_the_least() -> None:
    rhythm = Poller(EVEN)
    assert rhythm.tolerates(RateLimitedError("busy", fault=Fault(retry_after=30)))
    assert rhythm.next_wait() == 30
    assert rhythm.tolerates(ServerError("busy", fault=Fault(retry_after=1)))
    assert rhythm.next_wait() >= 6
    rhythm.succeeded(progress=False)
    assert rhythm.next_wait() <= 10


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
def test_some_errors_pass_by_themselves(error: ProvError, passing: bool) -> None:
    rhythm = Poller(EVEN)
    assert rhythm.tolerates(error) is passing
    assert rhythm.last_error is (error if passing else None)
    rhythm.succeeded(progress=False)
    assert rhythm.last_error is None


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
def test_a_policy_that_makes_no_sense_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PollPolicy(**settings)  # type: ignore[arg-type]


def test_a_policy_may_be_without_a_deadline_or_grace() -> None:
    policy = PollPolicy(deadline=None, not_found_grace=0, interval=10)
    assert (policy.deadline, policy.not_found_grace) == (None, 0)
