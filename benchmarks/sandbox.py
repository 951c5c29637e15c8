"""The duration of lineage queries in the sandbox, and its throughput."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.measure import Bench, process
from benchmarks.table import Row, duration

LINKS, QUICK = (10_000, 100_000), (10_000,)
DEPTHS = (2, 10)
STARTS = 21
CONNECTIONS = (1, 8)
SECONDS = 3.0
PROFILES: dict[str, Callable[[], str]] = {}  # no figure has a target


@dataclass(frozen=True)
class Running:
    """A sandbox that has started."""

    url: str
    token: str
    run: str
    runs: int
    seconds: float


@contextmanager
def running(links: int) -> Iterator[Running]:
    with process(sys.executable, "benchmarks.sides.sandbox", str(links)) as child:
        assert child.stdout is not None
        yield Running(**json.loads(child.stdout.readline()))


class Connection:
    """A minimal HTTP connection to a sandbox."""

    def __init__(self, sandbox: Running) -> None:
        self._sandbox = sandbox
        self._address = urlsplit(sandbox.url)

    async def open(self) -> None:
        host, port = self._address.hostname, self._address.port
        self._reader, self._writer = await asyncio.open_connection(host, port, limit=2**24)

    async def explore(self, direction: str, start: str, depth: int) -> bytes:
        query = urlencode({"starting_id": start, "depth": depth})
        self._writer.write(
            f"GET /explore/{direction}?{query} HTTP/1.1\r\nhost: {self._address.netloc}\r\n"
            f"authorization: Bearer {self._sandbox.token}\r\n\r\n".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200 "), head
        (length,) = re.findall(rb"content-length: (\d+)", head)
        return await self._reader.readexactly(int(length))


async def query(sandbox: Running, direction: str, starts: list[str], depth: int) -> str:
    """Explore from each start, and describe the median and longest time and the links."""
    connection = Connection(sandbox)
    await connection.open()
    taken, found = [], []
    for start in starts:
        begun = time.perf_counter()
        content = await connection.explore(direction, start, depth)
        taken.append(time.perf_counter() - begun)
        graph: Any = json.loads(content)["graph"]
        found.append(len(graph["links"]))
    return (
        f"{duration(statistics.median(taken))}, at most {duration(max(taken))},"
        f" {statistics.median(found):,.0f} links"
    )


async def served(sandbox: Running, connections: int, seconds: float) -> int:
    """Count the requests that are served over a number of connections."""
    end = time.perf_counter() + seconds

    async def send_requests() -> int:
        connection = Connection(sandbox)
        await connection.open()
        count = 0
        while time.perf_counter() < end:
            await connection.explore("upstream", sandbox.run, 2)
            count += 1
        return count

    return sum(await asyncio.gather(*(send_requests() for _ in range(connections))))


def rows(bench: Bench) -> Iterator[Row]:
    for links in QUICK if bench.quick else LINKS:
        with running(links) as sandbox:
            where = f"sandbox, {links:,} links"
            yield Row("sandbox", f"{where}: start", ours=duration(sandbox.seconds))
            # Start far inside the graph, where traversals do not end at its edge.
            first, step = sandbox.runs // 4, sandbox.runs // (2 * STARTS)
            datasets = [f"dataset/{first + number * step}" for number in range(STARTS)]
            queries = [(way, datasets, it) for way in ("upstream", "downstream") for it in DEPTHS]
            for direction, starts, depth in (*queries, ("downstream", ["model"], 10)):
                yield Row(
                    "sandbox",
                    f"{where}: {direction} of a {starts[0].split('/')[0]}, depth {depth}",
                    ours=asyncio.run(query(sandbox, direction, starts, depth)),
                )
    seconds = 0.5 if bench.quick else SECONDS
    with running(0) as sandbox:
        asyncio.run(served(sandbox, 1, seconds / 3))  # warm up
        for connections in CONNECTIONS:
            count = asyncio.run(served(sandbox, connections, seconds))
            yield Row(
                "sandbox",
                f"sandbox, explore_upstream over {connections} connection{'s'[: connections - 1]}",
                ours=f"{count / seconds:,.0f} requests/s",
            )
