"""Calls that are tried again: how often, after which wait, and what the error says of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from facade.running import failure, run
from facade.server import Cut, Reply, Server, json_reply
from faults.scripted import AWAY, GOOD, WRITE, client_for, one_by_one, quick

from prov_facade import (
    APIError,
    ProvError,
    RateLimitedError,
    RetryPolicy,
    ServerError,
    TransportError,
)


def limited(retry_after: str, status: int = 429) -> bytes:
    return json_reply({"detail": "Slow down."}, status, {"Retry-After": retry_after})


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("fault", [None, Cut(), Cut(GOOD[:-9]), AWAY, limited("0")])
def test_a_read_recovers_after_two_faults(fault: Reply, server: Server) -> None:
    server.answer = one_by_one(fault, fault, GOOD)
    assert run(client_for(server.url).explore_upstream("1")).record_count == 1
    assert len(server.received) == 3
    assert len({(r.method, r.path, r.body, *r.query.items()) for r in server.received}) == 1


def test_a_write_recovers_after_two_429_with_the_same_body(server: Server) -> None:
    server.answer = one_by_one(limited("0"), limited("0"), WRITE.reply)
    run(WRITE.call(client_for(server.url)))
    assert len(server.received) == 3
    assert len({r.body for r in server.received}) == 1


def test_a_write_stops_at_the_first_fault_that_leaves_its_fate_open(server: Server) -> None:
    server.answer = one_by_one(limited("0"), Cut(), WRITE.reply)
    error = failure(TransportError, WRITE.call(client_for(server.url)))
    assert len(server.received) == 2
    assert [attempt.error for attempt in error.attempts] == ["RateLimitedError", "TransportError"]
    assert "check before sending it again. 2 attempts were made: 429 after " in str(error)


def test_the_error_names_every_attempt(server: Server) -> None:
    server.answer = one_by_one(AWAY, Cut(), limited("0"))
    error = failure(RateLimitedError, client_for(server.url).explore_upstream("1"))
    assert [(a.error, a.status_code) for a in error.attempts] == [
        ("ServerError", 503),
        ("TransportError", None),
        ("RateLimitedError", 429),
    ]
    assert "3 attempts were made: 503 after 0.0 s, TransportError after 0.0 s, 429" in str(error)
    assert str(error).count("attempts were made") == 1


def test_no_retries_means_one_request(server: Server) -> None:
    for answer in (AWAY, limited("0"), Cut()):
        server.answer = answer
        client = client_for(server.url, RetryPolicy.none())
        error = failure(ProvError, client.explore_upstream("1"))
        assert len(error.attempts) == 1
        assert "attempts were made" not in str(error)
    assert len(server.received) == 3


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date"])
def test_it_waits_as_long_as_the_server_asks(form: str, status: int, server: Server) -> None:
    asked = "1" if form == "seconds" else http_date(2.0)  # a date has no fractions
    server.answer = one_by_one(limited(asked, status), GOOD)
    begun = time.monotonic()
    run(client_for(server.url, quick(max_retry_after=3)).explore_upstream("1"))
    assert time.monotonic() - begun > 0.9
    assert len(server.received) == 2


@pytest.mark.parametrize("asked", ["4", "99999999999", "date"])
def test_it_does_not_wait_beyond_the_cap(asked: str, server: Server) -> None:
    server.answer = one_by_one(limited(http_date(60) if asked == "date" else asked), GOOD)
    client = client_for(server.url, quick(max_retry_after=3))
    begun = time.monotonic()
    error = failure(RateLimitedError, client.explore_upstream("1"))
    assert time.monotonic() - begun < 3
    assert len(server.received) == len(error.attempts) == 1
    assert error.retry_after is not None
    assert error.retry_after > 3


def test_it_waits_up_to_the_cap(server: Server) -> None:
    server.answer = one_by_one(limited("1"), GOOD)
    run(client_for(server.url, quick(max_retry_after=1)).explore_upstream("1"))
    assert len(server.received) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 418, 422, 500, 501, 505, 520])
def test_other_statuses_are_final(status: int, server: Server) -> None:
    server.answer = json_reply({"detail": "No."}, status)
    error = failure(APIError, client_for(server.url).explore_upstream("1"))
    assert len(server.received) == len(error.attempts) == 1


def test_the_backoff_grows_and_is_never_longer_than_its_maximum(server: Server) -> None:
    server.answer = AWAY
    policy = RetryPolicy(attempts=6, backoff=0.01, max_backoff=0.04)
    begun = time.monotonic()
    error = failure(ServerError, client_for(server.url, policy).explore_upstream("1"))
    assert len(error.attempts) == 6
    # 10, 20, 40, 40 and 40 ms at most; without the maximum up to 310.
    assert time.monotonic() - begun < 5
