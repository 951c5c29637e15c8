"""The output of openapi-python-client for our document, with its own templates."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from benchmarks.sides.data import DEPTH, RECORD, START, TOKEN, fetch

# Imported dynamically, since only the environment of this side contains it.
stock: Any = import_module("stock_client")
models: Any = import_module("stock_client.models")
explore_upstream: Any = import_module("stock_client.api.explore.explore_upstream")
register_model_run: Any = import_module("stock_client.api.model_run.register_model_run")


@asynccontextmanager
async def read_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    async with stock.AuthenticatedClient(base_url=url, token=TOKEN) as client:
        yield lambda: explore_upstream.asyncio(client=client, starting_id=START, depth=DEPTH)


@asynccontextmanager
async def write_async(url: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    record = models.ModelRunRecord.from_dict(RECORD)
    async with stock.AuthenticatedClient(base_url=url, token=TOKEN) as client:
        yield lambda: register_model_run.asyncio(client=client, body=record)


@contextmanager
def read_sync(url: str) -> Iterator[Callable[[], object]]:
    with stock.AuthenticatedClient(base_url=url, token=TOKEN) as client:
        yield lambda: explore_upstream.sync(client=client, starting_id=START, depth=DEPTH)


@contextmanager
def write_sync(url: str) -> Iterator[Callable[[], object]]:
    record = models.ModelRunRecord.from_dict(RECORD)
    with stock.AuthenticatedClient(base_url=url, token=TOKEN) as client:
        yield lambda: register_model_run.sync(client=client, body=record)


@contextmanager
def decode(url: str, size: str) -> Iterator[Callable[[], object]]:
    content = fetch(url, size)
    yield lambda: models.ConvertModelRunsResponse.from_dict(json.loads(content))
