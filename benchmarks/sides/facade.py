"""prov-facade's sides."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from benchmarks.sides.data import RECORD, START, TOKEN
from prov_facade import APIOverrides, BearerToken, Config, ProvClient, SyncProvClient
from prov_facade.models import ModelRunRecord


def _auth(kind: str) -> BearerToken:
    return BearerToken(TOKEN if kind == "token" else lambda: TOKEN)


def _config(url: str) -> Config:
    return Config("prov.test", "provena", APIOverrides(prov_api_endpoint_override=url))


@asynccontextmanager
async def read_async(url: str, token: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with ProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.explore_upstream(START, 2)


@asynccontextmanager
async def write_async(url: str, token: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    record = ModelRunRecord.from_dict(RECORD)
    async with ProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.register_model_run(record)


@contextmanager
def read_sync(url: str, token: str) -> Iterator[Callable[[], object]]:
    with SyncProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.explore_upstream(START, 2)


@contextmanager
def write_sync(url: str, token: str) -> Iterator[Callable[[], object]]:
    record = ModelRunRecord.from_dict(RECORD)
    with SyncProvClient(_auth(token), _config(url)) as client:
        yield lambda: client.register_model_run(record)
