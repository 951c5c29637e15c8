"""Errors of jobs and of arguments name the call that they belong to."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Coroutine
from typing import Any

import pytest
from clients import client_for, failure, quick_polling
from jobs.replies import SESSION, UNKNOWN, job_reply
from sample_calls import RECORD, STATUS
from scripted_server import Reply, Server, json_reply

from prov_facade import (
    InvalidRequestError,
    InvalidResponseError,
    JobFailedError,
    JobNotFoundError,
    JobTimeoutError,
    ProvClient,
    ProvError,
    ReportError,
)

IMPATIENT = quick_polling(deadline=0, not_found_grace=0)


async def consume(items: AsyncIterable[Any]) -> None:
    async for _ in items:
        pass


def wait(client: ProvClient) -> Coroutine[Any, Any, Any]:
    return client.jobs.wait(SESSION)


def register(client: ProvClient) -> Coroutine[Any, Any, Any]:
    return client.register_and_wait(RECORD)


CALLS: dict[str, tuple[Callable[[ProvClient], Coroutine[Any, Any, Any]], type[ProvError], str]] = {
    "failed": (wait, JobFailedError, "fetch_job"),
    "running": (wait, JobTimeoutError, "fetch_job"),
    "unknown": (wait, JobNotFoundError, "fetch_job"),
    "another result": (
        lambda client: client.jobs.wait_for_model_run(SESSION),
        InvalidResponseError,
        "fetch_job",
    ),
    "not a batch": (
        lambda client: client.jobs.wait_for_batch(SESSION),
        InvalidResponseError,
        "fetch_job",
    ),
    "invalid URL": (lambda client: client.jobs.wait_for_report(SESSION), ReportError, "fetch_job"),
    "expired URL": (
        lambda client: client.jobs.wait_for_report(SESSION),
        ReportError,
        "fetch_report",
    ),
    "no session id": (register, InvalidResponseError, "register_model_run"),
    "empty session id": (
        lambda client: client.jobs.wait(""),
        InvalidRequestError,
        "fetch_job",
    ),
    "page size": (
        lambda client: consume(client.jobs.list(page_size=0)),
        InvalidRequestError,
        "list_jobs",
    ),
    "page size of a batch": (
        lambda client: consume(client.jobs.list_batch("1", page_size=0)),
        InvalidRequestError,
        "list_batch",
    ),
    "chunk size": (
        lambda client: consume(client.register_many([RECORD], chunk_size=0)),
        InvalidRequestError,
        "register_batch_model_runs",
    ),
    "chunk size of a file": (
        lambda client: client.register_csv("runs.csv", chunk_size=0),
        InvalidRequestError,
        "register_batch_model_runs",
    ),
}
REPLIES: dict[str, Reply] = {
    "failed": job_reply("FAILED"),
    "running": job_reply("IN_PROGRESS"),
    "unknown": UNKNOWN,
    "another result": job_reply("SUCCEEDED"),
    "not a batch": job_reply("SUCCEEDED"),
    "invalid URL": job_reply("SUCCEEDED", result={"report_url": "report.docx"}),
    "no session id": json_reply({"status": STATUS}),
}


@pytest.mark.parametrize("name", CALLS)
def test_errors_name_their_call_once(name: str, server: Server) -> None:
    call, kind, operation = CALLS[name]
    expired = job_reply("SUCCEEDED", result={"report_url": f"{server.url}/report?Signature=1"})
    denied = json_reply({}, 403)
    server.response = REPLIES.get(
        name, lambda request: denied if request.path == "/report" else expired
    )
    error = failure(kind, call(client_for(server.url, polling=IMPATIENT)))
    assert error.operation == operation
    assert str(error).startswith(f"{error.call}: ")
    assert str(error).count(f"{operation} (") == 1
