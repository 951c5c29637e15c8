"""Many threads with one client share a pool, keep to its limits, and get their own responses."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from clients import TOKEN, quick_retries
from sample_calls import LINEAGE_REPLY, UNAUTHORIZED, UNAVAILABLE
from scripted_server import Received, Server
from threads.sync_client import ONE_CONNECTION, client_for

from prov_facade import AuthManager, RetryPolicy, SyncProvClient, TransportError


def respond_with_start(request: Received) -> bytes:
    """Respond with the lineage of the requested node; all ids in a test have the same length."""
    return LINEAGE_REPLY.replace(b"10378.1/40", request.query["starting_id"].encode())


def first_node(client: SyncProvClient, start: str) -> str:
    graph: Any = client.explore_upstream(start).graph
    return str(graph["nodes"][0]["id"])


@pytest.mark.stress
@pytest.mark.parametrize("max_connections", [1, 5, 40])
def test_a_hundred_threads_keep_to_the_limits(max_connections: int, server: Server) -> None:
    lock, active, highest = threading.Lock(), 0, 0

    def respond(request: Received) -> bytes:
        nonlocal active, highest
        with lock:
            active += 1
            highest = max(active, highest)
        time.sleep(0.001)
        with lock:
            active -= 1
        return UNAVAILABLE if len(server.received) % 50 == 0 else respond_with_start(request)

    server.response = respond
    limits = httpx.Limits(
        max_connections=max_connections,
        max_keepalive_connections=max_connections,
        keepalive_expiry=None,
    )
    policy = RetryPolicy(attempts=20, backoff=0.001, max_backoff=0.002)
    start = threading.Barrier(100)
    with client_for(server.url, policy, limits=limits, timeout=60) as client:

        def make_calls(thread: int) -> list[bool]:
            start.wait(30)
            names = [f"{thread:05}{call:05}" for call in range(20)]
            return [first_node(client, name) == name for name in names]

        with ThreadPoolExecutor(100) as threads:
            correct = [each for result in threads.map(make_calls, range(100)) for each in result]
    assert correct == [True] * 2000
    # The pool keeps all connections, so the number opened is the highest number in use.
    assert highest <= server.opened <= max_connections
    assert server.saw_closing(server.opened)


def test_calls_of_many_threads_run_concurrently(server: Server) -> None:
    together = threading.Barrier(30)

    def respond(request: Received) -> bytes:
        together.wait(10)
        return respond_with_start(request)

    server.response = respond
    names = [f"{number:010}" for number in range(30)]
    with client_for(server.url) as client, ThreadPoolExecutor(30) as threads:
        assert list(threads.map(lambda name: first_node(client, name), names)) == names


def test_fifty_rejected_calls_renew_the_token_once(server: Server) -> None:
    class CountingManager(AuthManager):
        number = 0

        def get_token(self) -> str:
            return f"{TOKEN}-{self.number}"

        def force_refresh(self) -> None:
            time.sleep(0.3)
            self.number += 1

    server.response = lambda r: LINEAGE_REPLY if (r.token or "").endswith("-1") else UNAUTHORIZED
    manager = CountingManager()
    with client_for(server.url, auth=manager) as client, ThreadPoolExecutor(50) as threads:
        found = list(threads.map(lambda _: client.explore_upstream("1").record_count, range(50)))
    assert found == [1] * 50
    assert manager.number == 1
    assert len(server.received) <= 100


def test_closing_during_calls_of_other_threads(server: Server) -> None:
    """Each call succeeds or raises a TransportError, and nothing else."""
    server.response = LINEAGE_REPLY
    outcomes: list[object] = []
    stop = threading.Event()
    client = client_for(server.url, quick_retries(attempts=10))

    def calling() -> None:
        while not stop.is_set():
            try:
                outcomes.append(client.explore_upstream("1").record_count)
            except Exception as error:  # noqa: BLE001  (each is checked below)
                outcomes.append(error)

    threads = [threading.Thread(target=calling) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(150):
        client.close()
        time.sleep(0.002)
    stop.set()
    for thread in threads:
        thread.join()
    client.close()
    unexpected = [o for o in outcomes if o != 1 and not isinstance(o, TransportError)]
    assert unexpected == []
    assert outcomes.count(1) > 0


def test_closing_ends_the_calls_of_other_threads_at_once(
    server: Server, stall: Callable[[Received], None]
) -> None:
    server.response = stall
    with client_for(server.url, RetryPolicy.none(), limits=ONE_CONNECTION) as client:
        outcomes: list[BaseException] = []

        def calling() -> None:
            with pytest.raises(TransportError) as caught:
                client.explore_upstream("1")
            outcomes.append(caught.value)

        thread = threading.Thread(target=calling)
        thread.start()
        while not server.received:
            time.sleep(0.01)
        start = time.monotonic()
        client.close()
        thread.join()
        assert time.monotonic() - start < 5
        assert len(outcomes) == 1


def test_calls_inside_a_running_loop(server: Server) -> None:
    """A call blocks the loop, but works."""
    server.response = LINEAGE_REPLY
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
