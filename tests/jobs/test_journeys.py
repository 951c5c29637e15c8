"""Registering, updating and linking model runs in a sandbox, and waiting for their jobs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import prov.model
import pytest
from clients import BOTH, every_transport, failure, new, quick_polling, run, sandbox_client

from prov_facade import (
    AuthenticationError,
    AuthManager,
    BadRequestError,
    BearerToken,
    InvalidRequestError,
    InvalidResponseError,
    JobFailedError,
    JobStatus,
    JobTimeoutError,
    LineageResponse,
    PermissionDeniedError,
    ProvClient,
    ProvError,
    RegisteredModelRun,
    ServerError,
    TransportError,
)
from prov_facade.sandbox import Fault, JobDelays, Sandbox, expired_token, gateway, statuses


def record_of(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    return {**sandbox.items("MODEL_RUN")[0].body["record"], **changes}


def nodes_of(lineage: LineageResponse) -> set[str]:
    assert lineage.graph is not None
    return {node["id"] for node in lineage.graph["nodes"]}


def check(registered: RegisteredModelRun, sandbox: Sandbox) -> None:
    """Compare a model run with the sandbox's item, and parse its document with `prov`."""
    item = next(item for item in sandbox.items("MODEL_RUN") if item.id == registered.handle)
    assert registered.record.display_name == item.display_name
    document = prov.model.ProvDocument.deserialize(content=registered.prov_json, format="json")
    activities = [str(one.identifier) for one in document.get_records(prov.model.ProvActivity)]
    assert any(registered.handle in activity for activity in activities)
    assert list(document.get_records(prov.model.ProvUsage))
    assert registered.prov_document == json.loads(registered.prov_json)


@every_transport
def test_a_registered_run_can_be_explored_by_its_handle(sandbox: Sandbox) -> None:
    record = record_of(sandbox, display_name="A new run")
    seen: list[JobStatus] = []

    async def journey() -> None:
        async with sandbox_client(sandbox, "read", "write") as client:
            registered = await client.register_and_wait(
                record, on_change=lambda job: seen.append(job.status)
            )
            assert isinstance(registered, RegisteredModelRun)
            assert registered.record.display_name == "A new run"
            check(registered, sandbox)
            nodes = nodes_of(await client.explore_upstream(registered.handle))
            assert registered.handle in nodes
            assert record["inputs"][0]["dataset_id"] in nodes
            assert await client.jobs.wait_for_model_run(registered.session_id) == registered

    run(journey())
    assert seen[-1] == JobStatus.SUCCEEDED
    assert seen == sorted(set(seen), key=list(JobStatus).index)


def test_an_updated_run_is_returned_as_updated(sandbox: Sandbox) -> None:
    before = sandbox.items("MODEL_RUN")[0]
    record = record_of(sandbox, description="Another description.")
    client = sandbox_client(sandbox, "read", "write")
    updated = run(client.update_and_wait(before.id, "It was wrong.", record))
    assert updated.handle == before.id
    assert updated.record.description == "Another description."
    check(updated, sandbox)


def test_a_run_is_linked_to_a_study(sandbox: Sandbox) -> None:
    record = record_of(sandbox)
    record.pop("study_id", None)
    study = sandbox.items("STUDY")[0].id

    async def journey() -> None:
        async with sandbox_client(sandbox, "read", "write") as client:
            registered = await client.register_and_wait(record)
            assert registered.record.study_id is None
            linked = await client.link_to_study_and_wait(registered.handle, study)
            assert (linked.handle, linked.record.study_id) == (registered.handle, study)
            check(linked, sandbox)
            assert study in nodes_of(await client.explore_upstream(registered.handle, 1))

    run(journey())


Journey = Callable[[ProvClient, Sandbox], Any]

JOURNEYS: dict[str, tuple[Journey, str]] = {
    "register": (
        lambda client, sandbox: client.register_and_wait(record_of(sandbox)),
        "MODEL_RUN_PROV_LODGE",
    ),
    "update": (
        lambda client, sandbox: client.update_and_wait(
            sandbox.items("MODEL_RUN")[0].id, "Why not?", record_of(sandbox)
        ),
        "MODEL_RUN_UPDATE",
    ),
}


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_failed_job_gives_its_reason(sandbox: Sandbox, name: str) -> None:
    journey, kind = JOURNEYS[name]
    sandbox.faults.fail_jobs(kind, "No space left.")
    before = len(sandbox.items("MODEL_RUN"))
    error = failure(JobFailedError, journey(sandbox_client(sandbox), sandbox))
    assert error.reason == "No space left."
    assert error.job is not None
    assert error.job.job_sub_type == kind
    assert error.session_id == error.job.session_id
    assert len(sandbox.items("MODEL_RUN")) == before


@pytest.mark.parametrize("name", JOURNEYS)
@BOTH
def test_a_job_can_be_waited_for_again_after_a_timeout(name: str) -> None:
    journey, _ = JOURNEYS[name]
    with Sandbox(delays=JobDelays(in_progress=1)) as sandbox:
        client = sandbox_client(sandbox, polling=quick_polling(deadline=0.1))
        error = failure(JobTimeoutError, journey(client, sandbox))
        assert error.job is not None
        assert error.job.status == JobStatus.IN_PROGRESS
        again = sandbox_client(sandbox)
        check(run(again.jobs.wait_for_model_run(error.session_id)), sandbox)


def test_a_rejected_registration_is_not_polled(sandbox: Sandbox) -> None:
    client = sandbox_client(sandbox)
    failure(InvalidRequestError, client.register_and_wait({}))
    assert sandbox.requests == []
    record = record_of(sandbox, workflow_template_id="10378.1/nothing")
    failure(BadRequestError, client.register_and_wait(record))
    assert [request.operation_id for request in sandbox.requests] == ["register_model_run"]


@every_transport
def test_a_run_is_registered_despite_a_cold_start_and_transient_errors() -> None:
    delays = JobDelays(hidden=0.1, pending=0.3, dequeued=0.1, in_progress=0.1)
    with Sandbox(delays=delays) as sandbox:
        sandbox.faults.add(
            "fetch_job",
            gateway(502),
            *statuses([500, 503]),
            Fault(drop=True),
            Fault(status=429, headers={"Retry-After": "0"}),
            Fault(truncate=3),
            Fault(drop=True, delay=0.05),
        )
        client = sandbox_client(sandbox)
        check(run(client.register_and_wait(record_of(sandbox))), sandbox)
        assert sandbox.faults.left("fetch_job") == 0
        operations = [request.operation_id for request in sandbox.requests]
        assert operations.count("register_model_run") == 1


@pytest.mark.parametrize("fault", [Fault(drop=True, after=True), Fault(status=502, after=True)])
def test_a_registration_without_a_response_is_not_repeated(sandbox: Sandbox, fault: Fault) -> None:
    sandbox.faults.add("register_model_run", fault)
    kind: type[ProvError] = TransportError if fault.drop else ServerError
    error = failure(kind, sandbox_client(sandbox).register_and_wait(record_of(sandbox)))
    assert "check before sending it again" in str(error)
    assert len(sandbox.requests) == 1


class RefreshingAuth(AuthManager):
    """Keeps a token until it is refreshed."""

    def __init__(self, sandbox: Sandbox, lifetime: float) -> None:
        self._sandbox = sandbox
        self._lifetime = lifetime
        self.tokens: list[str] = []
        self.force_refresh()

    def get_token(self) -> str:
        return self.tokens[-1]

    def force_refresh(self) -> None:
        token = self._sandbox.token("read", "write", expires_in=self._lifetime)
        self.tokens.append(token)


@BOTH
def test_tokens_that_expire_during_a_wait_are_refreshed() -> None:
    with Sandbox(delays=JobDelays(in_progress=0.6)) as sandbox:
        auth = RefreshingAuth(sandbox, lifetime=0.2)
        client = new(ProvClient, auth, sandbox.config, polling=quick_polling())
        check(run(client.register_and_wait(record_of(sandbox))), sandbox)
        assert len(auth.tokens) >= 3
        sent = {request.headers["authorization"] for request in sandbox.requests}
        assert sent == {f"Bearer {token}" for token in auth.tokens}


def test_a_token_that_expires_in_transit_is_refreshed(sandbox: Sandbox) -> None:
    auth = RefreshingAuth(sandbox, lifetime=60)
    sandbox.faults.add("fetch_job", expired_token(), Fault(drop=True), expired_token())
    run(
        new(ProvClient, auth, sandbox.config, polling=quick_polling()).register_and_wait(
            record_of(sandbox)
        )
    )
    assert len(auth.tokens) == 3


@BOTH
def test_a_job_can_be_waited_for_again_after_a_fixed_token_expired() -> None:
    with Sandbox(delays=JobDelays(in_progress=0.5)) as sandbox:
        auth = BearerToken(sandbox.token("read", "write", expires_in=0.25))
        client = new(ProvClient, auth, sandbox.config, polling=quick_polling())
        error = failure(AuthenticationError, client.register_and_wait(record_of(sandbox)))
        (note,) = error.__notes__
        session_id = note.split()[2]
        again = sandbox_client(sandbox)
        check(run(again.jobs.wait_for_model_run(session_id)), sandbox)


def test_a_job_of_another_user_is_an_error(sandbox: Sandbox) -> None:
    registered = run(sandbox_client(sandbox).register_and_wait(record_of(sandbox)))
    auth = sandbox.auth("read", "write", "admin", username="bob")
    bob = new(ProvClient, auth, sandbox.config, polling=quick_polling())
    start = time.monotonic()
    error = failure(PermissionDeniedError, bob.jobs.wait(registered.session_id))
    assert time.monotonic() - start < 5
    assert error.status_code == 401
    assert registered.handle not in str(error)


def test_a_job_that_does_not_exist_is_an_error(sandbox: Sandbox) -> None:
    client = sandbox_client(sandbox, polling=quick_polling(not_found_grace=0.1))
    with pytest.raises(ProvError, match="does not know the job nothing"):
        run(client.jobs.wait("nothing"))


def test_the_result_of_another_kind_of_job_is_an_error(sandbox: Sandbox) -> None:
    async def journey() -> None:
        async with sandbox_client(sandbox) as client:
            started = await client.register_batch_model_runs({"records": [record_of(sandbox)]})
            assert started.session_id is not None
            with pytest.raises(InvalidResponseError, match="MODEL_RUN_BATCH_SUBMIT") as caught:
                await client.jobs.wait_for_model_run(started.session_id)
            assert caught.value.path == "$.job.result"
            registered = await client.register_and_wait(record_of(sandbox))
            for wait in (client.jobs.wait_for_batch, client.jobs.wait_for_report):
                with pytest.raises(InvalidResponseError, match="cannot be used"):
                    await wait(registered.session_id)

    run(journey())


@every_transport
def test_runs_can_be_registered_concurrently(sandbox: Sandbox) -> None:
    async def journey() -> None:
        async with sandbox_client(sandbox) as client:
            registered = await asyncio.gather(
                *(
                    client.register_and_wait(record_of(sandbox, display_name=f"Run {n}"))
                    for n in range(20)
                )
            )
            assert [one.record.display_name for one in registered] == [
                f"Run {n}" for n in range(20)
            ]
            assert len({one.handle for one in registered}) == 20

    run(journey())
