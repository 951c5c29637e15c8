"""Records that are refused, jobs that fail, and what keeps all of it from going on."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from attrs import evolve
from registration.conftest import NO_DELAYS
from registration.registrar import (
    SEED,
    Registrar,
    lodged_once,
    names_given,
    names_lodged,
    record,
    records,
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
    ValidationFailedError,
)
from prov_facade.sandbox import Fault, Sandbox, expired_token

SUBMIT = "register_batch_model_runs"
LATE = {"start_time": 5, "end_time": 4}


def submitted(sandbox: Sandbox) -> list[list[str]]:
    """The names in each batch that was sent."""
    return [
        [one["display_name"] for one in request.json()["records"]]
        for request in sandbox.requests
        if request.operation_id == SUBMIT
    ]


def same_again(registering: Registrar, given: list[Any], manifest: Path, before: Any) -> None:
    """Hold a second run to know what the first one found out, without a request."""
    again = registering.many(given, manifest)
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


def test_what_cannot_be_sent_is_found_here(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given: list[Any] = list(records(6))
    given[1] = record(1, display_name="")
    given[3] = {"display_name": "half"}
    given[4] = None
    ended = registering.many(given, manifest, chunk_size=2)
    assert ended.error is None
    assert sorted(ended.errors) == [1, 3, 4]
    for index, error in ended.errors.items():
        assert isinstance(error, InvalidRequestError)
        assert f"record {index}" in str(error)
    assert sorted(name for batch in submitted(sandbox) for name in batch) == [
        "Run 0",
        "Run 2",
        "Run 5",
    ]
    assert {one.record is given[one.index] for one in ended.results} == {True}
    assert (ended.progress[-1].submitted, ended.progress[-1].failed) == (3, 3)
    sandbox.clear_requests()
    same_again(registering, given, manifest, ended)
    assert sandbox.requests == []


def test_a_chunk_with_nothing_to_send_is_not_sent(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given: list[Any] = [None, None, record(2)]
    ended = registering.many(given, manifest, chunk_size=2)
    assert sorted(ended.errors) == [0, 1]
    assert submitted(sandbox) == [["Run 2"]]
    same_again(registering, given, manifest, ended)


@pytest.mark.parametrize("refused", [[1], [0, 3], [0, 1, 2, 3], [3, 4]])
def test_only_the_records_that_the_server_names_are_refused(
    refused: list[int], registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given = [record(n, **(LATE if n in refused else {})) for n in range(6)]
    ended = registering.many(given, manifest, chunk_size=4)
    assert ended.error is None
    assert sorted(ended.errors) == refused
    for index, error in ended.errors.items():
        assert isinstance(error, BadRequestError)
        assert str(error).startswith(f"record {index} was refused by the server: ")
        assert str(error).count("refused by the server") == 1
    rest = [f"Run {n}" for n in range(6) if n not in refused]
    lodged_once(sandbox, ended, rest)
    assert ended.progress[-1].submitted == len(rest)
    sandbox.clear_requests()
    same_again(registering, given, manifest, ended)
    assert sandbox.requests == []


def test_refused_again_and_again_the_rest_is_sent(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    def refusal(position: int) -> Fault:
        loc = ["body", "records", position, "display_name"]
        entry = {"loc": loc, "msg": f"not {position}", "type": "value_error"}
        return Fault(status=422, body=json.dumps({"detail": [entry]}).encode())

    sandbox.faults.add(SUBMIT, refusal(1), refusal(1))
    ended = registering.many(records(4), manifest)
    assert submitted(sandbox) == [
        ["Run 0", "Run 1", "Run 2", "Run 3"],
        ["Run 0", "Run 2", "Run 3"],
        ["Run 0", "Run 3"],
    ]
    assert {index: str(error) for index, error in ended.errors.items()} == {
        1: "record 1 was refused by the server: display_name: not 1",
        2: "record 2 was refused by the server: display_name: not 1",
    }
    same_again(registering, list(records(4)), manifest, ended)


@pytest.mark.parametrize("keep", ["plan", "not_submitted", "plan again", "not_submitted again"])
def test_killed_between_refusals_it_goes_on(
    keep: str, registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given = [record(0), record(1, **LATE), record(2, **LATE), None]
    if keep.endswith("again"):
        given = given[1:]  # then all of it is refused
    ended = registering.many(given, manifest)
    assert ended.error is None
    lines = manifest.read_bytes().splitlines(keepends=True)
    kept = ["header", "plan", "not_submitted", "plan again", "not_submitted again"]
    manifest.write_bytes(b"".join(lines[: kept.index(keep) + 1]))
    for job in names_given(sandbox):
        assert job == "Run 0"
    again = registering.many(given, manifest)
    assert again.error is None
    assert {one.index: str(one.error) for one in again.results} == {
        one.index: str(one.error) for one in ended.results
    }


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
def test_a_batch_that_is_refused_as_a_whole(
    fault: Fault, kind: type[ProvError], registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    # It may be a gateway that says so, and otherwise tomorrow: no record is to blame for good.
    sandbox.faults.add(SUBMIT, fault)
    ended = registering.many(records(5), manifest, chunk_size=3)
    assert isinstance(ended.error, kind)
    assert "Too odd." in str(ended.error)
    assert not ended.results
    assert not names_lodged(sandbox)
    again = registering.many(records(5), manifest, chunk_size=3)
    lodged_once(sandbox, again, [f"Run {number}" for number in range(5)])


def test_a_job_that_fails_to_submit_fails_its_records(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.fail_jobs("MODEL_RUN_BATCH_SUBMIT", "No room.")
    ended = registering.many(records(5), manifest, chunk_size=3)
    assert ended.error is None
    assert sorted(ended.errors) == [0, 1, 2]
    for error in ended.errors.values():
        assert isinstance(error, JobFailedError)
        assert "No room." in str(error)
    assert names_lodged(sandbox) == Counter(["Run 3", "Run 4"])
    assert ended.progress[-1].submitted == 5
    same_again(registering, list(records(5)), manifest, ended)


def test_jobs_that_fail_fail_their_own_records(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.fail_jobs("MODEL_RUN_PROV_LODGE", "Full.", "Fuller.")
    ended = registering.many(records(5), manifest, chunk_size=3)
    assert ended.error is None
    assert len(ended.errors) == 2
    reasons = []
    for error in ended.errors.values():
        assert isinstance(error, JobFailedError)
        reasons.append(error.reason)
        assert error.session_id
    assert sorted(reasons) == ["Full.", "Fuller."]
    names = {f"Run {n}" for n in range(5) if n not in ended.errors}
    assert set(names_lodged(sandbox)) == names
    by_handle = {one.id: one.display_name for one in sandbox.items("MODEL_RUN")}
    assert {one.handle: one.record["display_name"] for one in ended.results if one.handle} == (
        by_handle
    )
    same_again(registering, list(records(5)), manifest, ended)


@pytest.mark.parametrize(
    "faults",
    [
        [expired_token()] * 2,  # after the first one, a new token is tried
        [Fault(status=403, body=b'{"detail": "No."}')],
        [Fault(status=404)],
    ],
    ids=["401", "403", "404"],
)
def test_what_keeps_records_from_being_submitted_is_raised_at_the_end(
    faults: list[Fault], registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, Fault(delay=0), *faults)
    ended = registering.many(records(9), manifest, chunk_size=3)
    assert isinstance(ended.error, ProvError)
    assert ended.error.status_code == faults[0].status
    assert sorted(one.index for one in ended.results) == [0, 1, 2]
    assert ended.errors == {}
    assert len(submitted(sandbox)) == 1 + len(faults)
    again = registering.many(records(9), manifest, chunk_size=3).all_well(9)
    assert sorted(one.index for one in again.results if one.resumed) == [0, 1, 2]
    lodged_once(sandbox, again, [f"Run {n}" for n in range(9)])


@pytest.mark.parametrize("operation", ["fetch_job", "list_batch"])
def test_who_may_not_follow_jobs_can_go_on_later(
    operation: str, registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(operation, Fault(delay=0), expired_token(), expired_token())
    ended = registering.many(records(9), manifest, chunk_size=3)
    assert isinstance(ended.error, AuthenticationError)
    again = registering.many(records(9), manifest, chunk_size=3).all_well(9)
    lodged_once(sandbox, again, [f"Run {n}" for n in range(9)])


def test_without_a_token_it_ends_and_can_go_on_later(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    good = sandbox.token("read", "write")

    def token() -> str:
        if len(submitted(sandbox)) == 2:
            raise CredentialsError("nobody is there")
        return good

    ended = evolve(registering, auth=BearerToken(token)).many(records(9), manifest, chunk_size=3)
    assert isinstance(ended.error, CredentialsError)
    assert len(submitted(sandbox)) == 2
    again = registering.many(records(9), manifest, chunk_size=3).all_well(9)
    lodged_once(sandbox, again, [f"Run {n}" for n in range(9)])


def test_too_many_requests_are_waited_out(
    registering: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    slowly = Fault(status=429, headers={"Retry-After": "0"})
    sandbox.faults.add(SUBMIT, slowly, slowly)
    sandbox.faults.add("fetch_job", slowly)
    sandbox.faults.add("list_batch", slowly, Fault(drop=True), Fault(status=503))
    ended = registering.many(records(5), manifest, chunk_size=3).all_well(5)
    # It is certain that it was not acted on.
    assert "list_jobs" not in [one.operation_id for one in sandbox.requests]
    lodged_once(sandbox, ended, [f"Run {n}" for n in range(5)])


def test_a_server_that_is_not_there_yet_is_waited_for(
    registering: Registrar, manifest: Path
) -> None:
    with Sandbox(seed=SEED) as first:
        config, token = first.config, first.token("read", "write")
        port = urlsplit(first.url).port
    assert port is not None
    later = Sandbox(seed=SEED, delays=NO_DELAYS, port=port)
    starting = threading.Timer(0.5, later.start)
    starting.start()
    try:
        auth = BearerToken(lambda: token if starting.is_alive() else later.token("read", "write"))
        ended = evolve(registering, config=config, auth=auth).many(records(3), manifest).all_well(3)
        assert "list_jobs" not in [one.operation_id for one in later.requests]
        lodged_once(later, ended, [f"Run {n}" for n in range(3)])
    finally:
        starting.join()
        later.stop()
