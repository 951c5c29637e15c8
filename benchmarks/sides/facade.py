"""The sides of prov-facade."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import httpx

from benchmarks.sides.data import DEPTH, RECORD, RECORDS, START, TOKEN, WRITES, fetch
from prov_facade import APIOverrides, BearerToken, Config, ProvClient, SyncProvClient
from prov_facade.models import ModelRunRecord


def _auth(kind: str) -> BearerToken:
    return BearerToken(TOKEN if kind == "token" else lambda: TOKEN)


def _config(url: str) -> Config:
    return Config("prov.test", "provena", APIOverrides(prov_api_endpoint_override=url))


@asynccontextmanager
async def read_async(url: str, token: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with ProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.explore_upstream(START, DEPTH)


@asynccontextmanager
async def write_async(url: str, token: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    record = ModelRunRecord.from_dict(RECORD)
    async with ProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.register_model_run(record)


@contextmanager
def read_sync(url: str, token: str) -> Iterator[Callable[[], object]]:
    with SyncProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.explore_upstream(START, DEPTH)


@contextmanager
def write_sync(url: str, token: str) -> Iterator[Callable[[], object]]:
    record = ModelRunRecord.from_dict(RECORD)
    with SyncProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.register_model_run(record)


@asynccontextmanager
async def fan_out(url: str, transport: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    record = ModelRunRecord.from_dict(RECORD)
    kind: Literal["aiohttp"] | None = "aiohttp" if transport == "aiohttp" else None
    async with ProvClient(_auth("token"), _config(url), transport=kind, timeout=60) as client:
        yield lambda: asyncio.gather(*(client.register_model_run(record) for _ in range(WRITES)))


@contextmanager
def decode(url: str, size: str) -> Iterator[Callable[[], object]]:
    """Measure a whole call with a response in memory, since no public API only decodes."""
    content = fetch(url, size)
    headers = {"content-type": "application/json"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, content=content))
    with SyncProvClient(_auth("token"), _config(url), transport=transport) as client:
        assert len(client.convert_model_runs_to_csv("").new_records or ()) == RECORDS
        yield lambda: client.convert_model_runs_to_csv("")
