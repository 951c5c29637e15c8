"""Resuming registrations from a manifest, with the same, more, or different records."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from registration.conftest import NO_DELAYS
from registration.processes import Work, joined
from registration.registrar import (
    QUICK,
    SEED,
    Kind,
    Registrar,
    Unchecked,
    assert_registered_once,
    execute,
    forget_outcomes,
    names,
    record,
    records,
    registered_names,
    registrar_for,
)
from registration.rewriting import rewriting

from prov_facade import (
    BulkProgress,
    ConfigError,
    InvalidRequestError,
    JobNotFoundError,
    JobTimeoutError,
    PollPolicy,
    ProvClient,
    RetryPolicy,
    SyncProvClient,
)
from prov_facade._registration.manifest import Manifest
from prov_facade.sandbox import Fault, JobDelays, Sandbox

SUBMIT = "register_batch_model_runs"


def submissions(sandbox: Sandbox) -> int:
    return sum(1 for one in sandbox.requests if one.operation_id == SUBMIT)


def test_results_in_the_manifest_are_returned_again_without_a_request(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    first = registrar.many(records(7), manifest, chunk_size=3).all_registered(7)
    assert not any(one.resumed for one in first.results)
    sandbox.clear_requests()
    again = registrar.many(records(7), manifest, chunk_size=3).all_registered(7)
    assert all(one.resumed for one in again.results)
    assert sandbox.requests == []
    assert {one.index: (one.handle, one.session_id) for one in again.results} == {
        one.index: (one.handle, one.session_id) for one in first.results
    }
    assert [one.record for one in sorted(again.results, key=lambda one: one.index)] == list(
        records(7)
    )
    assert again.progress[-1] == BulkProgress(read=7, submitted=7, registered=7)


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_more_records_and_another_chunk_size_continue_a_registration(
    size: int, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    registrar.many(records(7), manifest, chunk_size=3).all_registered(7)
    again = registrar.many(records(12), manifest, chunk_size=size).all_registered(12)
    assert sorted(one.index for one in again.results if one.resumed) == list(range(7))
    assert_registered_once(sandbox, again, names(12))
    registrar.many(records(12), manifest, chunk_size=4).all_registered(12)
    assert submissions(sandbox) == 3 + -(-5 // size)


DIFFERENT_RECORDS: dict[str, tuple[list[Any], str]] = {
    "changed": ([*records(4), record(4, description="Other."), *records(1, 5)], "3 to 5"),
    "missing": ([*records(1), *records(4, 2)], "0 to 2"),
    "in another order": ([*records(3), record(4), record(3), record(5)], "3 to 5"),
    "invalid now": ([*records(5), None], "3 to 5"),
    "fewer": (list(records(5)), "3 to 5"),
    "fewer chunks": (list(records(3)), "3 to 5"),
    "none": ([], "0 to 2"),
}


@pytest.mark.parametrize("which", DIFFERENT_RECORDS)
@pytest.mark.parametrize("done", [True, False])
def test_records_that_differ_from_the_manifest_are_rejected(
    done: bool, which: str, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    registrar.many(records(6), manifest, chunk_size=3).all_registered(6)
    if not done:
        forget_outcomes(manifest)
    given, positions = DIFFERENT_RECORDS[which]
    written = manifest.read_bytes()
    run = registrar.many(given, manifest)
    assert isinstance(run.error, ConfigError)
    assert f"records {positions} differ from those in the manifest" in str(run.error)
    assert str(manifest) in str(run.error)
    assert submissions(sandbox) == 2
    if done:
        assert manifest.read_bytes() == written
    assert_registered_once(
        sandbox, registrar.many(records(6), manifest).all_registered(6), names(6)
    )


def test_a_manifest_of_another_deployment_is_rejected(
    registrar: Registrar, manifest: Path, sandbox: Sandbox
) -> None:
    registrar.many(records(2), manifest).all_registered(2)
    with Sandbox(seed=SEED) as other:
        run = registrar_for(registrar.kind, other).many(records(2), manifest)
        assert isinstance(run.error, ConfigError)
        assert sandbox.url in str(run.error)
        assert other.url in str(run.error)
        assert other.requests == []


def test_two_processes_cannot_use_one_manifest(
    kind: Kind, registrar: Registrar, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.add("fetch_job", *[Fault(status=503)] * 10_000)
    work = Work.of(sandbox, kind, 2, tmp_path)
    process = work.start()
    with joined(process):
        while submissions(sandbox) == 0:
            time.sleep(0.01)
        refused = registrar.many(records(2), work.manifest)
        assert isinstance(refused.error, ConfigError)
        assert "in use" in str(refused.error)
        sandbox.faults.clear()
    assert process.exitcode == 0
    again = registrar.many(records(2), work.manifest).all_registered(2)
    assert submissions(sandbox) == 1
    assert all(one.resumed for one in again.results)


@pytest.mark.parametrize("size", [2, 5, 100])
def test_equal_records_are_registered_as_often_as_they_are_passed(
    size: int, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given = [record(n % 3) for n in range(10)]
    run = registrar.many(given, manifest, chunk_size=size).all_registered(10)
    assert registered_names(sandbox) == Counter(one["display_name"] for one in given)
    assert len(set(run.handles.values())) == 10
    by_handle = {one.id: one.display_name for one in sandbox.items("MODEL_RUN")}
    assert all(by_handle[str(one.handle)] == one.record["display_name"] for one in run.results)
    registrar.many(given, manifest, chunk_size=size).all_registered(10)
    assert registered_names(sandbox).total() == 10


@pytest.mark.parametrize("manifest_used", [True, False])
def test_records_are_read_only_as_batches_are_submitted(
    manifest_used: bool, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    size, batches, read, seen = 5, 3, 0, 0
    furthest = 0

    def many() -> Iterator[Any]:
        nonlocal read, furthest
        for one in records(200):
            read += 1
            furthest = max(furthest, read - seen)
            yield one

    def on_progress(progress: BulkProgress) -> None:
        nonlocal seen
        seen = progress.registered

    run = registrar.many(
        many(),
        manifest if manifest_used else None,
        chunk_size=size,
        max_concurrent_batches=batches,
        on_progress=on_progress,
    ).all_registered(200)
    assert size * batches <= furthest <= size * (batches + 1)
    assert_registered_once(sandbox, run, names(200))


def test_an_asynchronous_generator_is_read_only_as_batches_are_submitted(
    sandbox: Sandbox, manifest: Path
) -> None:
    read, seen, furthest = 0, 0, 0

    async def many() -> AsyncIterator[Any]:
        nonlocal read, furthest
        for one in records(100):
            read += 1
            furthest = max(furthest, read - seen)
            await asyncio.sleep(0)
            yield one

    def on_progress(progress: BulkProgress) -> None:
        nonlocal seen
        seen = progress.registered

    registrar = registrar_for("async", sandbox)
    registrar.many(
        many(), manifest, chunk_size=5, max_concurrent_batches=2, on_progress=on_progress
    ).all_registered(100)
    assert furthest <= 15


def test_an_endless_registration_can_be_closed_and_resumed(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    run = registrar.many(records(10**9), manifest, chunk_size=5, stop=7)
    assert (run.error, len(run.results)) == (None, 7)
    assert not list(manifest.parent.glob("prov-facade-*"))
    before = submissions(sandbox)
    again = registrar.many(records(5 * before), manifest).all_registered(5 * before)
    assert submissions(sandbox) == before
    assert_registered_once(sandbox, again, names(5 * before))


def test_a_registration_can_be_resumed_after_an_error_in_the_input(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    def failing() -> Iterator[Any]:
        yield from records(7)
        raise ZeroDivisionError

    run = registrar.many(failing(), manifest, chunk_size=3)
    assert isinstance(run.error, ZeroDivisionError)
    assert_registered_once(
        sandbox, registrar.many(records(7), manifest).all_registered(7), names(7)
    )


@pytest.mark.stress
def test_a_registration_cancelled_at_any_time_can_be_resumed(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """Cancel a little later each time, from the opening of the manifest to the end."""
    registrar = registrar_for("async", sandbox)
    given = list(records(30))

    async def completes_within(manifest: Path, seconds: float) -> bool:
        made = {"retries": RetryPolicy.none(), "polling": QUICK}
        async with ProvClient(registrar.auth, registrar.config, **made) as client:  # type: ignore[arg-type]
            many = client.register_many(
                given, manifest=manifest, chunk_size=10, recovery_timeout=0.2
            )
            try:
                async with asyncio.timeout(seconds), aclosing(many):
                    assert len([one async for one in many]) == 30
            except TimeoutError:
                return False
            return True

    manifest = tmp_path / "manifest"
    tries, seconds = 0, 0.0
    while not asyncio.run(completes_within(manifest, seconds)):
        with Manifest(manifest, sandbox.url):  # it is no longer locked
            pass
        tries += 1
        seconds += 0.01
    assert tries > 3
    assert_registered_once(sandbox, registrar.many(given, manifest).all_registered(30), names(30))


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.stress)])
@pytest.mark.stress
def test_a_registration_interrupted_with_ctrl_c_can_be_resumed(
    times: int, kind: Kind, registrar: Registrar, sandbox: Sandbox, tmp_path: Path
) -> None:
    for number in range(1, times + 1):
        work = Work.of(sandbox, kind, 400, tmp_path, options={"chunk_size": 20})
        process = work.start()
        with joined(process):
            while submissions(sandbox) < 4 * number:
                time.sleep(0.005)
            assert process.pid is not None
            os.kill(process.pid, signal.SIGINT)
        assert process.exitcode not in (0, -signal.SIGKILL)
        assert not work.results.exists()
    again = registrar.many(records(400), work.manifest, chunk_size=20).all_registered(400)
    assert_registered_once(sandbox, again, names(400))


def test_progress_never_decreases_and_its_counts_add_up(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given: list[Any] = [*records(20), None]
    sandbox.faults.fail_jobs("MODEL_RUN_PROV_LODGE", "Full.")
    run = registrar.many(given, manifest, chunk_size=4, max_concurrent_batches=2)
    assert run.error is None
    for before, after in zip(run.progress, run.progress[1:], strict=False):
        for name in ("read", "submitted", "registered", "failed"):
            assert getattr(before, name) <= getattr(after, name)
    for one in run.progress:
        assert one.registered + one.failed <= one.read <= 21
        assert one.submitted <= one.read
        assert 0 <= one.batches <= 2
    assert max(one.batches for one in run.progress) == 2
    last = BulkProgress(read=21, submitted=20, registered=19, failed=2, batches=0)
    assert run.progress[-1] == last
    # The same holds for chunks that were submitted and have no outcomes yet.
    forget_outcomes(manifest)
    assert registrar.many(given, manifest).progress[-1] == last


@pytest.mark.parametrize("statement", ["DROP TABLE chunks", "DELETE FROM records"])
def test_a_manifest_damaged_during_the_registration_ends_it(
    statement: str, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    registrar.many(records(6), manifest, chunk_size=3).all_registered(6)
    sandbox.clear_requests()

    def damage(progress: BulkProgress) -> None:
        if progress.registered == 3:
            execute(manifest, statement)

    run = registrar.many(records(6), manifest, on_progress=damage)
    assert isinstance(run.error, ConfigError)
    assert "is not a usable manifest" in str(run.error)
    assert submissions(sandbox) == 0


def test_an_error_in_on_progress_ends_the_registration(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    def stop(progress: BulkProgress) -> None:
        if progress.registered:
            raise ArithmeticError

    run = registrar.many(records(9), manifest, chunk_size=3, on_progress=stop)
    assert isinstance(run.error, ArithmeticError)
    assert_registered_once(
        sandbox, registrar.many(records(9), manifest).all_registered(9), names(9)
    )


IMPATIENT = PollPolicy(interval=0.02, max_interval=0.05, deadline=0.4)


@pytest.mark.parametrize(
    "delays",
    [JobDelays(0, 1.2, 0, 0), JobDelays(hidden=0, pending=0, dequeued=0, in_progress=1.0)],
    ids=["batch", "jobs"],
)
def test_a_registration_that_timed_out_can_be_resumed(
    kind: Kind, delays: JobDelays, manifest: Path
) -> None:
    with Sandbox(seed=SEED, delays=delays) as slow:
        patient = registrar_for(kind, slow)
        run = evolve(patient, polling=IMPATIENT).many(records(5), manifest, chunk_size=3)
        assert run.error is None
        assert sorted(run.errors) == list(range(5))
        for error in run.errors.values():
            assert isinstance(error, JobTimeoutError)
            assert error.session_id in str(error)
            assert "make the same call again with the same manifest" in str(error)
        assert run.progress[-1] == BulkProgress(read=5, submitted=5)
        again = patient.many(records(5), manifest, chunk_size=3).all_registered(5)
        assert submissions(slow) == 2
        assert_registered_once(slow, again, names(5))


def test_progress_extends_the_deadline(kind: Kind, manifest: Path) -> None:
    """The jobs run one after the other, and the last ones end long after the deadline."""
    with Unchecked(seed=SEED, delays=NO_DELAYS) as sandbox:
        polling = PollPolicy(interval=0.01, max_interval=0.02, deadline=0.3)
        patient = evolve(registrar_for(kind, sandbox), polling=polling)
        start = time.monotonic()
        run = patient.many(
            records(900), manifest, chunk_size=100, max_concurrent_batches=9
        ).all_registered(900)
        assert time.monotonic() - start > 0.4  # otherwise the test proves nothing
        assert_registered_once(sandbox, run, names(900))


def test_the_next_call_looks_again_for_a_job_that_was_not_found(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    unknown = Fault(status=400, body=b'{"detail": "Item was not found."}')
    sandbox.faults.add("fetch_job", *[unknown] * 1000)
    brief_grace = evolve(QUICK, not_found_grace=0.2)
    run = registrar.many(records(3), manifest, polling=brief_grace)
    assert run.error is None
    assert [type(error) for error in run.errors.values()] == [JobNotFoundError] * 3
    assert "Item was not found." in str(run.errors[0])
    assert run.progress[-1].failed == 0
    sandbox.faults.clear()
    again = registrar.many(records(3), manifest).all_registered(3)
    assert submissions(sandbox) == 1
    assert_registered_once(sandbox, again, names(3))


@pytest.mark.parametrize(
    "options",
    [
        {"chunk_size": 0},
        {"chunk_size": True},
        {"max_concurrent_batches": 0},
        {"max_concurrent_batches": 1.5},
        {"recovery_timeout": -1},
        {"recovery_timeout": float("nan")},
        {"recovery_timeout": None},
    ],
)
def test_invalid_options_are_rejected_before_anything_is_sent(
    options: dict[str, Any], registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    run = registrar.many(records(1), manifest, **options)
    assert isinstance(run.error, InvalidRequestError)
    assert run.error.path == f"$.{next(iter(options))}"
    assert sandbox.requests == []
    assert not manifest.exists()


def test_a_registration_can_be_closed_before_it_starts(
    registrar: Registrar, manifest: Path
) -> None:
    with SyncProvClient(registrar.auth, registrar.config) as client:
        client.register_many(records(3), manifest=manifest).close()
    assert not manifest.exists()


@pytest.mark.parametrize("changed", [False, True])
@pytest.mark.parametrize("interrupted", [False, True])
def test_jobs_that_end_one_after_the_other_keep_their_records(
    interrupted: bool, changed: bool, kind: Kind, manifest: Path
) -> None:
    """Each poll shows one more job that has ended, and the server may have changed the records."""
    polls = itertools.count(1)

    def one_more(page: dict[str, Any]) -> None:
        ended = next(polls)
        page["jobs"].sort(key=lambda job: str(job["payload"]["record"]["display_name"]))
        for number, job in enumerate(page["jobs"]):
            if number >= ended:
                job |= {"status": "IN_PROGRESS", "result": None}
            if changed:
                job["payload"]["record"]["description"] = "Changed."

    def stop(progress: BulkProgress) -> None:
        if interrupted and progress.registered == 2:
            raise ArithmeticError

    with rewriting(one_more, "/jobs/user/list_batch") as sandbox:
        registrar = registrar_for(kind, sandbox)
        run = registrar.many(records(5), manifest, on_progress=stop)
        if interrupted and not changed:
            assert isinstance(run.error, ArithmeticError)
            run = registrar.many(records(5), manifest)
        run.all_registered(5)
        assert_registered_once(sandbox, run, names(5))
