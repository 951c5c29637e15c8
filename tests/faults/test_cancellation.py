"""A cancelled call closes its connection and leaves the client usable."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import httpx
import pytest
from clients import ASYNC_ONLY, quick_retries, retrying_client, run
from sample_calls import LINEAGE_REPLY, UNAVAILABLE, WRITE
from scripted_server import Cut, Received, Reply, Server

from prov_facade import ProvClient

ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)


async def until(condition: Callable[..., object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the condition was not met in time")


async def cancel(task: asyncio.Task[object]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@pytest.mark.parametrize("client_kind", ["async", "aiohttp"], indirect=True)
@pytest.mark.parametrize("partial", [b"", LINEAGE_REPLY[:-9]])
def test_a_cancelled_call_closes_its_connection(partial: bytes, server: Server) -> None:
    release = threading.Event()

    def stall(_: Received) -> Reply:
        release.wait(10)
        return Cut(partial)

    async def work() -> None:
        async with retrying_client(server.url, limits=ONE_CONNECTION) as client:
            for number in range(1, 4):
                server.response = stall
                task = asyncio.create_task(client.explore_upstream("1"))
                await until(lambda number=number: len(server.received) == 2 * number - 1)
                await cancel(task)
                server.response = LINEAGE_REPLY
                await asyncio.wait_for(client.explore_upstream("1"), 5)
            release.set()

    run(work())
    assert len(server.received) == 6
    assert server.saw_closing(server.opened)


@ASYNC_ONLY
def test_cancelling_a_call_disconnects_at_once(server: Server) -> None:
    """The connection closes before the client does."""
    release = threading.Event()

    def stall(_: Received) -> Reply:
        release.wait(10)
        return b"HTTP/1.1 200 OK\r\n"  # next, the server reads the end of the connection

    async def work() -> None:
        async with retrying_client(server.url) as client:
            server.response = stall
            task = asyncio.create_task(client.explore_upstream("1"))
            await until(lambda: server.received)
            await cancel(task)
            release.set()
            assert await asyncio.to_thread(server.saw_closing)

    run(work())


@ASYNC_ONLY
@pytest.mark.parametrize("limits", [None, ONE_CONNECTION])
def test_a_call_can_be_cancelled_during_its_backoff(
    limits: httpx.Limits | None, server: Server
) -> None:
    server.response = UNAVAILABLE
    policy = quick_retries(backoff=1000, max_backoff=1000, deadline=None)

    async def work() -> None:
        async with retrying_client(server.url, policy, limits=limits) as client:
            task = asyncio.create_task(client.explore_upstream("1"))
            await until(lambda: server.received)
            await asyncio.sleep(0.05)
            await asyncio.wait_for(cancel(task), 5)
            server.response = LINEAGE_REPLY
            await client.explore_upstream("1")

    run(work())
    assert len(server.received) == 2


@ASYNC_ONLY
def test_a_call_can_be_cancelled_while_it_waits_for_a_connection(server: Server) -> None:
    release = threading.Event()

    def stall(_: Received) -> Reply:
        release.wait(10)
        return LINEAGE_REPLY

    async def work() -> None:
        async with retrying_client(server.url, limits=ONE_CONNECTION) as client:
            server.response = stall
            first = asyncio.create_task(client.explore_upstream("1"))
            await until(lambda: server.received)
            waiting = [asyncio.create_task(WRITE.call(client)) for _ in range(20)]
            await asyncio.sleep(0.05)
            for task in waiting:
                await cancel(task)
            release.set()
            await first
            await client.explore_upstream("1")

    run(work())
    assert len(server.received) == 2


@ASYNC_ONLY
def test_an_error_in_a_task_group_cancels_the_other_calls(server: Server) -> None:
    release = threading.Event()

    def respond(request: Received) -> Reply:
        if request.query.get("starting_id") == "bad":
            return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        release.wait(10)
        return None

    async def group(client: ProvClient) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(client.explore_upstream("1"))
            tasks.create_task(client.explore_upstream("2"))
            tasks.create_task(client.explore_upstream("bad"))

    async def work() -> None:
        async with retrying_client(server.url) as client:
            server.response = respond
            with pytest.raises(ExceptionGroup) as caught:
                await group(client)
            assert [type(error).__name__ for error in caught.value.exceptions] == ["NotFoundError"]
            server.response = LINEAGE_REPLY
            await client.explore_upstream("1")

    run(work())
    release.set()
