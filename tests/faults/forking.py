"""Uses a client, forks, and uses it in both processes; each prints its name on success."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import Any

from clients import retrying_client

from prov_facade import ProvClient


async def calls(client: ProvClient, who: str) -> None:
    """Request lineages of different nodes concurrently: shared sockets would mix them up."""
    names = [f"{who[:3]}/{number:06}" for number in range(20)]
    found = await asyncio.gather(*(client.explore_upstream(name) for name in names))
    for name, lineage in zip(names, found, strict=True):
        graph: Any = lineage.graph
        assert graph["nodes"][0]["id"] == name, (graph, name)


def check_exit(status: int) -> None:
    assert os.waitstatus_to_exitcode(status) == 0, status


def in_child(client: ProvClient) -> None:
    """Make calls in new event loops, close the client, and exit."""
    code = 1
    try:
        start = time.monotonic()
        asyncio.run(calls(client, "child"))

        async def closing() -> None:
            await calls(client, "child")
            await client.aclose()

        asyncio.run(closing())
        duration = time.monotonic() - start
        assert duration < 4, f"the child took {duration:.1f} s"
        print("child", flush=True)
        code = 0
    finally:
        os._exit(code)


def between_loops(client: ProvClient) -> None:
    asyncio.run(calls(client, "parent"))
    child = os.fork()
    if child == 0:
        in_child(client)
    asyncio.run(calls(client, "parent"))
    check_exit(os.waitpid(child, 0)[1])


def next_to_a_loop(client: ProvClient) -> None:
    """The loop runs in a thread that does not exist in the child."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def call() -> None:
        asyncio.run_coroutine_threadsafe(calls(client, "parent"), loop).result(20)

    call()
    child = os.fork()
    if child == 0:
        in_child(client)
    call()
    check_exit(os.waitpid(child, 0)[1])
    call()
    asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def inside_a_loop(client: ProvClient) -> None:
    """The child makes its calls in a new thread, since its main thread runs the parent's loop."""

    async def work() -> None:
        await calls(client, "parent")
        child = os.fork()
        if child == 0:
            thread = threading.Thread(target=in_child, args=(client,))
            thread.start()
            thread.join()
        await calls(client, "parent")
        check_exit((await asyncio.to_thread(os.waitpid, child, 0))[1])
        await calls(client, "parent")
        await client.aclose()

    asyncio.run(work())


if __name__ == "__main__":
    address, scenario = sys.argv[1:]
    globals()[scenario.replace(" ", "_")](retrying_client(address))
    print("parent", flush=True)
