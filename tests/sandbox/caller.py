"""Sends requests to a sandbox as they are on the wire, in somebody's name, and tells the time."""

from __future__ import annotations

import ssl
import time
from typing import Any

import httpx

from prov_facade.sandbox import Item, Sandbox

ENDED = ("SUCCEEDED", "FAILED")
JOBS = "/job-api/jobs/user"
_PATIENCE = 30.0  # seconds, for what takes milliseconds
_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # not used, but slow to make for each request


class Clock:
    """Stands in for the module ``time``: it goes on when it is told to.

    Attributes:
        now: What it shows, in Unix seconds.
    """

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def time(self) -> float:
        return self.now


class Caller:
    """Somebody who may do everything, unless roles are named.

    Args:
        sandbox: Where the requests go.
        username: Who it is.
        roles: What they may do.
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
        return httpx.request(method, url, headers=headers, verify=_TLS, timeout=_PATIENCE, **how)

    def started(self, path: str, body: Any = None, **query: Any) -> str:
        """Have a job started, and return its session id."""
        answer = self.post(path, body, **query)
        assert answer.status_code == 200, answer.text
        session_id: str = answer.json()["session_id"]
        return session_id

    def registered(self, record: Any) -> str:
        """Register a model run, and return its handle when it is there."""
        job = self.ended(self.started("/model_run/register", record))
        assert job["status"] == "SUCCEEDED", job
        handle: str = job["result"]["record"]["id"]
        return handle

    def batch(self, records: list[Any]) -> str:
        """Register a batch, and return its id when the jobs of its records are there."""
        session_id = self.started("/model_run/register_batch", {"records": records})
        batch_id: str = self.ended(session_id)["result"]["batch_id"]
        return batch_id

    def fetched(self, session_id: str) -> httpx.Response:
        return self.get(f"{JOBS}/fetch", session_id=session_id)

    def listed(self, batch_id: str | None = None, **body: Any) -> tuple[list[Any], Any]:
        """List one's jobs, or those of a batch: a page, and the key to the next one."""
        if batch_id is None:
            answer = self.post(f"{JOBS}/list", body)
        else:
            answer = self.post(f"{JOBS}/list_batch", {"batch_id": batch_id, **body})
        page = answer.raise_for_status().json()
        return page["jobs"], page["pagination_key"]

    def in_state(self, session_id: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of some states, and return it."""
        end = time.monotonic() + _PATIENCE
        answer = self.fetched(session_id)
        while answer.status_code != 200 or answer.json()["job"]["status"] not in states:
            if answer.status_code != 200:
                assert answer.json() == {"detail": "Item was not found."}
            assert time.monotonic() < end, answer.text
            time.sleep(0.005)
            answer = self.fetched(session_id)
        job: dict[str, Any] = answer.json()["job"]
        return job

    def ended(self, session_id: str) -> dict[str, Any]:
        return self.in_state(session_id, *ENDED)

    def all_ended(self, count: int, batch_id: str | None = None) -> list[Any]:
        """Wait until there are so many jobs and all of them have ended, and return them."""
        end = time.monotonic() + _PATIENCE
        while True:
            jobs, _ = self.listed(batch_id, limit=1000)
            if len(jobs) == count and all(job["status"] in ENDED for job in jobs):
                return jobs
            assert len(jobs) <= count, jobs
            assert time.monotonic() < end, [job["status"] for job in jobs]
            time.sleep(0.005)


def run_of(sandbox: Sandbox, run_id: str) -> Item:
    """Return a model run that the sandbox holds."""
    (found,) = (item for item in sandbox.items("MODEL_RUN") if item.id == run_id)
    return found


def record_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return the record of the first model run of the seed, changed."""
    body: dict[str, Any] = sandbox.items("MODEL_RUN")[0].body["record"]
    return {**body, **changes}
