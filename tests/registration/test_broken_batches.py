"""Batch jobs that fail after they have started some of their jobs: each record once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from registration.processes import interrupted_at
from registration.registrar import (
    QUICK,
    Kind,
    Registrar,
    execute,
    jobs_of,
    names,
    records,
    registered_names,
    registrar_for,
)
from registration.rewriting import Rewrite, rewriting

from prov_facade import JobFailedError, SubmissionUnknownError
from prov_facade._registration.manifest import Manifest
from prov_facade.sandbox import Fault, Sandbox

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


def shifted(seconds: int) -> Rewrite:
    def rewrite(page: dict[str, Any]) -> None:
        for job in page["jobs"]:
            job["created_timestamp"] += seconds

    return rewrite


def unreadable(page: dict[str, Any]) -> None:
    for job in page["jobs"]:
        if job["job_sub_type"] == "MODEL_RUN_PROV_LODGE":
            job["payload"] = {}


@pytest.mark.parametrize("seconds", [-10, 10])
def test_the_clock_of_the_job_servers_does_not_matter(
    seconds: int, kind: Kind, manifest: Path
) -> None:
    with rewriting(shifted(seconds)) as sandbox:
        sandbox.faults.break_off_batches(2)
        registrar_for(kind, sandbox).many(records(4), manifest).all_registered(4)
        registered_once(sandbox, 4)


def test_only_none_resolves_a_batch_that_broke_off(kind: Kind, manifest: Path) -> None:
    with rewriting(unreadable) as sandbox:
        registrar = registrar_for(kind, sandbox)
        sandbox.faults.break_off_batches(2)
        error = registrar.many(records(4), manifest).errors[0]
        assert isinstance(error, SubmissionUnknownError)
        assert "pass resolutions={0: None}" in str(error)
        run = registrar.many(records(4), manifest, resolutions={0: error.candidates[0]})
        assert sorted(run.errors) == [0, 1, 2, 3]
        assert len(submissions(sandbox)) == 1


def test_a_batch_that_was_partly_recognised_can_be_resolved(kind: Kind, manifest: Path) -> None:
    def one_unreadable(page: dict[str, Any]) -> None:
        for job in page["jobs"]:
            record = job["payload"].get("record", {})
            if record.get("display_name") == "Run 1":
                job["payload"] = {}

    with rewriting(one_unreadable) as sandbox:
        registrar = registrar_for(kind, sandbox)
        sandbox.faults.break_off_batches(2)
        run = registrar.many(records(4), manifest)
        assert sorted(run.errors) == [1, 2, 3]
        again = registrar.many(records(4), manifest)
        assert {type(error) for error in again.errors.values()} == {SubmissionUnknownError}
        assert len(submissions(sandbox)) == 1
        registrar.many(records(4), manifest, resolutions={0: None}).all_registered(4)
        assert submissions(sandbox) == [names(4), names(4)[1:]]


@pytest.mark.parametrize("number", range(1, 9))
def test_an_interruption_at_any_transaction_strands_no_record(
    number: int,
    registrar: Registrar,
    sandbox: Sandbox,
    manifest: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox.faults.break_off_batches(2)
    with monkeypatch.context() as patch:
        patch.setattr(Manifest, "_transaction", interrupted_at(number))
        registrar.many(records(6), manifest)
    registrar.many(records(6), manifest).all_registered(6)
    registered_once(sandbox, 6)


def test_jobs_of_an_earlier_registration_are_not_taken(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    first = registrar.many(records(3)).all_registered(3)
    sandbox.faults.break_off_batches(0)
    second = registrar.many(records(3), manifest).all_registered(3)
    assert not set(first.handles.values()) & set(second.handles.values())
    assert set(registered_names(sandbox).values()) == {2}


def test_nothing_is_submitted_after_an_unknown_submission(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.break_off_batches(1)
    sandbox.faults.add(SUBMIT, Fault(delay=0), Fault(drop=True, after=True))
    sandbox.faults.add("list_jobs", Fault(status=403))
    run = registrar.many(records(6), manifest, chunk_size=3)
    assert isinstance(run.error, SubmissionUnknownError)
    assert len(submissions(sandbox)) == 2
    registrar.many(records(6), manifest, chunk_size=3).all_registered(6)
    registered_once(sandbox, 6)


def test_a_batch_with_an_unusable_result_is_followed_and_not_submitted_again(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    hasty = evolve(registrar, polling=evolve(QUICK, deadline=0))
    hasty.many(records(3), manifest)
    for _ in range(200):
        if len(registered_names(sandbox)) == 3:
            break
        time.sleep(0.05)
    with sandbox._started.store.transaction() as connection:
        connection.execute(
            "UPDATE job SET result = '{\"batch_id\": 5}' WHERE job_sub_type = :kind",
            {"kind": "MODEL_RUN_BATCH_SUBMIT"},
        )
    registrar.many(records(3), manifest).all_registered(3)
    assert len(submissions(sandbox)) == 1


@pytest.mark.parametrize("answer", ["empty", "of another chunk"])
def test_a_session_id_that_is_not_new_is_looked_for(
    answer: str, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    session_id = ""
    if answer == "of another chunk":
        registrar.many(records(3), manifest, chunk_size=3).all_registered(3)
        session_id = str(execute(manifest, "SELECT session_id FROM submissions")[0][0])
    body = {"status": {"success": True, "details": ""}, "session_id": session_id}
    sandbox.faults.add(SUBMIT, Fault(status=200, body=json.dumps(body).encode(), after=True))
    registrar.many(records(6), manifest, chunk_size=3).all_registered(6)
    registered_once(sandbox, 6)


def test_a_resolution_decides_once(kind: Kind, manifest: Path) -> None:
    """It was found out about the submission of an earlier call, not about the next ones."""
    with rewriting(unreadable) as sandbox:
        registrar = registrar_for(kind, sandbox)
        sandbox.faults.break_off_batches(2, 2)
        registrar.many(records(4), manifest)
        run = registrar.many(records(4), manifest, resolutions={0: None})
        assert {type(error) for error in run.errors.values()} == {SubmissionUnknownError}
        assert len(submissions(sandbox)) == 2


def test_batches_whose_results_are_unusable_again_and_again_are_left_to_the_user(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    with sandbox._started.store.transaction() as connection:
        connection.execute(
            "CREATE TRIGGER unusable AFTER UPDATE OF result ON job"
            " WHEN new.job_sub_type = 'MODEL_RUN_BATCH_SUBMIT'"
            " AND new.result IS NOT '{}' AND new.result IS NOT NULL"
            " BEGIN UPDATE job SET result = '{}' WHERE session_id = new.session_id;"
            " DELETE FROM job WHERE job_sub_type = 'MODEL_RUN_PROV_LODGE'; END"
        )
    try:
        for resolutions in ({}, {0: None}):
            run = registrar.many(records(2), manifest, resolutions=resolutions)
            assert {type(error) for error in run.errors.values()} == {SubmissionUnknownError}
        assert len(submissions(sandbox)) == 2
    finally:
        with sandbox._started.store.transaction() as connection:
            connection.execute("DROP TRIGGER unusable")
