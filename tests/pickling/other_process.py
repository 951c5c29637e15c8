"""What another process does with a client that it is given. It imports this module by its name."""

from __future__ import annotations

import asyncio
import os
import pickle
from typing import Any

from prov_facade import ProvClient, SyncProvClient


def called(pickled: bytes) -> tuple[int, str, int]:
    """Use a client: the process, what the server says, and how many jobs there are."""
    client = pickle.loads(pickled)  # noqa: S301  (our own)
    if isinstance(client, SyncProvClient):
        with client:
            message = client.get_health_check().message
            return os.getpid(), message, len(list(client.jobs.list()))
    return asyncio.run(_called(client))


async def _called(client: ProvClient) -> tuple[int, str, int]:
    async with client:
        message = (await client.get_health_check()).message
        return os.getpid(), message, len([job async for job in client.jobs.list()])


class Named(ProvClient):
    """A subclass with something of its own."""

    def __init__(self, *arguments: Any, name: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.name = name


class SyncNamed(SyncProvClient):
    """A subclass with something of its own."""

    def __init__(self, *arguments: Any, name: str, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.name = name
