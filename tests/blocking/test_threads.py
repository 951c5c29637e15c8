"""One client in many threads: one pool, within its limits, and each thread gets its own answers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from blocking.calling import ONE, client_for
from clients import TOKEN, quick_retries
from sample_calls import LINEAGE_REPLY, UNAUTHORIZED, UNAVAILABLE
from scripted_server import Received, Server

from prov_facade import AuthManager, RetryPolicy, SyncProvClient, TransportError


def named(request: Received) -> bytes:
    """Lineage of the node that was asked for; the names are of one length."""
    return LINEAGE_REPLY.replace(b"10378.1/40", request.query["starting_id"].encode())


def node(client: SyncProvClient, name: str) -> str:
    graph: Any = client.explore_upstream(name).graph
    return str(graph["nodes"][0]["id"])


@pytest.mark.stress
@pytest.mark.parametrize("most", [1, 5, 40])
def test_a_hundred_threads_of_twenty_calls_keep_to_the_limits(most: int, server: Server) -> None:
    lock, now, highest = threading.Lock(), 0, 0

    def answer(request: Received) -> bytes:
        nonlocal now, highest
        with lock:
            now += 1
            highest = max(now, highest)
        time.sleep(0.001)
        with lock:
            now -= 1
        return UNAVAILABLE if len(server.received) % 50 == 0 else named(request)

    server.answer = answer
    limits = httpx.Limits(
        max_connections=most, max_keepalive_connections=most, keepalive_expiry=None
    )
    policy = RetryPolicy(attempts=20, backoff=0.001, max_backoff=0.002)
    begin = threading.Barrier(100)
    with client_for(server.url, policy, limits=limits, timeout=60) as client:

        def calling(thread: int) -> list[bool]:
            begin.wait(30)
            names = [f"{thread:05}{call:05}" for call in range(20)]
            return [node(client, name) == name for name in names]

        with ThreadPoolExecutor(100) as threads:
            found = [right for done in threads.map(calling, range(100)) for right in done]
    assert found == [True] * 2000
    # All connections are kept, so that there were never more than were opened in all.
    assert highest <= server.opened <= most
    assert server.saw_closing(server.opened)


def test_calls_of_many_threads_go_at_once(server: Server) -> None:
    together = threading.Barrier(30)

    def answer(request: Received) -> bytes:
        together.wait(10)
        return named(request)

    server.answer = answer
    names = [f"{number:010}" for number in range(30)]
    with client_for(server.url) as client, ThreadPoolExecutor(30) as threads:
        assert list(threads.map(lambda name: node(client, name), names)) == names


def test_fifty_refused_calls_renew_once(server: Server) -> None:
    class Numbered(AuthManager):
        number = 0

        def get_token(self) -> str:
            return f"{TOKEN}-{self.number}"

        def force_refresh(self) -> None:
            time.sleep(0.3)
            self.number += 1

    server.answer = lambda r: LINEAGE_REPLY if (r.token or "").endswith("-1") else UNAUTHORIZED
    manager = Numbered()
    with client_for(server.url, auth=manager) as client, ThreadPoolExecutor(50) as threads:
        found = list(threads.map(lambda _: client.explore_upstream("1").record_count, range(50)))
    assert found == [1] * 50
    assert manager.number == 1
    assert len(server.received) <= 100


def test_closing_while_others_call_lets_them_go_on(server: Server) -> None:
    """A call either ends well, or says that its connection broke; nothing else escapes."""
    server.answer = LINEAGE_REPLY
    outcomes: list[object] = []
    over = threading.Event()
    client = client_for(server.url, quick_retries(attempts=10))

    def calling() -> None:
        while not over.is_set():
            try:
                outcomes.append(client.explore_upstream("1").record_count)
            except Exception as error:  # noqa: BLE001  (whatever it is)
                outcomes.append(error)

    threads = [threading.Thread(target=calling) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(150):
        client.close()
        time.sleep(0.002)
    over.set()
    for thread in threads:
        thread.join()
    client.close()
    strange = [o for o in outcomes if o != 1 and not isinstance(o, TransportError)]
    assert strange == []
    assert outcomes.count(1) > 10


def test_closing_ends_the_calls_of_other_threads_at_once(
    server: Server, stall: Callable[[Received], None]
) -> None:
    server.answer = stall
    with client_for(server.url, RetryPolicy.none(), limits=ONE) as client:
        outcomes: list[BaseException] = []

        def calling() -> None:
            with pytest.raises(TransportError) as caught:
                client.explore_upstream("1")
            outcomes.append(caught.value)

        thread = threading.Thread(target=calling)
        thread.start()
        while not server.received:
            time.sleep(0.01)
        begun = time.monotonic()
        client.close()
        thread.join()
        assert time.monotonic() - begun < 5
        assert len(outcomes) == 1


def test_inside_a_running_loop(server: Server) -> None:
    """It holds the loop up, and does no more harm than that."""
    server.answer = LINEAGE_REPLY
    client = client_for(server.url)

    async def calling() -> None:
        with client:
            assert client.explore_upstream("1").record_count == 1
            found = await asyncio.gather(
                *(asyncio.to_thread(client.explore_upstream, "1") for _ in range(5))
            )
            assert [lineage.record_count for lineage in found] == [1] * 5

    for _ in range(2):
        asyncio.run(calling())
    assert len(server.received) == 12
