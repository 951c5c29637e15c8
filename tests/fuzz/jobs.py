"""Waits for jobs of a sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx

from prov_facade.sandbox import Sandbox

_FINAL_STATUSES = ("SUCCEEDED", "FAILED")
_POLL_INTERVAL = 0.02


class JobsClient:
    """Reads the jobs of the default user of a sandbox.

    Args:
        sandbox: The sandbox.
        client: An HTTP client that sends a token.
        timeout: The maximum time to wait, in seconds.
    """

    def __init__(self, sandbox: Sandbox, client: httpx.Client, timeout: float = 10) -> None:
        self._url = f"{sandbox.config.job_api_endpoint}/jobs/user"
        self._client = client
        self._timeout = timeout

    def page(self, limit: int, **more: Any) -> dict[str, Any]:
        """Fetch a page of jobs, of a batch if its id is given."""
        path = "list_batch" if "batch_id" in more else "list"
        response = self._client.post(f"{self._url}/{path}", json={"limit": limit, **more})
        page: dict[str, Any] = response.raise_for_status().json()
        return page

    def result(self, session_id: str) -> dict[str, Any]:
        """Wait until a job has succeeded, and return its result."""
        for _ in self._poll():
            response = self._client.get(f"{self._url}/fetch", params={"session_id": session_id})
            # A new job is hidden at first.
            if response.status_code != 200:
                continue
            job = response.json()["job"]
            if job["status"] == "SUCCEEDED":
                result: dict[str, Any] = job["result"]
                return result
            assert job["status"] != "FAILED", job["info"]
        raise AssertionError(f"job {session_id} did not finish")

    def of_batch(self, batch_id: str, size: int) -> list[dict[str, Any]]:
        """Wait until a batch has all its jobs, and return them."""
        for _ in self._poll():
            jobs: list[dict[str, Any]] = self.page(size, batch_id=batch_id)["jobs"]
            if len(jobs) == size:
                return jobs
        raise AssertionError(f"batch {batch_id} does not have {size} jobs")

    def unfinished(self) -> list[dict[str, Any]]:
        """Wait until every job has finished, and return those that have not."""
        jobs: list[dict[str, Any]] = []
        for _ in self._poll():
            jobs = [job for job in self._all() if job["status"] not in _FINAL_STATUSES]
            if not jobs:
                break
        return jobs

    def _all(self) -> Iterator[dict[str, Any]]:
        key = None
        while True:
            page = self.page(1000, pagination_key=key)
            yield from page["jobs"]
            key = page["pagination_key"]
            if key is None:
                return

    def _poll(self) -> Iterator[None]:
        deadline = time.monotonic() + self._timeout
        while time.monotonic() < deadline:
            yield
            time.sleep(_POLL_INTERVAL)
