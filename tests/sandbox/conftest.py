from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest

from prov_facade import ProvClient, RetryPolicy
from prov_facade.sandbox import Sandbox
from prov_facade_pytest import SharedSandbox

T = TypeVar("T")


@pytest.fixture
def sandbox(shared_sandbox: SharedSandbox) -> Sandbox:
    return shared_sandbox.get()


class Session:
    """Calls a sandbox, each time with a new client."""

    def __init__(self, sandbox: Sandbox, *roles: str) -> None:
        self.sandbox = sandbox
        self.roles = roles or ("read", "write", "admin")

    def run(self, work: Callable[[ProvClient], Awaitable[T]]) -> T:
        """Run a coroutine function with a client, in a new event loop."""

        async def call() -> T:
            auth = self.sandbox.auth(*self.roles)
            async with ProvClient(auth, self.sandbox.config, retries=RetryPolicy.none()) as client:
                return await work(client)

        return asyncio.run(call())

    def wait_for_job(self, session_id: str | None) -> dict[str, Any]:
        """Wait until a job has ended, and return it."""
        assert session_id is not None

        async def poll() -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {self.sandbox.token('read')}"}
            url = f"{self.sandbox.config.job_api_endpoint}/jobs/user/fetch"
            async with httpx.AsyncClient(headers=headers) as client:
                for _ in range(500):
                    response = await client.get(url, params={"session_id": session_id})
                    if response.status_code == 200:
                        job: dict[str, Any] = response.json()["job"]
                        if job["status"] in ("SUCCEEDED", "FAILED"):
                            return job
                    else:
                        assert response.json() == {"detail": "Item was not found."}
                    await asyncio.sleep(0.01)
            raise AssertionError(f"job {session_id} did not finish")

        return asyncio.run(poll())


@pytest.fixture
def session(sandbox: Sandbox) -> Session:
    return Session(sandbox)
