"""Matching the jobs of a batch with its records, even if the server has changed them."""

from __future__ import annotations

import time
from typing import Any

import httpx
import msgspec
import pytest
from registration.registrar import QUICK, record

from job_api_client.models import JobStatusTable
from prov_api_client.models import ModelRunRecord
from prov_facade import JobError, JobFailedError, ProvError
from prov_facade._jobs.poller import Poller
from prov_facade._registration.batch import (
    InFlightBatch,
    RecordState,
    clock_offset,
    digest,
    may_still_be_registered,
    submission_unknown,
    submitted_digest,
)
from prov_facade._registration.manifest import Chunk, Outcome


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
    return msgspec.convert(fields, JobStatusTable)


def batch_of(*contents: dict[str, Any]) -> InFlightBatch:
    states = [
        RecordState(index, content, msgspec.convert(content, ModelRunRecord))
        for index, content in enumerate(contents)
    ]
    return InFlightBatch(states, 0, Poller(QUICK), "job", "batch")


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
    assert batch.finished
    assert batch.outcomes_are_final


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
    assert batch.finished
    assert not batch.outcomes_are_final


def test_a_job_with_an_unusable_result_is_an_error() -> None:
    batch = batch_of(record(0))
    batch.update([job("a", record(0), result={})])
    error = batch.records[0].error
    assert isinstance(error, JobFailedError)
    assert error.session_id == "a"


def test_an_error_of_an_unknown_kind_is_restored() -> None:
    state = RecordState(0, None)
    state.restore(Outcome(None, None, "of a newer version", "NewerError"))
    assert type(state.error) is ProvError
    assert str(state.error) == "of a newer version"


def test_only_batch_jobs_with_readable_records_have_a_digest() -> None:
    records = [record(0), record(1)]
    expected = digest(msgspec.convert(one, ModelRunRecord) for one in records)
    kind = {"job_sub_type": "MODEL_RUN_BATCH_SUBMIT"}
    assert submitted_digest(job("a", None, payload={"records": records}, **kind)) == expected
    assert submitted_digest(job("a", None, payload={"records": records})) is None
    for payload in ({"records": [*records, {}]}, {"records": "none"}, {}):
        assert submitted_digest(job("a", None, payload=payload, **kind)) is None


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}])
def test_clocks_are_assumed_equal_without_a_date(headers: dict[str, str]) -> None:
    assert clock_offset(httpx.Response(200, headers=headers)) == 0
    date = {"date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    assert clock_offset(httpx.Response(200, headers=date)) < 1_767_225_600 - time.time() + 60


def test_the_error_without_a_manifest_offers_no_resolution() -> None:
    error = submission_unknown(Chunk(0, 0, 2, "0" * 64, 0.0), None, (), "not found")
    assert str(error) == (
        "could not determine whether records 0 to 1 (chunk 0) were submitted at"
        " 1970-01-01 00:00:00 UTC: not found. They were not sent again. Check your jobs before"
        " you do so"
    )
