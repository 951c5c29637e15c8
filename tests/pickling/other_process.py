"""Functions and classes that another process imports to use a pickled client."""

from __future__ import annotations

import asyncio
import os
import pickle
from typing import Any

from prov_facade import ProvClient, SyncProvClient


def use_client(pickled: bytes) -> tuple[int, str, int]:
    """Use a client, and return the process id, the server's message and the number of jobs."""
    client = pickle.loads(pickled)  # noqa: S301  (our own)
    if isinstance(client, SyncProvClient):
        with client:
            message = client.get_health_check().message
            return os.getpid(), message, len(list(client.jobs.list()))
    return asyncio.run(_use_async_client(client))


async def _use_async_client(client: ProvClient) -> tuple[int, str, int]:
    async with client:
        message = (await client.get_health_check()).message
        return os.getpid(), message, len([job async for job in client.jobs.list()])


class Named(ProvClient):
    """A subclass with an attribute."""

    def __init__(self, *arguments: Any, name: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.name = name


class SyncNamed(SyncProvClient):
    """A subclass with an attribute."""

    def __init__(self, *arguments: Any, name: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.name = name
