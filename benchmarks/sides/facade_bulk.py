"""Registering many model runs with prov-facade."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from benchmarks.sides import Measured
from benchmarks.sides.data import RECORD, TOKEN
from benchmarks.sides.memory import resident
from prov_facade import APIOverrides, BearerToken, Config, PollPolicy, ProvClient, SyncProvClient
from prov_facade.models import ModelRunRecord

POLLING = PollPolicy(interval=0.001, max_interval=0.01)


class Growth:
    """The growth of memory after the first tenth, when all fixed-size structures exist."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._first = 0
        self._growth = 0

    def add(self, handle: str | None) -> None:
        """Count a result."""
        assert handle
        self._seen += 1
        if self._seen == self._count // 10:
            self._first = resident()
        elif self._seen > self._count // 10 and self._seen % 500 == 0:
            self._growth = max(self._growth, resident() - self._first)

    def result(self) -> Measured:
        assert self._seen == self._count
        return Measured(growth=self._growth)


def _config(url: str) -> Config:
    job_api = f"{url}/job-api"
    overrides = APIOverrides(
        prov_api_endpoint_override=url, jobs_service_api_endpoint_override=job_api
    )
    return Config("prov.test", "provena", overrides)


def _records(count: int) -> Iterator[ModelRunRecord]:
    for number in range(count):
        record = ModelRunRecord.from_dict(RECORD)
        record.display_name = f"Reef temperature, run {number}"
        yield record


@asynccontextmanager
async def register_async(url: str, count: str) -> AsyncIterator[Callable[[], Awaitable[Measured]]]:
    async def register() -> Measured:
        growth = Growth(int(count))
        with tempfile.TemporaryDirectory() as folder:
            records, manifest = _records(int(count)), Path(folder) / "manifest"
            async for result in client.register_many(records, manifest=manifest):
                growth.add(result.handle)
        return growth.result()

    async with ProvClient(BearerToken(TOKEN), _config(url), polling=POLLING) as client:
        yield register


@contextmanager
def register_sync(url: str, count: str) -> Iterator[Callable[[], Measured]]:
    def register() -> Measured:
        growth = Growth(int(count))
        with tempfile.TemporaryDirectory() as folder:
            records, manifest = _records(int(count)), Path(folder) / "manifest"
            for result in client.register_many(records, manifest=manifest):
                growth.add(result.handle)
        return growth.result()

    with SyncProvClient(BearerToken(TOKEN), _config(url), polling=POLLING) as client:
        yield register
