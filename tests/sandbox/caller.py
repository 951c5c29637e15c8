"""Sends raw requests to a sandbox as some user, and simulates a clock."""

from __future__ import annotations

import time
from typing import Any

import httpx
from sandbox import http

from prov_facade.sandbox import Item, Sandbox

ENDED = ("SUCCEEDED", "FAILED")
JOBS = "/job-api/jobs/user"
_PATIENCE = 30.0  # seconds; it usually takes milliseconds


class Clock:
    """Replaces the module ``time``: tests move it forward.

    Attributes:
        now: The time that it returns, in Unix seconds.
    """

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def time(self) -> float:
        return self.now


class Caller:
    """A user with all roles, unless others are given.

    Args:
        sandbox: The sandbox.
        username: The user name.
        roles: The roles of the user.
    """

    def __init__(self, sandbox: Sandbox, username: str = "sandbox", *roles: str) -> None:
        self.sandbox = sandbox
        self.username = username
        self._token = sandbox.token(*roles or ("read", "write", "admin"), username=username)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self._send("GET", path, params=query)

    def post(self, path: str, body: Any = None, **query: Any) -> httpx.Response:
        return self._send("POST", path, params=query, json=body)

    def delete(self, path: str) -> httpx.Response:
        return self._send("DELETE", path)

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"{self.sandbox.url}{path}"
        return http.request(method, url, headers=headers, timeout=_PATIENCE, **how)

    def started(self, path: str, body: Any = None, **query: Any) -> str:
        """Start a job, and return its session id."""
        response = self.post(path, body, **query)
        assert response.status_code == 200, response.text
        session_id: str = response.json()["session_id"]
        return session_id

    def registered(self, record: Any) -> str:
        """Register a model run, wait for its job, and return its handle."""
        job = self.ended(self.started("/model_run/register", record))
        assert job["status"] == "SUCCEEDED", job
        handle: str = job["result"]["record"]["id"]
        return handle

    def batch(self, records: list[Any]) -> str:
        """Register a batch, wait until the jobs of its records exist, and return its id."""
        session_id = self.started("/model_run/register_batch", {"records": records})
        batch_id: str = self.ended(session_id)["result"]["batch_id"]
        return batch_id

    def fetched(self, session_id: str) -> httpx.Response:
        return self.get(f"{JOBS}/fetch", session_id=session_id)

    def listed(self, batch_id: str | None = None, **body: Any) -> tuple[list[Any], Any]:
        """List the user's jobs, or those of a batch: a page, and the key of the next one."""
        if batch_id is None:
            response = self.post(f"{JOBS}/list", body)
        else:
            response = self.post(f"{JOBS}/list_batch", {"batch_id": batch_id, **body})
        page = response.raise_for_status().json()
        return page["jobs"], page["pagination_key"]

    def in_state(self, session_id: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of some states, and return it."""
        end = time.monotonic() + _PATIENCE
        response = self.fetched(session_id)
        while response.status_code != 200 or response.json()["job"]["status"] not in states:
            if response.status_code != 200:
                assert response.json() == {"detail": "Item was not found."}
            assert time.monotonic() < end, response.text
            time.sleep(0.005)
            response = self.fetched(session_id)
        job: dict[str, Any] = response.json()["job"]
        return job

    def ended(self, session_id: str) -> dict[str, Any]:
        return self.in_state(session_id, *ENDED)

    def all_ended(self, count: int, batch_id: str | None = None) -> list[Any]:
        """Wait until this number of jobs exists and all have ended, and return them."""
        end = time.monotonic() + _PATIENCE
        while True:
            jobs, _ = self.listed(batch_id, limit=1000)
            if len(jobs) == count and all(job["status"] in ENDED for job in jobs):
                return jobs
            assert len(jobs) <= count, jobs
            assert time.monotonic() < end, [job["status"] for job in jobs]
            time.sleep(0.005)


def run_of(sandbox: Sandbox, run_id: str) -> Item:
    """Return a model run of the sandbox."""
    (found,) = (item for item in sandbox.items("MODEL_RUN") if item.id == run_id)
    return found


def record_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return the record of the first model run of the seed, with changes."""
    body: dict[str, Any] = sandbox.items("MODEL_RUN")[0].body["record"]
    return {**body, **changes}
