"""The states of a job, from its creation to its end."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox.caller import Caller, Clock, record_of

from prov_facade.sandbox import JobDelays, Sandbox
from prov_facade.sandbox._state import jobs as _jobs

STATES = ("PENDING", "DEQUEUED", "IN_PROGRESS", "SUCCEEDED")
# The `info` of jobs that are neither waiting nor finished.
PROGRESS = (
    "Job removed from queue ready for processing by worker task.",
    "Job has been dispatched to worker callback and is in progress.",
)


def test_a_job_is_hidden_first_and_then_passes_through_all_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a simulated clock, so that no state can be missed."""
    clock = Clock()
    monkeypatch.setattr(_jobs, "time", clock)
    # Short, since the worker sleeps by the system clock before it reads this one again, and
    # fractions that a float represents exactly.
    with Sandbox(delays=JobDelays(0.125, 0.25, 0.375, 0.5)) as sandbox:
        ann = Caller(sandbox, "ann")
        session_id = ann.start_job("/model_run/register", record_of(sandbox, display_name="New"))
        created = clock.now
        for seconds in (0, 0.0625):
            clock.now += seconds
            hidden = ann.fetch_job(session_id)
            assert (hidden.status_code, hidden.json()) == (400, {"detail": "Item was not found."})
        clock.now += 0.0625
        # Visible from now on, and PENDING until that delay is over.
        jobs: list[Any] = [ann.fetch_job(session_id).json()["job"]]
        for seconds in (0.25, 0.375, 0.5):
            clock.now += seconds
            others = {*STATES, "FAILED"} - {jobs[-1]["status"]}
            jobs.append(ann.wait_for_state(session_id, *others))

    assert [job["status"] for job in jobs] == list(STATES)
    assert {job["created_timestamp"] for job in jobs} == {created}
    assert {(job["session_id"], job["username"]) for job in jobs} == {(session_id, "ann")}
    assert [job["result"] for job in jobs[:-1]] == [None] * 3
    assert jobs[-1]["result"]["record"]["record"]["display_name"] == "New"
    assert [job["info"] for job in jobs] == [None, *PROGRESS, None]


@pytest.mark.parametrize("state", STATES[:-1])
def test_a_job_stays_in_a_state_for_its_delay(state: str) -> None:
    with Sandbox(delays=JobDelays(**{state.lower(): 3600})) as sandbox:
        caller = Caller(sandbox)
        before = len(sandbox.items("MODEL_RUN"))
        session_id = caller.start_job("/model_run/register", record_of(sandbox))
        job = caller.wait_for_state(session_id, state)
        assert job["result"] is None
        assert len(sandbox.items("MODEL_RUN")) == before


def test_a_failed_job_has_info_and_no_result(sandbox: Sandbox) -> None:
    caller = Caller(sandbox)
    records = [record_of(sandbox), record_of(sandbox, workflow_template_id="10378.1/404")]
    batch_id = caller.register_batch(records)
    failed, good = sorted(caller.wait_for_jobs(2, batch_id), key=lambda job: str(job["status"]))
    assert (good["status"], good["info"]) == ("SUCCEEDED", None)
    assert (failed["status"], failed["result"]) == ("FAILED", None)
    assert failed["info"] == "Could not find WORKFLOW_TEMPLATE with id 10378.1/404."


def test_the_jobs_of_a_batch_have_its_id_and_user(sandbox: Sandbox) -> None:
    ann = Caller(sandbox, "ann", "read", "write")
    batch_id = ann.register_batch([record_of(sandbox), record_of(sandbox)])
    jobs = ann.wait_for_jobs(2, batch_id)
    facts = ("batch_id", "username", "job_type", "job_sub_type", "status")
    assert {tuple(job[fact] for fact in facts) for job in jobs} == {
        (batch_id, "ann", "PROV_LODGE", "MODEL_RUN_PROV_LODGE", "SUCCEEDED")
    }
    handles = {job["result"]["record"]["id"] for job in jobs}
    assert len(handles) == 2
    owners = {item.owner_username for item in sandbox.items("MODEL_RUN") if item.id in handles}
    assert owners == {"ann"}
