"""Samples of responses and requests match the document and the generated operations."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from api_document import Node, operations, validator, without_nulls
from samples.catalogue import HERE, RequestSample, ResponseSample, request_samples, response_samples

from prov_api_client import OPERATIONS
from prov_api_client.errors import UnexpectedStatus

RESPONSES = response_samples()


def responses(*, documented: bool = True, success: bool | None = None) -> pytest.MarkDecorator:
    chosen = [
        pytest.param(sample, id=f"{sample.operation}-{sample.status}-{sample.file}")
        for sample in RESPONSES
        if sample.documented is documented and success in {None, sample.status == 200}
    ]
    return pytest.mark.parametrize("sample", chosen)


def schema(sample: ResponseSample) -> Node:
    content = operations()[sample.operation].responses[str(sample.status)]["content"]
    found: Node = content[sample.media_type.partition(";")[0]]["schema"]
    return found


@responses()
def test_a_response_sample_matches_the_document(sample: ResponseSample) -> None:
    text = sample.content.decode()
    is_json = sample.media_type == "application/json"
    validator(schema(sample)).validate(json.loads(text) if is_json else text)


@responses(success=True)
def test_a_success_sample_is_decoded(sample: ResponseSample) -> None:
    value = OPERATIONS[sample.operation].read(sample.response())
    assert type(value).__name__ == sample.type
    if isinstance(value, str):
        assert value.encode() == sample.content
    else:
        encoded = json.loads(msgspec.json.encode(value))
        assert without_nulls(encoded) == without_nulls(json.loads(sample.content))
        validator(schema(sample)).validate(encoded)


@responses(success=False)
def test_an_error_sample_is_not_decoded_as_a_value(sample: ResponseSample) -> None:
    with pytest.raises(UnexpectedStatus):
        OPERATIONS[sample.operation].read(sample.response())


@responses(success=False)
def test_the_body_of_an_error_sample_is_decoded(sample: ResponseSample) -> None:
    readers = OPERATIONS[sample.operation].responses[str(sample.status)]
    value: Any = readers[sample.media_type.partition(";")[0]].read(sample.response())
    if isinstance(value, str):
        assert value.encode() == sample.content
        return
    found = json.loads(sample.content)["detail"]
    if isinstance(found, str):
        assert value.detail == found
    else:
        assert [fault.to_dict() for fault in value.detail] == [
            {key: fault[key] for key in ("loc", "msg", "type")} for fault in found
        ]


@responses(documented=False)
def test_an_undocumented_response_is_not_decoded_as_a_value(sample: ResponseSample) -> None:
    assert str(sample.status) not in operations()[sample.operation].responses
    with pytest.raises(UnexpectedStatus):
        OPERATIONS[sample.operation].read(sample.response())


@pytest.mark.parametrize(
    "sample", [pytest.param(sample, id=sample.file) for sample in request_samples()]
)
def test_a_request_sample_is_encoded(sample: RequestSample) -> None:
    body = operations()[sample.operation].request_body
    assert body is not None
    check = validator(body["content"]["application/json"]["schema"])
    check.validate(json.loads(sample.content))
    value = msgspec.json.decode(sample.content, type=OPERATIONS[sample.operation].body)
    encoded = json.loads(msgspec.json.encode(value))
    check.validate(encoded)
    assert without_nulls(encoded) == without_nulls(json.loads(sample.content))


def test_nulls_in_samples_equal_absent_fields() -> None:
    record = OPERATIONS["register_model_run"].body
    samples = {sample.file: sample.content for sample in request_samples()}
    with_nulls = msgspec.json.decode(samples["record_with_nulls.json"], type=record)
    without = msgspec.json.decode(samples["record_of_required_fields.json"], type=record)
    assert with_nulls == without


def test_every_sample_file_is_listed() -> None:
    for folder, samples in (("responses", RESPONSES), ("requests", request_samples())):
        names = {path.name for path in (HERE / folder).iterdir()}
        assert names == {sample.file for sample in samples}
