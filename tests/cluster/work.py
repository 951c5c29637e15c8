"""Tasks of the workers, which import this module by name."""

from __future__ import annotations

import os
from typing import Any

from prov_facade import SyncProvClient

Registered = list[tuple[int, str, str]]
"""The process id, the name and the handle of each model run."""


def register(client: SyncProvClient, records: list[dict[str, Any]]) -> Registered:
    """Register records, and return the result of each."""
    with client:
        results = list(client.register_many(records, chunk_size=100))
    assert [result.error for result in results] == [None] * len(records)
    return [(os.getpid(), one.record["display_name"], str(one.handle)) for one in results]


def register_one(client: SyncProvClient, record: dict[str, Any]) -> str:
    """Register a record, and return its handle."""
    return client.register_and_wait(record).handle
