"""Waiting for a job: how often it polls, what it retries, and how it ends."""

from __future__ import annotations

import asyncio
import pickle
import threading
import time

import pytest
from clients import (
    ASYNC_ONLY,
    BOTH,
    TOKEN,
    client_for,
    config_for,
    failure,
    new,
    quick_polling,
    run,
)
from jobs.replies import DONE, SESSION, UNKNOWN, job_reply
from scripted_server import Cut, Received, Reply, Script, Server, json_reply, reply

from prov_facade import (
    AuthenticationError,
    BadRequestError,
    BearerToken,
    InvalidRequestError,
    InvalidResponseError,
    JobFailedError,
    JobNotFoundError,
    JobsClient,
    JobStatus,
    JobStatusTable,
    JobTimeoutError,
    NotFoundError,
    PermissionDeniedError,
    ProvError,
    RetryPolicy,
    TransportTimeoutError,
)

PENDING, DEQUEUED, IN_PROGRESS = (
    job_reply("PENDING"),
    job_reply("DEQUEUED"),
    job_reply("IN_PROGRESS"),
)

# Intervals of 0.01, 0.03, 0.09, 0.25, 0.25, ... seconds, varied by up to a quarter.
GROWING = quick_polling(interval=0.01, factor=3, max_interval=0.25)
MIN_GAPS = [wait * 0.75 for wait in (0.01, 0.03, 0.09, 0.25, 0.25)]
BELOW_THE_MAXIMUM = 0.18


def test_polling_slows_down_to_the_maximum_interval(server: Server) -> None:
    server.response = script = Script(*[PENDING] * 6, DONE)
    client = client_for(server.url, polling=GROWING)
    run(client.jobs.wait(SESSION))
    assert all(gap >= minimum for gap, minimum in zip(script.gaps, MIN_GAPS, strict=False))
    assert script.gaps[0] < BELOW_THE_MAXIMUM
    assert max(script.gaps) < 0.7  # without a maximum, the last ones would be longer


def test_polling_speeds_up_when_the_job_changes(server: Server) -> None:
    server.response = script = Script(*[PENDING] * 4, IN_PROGRESS, DONE)
    client = client_for(server.url, polling=GROWING)
    run(client.jobs.wait(SESSION))
    assert script.gaps[3] >= MIN_GAPS[3]
    assert script.gaps[4] < BELOW_THE_MAXIMUM


def test_each_poll_is_a_request_to_the_job_api(server: Server) -> None:
    server.response = DONE
    run(client_for(server.url).jobs.wait(SESSION))
    (request,) = server.received
    assert (request.method, request.path) == ("GET", "/job-api/jobs/user/fetch")
    assert request.query == {"session_id": SESSION}
    assert request.token == f"Bearer {TOKEN}"


@pytest.mark.parametrize("retry_after", ["600", "9" * 15, "Fri, 31 Dec 9999 23:59:59 GMT"])
@pytest.mark.parametrize("deadline", [30, None])
def test_a_long_retry_after_does_not_silence_the_wait(
    deadline: float | None, retry_after: str, server: Server
) -> None:
    busy = json_reply({"detail": "busy"}, 503, {"Retry-After": retry_after})
    server.response = script = Script(PENDING, busy, DONE)
    client = client_for(
        server.url,
        retries=RetryPolicy(max_retry_after=0.2),
        polling=quick_polling(deadline=deadline),
    )
    run(client.jobs.wait(SESSION))
    assert 0.2 <= script.gaps[1] < 5


@ASYNC_ONLY
def test_waiting_does_not_block_the_event_loop(server: Server) -> None:
    arrived, ticked = threading.Event(), threading.Event()

    def until_ticked(_: Received) -> Reply:
        arrived.set()
        assert ticked.wait(20), "the loop waits for the response"
        return PENDING

    server.response = Script(until_ticked, PENDING, DONE)

    async def working() -> None:
        waiting = asyncio.create_task(client_for(server.url).jobs.wait(SESSION))
        await asyncio.to_thread(arrived.wait, 20)
        ticked.set()
        await waiting

    run(working())


def test_several_jobs_can_be_waited_for_concurrently(server: Server) -> None:
    def respond(request: Received) -> Reply:
        session = request.query["session_id"]
        seen = sum(other.query["session_id"] == session for other in server.received)
        return job_reply("SUCCEEDED" if seen > 3 else "PENDING", session_id=session)

    server.response = respond
    client = client_for(server.url)

    async def together() -> list[JobStatusTable]:
        return await asyncio.gather(*(client.jobs.wait(f"job {n}") for n in range(5)))

    assert [job.session_id for job in run(together())] == [f"job {n}" for n in range(5)]


def test_a_job_that_is_not_found_at_first_is_polled_again(server: Server) -> None:
    server.response = Script(*[UNKNOWN] * 5, PENDING, DONE)
    job = run(client_for(server.url).jobs.wait(SESSION))
    assert job.status == JobStatus.SUCCEEDED
    assert len(server.received) == 7


def test_a_job_that_is_not_found_within_the_grace_is_an_error(server: Server) -> None:
    server.response = script = Script(UNKNOWN)
    client = client_for(server.url, polling=quick_polling(not_found_grace=0.2))
    error = failure(JobNotFoundError, client.jobs.wait(SESSION))
    assert 0.15 <= script.times[-1] - script.times[0] < 5
    assert (error.session_id, error.job) == (SESSION, None)
    assert error.status_code == 400
    assert error.operation == "fetch_job"
    assert "Item was not found." in str(error)
    assert f"jobs.wait('{SESSION}')" in str(error)
    assert isinstance(error.__cause__, BadRequestError)


def test_without_a_grace_a_job_that_is_not_found_is_an_immediate_error(server: Server) -> None:
    server.response = Script(UNKNOWN)
    failure(
        JobNotFoundError,
        client_for(server.url, polling=quick_polling(not_found_grace=0)).jobs.wait(SESSION),
    )
    assert len(server.received) == 1


def test_the_grace_starts_again_once_the_job_was_found(server: Server) -> None:
    server.response = Script(
        *[UNKNOWN] * 2, *[PENDING] * 3, *[UNKNOWN] * 2, *[IN_PROGRESS] * 3, *[UNKNOWN] * 2, DONE
    )
    # Two in a row take 0.03 s, and all of them together take longer than the grace.
    polling = quick_polling(interval=0.03, max_interval=0.03, not_found_grace=0.2)
    assert run(client_for(server.url, polling=polling).jobs.wait(SESSION)).session_id == SESSION


HANG = "hang"


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Cut(),
        Cut(IN_PROGRESS[:-10]),
        reply(b"<title>Bad Gateway</title>", "text/html", 502),
        json_reply({"detail": "Internal Server Error"}, 500),
        json_reply({"detail": "Away."}, 503),
        reply(b"", None, 504),
        json_reply({"detail": "Too many."}, 429),
    ],
    ids=["closed", "reset", "broken off", "502", "500", "503", "504", "429"],
)
def test_transient_errors_are_retried(server: Server, fault: Reply) -> None:
    server.response = Script(fault, fault, PENDING, fault, fault, IN_PROGRESS, fault, DONE)
    job = run(client_for(server.url).jobs.wait(SESSION))
    assert job.status == JobStatus.SUCCEEDED
    assert len(server.received) == 8


def test_a_poll_that_times_out_is_retried(server: Server) -> None:
    def hang(_: Received) -> Reply:
        time.sleep(0.5)
        return None

    server.response = Script(PENDING, hang, DONE)
    assert run(client_for(server.url).jobs.wait(SESSION, timeout=0.1)).session_id == SESSION


@BOTH
def test_an_unreachable_server_is_retried_until_the_deadline() -> None:
    with Server() as gone:
        pass
    polling = quick_polling(deadline=0.3)
    error = failure(JobTimeoutError, client_for(gone.url, polling=polling).jobs.wait(SESSION))
    assert "no poll has succeeded" in str(error)
    assert isinstance(error.__cause__, ProvError)
    assert "could not be opened" in str(error.__cause__)


def test_a_poll_is_not_retried_by_the_client(server: Server) -> None:
    server.response = script = Script(*[json_reply({}, 503)] * 3, DONE)
    client = client_for(server.url, retries=RetryPolicy(attempts=5, backoff=0), polling=GROWING)
    run(client.jobs.wait(SESSION))
    assert all(gap >= minimum for gap, minimum in zip(script.gaps, MIN_GAPS, strict=False))


def test_polling_respects_retry_after(server: Server) -> None:
    busy = json_reply({"detail": "Too many."}, 429, {"Retry-After": "1"})
    server.response = script = Script(busy, PENDING, DONE)
    run(client_for(server.url).jobs.wait(SESSION))
    assert 1 <= script.gaps[0] < 3
    assert script.gaps[1] < 0.9


def test_retry_after_does_not_extend_the_deadline(server: Server) -> None:
    server.response = Script(json_reply({"detail": "Too many."}, 429, {"Retry-After": "60"}))
    start = time.monotonic()
    client = client_for(server.url, polling=quick_polling(deadline=0.3))
    error = failure(JobTimeoutError, client.jobs.wait(SESSION))
    assert time.monotonic() - start < 5
    assert len(server.received) == 2  # immediately, and at the deadline
    assert isinstance(error.__cause__, ProvError)
    assert error.__cause__.status_code == 429


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (json_reply({"detail": "Could not validate credentials"}, 401), AuthenticationError),
        (
            json_reply({"detail": "Not authorised to view this record."}, 401),
            PermissionDeniedError,
        ),
        (json_reply({"detail": "Not Found"}, 404), NotFoundError),
        (json_reply({"status": {"success": True, "details": ""}}), InvalidResponseError),
    ],
    ids=["401", "not yours", "404", "no job"],
)
def test_a_permanent_error_ends_the_wait_and_says_how_to_resume(
    server: Server, response: bytes, kind: type[ProvError]
) -> None:
    server.response = Script(PENDING, response)
    error = failure(kind, client_for(server.url).jobs.wait(SESSION))
    assert len(server.received) == 2
    assert error.__notes__ == [
        f"The job {SESSION} may continue: wait for it again with jobs.wait('{SESSION}')."
    ]


PAGE = reply(b"<title>Welcome</title>", "text/html")


def test_html_in_place_of_a_job_is_retried(server: Server) -> None:
    server.response = Script(PENDING, PAGE, PAGE, DONE)
    run(client_for(server.url).jobs.wait(SESSION))
    assert len(server.received) == 4


def test_html_beyond_the_grace_is_an_error(server: Server) -> None:
    server.response = Script(PENDING, *[PAGE] * 400)
    client = client_for(server.url, polling=quick_polling(not_found_grace=0.1))
    error = failure(InvalidResponseError, client.jobs.wait(SESSION))
    assert "Welcome" in str(error)


def test_an_empty_session_id_is_rejected(server: Server) -> None:
    failure(InvalidRequestError, client_for(server.url).jobs.wait(""))
    assert not server.received


def test_a_long_cold_start_does_not_end_the_wait(server: Server) -> None:
    server.response = Script(*[UNKNOWN] * 10, *[PENDING] * 50, IN_PROGRESS, DONE)
    seen: list[JobStatus] = []
    polling = quick_polling(interval=0.002, max_interval=0.005)
    client = client_for(server.url, polling=polling)
    run(client.jobs.wait(SESSION, on_change=lambda job: seen.append(job.status)))
    assert seen == [JobStatus.PENDING, JobStatus.IN_PROGRESS, JobStatus.SUCCEEDED]
    assert len(server.received) == 62


def test_a_timeout_error_gives_the_last_status_and_how_to_resume(server: Server) -> None:
    server.response = Script(PENDING, DEQUEUED, IN_PROGRESS)
    start = time.monotonic()
    client = client_for(server.url, polling=quick_polling(deadline=0.2))
    error = failure(JobTimeoutError, client.jobs.wait(SESSION))
    assert 0.2 <= time.monotonic() - start < 5
    assert isinstance(error, TimeoutError)
    assert error.session_id == SESSION
    assert error.job is not None
    assert error.job.status == JobStatus.IN_PROGRESS
    assert str(error) == (
        f"{error.call}: the job {SESSION} did not end within 0.2 s: its last known status is"
        f" IN_PROGRESS. It may still end: wait for it again with jobs.wait('{SESSION}'). Do not"
        " repeat what it does without checking its effect"
    )
    assert error.__cause__ is None
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.session_id, again.job, str(again)) == (SESSION, error.job, str(error))

    server.response = DONE
    assert run(client.jobs.wait(error.session_id)).status == JobStatus.SUCCEEDED


def test_the_job_is_polled_once_more_at_the_deadline(server: Server) -> None:
    server.response = script = Script(PENDING, DONE)
    polling = quick_polling(interval=60, max_interval=60, deadline=0.2)
    assert run(client_for(server.url, polling=polling).jobs.wait(SESSION)).session_id == SESSION
    assert 0.1 < script.gaps[0] < 5


def test_a_deadline_of_zero_polls_once(server: Server) -> None:
    server.response = Script(PENDING)
    client = client_for(server.url, polling=quick_polling(deadline=0))
    failure(JobTimeoutError, client.jobs.wait(SESSION))
    assert len(server.received) == 1


def test_a_stalled_server_does_not_extend_the_deadline(server: Server) -> None:
    def hang(_: Received) -> Reply:
        time.sleep(0.6)
        return None

    server.response = Script(PENDING, hang)
    start = time.monotonic()
    client = client_for(server.url, polling=quick_polling(deadline=0.3), timeout=0.1)
    error = failure(JobTimeoutError, client.jobs.wait(SESSION))
    assert time.monotonic() - start < 2
    assert isinstance(error.__cause__, TransportTimeoutError)
    assert error.job is not None


def test_the_deadline_is_optional(server: Server) -> None:
    server.response = Script(*[PENDING] * 5, DONE)
    client = client_for(server.url, polling=quick_polling(deadline=None))
    assert run(client.jobs.wait(SESSION)).status == JobStatus.SUCCEEDED


def test_the_policy_of_a_call_overrides_that_of_the_client(server: Server) -> None:
    server.response = Script(PENDING)
    client = client_for(server.url, polling=quick_polling(deadline=3600))
    error = failure(
        JobTimeoutError, client.jobs.wait(SESSION, polling=quick_polling(deadline=0.05))
    )
    assert "within 0.05 s" in str(error)


def test_a_jobs_client_has_its_own_policy(server: Server) -> None:
    server.response = Script(PENDING)
    polling = quick_polling(deadline=0.05)
    alone = new(JobsClient, BearerToken(TOKEN), config_for(server.url), polling=polling)
    error = failure(JobTimeoutError, alone.wait(SESSION))
    assert "within 0.05 s" in str(error)


def test_each_change_is_reported_once(server: Server) -> None:
    server.response = Script(PENDING, PENDING, DEQUEUED, IN_PROGRESS, IN_PROGRESS, DONE)
    client = client_for(server.url)
    seen: list[JobStatusTable] = []
    job = run(client.jobs.wait(SESSION, on_change=seen.append))
    assert [change.status for change in seen] == list(JobStatus)[:4]
    assert seen[-1] == job


def test_watching_yields_changes_as_they_happen(server: Server) -> None:
    server.response = Script(UNKNOWN, PENDING, PENDING, None, IN_PROGRESS, DONE)
    client = client_for(server.url)

    async def statuses() -> list[tuple[str, int]]:
        watching = client.jobs.watch(SESSION)
        return [(job.status, len(server.received)) async for job in watching]

    assert run(statuses()) == [("PENDING", 2), ("IN_PROGRESS", 5), ("SUCCEEDED", 6)]


def test_watching_ends_with_a_failure_and_does_not_raise(server: Server) -> None:
    server.response = Script(IN_PROGRESS, job_reply("FAILED", info="No space left."))
    client = client_for(server.url)

    async def statuses() -> list[str]:
        return [job.status async for job in client.jobs.watch(SESSION)]

    assert run(statuses()) == ["IN_PROGRESS", "FAILED"]


def test_a_repeated_status_is_a_change_if_another_came_between(server: Server) -> None:
    server.response = Script(IN_PROGRESS, PENDING, IN_PROGRESS, DONE)
    seen: list[str] = []
    run(client_for(server.url).jobs.wait(SESSION, on_change=lambda job: seen.append(job.status)))
    assert seen == ["IN_PROGRESS", "PENDING", "IN_PROGRESS", "SUCCEEDED"]


def test_an_error_in_a_callback_ends_the_wait(server: Server) -> None:
    server.response = Script(PENDING)

    def refuse(job: JobStatusTable) -> None:
        raise LookupError(job.status)

    client = client_for(server.url)
    failure(LookupError, client.jobs.wait(SESSION, on_change=refuse))
    assert len(server.received) == 1


def test_a_failed_job_raises_the_reason_of_the_server(server: Server) -> None:
    server.response = Script(IN_PROGRESS, job_reply("FAILED", info="No space left."))
    error = failure(JobFailedError, client_for(server.url).jobs.wait(SESSION))
    assert error.reason == "No space left."
    assert error.session_id == SESSION
    assert error.job is not None
    assert error.job.status == JobStatus.FAILED
    message = f"the job {SESSION} (MODEL_RUN_PROV_LODGE) failed: No space left."
    assert str(error) == f"{error.call}: {message}"
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (again.reason, again.job) == (error.reason, error.job)


@pytest.mark.parametrize("info", [None, ""])
def test_a_failed_job_may_have_no_reason(server: Server, info: str | None) -> None:
    server.response = job_reply("FAILED", info=info)
    error = failure(JobFailedError, client_for(server.url).jobs.wait(SESSION))
    assert error.reason == ""
    assert "gives no reason" in str(error)


def test_a_job_can_be_fetched_without_waiting(server: Server) -> None:
    server.response = Script(IN_PROGRESS)
    job = run(client_for(server.url).jobs.fetch(SESSION))
    assert (job.session_id, job.status) == (SESSION, JobStatus.IN_PROGRESS)
    server.response = Script(UNKNOWN)
    error = failure(BadRequestError, client_for(server.url).jobs.fetch(SESSION))
    assert error.detail == "Item was not found."
    assert len(server.received) == 2
