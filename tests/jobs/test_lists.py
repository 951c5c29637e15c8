"""Lists of jobs, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from clients import BOTH, client_for, failure, new, run, sandbox_client
from jobs.replies import job_table
from scripted_server import Received, Reply, Server, json_reply

from prov_facade import (
    InvalidRequestError,
    InvalidResponseError,
    JobStatusTable,
    ProvClient,
    RetryPolicy,
    ServerError,
    raw_responses,
)
from prov_facade.sandbox import JobDelays, Sandbox, gateway

Listing = Callable[..., AsyncIterator[JobStatusTable]]

# Any pagination key is sent back unchanged.
KEYS: list[dict[str, Any]] = [
    {"username": {"S": "ann"}, "created_timestamp": {"N": "17"}},
    {"deep": [{"a": None, "b": 1.5, "c": "é"}]},
    {},
]


@pytest.fixture(params=["list", "list_batch"])
def listed(request: pytest.FixtureRequest) -> Callable[..., AsyncIterator[JobStatusTable]]:
    """Lists jobs, of the user or of a batch."""

    def listing(client: ProvClient, **settings: Any) -> AsyncIterator[JobStatusTable]:
        if request.param == "list":
            return client.jobs.list(**settings)
        return client.jobs.list_batch("batch 7", **settings)

    return listing


async def ids(jobs: AsyncIterator[JobStatusTable]) -> list[str]:
    return [job.session_id async for job in jobs]


def page(numbers: list[int], key: dict[str, Any] | None) -> bytes:
    jobs = [job_table("PENDING", session_id=f"job {number}") for number in numbers]
    status = {"success": True, "details": "Listed."}
    return json_reply({"status": status, "jobs": jobs, "pagination_key": key})


def serve_pages(server: Server) -> None:
    """Make the server return four pages, one of them empty."""
    replies = [page([1, 2], KEYS[0]), page([], KEYS[1]), page([3], KEYS[2]), page([4], None)]

    def respond(request: Received) -> Reply:
        given = request.json.get("pagination_key")
        return replies[0 if given is None else KEYS.index(given) + 1]

    server.response = respond


def test_each_page_is_requested_with_the_key_of_the_previous_one(
    server: Server, listed: Listing
) -> None:
    serve_pages(server)
    found = run(ids(listed(client_for(server.url), page_size=2)))
    assert found == ["job 1", "job 2", "job 3", "job 4"]
    bodies = [request.json for request in server.received]
    assert [body.get("pagination_key") for body in bodies] == [None, *KEYS]
    assert [body["limit"] for body in bodies] == [2] * 4


def test_each_list_has_its_route(server: Server) -> None:
    server.response = page([], None)
    client = client_for(server.url)
    run(ids(client.jobs.list()))
    run(ids(client.jobs.list_batch("batch 7")))
    sent = [(request.method, request.path, request.json) for request in server.received]
    first = {"limit": 50, "pagination_key": None}
    assert sent == [
        ("POST", "/job-api/jobs/user/list", first),
        ("POST", "/job-api/jobs/user/list_batch", {**first, "batch_id": "batch 7"}),
    ]


def test_pages_are_fetched_as_needed(server: Server, listed: Listing) -> None:
    serve_pages(server)

    async def iterate() -> None:
        jobs = listed(client_for(server.url))
        assert server.received == []
        for number, requests in ((1, 1), (2, 1), (3, 3)):
            assert (await anext(jobs)).session_id == f"job {number}"
            assert len(server.received) == requests

    run(iterate())


def test_an_empty_list_yields_nothing(server: Server, listed: Listing) -> None:
    server.response = page([], None)
    assert run(ids(listed(client_for(server.url)))) == []
    assert len(server.received) == 1


def test_a_repeated_pagination_key_is_an_error(server: Server, listed: Listing) -> None:
    server.response = page([1], KEYS[0])
    seen: list[str] = []

    async def endless() -> None:
        async for job in listed(client_for(server.url)):
            seen.append(job.session_id)
            assert len(seen) < 10

    error = failure(InvalidResponseError, endless())
    assert seen == ["job 1", "job 1"]
    assert len(server.received) == 2
    assert error.path == "$.pagination_key"
    assert error.operation in {"list_jobs", "list_batch"}


@pytest.mark.parametrize("size", [0, -1, True, 2.0, "5", None])
def test_an_invalid_page_size_is_rejected(server: Server, listed: Listing, size: object) -> None:
    error = failure(InvalidRequestError, ids(listed(client_for(server.url), page_size=size)))
    assert error.path == "$.page_size"
    assert repr(size) in str(error)
    assert server.received == []


def test_a_page_is_retried_after_a_transient_error(server: Server, listed: Listing) -> None:
    replies = [page([1], KEYS[0]), json_reply({}, 503), page([2], None)]
    server.response = lambda _: replies.pop(0)
    retries = RetryPolicy(attempts=2, backoff=0)
    assert run(ids(listed(client_for(server.url, retries=retries)))) == ["job 1", "job 2"]
    assert server.received[1].body == server.received[2].body


def test_the_timeout_applies_to_each_page(sandbox: Sandbox) -> None:
    client = sandbox_client(sandbox)
    sandbox.faults.add("list_jobs", gateway(500))
    error = failure(ServerError, ids(client.jobs.list(timeout=5)))
    assert error.operation == "list_jobs"
    with pytest.raises(ValueError, match="timeout"):
        run(ids(client.jobs.list(timeout=-1)))


@BOTH
def test_the_jobs_of_a_sandbox_are_listed() -> None:
    # By default, new jobs are hidden at first, as on the real server.
    with Sandbox(delays=JobDelays(hidden=0)) as sandbox:
        run(batch_journey(sandbox))


async def batch_journey(sandbox: Sandbox) -> None:
    record = sandbox.items("MODEL_RUN")[0].body["record"]
    async with sandbox_client(sandbox) as client:
        assert await ids(client.jobs.list()) == []
        records = [{**record, "display_name": f"Run {n}"} for n in range(7)]
        started = await client.register_batch_model_runs({"records": records})
        assert started.session_id is not None
        batch = await client.jobs.wait_for_batch(started.session_id)
        sandbox.clear_requests()
        with raw_responses() as responses:
            jobs = [job async for job in client.jobs.list_batch(batch, page_size=3)]
        assert len(responses) == len(sandbox.requests) == 3
        # Those of the same second are in any order.
        found = sorted(job.payload["record"]["display_name"] for job in jobs)
        assert found == [f"Run {n}" for n in range(7)]
        times = [job.created_timestamp for job in jobs]
        assert times == sorted(times, reverse=True)
        assert {job.batch_id for job in jobs} == {batch}
        for job in jobs:
            await client.jobs.wait_for_model_run(job.session_id)
        everything = await ids(client.jobs.list(page_size=5))
        assert sorted(everything) == sorted([started.session_id, *(job.session_id for job in jobs)])


def test_users_see_only_their_own_jobs(sandbox: Sandbox) -> None:
    record = sandbox.items("MODEL_RUN")[0].body["record"]
    run(sandbox_client(sandbox).register_and_wait(record))
    bob = new(ProvClient, sandbox.auth("read", username="bob"), sandbox.config)
    assert run(ids(bob.jobs.list())) == []
