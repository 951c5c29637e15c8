"""Submissions that nobody saw the end of: looked for first, and each record lodged once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from registration.registrar import (
    QUICK,
    SEED,
    Kind,
    Registrar,
    jobs_of,
    lodged_once,
    names_lodged,
    record,
    records,
    registrar,
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
    "no JSON": Fault(status=200, body=b"{"),
    "no JSON, acted": Fault(status=200, body=b"{", after=True),
    "no job, acted": Fault(
        status=200, body=b'{"status": {"success": true, "details": ""}}', after=True
    ),
}


def names(count: int) -> list[str]:
    return [one["display_name"] for one in records(count)]


def asked(sandbox: Sandbox) -> list[str]:
    """What was asked, without what only follows jobs."""
    following = ("fetch_job", "list_batch")
    return [one.operation_id for one in sandbox.requests if one.operation_id not in following]


@pytest.mark.parametrize("fate", FAULTS)
def test_it_is_looked_for_and_lodged_once(
    fate: str, registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, FAULTS[fate])
    ended = registering.many(records(25), manifest, chunk_size=10).all_well(25)
    acted = fate.endswith("acted")
    calls = asked(sandbox)
    lodged_once(sandbox, ended, names(25))
    assert calls[:2] == [SUBMIT, "list_jobs"]
    assert calls.count(SUBMIT) == (3 if acted else 4)
    # One that is not found at once might still appear.
    assert (calls.count("list_jobs") == 1) == acted
    again = registering.many(records(25), manifest, chunk_size=10).all_well(25)
    assert again.handles == ended.handles
    assert all(one.resumed for one in again.results)


def test_a_job_that_shows_late_is_found(kind: Kind, manifest: Path) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(hidden=0.7)) as slow:
        slow.faults.add(SUBMIT, Fault(drop=True, after=True))
        ended = registrar(kind, slow).many(records(3), manifest, recovery_timeout=20).all_well(3)
        lodged_once(slow, ended, names(3))


@pytest.mark.parametrize("waited", [0, 1000])
def test_a_job_that_shows_late_is_found_by_the_next_process(
    waited: int, kind: Kind, manifest: Path
) -> None:
    """However long ago it was submitted, by the clock: the job is not known for a while."""
    with Sandbox(seed=SEED, delays=JobDelays(hidden=1.5)) as slow:
        registering = registrar(kind, slow)
        slow.faults.add(SUBMIT, Fault(drop=True, after=True))
        slow.faults.add("list_jobs", Fault(status=403))
        assert isinstance(registering.many(records(3), manifest).error, SubmissionUnknownError)
        head, planned = manifest.read_bytes().splitlines()
        event = json.loads(planned)
        event["at"] -= waited
        manifest.write_bytes(b"\n".join([head, json.dumps(event).encode(), b""]))
        ended = registering.many(records(3), manifest, recovery_timeout=20).all_well(3)
        assert asked(slow).count(SUBMIT) == 1
        lodged_once(slow, ended, names(3))


def unsettled(registering: Registrar, sandbox: Sandbox, manifest: Path) -> SubmissionUnknownError:
    """Have a submission break off of which there may be two jobs, neither of them its own."""
    for _ in range(2):
        registering.many(records(3)).all_well(3)
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    ended = registering.many(records(3), manifest)
    assert ended.results == []
    assert isinstance(ended.error, SubmissionUnknownError)
    return ended.error


def test_two_jobs_that_may_be_it_are_left_to_the_user(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    first = unsettled(registering, sandbox, manifest)
    batches = [one for one in jobs_of(sandbox) if one.job_sub_type == "MODEL_RUN_BATCH_SUBMIT"]
    ids = [one.session_id for one in batches]
    sandbox.clear_requests()
    ended = registering.many(records(3), manifest)
    assert ended.results == []
    assert SUBMIT not in asked(sandbox)
    for error in (first, ended.error):
        assert isinstance(error, SubmissionUnknownError)
        assert (error.chunk, error.first, error.count) == (0, 0, 3)
        assert sorted(error.candidates) == sorted(ids)
        message = str(error)
        assert "whether the records 0 to 2 (chunk 0) were submitted" in message
        assert "They were not sent again." in message
        assert "resolutions={0: None}" in message
        assert str(manifest) in message
        assert all(session_id in message for session_id in ids)
    assert isinstance(first.__cause__, Exception)


def test_the_user_says_which_job_it_is(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    error = unsettled(registering, sandbox, manifest)
    sandbox.clear_requests()
    mine = error.candidates[0]
    ended = registering.many(records(3), manifest, resolutions={0: mine, 7: None}).all_well(3)
    assert not {SUBMIT, "list_jobs"} & set(asked(sandbox))
    assert set(names_lodged(sandbox).values()) == {2}
    (batch,) = {job.batch_id for job in jobs_of(sandbox) if job.session_id == mine} or {None}
    assert batch is None  # of the job that submits it
    lodged = {job.session_id: job.batch_id for job in jobs_of(sandbox)}
    assert len({lodged[str(one.session_id)] for one in ended.results}) == 1


def test_the_user_says_that_there_is_no_job(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    unsettled(registering, sandbox, manifest)
    sandbox.clear_requests()
    registering.many(records(3), manifest, resolutions={0: None}).all_well(3)
    assert asked(sandbox) == [SUBMIT]
    assert set(names_lodged(sandbox).values()) == {3}


@pytest.mark.parametrize("which", ["", "that of another chunk"])
def test_the_user_names_a_job_that_cannot_be_it(
    which: str, registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    registering.many(records(3), manifest).all_well(3)
    taken = next(one.session_id for one in jobs_of(sandbox) if one.batch_id is None)
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    sandbox.faults.add("list_jobs", *[Fault(status=403)] * 2)
    ended = registering.many([*records(3), record(3)], manifest)
    assert isinstance(ended.error, SubmissionUnknownError)
    settled = {1: taken if which else ""}
    ended = registering.many([*records(3), record(3)], manifest, resolutions=settled)
    assert isinstance(ended.error, InvalidRequestError)
    assert ended.error.path == "$.resolutions"
    sandbox.faults.clear()
    ended = registering.many([*records(3), record(3)], manifest, resolutions={1: None}).all_well(4)
    lodged_once(sandbox, ended, names(4))


@pytest.mark.parametrize("acted", [True, False])
@pytest.mark.parametrize("fault", [Fault(drop=True), Fault(status=403), Fault(status=503)])
def test_jobs_that_cannot_be_looked_through_leave_it_open(
    fault: Fault, acted: bool, registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(drop=True, after=acted))
    sandbox.faults.add("list_jobs", *[fault] * 200)
    polling = PollPolicy(interval=0.02, max_interval=0.05, deadline=0.3)
    impatient = evolve(registering, polling=polling)
    for _ in range(2):
        ended = impatient.many(records(3), manifest)
        assert isinstance(ended.error, SubmissionUnknownError)
        assert "your jobs could not be looked through" in str(ended.error)
        assert ended.error.candidates == ()
        assert ended.error.__cause__ is not None
    assert asked(sandbox).count(SUBMIT) == 1
    sandbox.faults.clear()
    ended = registering.many(records(3), manifest).all_well(3)
    assert asked(sandbox).count(SUBMIT) == (1 if acted else 2)
    lodged_once(sandbox, ended, names(3))


def test_jobs_that_cannot_be_looked_through_for_a_while_are_no_harm(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(drop=True, after=True))
    sandbox.faults.add("list_jobs", Fault(drop=True), Fault(status=429), Fault(status=502))
    ended = registering.many(records(3), manifest).all_well(3)
    lodged_once(sandbox, ended, names(3))


def test_equal_records_of_other_chunks_are_not_taken_for_it(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    """The chunks hold the same, and only the jobs tell which of them were submitted."""
    sandbox.faults.add(SUBMIT, Fault(delay=0), Fault(drop=True), Fault(drop=True, after=True))
    ended = registering.many([record(1)] * 4, manifest, chunk_size=1).all_well(4)
    assert names_lodged(sandbox) == {"Run 1": 4}
    assert len(set(ended.handles.values())) == 4
    assert asked(sandbox).count(SUBMIT) == 5


def test_a_server_that_never_acts_ends_it_after_the_deadline(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(delay=0), *[Fault(status=503)] * 500)
    polling = evolve(QUICK, deadline=0.5)
    ended = registering.many(
        records(4), manifest, chunk_size=2, recovery_timeout=0.05, polling=polling
    )
    assert type(ended.error).__name__ == "ServerError"
    assert sorted(one.index for one in ended.results) == [0, 1]
    sandbox.faults.clear()
    ended = registering.many(records(4), manifest, chunk_size=2).all_well(4)
    lodged_once(sandbox, ended, names(4))


def test_an_older_job_with_equal_records_is_not_taken_for_one_that_is_not_listed_yet(
    kind: Kind, tmp_path: Path
) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, 0)) as sandbox:
        registering = registrar(kind, sandbox)
        registering.many(records(3), tmp_path / "first").all_well(3)
        time.sleep(5)  # beyond what the times of jobs are exact to
        before = {one.session_id for one in jobs_of(sandbox)}
        # The server never sees it: nothing but the old job can be found.
        sandbox.faults.add(SUBMIT, Fault(drop=True))
        ended = registering.many(records(3), tmp_path / "second", recovery_timeout=0.3)
        assert isinstance(ended.error, SubmissionUnknownError)
        assert "from before then" in str(ended.error)
        assert set(ended.error.candidates) <= before
        assert ended.results == []
        again = registering.many(records(3), tmp_path / "second", resolutions={0: None})
        again.all_well(3)
        assert set(names_lodged(sandbox).values()) == {2}


def test_what_flies_is_followed_to_its_end_when_something_is_unsettled(
    kind: Kind, tmp_path: Path
) -> None:
    with Sandbox(seed=SEED, delays=JobDelays(0, 0, 0, in_progress=0.3)) as sandbox:
        registering = registrar(kind, sandbox)
        # The second batch is never answered, and the list of jobs not to be had for good.
        sandbox.faults.add(SUBMIT, Fault(delay=0.001), Fault(drop=True))
        sandbox.faults.add("list_jobs", *[Fault(status=401, body=b'{"detail": "No."}')] * 3)
        ended = registering.many(records(6), tmp_path / "manifest", chunk_size=3)
        assert isinstance(ended.error, SubmissionUnknownError)
        assert sorted(one.index for one in ended.results if one.handle) == [0, 1, 2]


def test_what_flies_is_followed_to_its_end_when_the_records_break_off(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    def breaking() -> Iterator[Any]:
        yield from records(3)
        raise ZeroDivisionError

    ended = registering.many(breaking(), manifest, chunk_size=3)
    assert isinstance(ended.error, ZeroDivisionError)
    assert sorted(one.index for one in ended.results if one.handle) == [0, 1, 2]
    registering.many(records(4), manifest, chunk_size=3).all_well(4)
    assert set(names_lodged(sandbox).values()) == {1}


def test_settling_does_not_ask_without_a_pause_when_the_deadline_is_near(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(drop=True))
    hasty = PollPolicy(interval=0.05, max_interval=0.1, deadline=0.1)
    evolve(registering, polling=hasty).many(records(3), manifest, recovery_timeout=1.0)
    assert 2 <= asked(sandbox).count("list_jobs") <= 40
