"""Retries: their number, their waits, and what the error says about them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from clients import failure, quick_retries, retrying_client, run
from sample_calls import LINEAGE_REPLY, UNAVAILABLE, WRITE
from scripted_server import Cut, Reply, Script, Server, json_reply

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


@pytest.mark.parametrize("fault", [None, Cut(), Cut(LINEAGE_REPLY[:-9]), UNAVAILABLE, limited("0")])
def test_a_read_recovers_after_two_faults(fault: Reply, server: Server) -> None:
    server.response = Script(fault, fault, LINEAGE_REPLY)
    assert run(retrying_client(server.url).explore_upstream("1")).record_count == 1
    assert len(server.received) == 3
    assert len({(r.method, r.path, r.body, *r.query.items()) for r in server.received}) == 1


def test_a_write_recovers_after_two_429_with_the_same_body(server: Server) -> None:
    server.response = Script(limited("0"), limited("0"), WRITE.reply)
    run(WRITE.call(retrying_client(server.url)))
    assert len(server.received) == 3
    assert len({r.body for r in server.received}) == 1


def test_a_write_that_may_have_arrived_is_not_retried(server: Server) -> None:
    server.response = Script(limited("0"), Cut(), WRITE.reply)
    error = failure(TransportError, WRITE.call(retrying_client(server.url)))
    assert len(server.received) == 2
    assert [attempt.error for attempt in error.attempts] == ["RateLimitedError", "TransportError"]
    assert "check before sending it again. 2 attempts were made: 429 after " in str(error)


def test_the_error_lists_all_attempts(server: Server) -> None:
    server.response = Script(UNAVAILABLE, Cut(), limited("0"))
    error = failure(RateLimitedError, retrying_client(server.url).explore_upstream("1"))
    assert [(a.error, a.status_code) for a in error.attempts] == [
        ("ServerError", 503),
        ("TransportError", None),
        ("RateLimitedError", 429),
    ]
    assert "3 attempts were made: 503 after 0.0 s, TransportError after 0.0 s, 429" in str(error)
    assert str(error).count("attempts were made") == 1


def test_without_retries_there_is_one_request(server: Server) -> None:
    for response in (UNAVAILABLE, limited("0"), Cut()):
        server.response = response
        client = retrying_client(server.url, RetryPolicy.none())
        error = failure(ProvError, client.explore_upstream("1"))
        assert len(error.attempts) == 1
        assert "attempts were made" not in str(error)
    assert len(server.received) == 3


@pytest.mark.parametrize(("form", "status"), [("seconds", 429), ("date", 503)])
def test_retry_after_is_respected_up_to_its_maximum(form: str, status: int, server: Server) -> None:
    asked = "1" if form == "seconds" else http_date(2.0)  # dates have a resolution of 1 s
    server.response = Script(limited(asked, status), LINEAGE_REPLY)
    start = time.monotonic()
    longest = 1 if form == "seconds" else 3
    run(retrying_client(server.url, quick_retries(max_retry_after=longest)).explore_upstream("1"))
    assert time.monotonic() - start > 0.9
    assert len(server.received) == 2


@pytest.mark.parametrize("asked", ["4", "99999999999", "date"])
def test_a_retry_after_beyond_the_maximum_is_an_error_at_once(asked: str, server: Server) -> None:
    server.response = Script(limited(http_date(60) if asked == "date" else asked), LINEAGE_REPLY)
    client = retrying_client(server.url, quick_retries(max_retry_after=3))
    start = time.monotonic()
    error = failure(RateLimitedError, client.explore_upstream("1"))
    assert time.monotonic() - start < 3
    assert len(server.received) == len(error.attempts) == 1
    assert error.retry_after is not None
    assert error.retry_after > 3


@pytest.mark.parametrize("status", [400, 409, 422, 500, 501, 520])
def test_other_statuses_are_not_retried(status: int, server: Server) -> None:
    server.response = json_reply({"detail": "No."}, status)
    error = failure(APIError, retrying_client(server.url).explore_upstream("1"))
    assert len(server.received) == len(error.attempts) == 1


def test_the_backoff_never_exceeds_its_maximum(server: Server) -> None:
    server.response = UNAVAILABLE
    policy = RetryPolicy(attempts=6, backoff=0.01, max_backoff=0.04)
    start = time.monotonic()
    error = failure(ServerError, retrying_client(server.url, policy).explore_upstream("1"))
    assert len(error.attempts) == 6
    # At most 10, 20, 40, 40 and 40 ms; without the maximum, up to 310 ms in total.
    assert time.monotonic() - start < 5
