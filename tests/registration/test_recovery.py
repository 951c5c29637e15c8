"""Submissions without a response: the client looks for their jobs before it submits again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from registration.registrar import (
    QUICK,
    SEED,
    Kind,
    Registrar,
    alter,
    assert_registered_once,
    jobs_of,
    names,
    record,
    records,
    registered_names,
    registrar_for,
)

from prov_facade import InvalidRequestError, PollPolicy, SubmissionUnknownError
from prov_facade.sandbox import Fault, JobDelays, Sandbox

SUBMIT = "register_batch_model_runs"
FAULTS = {
    "dropped": Fault(drop=True),
    "dropped, acted": Fault(drop=True, after=True),
    "500": Fault(status=500, body=b'{"detail": "It broke."}'),
    "500, acted": Fault(status=500, body=b'{"detail": "It broke."}', after=True),
    "502": Fault(status=502, body=b"<html>", content_type="text/html"),
    "502, acted": Fault(status=502, body=b"<html>", content_type="text/html", after=True),
    "504": Fault(status=504),
    "504, acted": Fault(status=504, after=True),
    "truncated, acted": Fault(truncate=20),
    "invalid JSON": Fault(status=200, body=b"{"),
    "invalid JSON, acted": Fault(status=200, body=b"{", after=True),
    "no job, acted": Fault(
        status=200, body=b'{"status": {"success": true, "details": ""}}', after=True
    ),
}


def operations(sandbox: Sandbox) -> list[str]:
    """The requested operations, without those that follow jobs."""
    following = ("fetch_job", "list_batch")
    return [one.operation_id for one in sandbox.requests if one.operation_id not in following]


@pytest.mark.parametrize("fate", FAULTS)
def test_a_submission_without_a_response_registers_each_record_once(
    fate: str, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, FAULTS[fate])
    run = registrar.many(records(25), manifest, chunk_size=10).all_registered(25)
    acted = fate.endswith("acted")
    calls = operations(sandbox)
    assert_registered_once(sandbox, run, names(25))
    assert calls[:2] == [SUBMIT, "list_jobs"]
    assert calls.count(SUBMIT) == (3 if acted else 4)
    # A job that is not found at first might still appear.
    assert (calls.count("list_jobs") == 1) == acted
    again = registrar.many(records(25), manifest, chunk_size=10).all_registered(25)
    assert again.handles == run.handles
    assert all(one.resumed for one in again.results)


def test_a_job_that_appears_late_is_found(kind: Kind, manifest: Path) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(hidden=0.4)) as slow:
        slow.faults.add(SUBMIT, Fault(drop=True, after=True))
        run = (
            registrar_for(kind, slow)
            .many(records(3), manifest, recovery_timeout=20)
            .all_registered(3)
        )
        assert_registered_once(slow, run, names(3))


@pytest.mark.parametrize("waited", [0, 1000])
def test_a_job_that_appears_late_is_found_by_the_next_call(
    waited: int, kind: Kind, manifest: Path
) -> None:
    """Even long after the submission, by the clock, the job may not be listed yet."""
    with Sandbox(seed=SEED, delays=JobDelays(hidden=0.6)) as slow:
        registrar = registrar_for(kind, slow)
        slow.faults.add(SUBMIT, Fault(drop=True, after=True))
        slow.faults.add("list_jobs", Fault(status=403))
        assert isinstance(registrar.many(records(3), manifest).error, SubmissionUnknownError)
        alter(manifest, f"UPDATE chunks SET planned_at = planned_at - {waited}")  # noqa: S608
        run = registrar.many(records(3), manifest, recovery_timeout=20).all_registered(3)
        assert operations(slow).count(SUBMIT) == 1
        assert_registered_once(slow, run, names(3))


def unknown_submission(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> SubmissionUnknownError:
    """Interrupt a submission that two jobs of other registrations match."""
    for _ in range(2):
        registrar.many(records(3)).all_registered(3)
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    run = registrar.many(records(3), manifest)
    assert run.results == []
    assert isinstance(run.error, SubmissionUnknownError)
    return run.error


def test_the_error_for_two_matching_jobs_asks_the_user_to_decide(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    first = unknown_submission(registrar, sandbox, manifest)
    batches = [one for one in jobs_of(sandbox) if one.job_sub_type == "MODEL_RUN_BATCH_SUBMIT"]
    ids = [one.session_id for one in batches]
    sandbox.clear_requests()
    run = registrar.many(records(3), manifest)
    assert run.results == []
    assert SUBMIT not in operations(sandbox)
    for error in (first, run.error):
        assert isinstance(error, SubmissionUnknownError)
        assert (error.chunk, error.first, error.count) == (0, 0, 3)
        assert sorted(error.candidates) == sorted(ids)
        message = str(error)
        assert "could not determine whether records 0 to 2 (chunk 0) were submitted at" in message
        assert "They were not sent again." in message
        assert "resolutions={0: None}" in message
        assert str(manifest) in message
        assert all(session_id in message for session_id in ids)
    assert isinstance(first.__cause__, Exception)


def test_a_resolution_can_name_the_job(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    error = unknown_submission(registrar, sandbox, manifest)
    sandbox.clear_requests()
    mine = error.candidates[0]
    run = registrar.many(records(3), manifest, resolutions={0: mine, 7: None}).all_registered(3)
    assert not {SUBMIT, "list_jobs"} & set(operations(sandbox))
    assert set(registered_names(sandbox).values()) == {2}
    (batch,) = {job.batch_id for job in jobs_of(sandbox) if job.session_id == mine} or {None}
    assert batch is None  # the submitting job is not part of the batch
    batch_ids = {job.session_id: job.batch_id for job in jobs_of(sandbox)}
    assert len({batch_ids[str(one.session_id)] for one in run.results}) == 1


def test_a_resolution_can_rule_out_a_submission(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    unknown_submission(registrar, sandbox, manifest)
    sandbox.clear_requests()
    registrar.many(records(3), manifest, resolutions={0: None}).all_registered(3)
    assert operations(sandbox) == [SUBMIT]
    assert set(registered_names(sandbox).values()) == {3}


def test_a_resolution_with_a_job_of_other_records_is_rejected(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    unknown_submission(registrar, sandbox, manifest)
    registrar.many(records(2), manifest.with_name("other")).all_registered(2)
    other = next(job for job in jobs_of(sandbox) if len(job.payload.get("records", ())) == 2)
    run = registrar.many(records(3), manifest, resolutions={0: other.session_id})
    assert isinstance(run.error, InvalidRequestError)
    assert "but this job does not submit these records" in str(run.error)


def test_jobs_from_long_before_the_submission_are_ignored(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    unknown_submission(registrar, sandbox, manifest)
    with sandbox._started.store.transaction() as connection:
        connection.execute("UPDATE job SET created = created - 7200")
    registrar.many(records(3), manifest).all_registered(3)
    assert set(registered_names(sandbox).values()) == {3}


def test_jobs_are_doubtful_if_the_clock_was_set_back_since_the_submission(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    registrar.many(records(3)).all_registered(3)
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    sandbox.faults.add("list_jobs", Fault(status=403))
    registrar.many(records(3), manifest)
    alter(manifest, "UPDATE chunks SET planned_at = planned_at + 7200")
    run = registrar.many(records(3), manifest)
    assert isinstance(run.error, SubmissionUnknownError)
    assert "earlier jobs contain the same records" in str(run.error)
    assert set(registered_names(sandbox).values()) == {1}


@pytest.mark.parametrize("which", ["", "of another chunk"])
def test_a_resolution_with_an_impossible_job_is_rejected(
    which: str, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    registrar.many(records(3), manifest).all_registered(3)
    taken = next(one.session_id for one in jobs_of(sandbox) if one.batch_id is None)
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    sandbox.faults.add("list_jobs", *[Fault(status=403)] * 2)
    run = registrar.many([*records(3), record(3)], manifest)
    assert isinstance(run.error, SubmissionUnknownError)
    resolutions = {1: taken if which else ""}
    run = registrar.many([*records(3), record(3)], manifest, resolutions=resolutions)
    assert isinstance(run.error, InvalidRequestError)
    assert run.error.path == "$.resolutions"
    sandbox.faults.clear()
    run = registrar.many([*records(3), record(3)], manifest, resolutions={1: None}).all_registered(
        4
    )
    assert_registered_once(sandbox, run, names(4))


@pytest.mark.parametrize("acted", [True, False])
@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(status=403), Fault(status=503)])
def test_a_submission_stays_unknown_while_jobs_cannot_be_listed(
    fault: Fault, acted: bool, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(drop=True, after=acted))
    sandbox.faults.add("list_jobs", *[fault] * 200)
    polling = PollPolicy(interval=0.02, max_interval=0.05, deadline=0.3)
    impatient = evolve(registrar, polling=polling)
    for _ in range(2):
        run = impatient.many(records(3), manifest)
        assert isinstance(run.error, SubmissionUnknownError)
        assert "your jobs could not be searched" in str(run.error)
        assert run.error.candidates == ()
        assert run.error.__cause__ is not None
    assert operations(sandbox).count(SUBMIT) == 1
    sandbox.faults.clear()
    run = registrar.many(records(3), manifest).all_registered(3)
    assert operations(sandbox).count(SUBMIT) == (1 if acted else 2)
    assert_registered_once(sandbox, run, names(3))


def test_transient_errors_of_the_list_of_jobs_are_retried(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(drop=True, after=True))
    sandbox.faults.add("list_jobs", Fault(drop=True), Fault(status=429), Fault(status=502))
    run = registrar.many(records(3), manifest).all_registered(3)
    assert_registered_once(sandbox, run, names(3))


def test_the_job_of_another_chunk_with_equal_records_is_not_used(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    """The chunks are equal: only the jobs show which of them were submitted."""
    sandbox.faults.add(SUBMIT, Fault(delay=0), Fault(drop=True), Fault(drop=True, after=True))
    run = registrar.many([record(1)] * 4, manifest, chunk_size=1).all_registered(4)
    assert registered_names(sandbox) == {"Run 1": 4}
    assert len(set(run.handles.values())) == 4
    assert operations(sandbox).count(SUBMIT) == 5


def test_a_server_that_never_accepts_a_batch_ends_the_registration_at_the_deadline(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(delay=0), *[Fault(status=503)] * 500)
    polling = evolve(QUICK, deadline=0.5)
    run = registrar.many(records(4), manifest, chunk_size=2, recovery_timeout=0.05, polling=polling)
    assert type(run.error).__name__ == "ServerError"
    assert sorted(one.index for one in run.results) == [0, 1]
    sandbox.faults.clear()
    run = registrar.many(records(4), manifest, chunk_size=2).all_registered(4)
    assert_registered_once(sandbox, run, names(4))


def test_an_earlier_job_with_equal_records_is_not_used(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, 0)) as sandbox:
        registrar = registrar_for(kind, sandbox)
        registrar.many(records(3), tmp_path / "first").all_registered(3)
        # By the clock of the client, the next submission is made ten seconds later.
        later = SimpleNamespace(time=lambda: time.time() + 10)
        monkeypatch.setattr(f"prov_facade._{kind}.registration.submission.time", later)
        before = {one.session_id for one in jobs_of(sandbox)}
        # The server never receives it: only the old job can be found.
        sandbox.faults.add(SUBMIT, Fault(drop=True))
        run = registrar.many(records(3), tmp_path / "second", recovery_timeout=0.3)
        assert isinstance(run.error, SubmissionUnknownError)
        assert "earlier jobs contain the same records" in str(run.error)
        assert set(run.error.candidates) <= before
        assert run.results == []
        again = registrar.many(records(3), tmp_path / "second", resolutions={0: None})
        again.all_registered(3)
        assert set(registered_names(sandbox).values()) == {2}


def test_batches_in_flight_are_followed_when_a_submission_is_unknown(
    kind: Kind, tmp_path: Path
) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, in_progress=0.3)) as sandbox:
        registrar = registrar_for(kind, sandbox)
        # The second batch has no response, and the jobs cannot be listed.
        sandbox.faults.add(SUBMIT, Fault(delay=0.001), Fault(drop=True))
        sandbox.faults.add("list_jobs", *[Fault(status=401, body=b'{"detail": "No."}')] * 3)
        run = registrar.many(records(6), tmp_path / "manifest", chunk_size=3)
        assert isinstance(run.error, SubmissionUnknownError)
        assert sorted(one.index for one in run.results if one.handle) == [0, 1, 2]


def test_batches_in_flight_are_followed_when_the_input_fails(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    def failing() -> Iterator[Any]:
        yield from records(3)
        raise ZeroDivisionError

    run = registrar.many(failing(), manifest, chunk_size=3)
    assert isinstance(run.error, ZeroDivisionError)
    assert sorted(one.index for one in run.results if one.handle) == [0, 1, 2]
    registrar.many(records(4), manifest, chunk_size=3).all_registered(4)
    assert set(registered_names(sandbox).values()) == {1}


def test_recovery_pauses_between_requests_when_the_deadline_is_near(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    hasty = PollPolicy(interval=0.05, max_interval=0.1, deadline=0.1)
    evolve(registrar, polling=hasty).many(records(3), manifest, recovery_timeout=1.0)
    assert 2 <= operations(sandbox).count("list_jobs") <= 40
