"""How much memory a long registration takes, and how quick the client's side of it is.

Model runs are registered over loopback, at a server of a process of its own that has done whatever
it is given at once. The client's resident memory is read while it goes on. The bound is what the
project claims: this fails above it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from prov_facade import (
    APIOverrides,
    AssociationInfo,
    BearerToken,
    Config,
    ModelRunRecord,
    PollPolicy,
    ProvClient,
    SyncProvClient,
)

MEGABYTE = 1_000_000
COUNT = 200_000
# The growth from the first tenth on, by when everything that does not grow is there.
BOUND = 20 * MEGABYTE
POLLING = PollPolicy(interval=0.001, max_interval=0.01)


def record(number: int) -> ModelRunRecord:
    return ModelRunRecord(
        workflow_template_id="10378.1/1769847",
        display_name=f"Reef temperature, run {number}",
        description="Sea surface temperature over the northern reef, hourly",
        inputs=[],
        outputs=[],
        associations=AssociationInfo(modeller_id="10378.1/1955001"),
        start_time=1_767_225_600,
        end_time=1_767_229_200,
    )


class Server:
    """Takes batches on, and forgets each one when it has told of its jobs."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._batches: dict[str, list[Any]] = {}

    def answered(self, target: str, body: bytes) -> Any:
        if target.endswith("/register_batch"):
            session_id = f"s{next(self._numbers)}"
            self._batches[session_id] = json.loads(body)["records"]
            return {"status": {"success": True, "details": ""}, "session_id": session_id}
        if "/fetch" in target:
            session_id = target.partition("session_id=")[2]
            kind, result = "MODEL_RUN_BATCH_SUBMIT", {"batch_id": session_id}
            return _done(job=_job(session_id, kind, {}, result))
        batch = json.loads(body)["batch_id"]
        return _done(
            jobs=[self._lodged(record) for record in self._batches.pop(batch)], pagination_key=None
        )

    def _lodged(self, record: Any) -> Any:
        handle = f"10378.1/{next(self._numbers)}"
        result = {"record": {"id": handle, "prov_json": "{}", "record": record}}
        return _job(f"j{handle}", "MODEL_RUN_PROV_LODGE", {"record": record}, result)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every request on a connection until the client closes it."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0] or 0)
                said = self.answered(head.split(" ")[1], await reader.readexactly(length))
                content = json.dumps(said).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                    b"content-length: %d\r\n\r\n%b" % (len(content), content)
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _done(**more: Any) -> Any:
    return {"status": {"success": True, "details": ""}, **more}


def _job(session_id: str, kind: str, payload: Any, result: Any) -> Any:
    return {
        "session_id": session_id,
        "created_timestamp": int(time.time()),
        "username": "u",
        "batch_id": None,
        "payload": payload,
        "job_type": "PROV_LODGE",
        "job_sub_type": kind,
        "gsi_status": "ok",
        "status": "SUCCEEDED",
        "info": None,
        "result": result,
    }


def serve(told: Connection) -> None:
    async def serving() -> None:
        server = await asyncio.start_server(Server().answer, "127.0.0.1", 0, limit=2**24)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serving())


def resident() -> int:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Figures:
    """What is measured of a registration.

    Attributes:
        seen: How many results there were.
        growth: By how much memory had grown at the most since the first tenth.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.growth = 0
        self._first = 0
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def take(self, result: Any) -> None:
        assert result.handle, result.error
        self.seen += 1
        if self.seen == COUNT // 10:
            self._first = resident()
        elif self.seen > COUNT // 10 and self.seen % 500 == 0:
            self.growth = max(self.growth, resident() - self._first)

    def tell(self, name: str) -> None:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        assert self.seen == COUNT
        print(
            f"{name:14} {COUNT} records: {COUNT / wall:6.0f} a second, {COUNT / cpu:6.0f} a second"
            f" of the client's own work, memory grew by {self.growth / MEGABYTE:.1f} MB"
        )
        assert self.growth < BOUND


def records() -> Iterator[ModelRunRecord]:
    return map(record, range(COUNT))


async def register_many(config: Config, manifest: Path) -> None:
    figures = Figures()
    async with ProvClient(BearerToken("token"), config, polling=POLLING) as client:
        async for result in client.register_many(records(), manifest=manifest):
            figures.take(result)
    figures.tell("ProvClient")


def register_many_sync(config: Config, manifest: Path) -> None:
    figures = Figures()
    with SyncProvClient(BearerToken("token"), config, polling=POLLING) as client:
        for result in client.register_many(records(), manifest=manifest):
            figures.take(result)
    figures.tell("SyncProvClient")


def main() -> None:
    if not Path("/proc/self/statm").exists():
        sys.exit("this reads /proc, which only Linux has")
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{here.recv()}"
    overrides = APIOverrides(
        prov_api_endpoint_override=url, jobs_service_api_endpoint_override=f"{url}/job-api"
    )
    config = Config("benchmark.localhost", "provena", overrides)
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(register_many(config, Path(folder) / "asynchronous"))
            register_many_sync(config, Path(folder) / "synchronous")
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
