from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from clients import ASYNC_ONLY, ClientKind, client_for, failure, run
from sample_calls import LINEAGE, RECORD
from scripted_server import Received, Server, json_reply

from prov_facade import ConfigError, ProvClient, TransportError


@pytest.fixture(autouse=True)
def lineage(server: Server) -> None:
    server.response = json_reply(LINEAGE)


async def calls(client: ProvClient, count: int = 3) -> None:
    for _ in range(count):
        await client.explore_upstream("1")


def test_calls_of_one_loop_share_a_connection(server: Server, client: ProvClient) -> None:
    run(calls(client, 5))
    assert (len(server.received), server.opened) == (5, 1)


def test_admin_shares_the_connection(server: Server, client: ProvClient) -> None:
    async def both() -> None:
        server.response = json_reply({"diff": []})
        await client.admin.delete_model_run_provenance("1")
        server.response = json_reply(LINEAGE)
        await client.explore_upstream("1")
        await client.admin.aclose()
        assert server.saw_closing()

    run(both())
    assert server.opened == 1


@ASYNC_ONLY
def test_the_connections_of_a_loop_close_with_it(server: Server, client: ProvClient) -> None:
    for loops in (1, 2, 3):
        run(calls(client))
        assert server.opened == loops
        assert server.saw_closing()
    assert len(server.received) == 9


@ASYNC_ONLY
def test_a_closed_loop_is_garbage_collected(client: ProvClient) -> None:
    async def one() -> weakref.ref[asyncio.AbstractEventLoop]:
        await calls(client)
        return weakref.ref(asyncio.get_running_loop())

    loops = [run(one()) for _ in range(3)]
    gc.collect()
    assert [loop() for loop in loops[:-1]] == [None, None]


def test_a_client_can_be_used_after_aclose(
    server: Server, client: ProvClient, client_kind: ClientKind
) -> None:
    async def work() -> None:
        await client.aclose()  # nothing is open yet
        await calls(client)
        await client.aclose()
        assert server.saw_closing()
        await client.aclose()
        await calls(client)
        assert server.opened == 2
        if client_kind == "sync":  # no loop closes its connections
            await client.aclose()

    run(work())
    assert server.saw_closing()


def test_async_with_closes_after_an_error(server: Server, client: ProvClient) -> None:
    async def work() -> None:
        async with client as entered:
            assert entered is client
            await calls(entered)
        assert server.saw_closing()
        with contextlib.suppress(KeyError):
            async with client:
                await calls(client)
                raise KeyError
        assert server.saw_closing()
        async with client.admin as admin:
            await calls(client)
            assert admin is client.admin
        assert server.saw_closing()

    run(work())
    assert server.opened == 3


@ASYNC_ONLY
def test_threads_have_their_own_loops_and_connections(server: Server, client: ProvClient) -> None:
    together = threading.Barrier(4)

    async def work() -> None:
        await calls(client)
        await asyncio.to_thread(together.wait, 5)
        await calls(client)

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(run, work()) for _ in range(4)]:
            done.result()
    assert (len(server.received), server.opened) == (24, 4)
    assert server.saw_closing(4)


@ASYNC_ONLY
def test_aclose_closes_the_connections_of_another_thread(
    server: Server, client: ProvClient
) -> None:
    called, closed = threading.Event(), threading.Event()

    async def work() -> None:
        await calls(client)
        called.set()
        await asyncio.to_thread(closed.wait, 5)
        await calls(client)

    with ThreadPoolExecutor(1) as threads:
        working = threads.submit(run, work())
        assert called.wait(5)
        run(client.aclose())
        assert server.saw_closing()
        closed.set()
        working.result()
    assert server.opened == 2


@ASYNC_ONLY
def test_aclose_waits_for_a_busy_loop_in_another_thread(server: Server, client: ProvClient) -> None:
    called, free = threading.Event(), threading.Event()

    async def work() -> None:
        await calls(client)
        called.set()
        free.wait(5)  # the loop is busy and cannot close anything
        await asyncio.sleep(0.2)

    with ThreadPoolExecutor(2) as threads:
        working = threads.submit(run, work())
        assert called.wait(5)
        closing = threads.submit(run, client.aclose())
        with pytest.raises(TimeoutError):
            closing.result(timeout=0.2)
        free.set()
        closing.result()
        assert server.saw_closing()
        working.result()


@ASYNC_ONLY
def test_aclose_works_after_the_loop_was_closed(server: Server, client: ProvClient) -> None:
    run(calls(client))
    run(client.aclose())
    assert server.saw_closing()
    run(calls(client))
    assert server.opened == 2


def test_fifty_calls_run_concurrently(server: Server, client: ProvClient) -> None:
    together = threading.Barrier(50)

    def respond(_: Received) -> bytes:
        together.wait(10)
        return json_reply(LINEAGE)

    server.response = respond

    async def work() -> None:
        await asyncio.gather(*(client.explore_upstream(str(n)) for n in range(50)))

    run(work())
    assert {request.query["starting_id"] for request in server.received} == set(map(str, range(50)))
    assert server.opened == 50


def test_the_first_calls_of_a_loop_can_be_concurrent(server: Server, client: ProvClient) -> None:
    async def work() -> None:
        await asyncio.gather(*(calls(client, 1) for _ in range(10)))
        await client.aclose()
        assert server.saw_closing(server.opened)

    run(work())
    assert len(server.received) == 10


def test_a_connection_closed_by_the_server_is_replaced(server: Server, client: ProvClient) -> None:
    server.keeps_open = False

    async def work() -> None:
        for _ in range(3):
            await client.explore_upstream("1")
            await asyncio.to_thread(server.saw_closing)
            await asyncio.sleep(0.02)  # until the loop has been notified

    run(work())
    assert (len(server.received), server.opened) == (3, 3)


@ASYNC_ONLY
def test_a_cancelled_call_leaves_the_client_usable(server: Server, client: ProvClient) -> None:
    arrived, release = threading.Event(), threading.Event()

    def wait(_: Received) -> None:
        arrived.set()
        release.wait(10)

    async def work() -> None:
        server.response = wait
        call = asyncio.create_task(client.register_model_run(RECORD))
        await asyncio.to_thread(arrived.wait, 5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.explore_upstream("1"), 0.05)
        server.response = json_reply(LINEAGE)
        await calls(client)

    run(work())
    release.set()


def test_a_failure_leaves_the_client_usable(server: Server, client: ProvClient) -> None:
    async def work() -> None:
        server.response = None
        with pytest.raises(TransportError):
            await client.explore_upstream("1")
        server.response = json_reply(LINEAGE)
        await calls(client)

    run(work())


def test_a_call_opens_a_pool_after_an_earlier_one_failed_to(
    client: ProvClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "nonsense://proxy.test")
    failure(ConfigError, calls(client))
    monkeypatch.delenv("ALL_PROXY")
    run(calls(client))


def test_clients_share_neither_connections_nor_cookies(server: Server) -> None:
    server.response = json_reply(LINEAGE, headers={"Set-Cookie": "session=1"})
    clients = client_for(server.url), client_for(server.url)

    async def work() -> None:
        for client in clients:
            await calls(client, 2)

    run(work())
    assert server.opened == 2
    first_of_each = server.received[0], server.received[2]
    assert all("cookie" not in request.headers for request in first_of_each)


@ASYNC_ONLY
def test_closing_does_not_wait_for_a_loop_that_ends(server: Server) -> None:
    server.response = json_reply(LINEAGE)
    client = client_for(server.url)
    called = threading.Event()

    async def elsewhere() -> None:
        await client.explore_upstream("1")
        called.set()
        time.sleep(0.3)  # noqa: ASYNC251  (keep the loop busy until it ends)

    thread = threading.Thread(target=lambda: run(elsewhere()))
    thread.start()
    called.wait(10)
    start = time.monotonic()
    run(client.aclose())
    assert time.monotonic() - start < 3
    thread.join()


@ASYNC_ONLY
def test_closing_does_not_wait_for_a_blocked_loop(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prov_facade._runtime.aio.pool._CLOSE_TIMEOUT", 0.05)
    server.response = json_reply(LINEAGE)
    client = client_for(server.url)
    called, release = threading.Event(), threading.Event()

    async def elsewhere() -> None:
        await client.explore_upstream("1")
        called.set()
        release.wait(10)

    thread = threading.Thread(target=lambda: run(elsewhere()))
    thread.start()
    called.wait(10)
    run(client.aclose())  # returns although the other loop is blocked
    release.set()
    thread.join()


@ASYNC_ONLY
@pytest.mark.filterwarnings("ignore:asynchronous generator:ResourceWarning")
def test_a_loop_whose_generators_were_shut_down_opens_another_pool(server: Server) -> None:
    server.response = json_reply(LINEAGE)
    client = client_for(server.url)
    with asyncio.Runner() as runner:
        runner.run(client.explore_upstream("1"))
        runner.run(runner.get_loop().shutdown_asyncgens())
        runner.run(client.explore_upstream("1"))
        runner.run(client.aclose())
    assert len(server.received) == 2
