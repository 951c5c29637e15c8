"""Calls of a sandbox with a client that checks nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from prov_facade import ProvClient
from prov_facade.sandbox import Sandbox

T = TypeVar("T")


def call(sandbox: Sandbox, work: Callable[[ProvClient], Awaitable[T]]) -> T:
    """Run something with a client that may do everything, in a loop of its own."""

    async def running() -> T:
        auth = sandbox.auth("read", "write", "admin")
        async with ProvClient(auth, sandbox.config) as client:
            return await work(client)

    return asyncio.run(running())
