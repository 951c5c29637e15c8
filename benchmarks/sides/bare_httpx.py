"""httpx and json, without a client of the API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx

from benchmarks.sides.data import RECORD, START, TOKEN

HEADERS = {"authorization": f"Bearer {TOKEN}"}
QUERY: dict[str, str | int] = {"starting_id": START, "depth": 2}


@asynccontextmanager
async def read_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:

        async def read() -> object:
            response = await client.get("/explore/upstream", params=QUERY)
            response.raise_for_status()
            return json.loads(response.content)

        yield read


@asynccontextmanager
async def write_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with httpx.AsyncClient(base_url=url, headers=HEADERS) as client:

        async def write() -> object:
            response = await client.post("/model_run/register", json=RECORD)
            response.raise_for_status()
            return json.loads(response.content)

        yield write


@contextmanager
def read_sync(url: str) -> Iterator[Callable[[], object]]:
    with httpx.Client(base_url=url, headers=HEADERS) as client:

        def read() -> object:
            response = client.get("/explore/upstream", params=QUERY)
            response.raise_for_status()
            return json.loads(response.content)

        yield read


@contextmanager
def write_sync(url: str) -> Iterator[Callable[[], object]]:
    with httpx.Client(base_url=url, headers=HEADERS) as client:

        def write() -> object:
            response = client.post("/model_run/register", json=RECORD)
            response.raise_for_status()
            return json.loads(response.content)

        yield write
