"""The operations of the job-api."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from prov_facade.sandbox._http.calls import Call, Handler, RejectedError, is_storable
from prov_facade.sandbox._state.jobs import Job, Jobs, Position

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
        session_id = call.query["session_id"]
        _check_key("session_id", session_id)
        job = self._jobs.find(session_id)
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
        return self._page(call, "username", call.caller.username)

    def _list_batch(self, call: Call) -> dict[str, Any]:
        batch_id = call.body["batch_id"]
        _check_key("batch_id", batch_id)
        if self._jobs.batch_is_shared(batch_id, call.caller.username):
            raise RejectedError(401, "Batch contains items which you do not own. Not authorised.")
        return self._page(call, "batch_id", batch_id)

    def _page(
        self, call: Call, column: Literal["username", "batch_id"], value: str
    ) -> dict[str, Any]:
        key = call.body.get("pagination_key")
        limit = call.body.get("limit", 10)
        if limit < 1:
            raise _table_error("the limit must be at least 1")
        after = None if key is None else _position(key, column, value)
        jobs, more = self._jobs.page(column, value, after=after, limit=min(limit, _MAX_LIMIT))
        return {
            "jobs": [self._as_json(call, job) for job in jobs],
            "pagination_key": {**jobs[-1].position._asdict(), column: value} if more else None,
        }


def _table_error(reason: str) -> RejectedError:
    """Return the response to a request with which the database of the real server fails."""
    return RejectedError(500, f"Unexpected internal error occurred: {reason}.")


def _check_key(name: str, value: str) -> None:
    if not value:
        raise _table_error(f"the {name} must not be empty")


def _position(key: dict[str, Any], column: str, value: str) -> Position:
    """Return the position that a pagination key stands for."""
    created, session_id = key.get("created_timestamp"), key.get("session_id")
    if (
        len(key) == 3
        and key.get(column) == value
        and isinstance(session_id, str)
        and type(created) is int
        and is_storable(created)
    ):
        return Position(created, session_id)
    raise _table_error("the pagination key did not come from this server")
