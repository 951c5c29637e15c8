"""What is sent, and what is not, whichever transport moves the bytes."""

from __future__ import annotations

import time

import httpx
import pytest
from blocking.calling import client_for
from clients import TOKEN, quick_retries

from prov_facade import AuthManager, TransportTimeoutError
from prov_facade._runtime.threads.concurrency import deadline
from prov_facade._runtime.threads.limiter import Limiter
from prov_facade._sync.http_client import HTTPClientFactory


class Slow(AuthManager):
    """An auth manager that takes longer than the deadline."""

    def get_token(self) -> str:
        time.sleep(0.2)
        return TOKEN

    def force_refresh(self) -> None: ...


def test_nothing_is_sent_after_the_deadline() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    transport = httpx.MockTransport(answer)
    url, policy = "https://prov-api.test", quick_retries(deadline=0.1)
    with client_for(url, policy, auth=Slow(), transport=transport) as client:
        with pytest.raises(TransportTimeoutError) as caught:
            client.explore_upstream("1")
        assert [attempt.error for attempt in caught.value.attempts] == ["TransportTimeoutError"]
        assert not sent


def test_a_client_that_was_closed_meanwhile_sends_nothing() -> None:
    sent: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    transport = httpx.MockTransport(respond)
    client = HTTPClientFactory(transport=transport).open()
    client.close()
    with pytest.raises(httpx.ConnectError, match="the client was closed"):
        client.send(httpx.Request("GET", "https://prov-api.test"))
    assert not sent


def test_a_slot_is_waited_for_until_the_deadline() -> None:
    limiter = Limiter(1)
    begun = time.monotonic()
    with limiter.slot(), pytest.raises(httpx.PoolTimeout), deadline(0.05), limiter.slot(10):
        pass
    assert time.monotonic() - begun < 5
    with limiter.slot(0):
        pass
