"""A deadline covers a whole call: its attempts, its waits, and the auth manager."""

from __future__ import annotations

import asyncio
import pickle
import re
import threading
import time
from collections.abc import Callable

import pytest
from clients import ASYNC_ONLY, TOKEN, failure, quick_retries, retrying_client, run
from sample_calls import LINEAGE_REPLY, SAMPLES, UNAVAILABLE
from scripted_server import Received, Reply, Script, Server, json_reply

from prov_facade import AuthManager, RateLimitedError, ServerError, TransportTimeoutError


class Slow(AuthManager):
    """An auth manager that blocks."""

    def get_token(self) -> str:
        time.sleep(0.5)
        return TOKEN

    def force_refresh(self) -> None: ...


def stalling(release: threading.Event, *before: Reply) -> Callable[[Received], Reply]:
    replies = list(before)

    def respond(_: Received) -> Reply:
        if replies:
            return replies.pop(0)
        release.wait(10)
        return None

    return respond


@pytest.mark.parametrize("name", ["explore_upstream", "register_model_run"])
def test_a_deadline_ends_a_stalled_call(name: str, server: Server) -> None:
    release = threading.Event()
    server.response = stalling(release)
    start = time.monotonic()
    client = retrying_client(server.url, quick_retries(deadline=0.4))
    error = failure(TransportTimeoutError, SAMPLES[name].call(client))
    assert time.monotonic() - start < 5
    release.set()
    assert f"{name} (" in str(error)
    assert "no response within the deadline of 0.4 s" in str(error)
    assert ("check before sending it again" in str(error)) == (name != "explore_upstream")
    assert isinstance(error, TimeoutError)
    assert error.may_have_arrived
    assert [(a.error, a.status_code) for a in error.attempts] == [("TransportTimeoutError", None)]
    assert error.attempts[0].seconds > 0.1
    assert len(server.received) == 1
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
    assert (str(copy), copy.attempts) == (str(error), error.attempts)


def test_the_error_of_a_deadline_lists_the_attempts(server: Server) -> None:
    release = threading.Event()
    server.response = stalling(release, UNAVAILABLE)
    client = retrying_client(server.url, quick_retries(deadline=0.5))
    error = failure(TransportTimeoutError, client.explore_upstream("1"))
    release.set()
    assert [a.error for a in error.attempts] == ["ServerError", "TransportTimeoutError"]
    named = r"2 attempts were made: 503 after 0\.\d s, TransportTimeoutError after 0\.\d s"
    assert re.search(named, str(error))


def test_a_retry_after_beyond_the_deadline_is_an_error_at_once(server: Server) -> None:
    slow_down = json_reply({"detail": "Slow down."}, 429, {"Retry-After": "30"})
    server.response = Script(UNAVAILABLE, slow_down)
    start = time.monotonic()
    client = retrying_client(server.url, quick_retries(deadline=20))
    error = failure(RateLimitedError, client.explore_upstream("1"))
    assert time.monotonic() - start < 10
    assert [a.status_code for a in error.attempts] == [503, 429]
    assert "2 attempts were made" in str(error)


def test_a_backoff_beyond_the_deadline_is_an_error_at_once(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda _, longest: longest)
    server.response = UNAVAILABLE
    start = time.monotonic()
    policy = quick_retries(deadline=20, backoff=30, max_backoff=30)
    error = failure(ServerError, retrying_client(server.url, policy).explore_upstream("1"))
    assert time.monotonic() - start < 10
    assert len(error.attempts) == len(server.received) == 1


def test_a_deadline_includes_the_time_of_the_auth_manager(server: Server) -> None:
    server.response = LINEAGE_REPLY
    client = retrying_client(server.url, quick_retries(deadline=0.1), Slow())
    assert failure(TransportTimeoutError, client.explore_upstream("1")).attempts
    assert not server.received


def test_a_deadline_ends_a_slow_response(server: Server) -> None:
    release = threading.Event()

    def trickle(_: Received) -> Reply:
        release.wait(0.05)
        return None if release.is_set() else b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"

    server.response = trickle
    client = retrying_client(server.url, quick_retries(deadline=0.3))
    error = failure(TransportTimeoutError, client.explore_upstream("1"))
    release.set()
    assert "deadline of 0.3 s" in str(error)


@ASYNC_ONLY
def test_a_timeout_of_the_caller_is_a_plain_timeout_error(server: Server) -> None:
    release = threading.Event()
    server.response = stalling(release)

    async def within() -> None:
        async with (
            retrying_client(server.url, quick_retries(deadline=30)) as client,
            asyncio.timeout(0.1),
        ):
            await client.explore_upstream("1")

    with pytest.raises(TimeoutError) as caught:
        run(within())
    release.set()
    assert type(caught.value) is TimeoutError


def test_a_deadline_does_not_affect_later_calls(server: Server) -> None:
    server.response = LINEAGE_REPLY

    async def work() -> None:
        async with retrying_client(server.url, quick_retries(deadline=0.2)) as client:
            await client.explore_upstream("1")
            await asyncio.sleep(0.3)
            await client.explore_upstream("1")

    run(work())
    assert len(server.received) == 2
