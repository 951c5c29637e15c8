"""Batches are limited by their size as well, and split if the server finds them too large."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from registration.registrar import (
    Registrar,
    assert_registered_once,
    execute,
    names,
    record,
    registered_names,
)

from prov_facade import BadRequestError, InvalidRequestError
from prov_facade.sandbox import Fault, Sandbox

SUBMIT = "register_batch_model_runs"
TOO_LONG = Fault(status=500, body=b'{"detail": "Invalid parameter: Message too long"}')


def large(count: int, size: int) -> list[dict[str, Any]]:
    return [record(number, description="x" * size) for number in range(count)]


def batches(sandbox: Sandbox) -> list[list[str]]:
    return [
        [one["display_name"] for one in request.json()["records"]]
        for request in sandbox.requests
        if request.operation_id == SUBMIT
    ]


def test_batches_stay_below_the_limit_of_the_server(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given = large(9, 60_000)
    run = registrar.many(given, manifest).all_registered(9)
    assert [len(batch) for batch in batches(sandbox)] == [3, 3, 3]
    assert_registered_once(sandbox, run, names(9))
    again = registrar.many(given, manifest, max_chunk_bytes=1).all_registered(9)
    assert all(one.resumed for one in again.results)


@pytest.mark.parametrize("fault", [TOO_LONG, Fault(status=413), Fault(status=500)])
def test_a_batch_that_is_too_large_is_split(
    fault: Fault, registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    sandbox.faults.add(SUBMIT, fault, fault)
    run = registrar.many(large(9, 10), manifest, chunk_size=7).all_registered(9)
    if fault.status == 500 and fault is not TOO_LONG:
        assert [len(batch) for batch in batches(sandbox)] == [7, 7, 7, 2]
    else:
        assert [len(batch) for batch in batches(sandbox)] == [7, 3, 1, 2, 4, 2]
        # The server has certainly not acted on it.
        assert "list_jobs" not in [one.operation_id for one in sandbox.requests]
    assert_registered_once(sandbox, run, names(9))
    sandbox.clear_requests()
    again = registrar.many(large(9, 10), manifest).all_registered(9)
    assert again.handles == run.handles
    assert all(one.resumed for one in again.results)
    assert sandbox.requests == []


def test_a_registration_that_ends_while_a_batch_is_split_can_be_resumed(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    refusal = Fault(status=403, body=b'{"detail": "No."}')
    sandbox.faults.add(SUBMIT, Fault(status=413), Fault(status=413), Fault(delay=0), refusal)
    registrar.many(large(8, 10), manifest, chunk_size=8)
    assert execute(manifest, "SELECT first, count FROM chunks ORDER BY first") == [
        (0, 2),
        (2, 2),
        (4, 4),
    ]
    run = registrar.many(large(8, 10), manifest, chunk_size=8).all_registered(8)
    assert registered_names(sandbox) == dict.fromkeys(names(8), 1)
    assert len(run.results) == 8


def test_a_record_that_is_too_large_by_itself_is_refused(
    registrar: Registrar, sandbox: Sandbox, manifest: Path
) -> None:
    given = large(5, 10)
    given[2] = record(2, description="x" * 300_000)
    run = registrar.many(given, manifest, max_chunk_bytes=10_000_000)
    assert run.error is None
    ((index, error),) = run.errors.items()
    assert index == 2
    assert isinstance(error, BadRequestError)
    assert "record 2 is larger than the server accepts" in str(error)
    assert registered_names(sandbox) == dict.fromkeys([n for n in names(5) if n != "Run 2"], 1)
    again = registrar.many(given, manifest)
    assert [str(one) for one in again.errors.values()] == [str(error)]


def test_the_server_does_not_take_larger_batches(sandbox: Sandbox, registrar: Registrar) -> None:
    run = registrar.many(large(5, 60_000), max_chunk_bytes=10_000_000).all_registered(5)
    assert [len(batch) for batch in batches(sandbox)] == [5, 2, 3]
    assert len(json.dumps(large(5, 60_000))) > 256 * 1024
    assert len(run.results) == 5


@pytest.mark.parametrize("size", [0, -1, 1.5, "1", None, True])
def test_the_limit_must_be_a_positive_integer(size: Any, registrar: Registrar) -> None:
    error = registrar.many([], max_chunk_bytes=size).error
    assert isinstance(error, InvalidRequestError)
    assert error.path == "$.max_chunk_bytes"
