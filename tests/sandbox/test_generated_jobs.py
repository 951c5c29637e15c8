"""The generated operations of the job-api against the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sandbox.caller import Caller, record_of

from job_api_client import AuthenticatedClient
from job_api_client.api.jobs import fetch_job, list_batch, list_jobs
from job_api_client.models import (
    JobStatus,
    JobStatusTable,
    JobSubType,
    JobType,
    ListByBatchRequest,
    ListJobsRequest,
)
from prov_api_client.errors import UnexpectedStatus
from prov_facade.sandbox import Sandbox

RUNS = 3


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def batch_id(shared: Sandbox) -> str:
    caller = Caller(shared)
    batch_id = caller.register_batch(
        [record_of(shared, display_name=f"Run {n}") for n in range(RUNS)]
    )
    caller.wait_for_jobs(RUNS, batch_id)
    return batch_id


@pytest.fixture
def client(shared: Sandbox) -> Iterator[AuthenticatedClient]:
    url, token = shared.config.job_api_endpoint, shared.token("read")
    with AuthenticatedClient(url, token=token, httpx_args={"trust_env": False}) as client:
        yield client


def pages(page: Callable[[dict[str, Any] | None], Any]) -> list[list[JobStatusTable]]:
    """Read all pages of a list."""
    found: list[list[JobStatusTable]] = []
    key: dict[str, Any] | None = None
    while not found or key is not None:
        response = page(key)
        found.append(response.jobs)
        key = response.pagination_key
    return found


def test_the_jobs_of_a_batch_are_listed_page_by_page(
    client: AuthenticatedClient, batch_id: str
) -> None:
    found = pages(
        lambda key: list_batch.sync(
            client=client, body=ListByBatchRequest(batch_id=batch_id, pagination_key=key, limit=2)
        )
    )
    assert [len(jobs) for jobs in found] == [2, 1]
    jobs = [job for page in found for job in page]
    names = [job.payload["record"]["display_name"] for job in jobs]
    assert sorted(names) == [f"Run {n}" for n in range(RUNS)]
    for job in jobs:
        assert (job.status, job.info, job.batch_id) == (JobStatus.SUCCEEDED, None, batch_id)
        assert job.job_type is JobType.PROV_LODGE
        assert job.job_sub_type is JobSubType.MODEL_RUN_PROV_LODGE
        assert job.result is not None
        assert job.result["record"]["id"]


def test_the_jobs_of_a_user_are_listed_page_by_page(
    client: AuthenticatedClient, batch_id: str
) -> None:
    found = pages(
        lambda key: list_jobs.sync(
            client=client, body=ListJobsRequest(pagination_key=key, limit=RUNS)
        )
    )
    assert [len(jobs) for jobs in found] == [RUNS, 1]
    (submitted,) = [
        job
        for page in found
        for job in page
        if job.job_sub_type is JobSubType.MODEL_RUN_BATCH_SUBMIT
    ]
    assert submitted.result == {"batch_id": batch_id}
    assert submitted.info == "Successfully distributed batch jobs to queue."


def test_a_job_is_fetched(client: AuthenticatedClient, batch_id: str) -> None:
    listed = list_batch.sync(client=client, body=ListByBatchRequest(batch_id=batch_id)).jobs[0]
    session_id = listed.session_id
    assert fetch_job.sync(client=client, session_id=session_id).job == listed

    async def fetching() -> JobStatusTable:
        async with client:
            return (await fetch_job.asyncio(client=client, session_id=session_id)).job

    assert asyncio.run(fetching()) == listed


def test_an_unknown_job_is_an_error(client: AuthenticatedClient) -> None:
    with pytest.raises(UnexpectedStatus) as raised:
        fetch_job.sync(client=client, session_id="7f0c1a52-9b1e-4c55-8a55-0a4b5d1f3c11")
    assert raised.value.response.status_code == 400
