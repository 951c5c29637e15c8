"""The operations of the job-api."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prov_facade.sandbox._http.calls import Call, Handler, RejectedError, is_storable
from prov_facade.sandbox._state.jobs import Job, Jobs

_MAX_LIMIT = 1000


class JobHandlers:
    """The operations of the job-api.

    Args:
        jobs: The jobs.
        report_url: Creates the URL of the report of a job, from the base URL and the session id.
    """

    def __init__(self, jobs: Jobs, report_url: Callable[[str, str], str]) -> None:
        self._jobs = jobs
        self._report_url = report_url

    def table(self) -> dict[str, Handler]:
        """Return the handlers by operation id."""
        return {
            "fetch_job": self._fetch_job,
            "list_jobs": self._list_jobs,
            "list_batch": self._list_batch,
        }

    def _fetch_job(self, call: Call) -> dict[str, Any]:
        job = self._jobs.find(call.query["session_id"])
        if job is None:
            raise RejectedError(400, "Item was not found.")
        if job.username != call.caller.username:
            raise RejectedError(401, "Not authorised to view this record.")
        return {"job": self._as_json(call, job)}

    def _as_json(self, call: Call, job: Job) -> dict[str, Any]:
        json = job.as_json()
        if job.job_sub_type == "GENERATE_REPORT" and job.result is not None:
            # With the host that the caller used, since this machine may have several names.
            json["result"] = {"report_url": self._report_url(call.base_url, job.session_id)}
        return json

    def _list_jobs(self, call: Call) -> dict[str, Any]:
        return self._page(call, username=call.caller.username)

    def _list_batch(self, call: Call) -> dict[str, Any]:
        batch_id = call.body["batch_id"]
        check_batch_owner(self._jobs, call, batch_id)
        return self._page(call, batch_id=batch_id)

    def _page(self, call: Call, **filters: str) -> dict[str, Any]:
        key = call.body.get("pagination_key") or {}
        before = key.get("number")
        if key and not (type(before) is int and is_storable(before)):
            # The database of the real server fails with such a key.
            raise RejectedError(500, "The pagination key did not come from this server.")
        limit = call.body.get("limit", 10)
        if limit < 1:
            raise RejectedError(500, "The limit must be at least 1.")
        page = self._jobs.page(before=before, limit=min(limit, _MAX_LIMIT), **filters)
        return {
            "jobs": [self._as_json(call, job) for job in page.jobs],
            "pagination_key": page.pagination_key,
        }


def check_batch_owner(jobs: Jobs, call: Call, batch_id: str) -> None:
    """Check that all jobs of a batch belong to the caller."""
    if jobs.batch_is_shared(batch_id, call.caller.username):
        raise RejectedError(401, "Batch contains items which you do not own. Not authorised.")
