"""Matching the jobs of a batch with its records, even if the server has changed them."""

from __future__ import annotations

import time
from typing import Any

import httpx
import msgspec
import pytest
from attrs import evolve
from registration.registrar import QUICK, record

from job_api_client.models import JobStatusTable
from prov_api_client.models import ModelRunRecord
from prov_facade import JobError, ProvError
from prov_facade._jobs.poller import Poller
from prov_facade._registration.batch import (
    InFlightBatch,
    RecordState,
    clock_offset,
    may_still_be_registered,
    submission_unknown,
)
from prov_facade._registration.manifest import (
    Chunk,
    ChunkState,
    Manifest,
    Outcome,
    StoredRecord,
    SubmittedBatch,
)
from prov_facade._registration.recognition import fingerprint


def job(session_id: str, content: object, **changes: Any) -> JobStatusTable:
    """A job that has registered a record."""
    handle = f"handle of {session_id}"
    fields = {
        "session_id": session_id,
        "created_timestamp": 1,
        "username": "someone",
        "batch_id": "batch",
        "payload": {"record": content},
        "job_type": "PROV_LODGE",
        "job_sub_type": "MODEL_RUN_PROV_LODGE",
        "status": "SUCCEEDED",
        "info": None,
        "result": {"record": {"id": handle, "prov_json": "{}", "record": record(0)}},
        **changes,
    }
    if fields["status"] != "SUCCEEDED":
        fields["result"] = None
    return msgspec.convert(fields, JobStatusTable)


def states_of(*contents: dict[str, Any], first: int = 0) -> list[RecordState]:
    return [
        RecordState(index, content, msgspec.convert(content, ModelRunRecord))
        for index, content in enumerate(contents, first)
    ]


def batch_of(*contents: dict[str, Any]) -> InFlightBatch:
    """A batch whose jobs are known."""
    states = states_of(*contents)
    with Manifest(None, "https://prov-api.example.org") as manifest:
        manifest.plan([state.stored for state in states], 0.0)
        manifest.submitted(0, "job")
        return InFlightBatch(states, manifest.batch(0, "batch"), Poller(QUICK))


def broken_off_batch(started: dict[int, str], *contents: dict[str, Any]) -> InFlightBatch:
    """A batch that was submitted again, after its first job started some and failed."""
    states = states_of(*contents)
    with Manifest(None, "https://prov-api.example.org") as manifest:
        manifest.plan([state.stored for state in states], 0.0)
        manifest.submitted(0, "failed job")
        manifest.batch(0, "earlier")
        for state in states:
            state.session_id = started.get(state.index)
        manifest.broken_off(0, started)
        manifest.plan_again(0, 1.0)
        manifest.submitted(0, "job")
        return InFlightBatch(states, manifest.batch(0, "batch"), Poller(QUICK))


def handles(batch: InFlightBatch) -> list[str | None]:
    return [state.handle for state in batch.records]


def test_jobs_are_matched_by_content_in_any_order() -> None:
    batch = batch_of(record(0), record(1))
    assert batch.update([job("b", record(1)), job("x", record(0), status="IN_PROGRESS")]) == [
        batch.records[1]
    ]
    assert [state.has_outcome for state in batch.records] == [False, True]
    assert batch.update([job("b", record(1)), job("a", record(0))]) == [batch.records[0]]
    assert handles(batch) == ["handle of a", "handle of b"]
    assert not batch.waiting
    assert batch.outcomes_are_final


def test_jobs_of_records_whose_outcome_is_known_are_not_matched_with_equal_ones() -> None:
    batch = batch_of(record(0), record(0), record(1))
    batch.records[0].restore(Outcome("a", "handle of a"))
    jobs = [job("a", record(0)), job("c", record(1)), job("b", record(0), status="IN_PROGRESS")]
    assert batch.update(jobs) == [batch.records[2]]
    assert batch.update([*jobs[:2], job("b", record(0))]) == [batch.records[1]]
    assert handles(batch) == ["handle of a", "handle of b", "handle of c"]


def test_changed_records_are_matched_by_their_names_and_times() -> None:
    batch = batch_of(record(0), record(1), record(2))
    changed = [record(number, description="Another.") for number in range(2)]
    changed[0]["display_name"] += " "
    jobs = [job("b", changed[1]), job("c", record(2))]
    assert batch.update(jobs) == [batch.records[2]]
    assert batch.update([*jobs, job("a", changed[0])]) == batch.records[:2]
    assert handles(batch) == ["handle of a", "handle of b", "handle of c"]


def test_the_last_record_is_matched_by_elimination() -> None:
    batch = batch_of(record(0), record(1))
    batch.update([job("a", "unreadable"), job("b", record(1, description="Another."))])
    assert handles(batch) == ["handle of a", "handle of b"]


def test_the_error_of_records_that_cannot_be_matched_names_the_jobs() -> None:
    batch = batch_of(record(0), record(0, description="Different."), record(2))
    jobs = [job(name, record(0, description=name)) for name in ("a", "b")]
    batch.update([*jobs, job("c", record(2, description="c"))])
    assert handles(batch) == [None, None, "handle of c"]
    for state in batch.records[:2]:
        assert isinstance(state.error, JobError)
        assert "it is one of a, b, and has ended" in str(state.error)
        assert may_still_be_registered(state.error)
    assert not batch.waiting
    assert not batch.outcomes_are_final


def test_a_job_with_an_unusable_result_is_an_error() -> None:
    batch = batch_of(record(0))
    batch.update([job("a", record(0), result={})])
    error = batch.records[0].error
    assert type(error) is JobError
    assert "is registered, but its id is unknown" in str(error)
    assert error.session_id == "a"
    assert not batch.outcomes_are_final


def test_an_error_of_an_unknown_kind_is_restored() -> None:
    state = RecordState(0, None)
    state.restore(Outcome(None, None, "of a newer version", "NewerError"))
    assert type(state.error) is ProvError
    assert str(state.error) == "of a newer version"


def test_a_batch_is_known_by_its_jobs_and_batches() -> None:
    states = states_of(record(0), record(1), record(2))
    found = []
    with Manifest(None, "https://prov-api.example.org") as manifest:
        chunk = manifest.plan([state.stored for state in states], 0.0)
        batch = InFlightBatch(states, chunk, Poller(QUICK))
        for change, *arguments in (
            (manifest.submitted, "job"),
            (manifest.batch, "batch"),
            (manifest.broken_off, {1: "a"}),
            (manifest.plan_again, 1.0),
            (manifest.submitted, "job, again"),
            (manifest.batch, "second"),
        ):
            found.append((batch.submitting, batch.batch_ids))
            batch.chunk = change(0, *arguments)
        found.append((batch.submitting, batch.batch_ids))
    assert found == [
        (None, []),
        ("job", []),
        (None, ["batch"]),
        (None, ["batch"]),
        (None, ["batch"]),
        ("job, again", ["batch"]),
        (None, ["batch", "second"]),
    ]


def test_a_job_that_was_given_up_submits_nothing() -> None:
    batch = batch_of(record(0))
    batch.chunk = evolve(batch.chunk, batches=(SubmittedBatch("job", None),))
    assert batch.submitting == "job"
    given_up = evolve(batch, given_up=True)
    assert given_up.submitting is None


def test_records_with_a_job_get_its_outcome_whatever_its_content() -> None:
    batch = broken_off_batch({1: "b"}, record(0), record(1))
    b = job("b", record(0), batch_id="earlier")  # shows the content of the other record
    assert batch.update([b]) == [batch.records[1]]
    assert batch.update([b, job("a", record(0))]) == [batch.records[0]]
    assert handles(batch) == ["handle of a", "handle of b"]


def test_changed_records_of_a_second_batch_are_matched() -> None:
    batch = broken_off_batch({1: "b"}, record(0), record(1), record(2), record(3))
    b = job("b", record(1), batch_id="earlier", status="IN_PROGRESS")
    second = [job("a", "unreadable"), job("d", record(3, description="Another."))]
    assert batch.update([b, *second, job("c", record(2), status="PENDING")]) == []
    changed = batch.update([b, *second, job("c", record(2))])
    assert {state.index for state in changed} == {0, 2, 3}
    # The job of record 1 is known, so it is not one of those to be matched.
    assert handles(batch) == ["handle of a", None, "handle of c", "handle of d"]
    batch.update([job("b", record(1), batch_id="earlier")])
    assert batch.records[1].handle == "handle of b"


def test_jobs_of_other_chunks_in_an_earlier_batch_are_not_matched() -> None:
    """The chunk was split after it had broken off: the batch has jobs of both parts."""
    batch = broken_off_batch({0: "a"}, record(0), record(1))
    other = job("of record 2", record(2), batch_id="earlier")
    a = job("a", record(0), batch_id="earlier")
    assert batch.update([a, other]) == [batch.records[0]]
    pending = job("b", record(1), status="PENDING")
    assert batch.update([a, other, pending]) == []
    assert handles(batch) == ["handle of a", None]
    batch.update([a, other, job("b", record(1, description="Another."))])
    assert handles(batch) == ["handle of a", "handle of b"]


def test_a_late_job_of_an_earlier_batch_is_not_matched() -> None:
    """Its record is in the second batch too, so that one job would be left for another record."""
    batch = broken_off_batch({}, record(0), record(1))
    late, again = job("late", record(0), batch_id="earlier"), job("a", record(0))
    assert batch.update([late]) == []
    assert batch.update([late, again]) == [batch.records[0]]
    assert batch.update([late, again, job("b", record(1), status="PENDING")]) == []
    batch.update([late, again, job("b", record(1, description="Another."))])
    assert handles(batch) == ["handle of a", "handle of b"]


def test_an_equal_record_of_another_chunk_in_an_earlier_batch_keeps_its_job() -> None:
    batch = broken_off_batch({}, record(0))
    equal = job("of an equal record", record(0), batch_id="earlier")
    assert batch.update([equal]) == []
    batch.update([equal, job("a", record(0))])
    assert handles(batch) == ["handle of a"]


def test_a_record_with_a_job_is_not_matched_with_another() -> None:
    """Another record was given up, since any of several jobs may register it."""
    states = states_of(record(0), record(1))
    with Manifest(None, "https://prov-api.example.org") as manifest:
        manifest.plan([state.stored for state in states], 0.0)
        manifest.submitted(0, "failed job")
        chunk = manifest.batch(0, "batch")
    batch = InFlightBatch(states, chunk, Poller(QUICK), given_up=True)
    states[0].session_id = "a"
    assert batch.fail(ProvError("unknown"), only_open=True) == [states[1]]
    doubtful = job("b", record(1, description="Another."))
    assert batch.update([job("a", record(0), status="PENDING"), doubtful]) == []
    assert batch.update([job("a", record(0)), doubtful]) == [states[0]]
    assert handles(batch) == ["handle of a", None]


def test_all_records_without_an_outcome_fail_unless_only_open_ones_do() -> None:
    batch = broken_off_batch({1: "b"}, record(0), record(1), record(2))
    batch.update([job("a", record(0))])
    error = ProvError("over")
    assert batch.fail(error, only_open=True) == [batch.records[2]]
    assert batch.fail(error) == [batch.records[1]]
    assert [state.error for state in batch.records] == [None, error, error]


def test_a_record_is_stored_with_its_digests() -> None:
    (state,) = states_of(record(0))
    found = fingerprint(msgspec.convert(record(0), ModelRunRecord))
    assert state.fingerprint == found
    assert state.stored == StoredRecord(found.digest, found.identity)
    assert RecordState(0, "invalid").fingerprint is None
    assert RecordState(0, "invalid").stored == StoredRecord()


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}])
def test_the_clock_of_a_server_is_unknown_without_a_date(headers: dict[str, str]) -> None:
    assert clock_offset(httpx.Response(200, headers=headers)) is None
    date = {"date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    offset = clock_offset(httpx.Response(200, headers=date))
    assert offset == pytest.approx(1_767_225_600 - time.time(), abs=60)


def test_the_error_without_a_manifest_offers_no_resolution() -> None:
    chunk = Chunk(0, 0, 0.0, ChunkState.SUBMITTING, (StoredRecord(),) * 2)
    error = submission_unknown(chunk, None, (), "not found")
    assert str(error) == (
        "could not determine whether records 0 to 1 (chunk 0) were submitted at"
        " 1970-01-01 00:00:00 UTC: not found. They were not sent again. Check your jobs before"
        " you do so"
    )
