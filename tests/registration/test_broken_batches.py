"""Batch jobs that fail after they have started some of their jobs: each record once."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from registration.registrar import (
    QUICK,
    Registrar,
    jobs_of,
    names,
    records,
    registered_names,
)

from prov_facade import JobFailedError, SubmissionUnknownError
from prov_facade.sandbox import Sandbox

SUBMIT = "register_batch_model_runs"


def registered_once(sandbox: Sandbox, count: int) -> None:
    assert registered_names(sandbox) == dict.fromkeys(names(count), 1)


def submissions(sandbox: Sandbox) -> list[list[str]]:
    return [
        [one["display_name"] for one in request.json()["records"]]
        for request in sandbox.requests
        if request.operation_id == SUBMIT
    ]


@pytest.mark.parametrize("started", [0, 3, 5, 6])
def test_only_records_without_a_job_are_submitted_again(
    started: int, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.break_off_batches(started)
    run = registrar.many(records(6), manifest).all_registered(6)
    registered_once(sandbox, 6)
    again = [names(6)[started:]] if started < 6 else []
    assert submissions(sandbox) == [names(6), *again]
    by_handle = {item.id: item.display_name for item in sandbox.items("MODEL_RUN")}
    assert {by_handle[str(one.handle)] for one in run.results} == set(names(6))
    assert all(by_handle[str(one.handle)] == f"Run {one.index}" for one in run.results)
    resumed = registrar.many(records(6), manifest).all_registered(6)
    assert resumed.handles == run.handles
    assert all(one.resumed for one in resumed.results)


def test_a_batch_that_breaks_off_again_and_again_is_registered_once(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.break_off_batches(2, 1, 3)
    run = registrar.many(records(12), manifest, chunk_size=7).all_registered(12)
    registered_once(sandbox, 12)
    assert run.progress[-1].submitted == 12


def test_a_job_that_starts_late_is_waited_for(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.break_off_batches(2, late=0.5)
    registrar.many(records(5), manifest, recovery_timeout=2).all_registered(5)
    registered_once(sandbox, 5)
    assert submissions(sandbox) == [names(5), names(5)[3:]]


def test_jobs_that_fail_after_a_broken_batch_are_reported(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.break_off_batches(2)
    sandbox.faults.fail_jobs("MODEL_RUN_PROV_LODGE", "Full.")
    run = registrar.many(records(4), manifest)
    assert run.error is None
    ((index, error),) = run.errors.items()
    assert index < 2
    assert isinstance(error, JobFailedError)
    assert error.reason == "Full."
    assert sum(registered_names(sandbox).values()) == 3
    again = registrar.many(records(4), manifest)
    assert [str(one) for one in again.errors.values()] == [str(error)]


def test_jobs_of_two_registrations_with_equal_records_are_left_to_the_user(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.break_off_batches(3, 2)
    # It stops while its own jobs are examined.
    hasty = evolve(registrar, polling=evolve(QUICK, deadline=0))
    hasty.many(records(6), manifest.with_name("other"), recovery_timeout=60)
    run = registrar.many(records(6), manifest)
    jobs = [job for job in jobs_of(sandbox) if job.job_sub_type == "MODEL_RUN_PROV_LODGE"]
    assert len(jobs) == 5
    assert len(run.errors) == 6
    for error in run.errors.values():
        assert isinstance(error, SubmissionUnknownError)
        assert set(error.candidates) == {job.session_id for job in jobs}
    assert len(submissions(sandbox)) == 2
    again = registrar.many(records(6), manifest)
    assert sorted(again.errors) == list(range(6))
    assert len(submissions(sandbox)) == 2
    registrar.many(records(6), manifest, resolutions={0: None}).all_registered(6)
    assert len(submissions(sandbox)) == 3
