"""The generated operations decode and encode the examples of the documents."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from api_document import (
    DOCUMENT_PATH,
    JOB_DOCUMENT_PATH,
    example_value,
    load,
    operations,
    without_nulls,
)

import job_api_client
import prov_api_client
from prov_api_client.errors import UnexpectedStatus
from prov_api_client.operation import Operation

TABLES = {
    DOCUMENT_PATH: prov_api_client.OPERATIONS,
    JOB_DOCUMENT_PATH: job_api_client.OPERATIONS,
}


@dataclass(frozen=True)
class Example:
    """An example of a body.

    Attributes:
        operation: The operation of the body.
        name: The name of the example.
        media_type: The media type.
        value: The body: text, bytes, or a JSON value.
        status: The status of the response; `None` for a request.
    """

    operation: Operation[Any]
    name: str
    media_type: str
    value: Any
    status: int | None

    def __str__(self) -> str:
        return f"{self.operation.operation_id}-{self.status}-{self.name}"

    @property
    def is_json(self) -> bool:
        return self.media_type == "application/json"

    @property
    def response(self) -> httpx.Response:
        value = self.value.encode() if isinstance(self.value, str) else self.value
        content = json.dumps(self.value).encode() if self.is_json else value
        return httpx.Response(
            self.status or 0, headers={"content-type": self.media_type}, content=content
        )


def examples(path: Path) -> list[Example]:
    document = load(path)
    found = []
    for operation_id, entry in operations(document).items():
        bodies = [(None, entry.request_body)] if entry.request_body else []
        responses = [(int(status), response) for status, response in entry.responses.items()]
        found += [
            Example(
                TABLES[path][operation_id], name, kind, example_value(example, document), status
            )
            for status, message in [*bodies, *responses]
            for kind, content in message["content"].items()
            for name, example in content["examples"].items()
        ]
    return found


EVERY = [example for path in TABLES for example in examples(path)]
REQUESTS = [example for example in EVERY if example.status is None and example.is_json]
SUCCESSES = [example for example in EVERY if example.status == 200]
FAILURES = [example for example in EVERY if example.status is not None and example.status >= 400]


def test_both_documents_have_examples_of_every_kind() -> None:
    for kind in (REQUESTS, SUCCESSES, FAILURES):
        ids = {example.operation.operation_id for example in kind}
        assert all(ids & table.keys() for table in TABLES.values())


@pytest.mark.parametrize("example", SUCCESSES, ids=str)
def test_a_success_is_decoded(example: Example) -> None:
    value = example.operation.read(example.response)
    if example.is_json:
        written = json.loads(msgspec.json.encode(value))
        assert without_nulls(written) == without_nulls(example.value)
    else:
        assert value == example.value


@pytest.mark.parametrize("example", FAILURES, ids=str)
def test_an_error_response_is_decoded_as_an_error(example: Example) -> None:
    with pytest.raises(UnexpectedStatus):
        example.operation.read(example.response)
    reader = example.operation.responses[str(example.status)][example.media_type]
    value = reader.read(example.response)
    if example.is_json:
        assert json.loads(msgspec.json.encode(value)).keys() == example.value.keys()
    else:
        assert value == example.value


@pytest.mark.parametrize("example", REQUESTS, ids=str)
def test_a_request_body_is_encoded_as_documented(example: Example) -> None:
    body = msgspec.convert(example.value, example.operation.body)
    written = without_nulls(json.loads(msgspec.json.encode(body)))
    value = without_nulls(example.value)
    if isinstance(value, dict):
        value = {**written, **value}  # defaults are sent
    assert written == value
