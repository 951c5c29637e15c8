"""Sends raw requests to a sandbox as a given user, and simulates clocks."""

from __future__ import annotations

import time
from typing import Any

import httpx
from sandbox import http

from prov_facade.sandbox import Item, Sandbox

FINAL_STATUSES = ("SUCCEEDED", "FAILED")
JOBS = "/job-api/jobs/user"
_TIMEOUT = 30.0  # seconds; a job usually takes milliseconds


class Clock:
    """Replaces the module ``time`` with a clock that tests advance.

    Attributes:
        now: The current time, in Unix seconds.
    """

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def time(self) -> float:
        return self.now


class CallableClock:
    """A clock to pass as a function, which tests advance.

    Attributes:
        time: The current time, in Unix seconds: by default far from that of the system, to detect
            any use of the system clock.
    """

    def __init__(self, time: float = 4_000_000_000.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


class Caller:
    """A user, by default with all roles.

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

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"}
        url = f"{self.sandbox.url}{path}"
        return http.request(method, url, headers=headers, timeout=_TIMEOUT, **options)

    def start_job(self, path: str, body: Any = None, **query: Any) -> str:
        """Start a job, and return its session id."""
        response = self.post(path, body, **query)
        assert response.status_code == 200, response.text
        session_id: str = response.json()["session_id"]
        return session_id

    def register(self, record: Any) -> str:
        """Register a model run, wait for its job, and return its handle."""
        job = self.wait_for_job(self.start_job("/model_run/register", record))
        assert job["status"] == "SUCCEEDED", job
        handle: str = job["result"]["record"]["id"]
        return handle

    def register_batch(self, records: list[Any]) -> str:
        """Register a batch, wait until the jobs of its records exist, and return its id."""
        session_id = self.start_job("/model_run/register_batch", {"records": records})
        batch_id: str = self.wait_for_job(session_id)["result"]["batch_id"]
        return batch_id

    def fetch_job(self, session_id: str) -> httpx.Response:
        return self.get(f"{JOBS}/fetch", session_id=session_id)

    def list_jobs(self, batch_id: str | None = None, **body: Any) -> tuple[list[Any], Any]:
        """List the user's jobs, or those of a batch: a page, and the key of the next one."""
        if batch_id is None:
            response = self.post(f"{JOBS}/list", body)
        else:
            response = self.post(f"{JOBS}/list_batch", {"batch_id": batch_id, **body})
        page = response.raise_for_status().json()
        return page["jobs"], page["pagination_key"]

    def wait_for_state(self, session_id: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of some states, and return it."""
        end = time.monotonic() + _TIMEOUT
        response = self.fetch_job(session_id)
        while response.status_code != 200 or response.json()["job"]["status"] not in states:
            if response.status_code != 200:
                assert response.json() == {"detail": "Item was not found."}
            assert time.monotonic() < end, response.text
            time.sleep(0.005)
            response = self.fetch_job(session_id)
        job: dict[str, Any] = response.json()["job"]
        return job

    def wait_for_job(self, session_id: str) -> dict[str, Any]:
        return self.wait_for_state(session_id, *FINAL_STATUSES)

    def wait_for_jobs(self, count: int, batch_id: str | None = None) -> list[Any]:
        """Wait until this number of jobs exists and all have ended, and return them."""
        end = time.monotonic() + _TIMEOUT
        while True:
            jobs, _ = self.list_jobs(batch_id, limit=1000)
            if len(jobs) == count and all(job["status"] in FINAL_STATUSES for job in jobs):
                return jobs
            assert len(jobs) <= count, jobs
            assert time.monotonic() < end, [job["status"] for job in jobs]
            time.sleep(0.005)


def run_of(sandbox: Sandbox, run_id: str) -> Item:
    """Return a model run of the sandbox."""
    (found,) = (item for item in sandbox.items("MODEL_RUN") if item.id == run_id)
    return found


COMPLETE_RUN = "10378.1/1955110"
"""A model run of the seed with a dataset for every template, as a CSV file needs."""


def record_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return the record of the first model run of the seed, with changes."""
    body: dict[str, Any] = sandbox.items("MODEL_RUN")[0].body["record"]
    return {**body, **changes}


def registry_item(run: Item, **changes: Any) -> dict[str, Any]:
    """Return a model run in the format of the registry, with changes."""
    return {
        **run.body,
        "id": run.id,
        "display_name": run.display_name,
        "owner_username": run.owner_username,
        "created_timestamp": run.created_timestamp,
        "updated_timestamp": run.updated_timestamp,
        **changes,
    }
