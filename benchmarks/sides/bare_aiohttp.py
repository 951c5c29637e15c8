"""aiohttp and json, without a client library for the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp

from benchmarks.sides.data import RECORD, TOKEN, WRITES


@asynccontextmanager
async def fan_out(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    headers = {"authorization": f"Bearer {TOKEN}"}
    connector = aiohttp.TCPConnector(limit=100)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector) as session:

        async def write() -> object:
            async with session.post("/model_run/register", json=RECORD) as response:
                response.raise_for_status()
                return json.loads(await response.read())

        yield lambda: asyncio.gather(*(write() for _ in range(WRITES)))
