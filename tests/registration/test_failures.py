"""Refused records, failed jobs, and errors that end a registration."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from registration.conftest import NO_DELAYS
from registration.processes import interrupted_at
from registration.registrar import (
    SEED,
    Registrar,
    assert_registered_once,
    record,
    records,
    registered_names,
    submitted_names,
)

from prov_facade import (
    AuthenticationError,
    BadRequestError,
    BearerToken,
    CredentialsError,
    InvalidRequestError,
    JobFailedError,
    OperationFailedError,
    ProvError,
    RetryPolicy,
    TransportError,
    ValidationFailedError,
)
from prov_facade._registration.manifest import Manifest
from prov_facade.sandbox import Fault, Sandbox, expired_token

SUBMIT = "register_batch_model_runs"
ENDS_BEFORE_START = {"start_time": 5, "end_time": 4}


def submitted(sandbox: Sandbox) -> list[list[str]]:
    """The display names in each submitted batch."""
    return [
        [one["display_name"] for one in request.json()["records"]]
        for request in sandbox.requests
        if request.operation_id == SUBMIT
    ]


def assert_same_when_resumed(
    registrar: Registrar, given: list[Any], manifest: Path, before: Any
) -> None:
    """Check that a second run returns the results of the first one."""
    again = registrar.many(given, manifest)
    assert again.error is None
    assert {one.index: str(one.error) for one in again.results} == {
        one.index: str(one.error) for one in before.results
    }
    assert {one.index: type(one.error) for one in again.results} == {
        one.index: type(one.error) for one in before.results
    }
    assert again.handles == before.handles
    assert all(one.resumed for one in again.results)
    assert evolve(again.progress[-1], batches=0) == evolve(before.progress[-1], batches=0)


def test_invalid_records_fail_without_being_sent(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given: list[Any] = list(records(6))
    given[1] = record(1, display_name="")
    given[3] = {"display_name": "half"}
    given[4] = None
    run = registrar.many(given, manifest, chunk_size=2)
    assert run.error is None
    assert sorted(run.errors) == [1, 3, 4]
    for index, error in run.errors.items():
        assert isinstance(error, InvalidRequestError)
        assert f"record {index}" in str(error)
    assert sorted(name for batch in submitted(sandbox) for name in batch) == [
        "Run 0",
        "Run 2",
        "Run 5",
    ]
    assert {one.record is given[one.index] for one in run.results} == {True}
    assert (run.progress[-1].submitted, run.progress[-1].failed) == (3, 3)
    sandbox.clear_requests()
    assert_same_when_resumed(registrar, given, manifest, run)
    assert sandbox.requests == []


def test_a_chunk_without_valid_records_is_not_sent(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given: list[Any] = [None, None, record(2)]
    run = registrar.many(given, manifest, chunk_size=2)
    assert sorted(run.errors) == [0, 1]
    assert submitted(sandbox) == [["Run 2"]]
    assert_same_when_resumed(registrar, given, manifest, run)


@pytest.mark.parametrize("refused", [[1], [0, 3], [0, 1, 2, 3], [3, 4]])
def test_only_the_records_that_the_server_names_are_refused(
    refused: list[int], registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given = [record(n, **(ENDS_BEFORE_START if n in refused else {})) for n in range(6)]
    run = registrar.many(given, manifest, chunk_size=4)
    assert run.error is None
    assert sorted(run.errors) == refused
    for index, error in run.errors.items():
        assert isinstance(error, BadRequestError)
        assert str(error).startswith(f"record {index} was refused by the server: ")
        assert str(error).count("refused by the server") == 1
    rest = [f"Run {n}" for n in range(6) if n not in refused]
    assert_registered_once(sandbox, run, rest)
    assert run.progress[-1].submitted == len(rest)
    sandbox.clear_requests()
    assert_same_when_resumed(registrar, given, manifest, run)
    assert sandbox.requests == []


def test_the_rest_of_a_chunk_is_sent_after_repeated_refusals(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    def refusal(position: int) -> Fault:
        loc = ["body", "records", position, "display_name"]
        entry = {"loc": loc, "msg": f"not {position}", "type": "value_error"}
        return Fault(status=422, body=json.dumps({"detail": [entry]}).encode())

    sandbox.faults.add(SUBMIT, refusal(1), refusal(1))
    run = registrar.many(records(4), manifest)
    assert submitted(sandbox) == [
        ["Run 0", "Run 1", "Run 2", "Run 3"],
        ["Run 0", "Run 2", "Run 3"],
        ["Run 0", "Run 3"],
    ]
    assert {index: str(error) for index, error in run.errors.items()} == {
        1: "record 1 was refused by the server: display_name: not 1",
        2: "record 2 was refused by the server: display_name: not 1",
    }
    assert_same_when_resumed(registrar, list(records(4)), manifest, run)


@pytest.mark.parametrize("all_refused", [False, True])
@pytest.mark.stress
def test_a_registration_that_ends_between_refusals_can_be_resumed(
    all_refused: bool,
    registrar: Registrar,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def given(number: int) -> list[Any]:
        # Different records each time: the jobs of equal ones could not be distinguished.
        first = 10 * number
        rejected = [
            record(first + 1, **ENDS_BEFORE_START),
            record(first + 2, **ENDS_BEFORE_START),
            None,
        ]
        return rejected if all_refused else [record(first), *rejected]

    expected = registrar.many(given(0), tmp_path / "expected")
    assert expected.error is None
    for number in itertools.count(1):
        manifest = tmp_path / str(number)
        with monkeypatch.context() as patch:
            patch.setattr(Manifest, "_transaction", interrupted_at(number))
            interrupted = registrar.many(given(number), manifest).error is not None
        run = registrar.many(given(number), manifest)
        assert run.error is None
        assert {one.index: str(one.error) for one in run.results} == {
            one.index: str(one.error) for one in expected.results
        }
        if not interrupted:
            break
    assert number > 8
    assert submitted_names(sandbox) == registered_names(sandbox)
    assert set(submitted_names(sandbox).values()) <= {1}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(status=400, body=b'{"detail": "Too odd."}'), BadRequestError),
        (
            Fault(status=200, body=b'{"status": {"success": false, "details": "Too odd."}}'),
            OperationFailedError,
        ),
        (
            Fault(
                status=422, body=b'{"detail": [{"loc": ["body"], "msg": "Too odd.", "type": "x"}]}'
            ),
            ValidationFailedError,
        ),
    ],
    ids=["400", "no success", "422 without positions"],
)
def test_an_error_for_a_whole_batch_ends_the_registration_and_fails_no_record(
    fault: Fault, kind: type[ProvError], registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    # The error may come from a gateway, and not recur: no record has failed permanently.
    sandbox.faults.add(SUBMIT, fault)
    run = registrar.many(records(5), manifest, chunk_size=3)
    assert isinstance(run.error, kind)
    assert "Too odd." in str(run.error)
    assert not run.results
    assert not registered_names(sandbox)
    again = registrar.many(records(5), manifest, chunk_size=3)
    assert_registered_once(sandbox, again, [f"Run {number}" for number in range(5)])


def test_a_batch_whose_job_fails_is_submitted_again(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.fail_jobs("MODEL_RUN_BATCH_SUBMIT", "No room.")
    run = registrar.many(records(5), manifest, chunk_size=3).all_registered(5)
    assert registered_names(sandbox) == Counter(f"Run {number}" for number in range(5))
    assert run.progress[-1].submitted == 5
    assert_same_when_resumed(registrar, list(records(5)), manifest, run)


def test_a_batch_whose_job_fails_twice_fails_its_records(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    # The first submissions of both batches fail, and then the second one of one of them.
    sandbox.faults.fail_jobs("MODEL_RUN_BATCH_SUBMIT", *["No room."] * 2)
    run = registrar.many(records(5), manifest, chunk_size=3, max_concurrent_batches=1)
    assert run.error is None
    assert sorted(run.errors) == [0, 1, 2]
    for error in run.errors.values():
        assert isinstance(error, JobFailedError)
        assert "No room." in str(error)
    assert registered_names(sandbox) == Counter(["Run 3", "Run 4"])
    assert run.progress[-1].submitted == 5
    assert_same_when_resumed(registrar, list(records(5)), manifest, run)


def test_a_failed_job_fails_its_own_record(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.fail_jobs("MODEL_RUN_PROV_LODGE", "Full.", "Fuller.")
    run = registrar.many(records(5), manifest, chunk_size=3)
    assert run.error is None
    assert len(run.errors) == 2
    reasons = []
    for error in run.errors.values():
        assert isinstance(error, JobFailedError)
        reasons.append(error.reason)
        assert error.session_id
    assert sorted(reasons) == ["Full.", "Fuller."]
    names = {f"Run {n}" for n in range(5) if n not in run.errors}
    assert set(registered_names(sandbox)) == names
    by_handle = {one.id: one.display_name for one in sandbox.items("MODEL_RUN")}
    assert {one.handle: one.record["display_name"] for one in run.results if one.handle} == (
        by_handle
    )
    assert_same_when_resumed(registrar, list(records(5)), manifest, run)


@pytest.mark.parametrize(
    "faults",
    [
        [expired_token()] * 2,  # after the first one, the token is refreshed
        [Fault(status=403, body=b'{"detail": "No."}')],
        [Fault(status=404)],
    ],
    ids=["401", "403", "404"],
)
def test_an_error_that_prevents_submission_is_raised_at_the_end(
    faults: list[Fault], registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(delay=0), *faults)
    run = registrar.many(records(9), manifest, chunk_size=3)
    assert isinstance(run.error, ProvError)
    assert run.error.status_code == faults[0].status
    assert sorted(one.index for one in run.results) == [0, 1, 2]
    assert run.errors == {}
    assert len(submitted(sandbox)) == 1 + len(faults)
    again = registrar.many(records(9), manifest, chunk_size=3).all_registered(9)
    assert sorted(one.index for one in again.results if one.resumed) == [0, 1, 2]
    assert_registered_once(sandbox, again, [f"Run {n}" for n in range(9)])


@pytest.mark.parametrize("operation", ["fetch_job", "list_batch"])
def test_a_registration_that_cannot_follow_jobs_can_be_resumed(
    operation: str, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(operation, Fault(delay=0), expired_token(), expired_token())
    run = registrar.many(records(9), manifest, chunk_size=3)
    assert isinstance(run.error, AuthenticationError)
    again = registrar.many(records(9), manifest, chunk_size=3).all_registered(9)
    assert_registered_once(sandbox, again, [f"Run {n}" for n in range(9)])


def test_a_registration_without_a_token_ends_and_can_be_resumed(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    valid = sandbox.token("read", "write")

    def token() -> str:
        if len(submitted(sandbox)) == 2:
            raise CredentialsError("no token")
        return valid

    run = evolve(registrar, auth=BearerToken(token)).many(records(9), manifest, chunk_size=3)
    assert isinstance(run.error, CredentialsError)
    assert len(submitted(sandbox)) == 2
    again = registrar.many(records(9), manifest, chunk_size=3).all_registered(9)
    assert_registered_once(sandbox, again, [f"Run {n}" for n in range(9)])


def test_transient_errors_are_retried(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    rate_limited = Fault(status=429, headers={"Retry-After": "0"})
    sandbox.faults.add(SUBMIT, rate_limited, rate_limited)
    sandbox.faults.add("fetch_job", rate_limited)
    sandbox.faults.add("list_batch", rate_limited, Fault(drop=True), Fault(status=503))
    run = registrar.many(records(5), manifest, chunk_size=3).all_registered(5)
    # A gateway may send 429 although the server has the batch.
    assert "list_jobs" in [one.operation_id for one in sandbox.requests]
    assert_registered_once(sandbox, run, [f"Run {n}" for n in range(5)])


def test_a_server_that_was_never_reached_is_not_waited_for(
    registrar: Registrar, manifest: Path
) -> None:
    with Sandbox(seed=SEED) as first:
        config, auth = first.config, BearerToken(first.token("read", "write"))
    run = evolve(registrar, config=config, auth=auth).many(records(3), manifest)
    assert isinstance(run.error, TransportError)
    assert not run.error.may_have_arrived
    assert run.results == []


def test_a_server_that_goes_away_is_waited_for(
    registrar: Registrar, manifest: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    first = Sandbox(seed=SEED, delays=NO_DELAYS, state=state).start()
    port = urlsplit(first.url).port
    assert port is not None
    second = Sandbox(seed=SEED, delays=NO_DELAYS, state=state, port=port)
    starting = threading.Timer(0.5, second.start)

    def given() -> Iterator[Any]:
        yield from records(3)
        first.stop()
        starting.start()
        yield from records(3, 3)

    auth = BearerToken(first.token("read", "write"))
    try:
        run = evolve(registrar, config=first.config, auth=auth).many(
            given(), manifest, chunk_size=3
        )
        run.all_registered(6)
        assert_registered_once(second, run, [f"Run {n}" for n in range(6)])
    finally:
        first.stop()
        starting.join()
        second.stop()


def test_a_retry_after_delays_polls_by_the_clients_maximum(
    registrar: Registrar, sandbox: Sandbox
) -> None:
    slow = Fault(status=503, headers={"Retry-After": "600"})
    sandbox.faults.add("fetch_job", slow)
    patient = RetryPolicy(attempts=1, max_retry_after=0.1)
    start = time.monotonic()
    evolve(registrar, client={"retries": patient}).many(records(2)).all_registered(2)
    assert time.monotonic() - start < 20
