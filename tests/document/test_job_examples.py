"""The examples of jobs: their fields in each status, and their pagination."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_document import (
    JOB_DOCUMENT_PATH,
    Node,
    example_value,
    load,
    operations,
    validator,
)

DOCUMENT = load(JOB_DOCUMENT_PATH)
SCHEMAS = DOCUMENT["components"]["schemas"]

# The results of successful jobs. The schemas are those of the prov-api.
RECORD = {
    "type": "object",
    "required": ["record"],
    "properties": {"record": {"$ref": "#/components/schemas/ProvenanceRecordInfo"}},
    "additionalProperties": False,
}


def one_string(name: str, pattern: str) -> Node:
    return {
        "type": "object",
        "required": [name],
        "properties": {name: {"type": "string", "pattern": pattern}},
        "additionalProperties": False,
    }


RESULTS = {
    "MODEL_RUN_PROV_LODGE": RECORD,
    "MODEL_RUN_LODGE_ONLY": RECORD,
    "MODEL_RUN_UPDATE": RECORD,
    "MODEL_RUN_BATCH_SUBMIT": one_string("batch_id", "^[0-9a-f-]{36}$"),
    "GENERATE_REPORT": one_string("report_url", "^https://"),
}
RUNNERS = {"GENERATE_REPORT": "REPORT"}


def responses(operation_id: str) -> dict[str, Any]:
    response = operations(DOCUMENT)[operation_id].responses["200"]["content"]["application/json"]
    return {name: example_value(value, DOCUMENT) for name, value in response["examples"].items()}


def requests(operation_id: str) -> dict[str, Any]:
    body = operations(DOCUMENT)[operation_id].request_body
    assert body is not None
    examples = body["content"]["application/json"]["examples"]
    return {name: example_value(value, DOCUMENT) for name, value in examples.items()}


SINGLE = {name: response["job"] for name, response in responses("fetch_job").items()}
LISTS = ("list_jobs", "list_batch")
JOBS = SINGLE | {
    f"{operation_id}-{name}-{number}": job
    for operation_id in LISTS
    for name, page in responses(operation_id).items()
    for number, job in enumerate(page["jobs"])
}

EVERY_JOB = pytest.mark.parametrize(
    "job", [pytest.param(job, id=name) for name, job in JOBS.items()]
)
EVERY_LIST = pytest.mark.parametrize("operation_id", LISTS)


def test_every_status_and_every_kind_of_result_is_shown() -> None:
    assert {job["status"] for job in SINGLE.values()} == set(SCHEMAS["JobStatus"]["enum"])
    succeeded = [job for job in SINGLE.values() if job["status"] == "SUCCEEDED"]
    assert {job["job_sub_type"] for job in succeeded} == RESULTS.keys()


@EVERY_JOB
def test_a_job_shows_every_field(job: Node) -> None:
    assert list(job) == list(SCHEMAS["JobStatusTable"]["properties"])


@EVERY_JOB
def test_a_finished_job_has_a_result_or_a_reason(job: Node) -> None:
    assert (job["result"] is not None) is (job["status"] == "SUCCEEDED")
    assert job["info"] is not None or job["status"] != "FAILED"
    assert job["job_type"] == RUNNERS.get(job["job_sub_type"], "PROV_LODGE")
    if job["result"] is not None:
        validator(RESULTS[job["job_sub_type"]], load()).validate(job["result"])


@EVERY_JOB
def test_a_payload_leaves_unset_fields_out(job: Node) -> None:
    assert "null" not in json.dumps(job["payload"])


def test_info_is_shown_in_more_than_one_status() -> None:
    with_info = {job["status"] for job in SINGLE.values() if job["info"] is not None}
    assert with_info > {"FAILED"}


@EVERY_JOB
def test_the_description_covers_the_result(job: Node) -> None:
    description = SCHEMAS["JobStatusTable"]["properties"]["result"]["description"]
    assert f"`{job['job_sub_type']}`" in description
    for name in job["result"] or ():
        assert f"`{name}`" in description


@EVERY_LIST
def test_the_newest_job_is_first(operation_id: str) -> None:
    for page in responses(operation_id).values():
        times = [job["created_timestamp"] for job in page["jobs"]]
        assert times == sorted(times, reverse=True)


@EVERY_LIST
def test_a_pagination_key_is_sent_back_unchanged(operation_id: str) -> None:
    keys = [page["pagination_key"] for page in responses(operation_id).values()]
    received = [key for key in keys if key is not None]
    sent = [request.get("pagination_key") for request in requests(operation_id).values()]
    assert received
    assert [key for key in sent if key is not None] == received


def test_all_examples_show_the_same_batch() -> None:
    batch_ids = {request["batch_id"] for request in requests("list_batch").values()}
    batch_ids |= {
        job["batch_id"] for page in responses("list_batch").values() for job in page["jobs"]
    }
    batch_ids |= {
        job["result"]["batch_id"]
        for job in SINGLE.values()
        if job["job_sub_type"] == "MODEL_RUN_BATCH_SUBMIT"
    }
    assert len(batch_ids) == 1
