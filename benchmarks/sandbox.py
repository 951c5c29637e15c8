"""How long the sandbox takes over lineage queries, and how many requests it serves.

The graphs are made up: every model run reads three datasets of the runs shortly before it, writes
one, and points to a person, a model and a study. They are held in memory, as by default. The server
runs in a process of its own; the client does no more than HTTP needs.
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from prov_facade.sandbox._state.lineage import Direction, explore
from prov_facade.sandbox._state.store import Store

LINKS = (10_000, 100_000, 1_000_000)
DEPTHS = (2, 4, 10)
HUB_DEPTHS = (1, 2, 10)
STARTS = 21
INPUTS = 3
LINKS_OF_A_RUN = INPUTS + 4
RECENT = 50
# How many there are: few have many links each.
SHARED = {"person": ("AGENT", 100), "study": ("ACTIVITY", 20), "model": ("ENTITY", 4)}
RELATIONS = {"person": "wasAssociatedWith", "study": "wasInformedBy", "model": "used"}
CONNECTIONS = (1, 8)
SECONDS = 3.0
A_RUN = "10378.1/1955130"  # of the default seed


def fill(store: Store, runs: int) -> None:
    """Insert the graph of so many model runs in one go."""
    chance = random.Random(runs)  # noqa: S311  (no secrets here)
    shared = [(kind, number) for kind in SHARED for number in range(SHARED[kind][1])]
    numbers = {name: number for number, name in enumerate(shared, 1)}
    run = len(shared) + 1  # the first of each
    dataset = run + runs

    def nodes() -> Iterator[tuple[int, str, str, str]]:
        for (kind, i), number in numbers.items():
            yield number, f"{kind}/{i}", SHARED[kind][0], kind.upper()
        yield from ((run + i, f"run/{i}", "ACTIVITY", "MODEL_RUN") for i in range(runs))
        yield from ((dataset + i, f"dataset/{i}", "ENTITY", "DATASET") for i in range(runs))

    def links() -> Iterator[tuple[int, int, str]]:
        for i in range(runs):
            for kind, (_, count) in SHARED.items():
                yield run + i, numbers[kind, chance.randrange(count)], RELATIONS[kind]
            yield dataset + i, run + i, "wasGeneratedBy"
            recent = range(max(0, i - RECENT), i)
            for j in chance.sample(recent, min(INPUTS, len(recent))):
                yield run + i, dataset + j, "used"

    with store.transaction() as connection:
        connection.executemany("INSERT INTO node VALUES (?, ?, ?, ?)", nodes())
        connection.executemany("INSERT INTO link VALUES (?, ?, ?)", links())


def query_times(links: int) -> None:
    """Print how long queries take on a graph of so many links."""
    runs = links // LINKS_OF_A_RUN
    with Store() as store:
        begun = time.perf_counter()
        fill(store, runs)
        print(f"{links} links, inserted in {time.perf_counter() - begun:.1f} s")
        for direction in Direction:
            for depth in DEPTHS:
                taken, found = [], []
                for number in range(STARTS):  # well inside, where walks end at no border
                    start = f"dataset/{runs // 4 + number * runs // (2 * STARTS)}"
                    begun = time.perf_counter()
                    lineage = explore(store, start, depth, direction)
                    taken.append((time.perf_counter() - begun) * 1000)
                    found.append(len(lineage.links))
                print(
                    f"  {direction.name.lower():10} depth {depth:2}"
                    f"   {statistics.median(taken):8.2f} ms, at most {max(taken):8.2f} ms"
                    f"   {statistics.median(found):6.0f} links found"
                )
        query_hub(store)


def query_hub(store: Store) -> None:
    """Print how long it takes from nodes that a great deal points to."""
    for kind in SHARED:
        for depth in HUB_DEPTHS:
            begun = time.perf_counter()
            found = len(explore(store, f"{kind}/0", depth, Direction.DOWNSTREAM).links)
            taken = (time.perf_counter() - begun) * 1000
            print(f"  downstream depth {depth:2}   {taken:8.2f} ms from a {kind}, {found} links")


@contextmanager
def server() -> Iterator[tuple[str, int, str]]:
    """Run a sandbox; where it listens, and a token."""
    with subprocess.Popen(
        [sys.executable, "-m", "prov_facade.sandbox"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = ""
            while not (token := re.search(r"token of a reader:\n(\S+)\n", said)):
                line = process.stdout.readline()
                assert line, "the sandbox does not start"
                said += line
            (url,) = re.findall(r"listens at (\S+)\. ", said)
            address = urlsplit(url)
            yield address.hostname or "", address.port or 0, token[1]
        finally:
            process.send_signal(signal.SIGINT)
            process.stdout.read()


async def served(host: str, port: int, token: str, connections: int) -> int:
    """Count the requests that are answered over so many connections."""
    request = (
        f"GET /explore/upstream?starting_id={A_RUN}&depth=2 HTTP/1.1\r\n"
        f"host: {host}:{port}\r\nauthorization: Bearer {token}\r\n\r\n"
    ).encode()
    end = time.perf_counter() + SECONDS

    async def ask() -> int:
        reader, writer = await asyncio.open_connection(host, port)
        count = 0
        while time.perf_counter() < end:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200 "), head
            (length,) = re.findall(rb"content-length: (\d+)", head)
            await reader.readexactly(int(length))
            count += 1
        writer.close()
        await writer.wait_closed()
        return count

    return sum(await asyncio.gather(*(ask() for _ in range(connections))))


def main() -> None:
    print(f"lineage of a dataset, median over {STARTS} datasets")
    for links in LINKS:
        query_times(links)
    print("explore_upstream over loopback, depth 2, the default seed")
    with server() as (host, port, token):
        asyncio.run(served(host, port, token, 1))  # warm up
        for connections in CONNECTIONS:
            count = asyncio.run(served(host, port, token, connections))
            print(f"  {connections} connections   {count / SECONDS:8.0f} requests a second")


if __name__ == "__main__":
    main()
