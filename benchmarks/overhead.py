"""What a call of the client costs beside a call of bare httpx.

The server answers at once, from a thread of this process over loopback. The candidates take turns;
compare the ratios.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx

from prov_facade import APIOverrides, BearerToken, Config, ProvClient, SyncProvClient

BODY = b'{"message": "Health check successful."}'
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(BODY)
) + BODY
CALLS = 50
ROUNDS = 21


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request on a connection until the client closes it."""
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(ANSWER)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@contextmanager
def server() -> Iterator[str]:
    """Run the server in a thread and say where it listens."""
    loop = asyncio.new_event_loop()
    listening = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host, port = listening.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    loop.call_soon_threadsafe(listening.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


Call = Callable[[], object]
AsyncCall = Callable[[], Awaitable[object]]


def medians(taken: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(times) for name, times in taken.items()}


async def measured(candidates: dict[str, AsyncCall]) -> dict[str, float]:
    """Time the candidates in turns; milliseconds a call."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            gc.collect()
            start = time.perf_counter()
            for _ in range(CALLS):
                await call()
            taken[name].append((time.perf_counter() - start) * 1000 / CALLS)
    return medians(taken)


def measured_synchronously(candidates: dict[str, Call]) -> dict[str, float]:
    """Time the candidates in turns; milliseconds a call."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(ROUNDS):
        for name, call in candidates.items():
            gc.collect()
            start = time.perf_counter()
            for _ in range(CALLS):
                call()
            taken[name].append((time.perf_counter() - start) * 1000 / CALLS)
    return medians(taken)


async def compare(url: str, config: Config) -> dict[str, float]:
    async def a_client_a_call() -> object:
        async with httpx.AsyncClient() as client:
            return await client.get(f"{url}/")

    async with ProvClient(BearerToken("token"), config) as ours, httpx.AsyncClient() as bare:
        return await measured(
            {
                "httpx, one client": lambda: bare.get(f"{url}/"),
                "prov-facade": ours.get_health_check,
                "httpx, a client a call": a_client_a_call,
            }
        )


def compare_synchronously(url: str, config: Config) -> dict[str, float]:
    with SyncProvClient(BearerToken("token"), config) as ours, httpx.Client() as bare:
        return measured_synchronously(
            {
                "httpx, one client": lambda: bare.get(f"{url}/"),
                "prov-facade": ours.get_health_check,
            }
        )


def show(kind: str, taken: dict[str, float]) -> None:
    print(kind)
    bare = taken["httpx, one client"]
    for name, milliseconds in taken.items():
        print(f"  {name:24}{milliseconds:8.3f} ms a call{milliseconds / bare:8.2f} times httpx")


if __name__ == "__main__":
    with server() as url:
        config = Config("example.org", "provena", APIOverrides(prov_api_endpoint_override=url))
        show("asynchronous", asyncio.run(compare(url, config)))
        show("synchronous", compare_synchronously(url, config))
