"""httpx and json, without a client library for the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from benchmarks.sides.data import DEPTH, RECORD, START, TOKEN, WRITES

HEADERS = {"authorization": f"Bearer {TOKEN}"}
QUERY: dict[str, str | int] = {"starting_id": START, "depth": DEPTH}
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20)


def _value(response: httpx.Response) -> object:
    response.raise_for_status()
    return json.loads(response.content)


@asynccontextmanager
async def read_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:

        async def read() -> object:
            return _value(await client.get("/explore/upstream", params=QUERY))

        yield read


@asynccontextmanager
async def write_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:

        async def write() -> object:
            return _value(await client.post("/model_run/register", json=RECORD))

        yield write


@contextmanager
def read_sync(url: str) -> Iterator[Callable[[], object]]:
    with httpx.Client(base_url=url, headers=HEADERS) as client:
        yield lambda: _value(client.get("/explore/upstream", params=QUERY))


@contextmanager
def write_sync(url: str) -> Iterator[Callable[[], object]]:
    with httpx.Client(base_url=url, headers=HEADERS) as client:
        yield lambda: _value(client.post("/model_run/register", json=RECORD))


@asynccontextmanager
async def fan_out(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with httpx.AsyncClient(
        base_url=url, headers=HEADERS, limits=LIMITS, timeout=60
    ) as client:

        async def write() -> object:
            return _value(await client.post("/model_run/register", json=RECORD))

        yield lambda: asyncio.gather(*(write() for _ in range(WRITES)))
