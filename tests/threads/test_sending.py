"""Nothing is sent after a deadline or after closing, with any transport."""

from __future__ import annotations

import time

import httpx
import pytest
from clients import TOKEN, quick_retries
from threads.sync_client import client_for

from prov_facade import AuthManager, TransportTimeoutError
from prov_facade._runtime.threads.concurrency import deadline
from prov_facade._runtime.threads.limiter import Limiter
from prov_facade._sync.http_client import HTTPClientFactory


class SlowManager(AuthManager):
    """An auth manager that takes longer than the deadline."""

    def get_token(self) -> str:
        time.sleep(0.2)
        return TOKEN

    def force_refresh(self) -> None: ...


def recording(sent: list[httpx.Request]) -> httpx.MockTransport:
    """A transport that adds each request to a list."""

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    return httpx.MockTransport(respond)


def test_nothing_is_sent_after_the_deadline() -> None:
    sent: list[httpx.Request] = []
    transport = recording(sent)
    url, policy = "https://prov-api.test", quick_retries(deadline=0.1)
    with client_for(url, policy, auth=SlowManager(), transport=transport) as client:
        with pytest.raises(TransportTimeoutError) as caught:
            client.explore_upstream("1")
        assert [attempt.error for attempt in caught.value.attempts] == ["TransportTimeoutError"]
        assert not sent


def test_a_client_closed_before_sending_sends_nothing() -> None:
    sent: list[httpx.Request] = []
    transport = recording(sent)
    client = HTTPClientFactory(transport=transport).open()
    client.close()
    with pytest.raises(httpx.ConnectError, match="the client was closed"):
        client.send(httpx.Request("GET", "https://prov-api.test"))
    assert not sent


def test_waiting_for_a_slot_ends_at_the_deadline() -> None:
    limiter = Limiter(1)
    start = time.monotonic()
    with limiter.slot(), pytest.raises(httpx.PoolTimeout), deadline(0.05), limiter.slot(10):
        pass
    assert time.monotonic() - start < 5
    with limiter.slot(0):
        pass
