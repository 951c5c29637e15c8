"""Transferring large files with prov-facade."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from benchmarks.sides import Measured
from benchmarks.sides.data import START, TOKEN, table
from benchmarks.sides.memory import growth
from prov_facade import APIOverrides, BearerToken, Config, ProvClient

REQUEST = {"id": START, "item_subtype": "MODEL_RUN", "depth": 1}


async def _longest_pause(work: Awaitable[object]) -> float:
    """Await ``work``, and return the longest time that other tasks waited, in seconds."""
    longest = 0.0

    async def tick() -> None:
        nonlocal longest
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - begun)

    ticking = asyncio.ensure_future(tick())
    try:
        await work
    finally:
        ticking.cancel()
    return longest


@asynccontextmanager
async def transfer(
    url: str, method: str, transport: str, size: str
) -> AsyncIterator[Callable[[], Awaitable[Measured]]]:
    """Download or upload a file of ``size`` bytes."""
    config = Config("prov.test", "provena", APIOverrides(prov_api_endpoint_override=url))
    kind: Literal["aiohttp"] | None = "aiohttp" if transport == "aiohttp" else None

    async def call() -> Measured:
        with growth() as grown:
            pause = await _longest_pause(calls[method]())
        assert path.stat().st_size >= int(size)
        return Measured(growth=grown[0], pause=pause)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        if method == "convert_model_runs_file":
            with path.open("wb") as file:
                file.writelines(table(int(size)))
        async with ProvClient(BearerToken(TOKEN), config, transport=kind) as client:
            await client.convert_model_runs_to_csv("")  # exclude one-time loading
            calls: dict[str, Callable[[], Awaitable[object]]] = {
                "download_report": lambda: client.download_report(REQUEST, path),
                "save_csv_from_batch": lambda: client.save_csv_from_batch("b", path),
                "convert_model_runs_file": lambda: client.convert_model_runs_file(path),
            }
            yield call
