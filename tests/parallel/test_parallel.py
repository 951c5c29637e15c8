"""One synchronous client in many threads, and in a running event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clients import quick_polling

from prov_facade import BearerToken, ProvClient, SyncProvClient
from prov_facade.sandbox import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[SyncProvClient]:
    auth = BearerToken(sandbox.token("read", "write"))
    with SyncProvClient(auth, sandbox.config, polling=quick_polling()) as client:
        yield client


def records_of(sandbox: Sandbox, count: int) -> list[dict[str, Any]]:
    record = sandbox.items("MODEL_RUN")[0].body["record"]
    return [{**record, "display_name": f"Run {number}"} for number in range(count)]


def names_of(sandbox: Sandbox) -> dict[str, str]:
    """The names of the registered model runs by handle."""
    runs = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
    return {handle: name for handle, name in runs.items() if name.startswith("Run ")}


def test_threads_share_a_client(sandbox: Sandbox, client: SyncProvClient) -> None:
    records = records_of(sandbox, 24)
    with ThreadPoolExecutor(8) as pool:
        registered = list(pool.map(client.register_and_wait, records))
    assert [one.record.display_name for one in registered] == [
        record["display_name"] for record in records
    ]
    assert {one.handle: one.record.display_name for one in registered} == names_of(sandbox)


def test_threads_can_register_many_runs_concurrently(
    sandbox: Sandbox, client: SyncProvClient
) -> None:
    records = records_of(sandbox, 40)

    def register(part: list[dict[str, Any]]) -> dict[str, str]:
        results = client.register_many(part, chunk_size=5)
        return {str(one.handle): one.record["display_name"] for one in results}

    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(register, [records[at : at + 10] for at in range(0, 40, 10)]))
    registered = {handle: name for part in parts for handle, name in part.items()}
    assert len(registered) == 40
    assert registered == names_of(sandbox)
    operations = [request.operation_id for request in sandbox.requests]
    assert operations.count("register_batch_model_runs") == 8


def test_the_synchronous_client_works_in_a_running_event_loop(
    sandbox: Sandbox, client: SyncProvClient
) -> None:
    first, second, third = records_of(sandbox, 3)

    async def notebook_cell() -> set[str]:
        registered = client.register_and_wait(first)
        results = list(client.register_many([second]))
        in_thread = await asyncio.to_thread(client.register_and_wait, third)
        auth = BearerToken(sandbox.token("read"))
        async with ProvClient(auth, sandbox.config) as other:
            assert (await other.explore_upstream(registered.handle)).record_count
        return {registered.handle, str(results[0].handle), in_thread.handle}

    assert asyncio.run(notebook_cell()) == set(names_of(sandbox))
