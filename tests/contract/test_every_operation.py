"""Every operation over HTTP: its smallest call, its fullest call, each documented response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import api_document
import attrs
import msgspec
import pytest
from api_document import DOCX, without_nulls
from clients import BOTH_BY_DEFAULT, run
from contract_server import TOKEN, ContractServer
from operation_calls import CALLS, Call

from prov_api_client import OPERATIONS
from prov_facade import ProvClient, errors


@dataclass(frozen=True)
class Documented:
    """An example of a documented response."""

    operation_id: str
    status: int
    media_type: str
    example: str
    value: Any

    def __str__(self) -> str:
        return f"{self.operation_id}-{self.status}-{self.example}"

    @property
    def is_failure(self) -> bool:
        return isinstance(self.value, dict) and self.value.get("status", {}).get("success") is False


RESPONSES = [
    Documented(operation_id, int(status), media_type, name, api_document.example_value(example))
    for operation_id, entry in api_document.operations().items()
    for status, response in entry.responses.items()
    for media_type, content in response["content"].items()
    for name, example in content["examples"].items()
]
(DOCUMENT,) = (response.value for response in RESPONSES if response.media_type == DOCX)
ERROR_CLASSES = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    422: errors.ValidationFailedError,
    500: errors.ServerError,
}


def as_json(value: Any) -> Any:
    return without_nulls(msgspec.to_builtins(value))


def test_every_operation_has_calls() -> None:
    assert CALLS.keys() == api_document.operations().keys() == OPERATIONS.keys()
    assert len(CALLS) == 27


@BOTH_BY_DEFAULT
@pytest.mark.parametrize("operation_id", CALLS)
@pytest.mark.parametrize("which", [0, 1], ids=["smallest", "fullest"])
def test_a_call_sends_its_arguments(
    operation_id: str, which: int, server: ContractServer, client: ProvClient
) -> None:
    if operation_id == "generate_report":
        server.set_response(operation_id, media_type=DOCX)
    call: Call = CALLS[operation_id][which]

    run(call.make(client))

    (received,) = server.received
    assert received.operation_id == operation_id
    assert received.query == call.query
    assert without_nulls(received.json) == without_nulls(call.json)
    assert received.files == call.files
    expected = None if operation_id == "get_health_check" else f"Bearer {TOKEN}"
    assert received.headers.get("Authorization") == expected


@pytest.mark.parametrize(
    "response", [r for r in RESPONSES if r.status < 400 and not r.is_failure], ids=str
)
def test_a_success_returns_the_documented_value(
    response: Documented, server: ContractServer, client: ProvClient
) -> None:
    operation_id, value = response.operation_id, response.value
    server.set_response(
        operation_id, response.status, media_type=response.media_type, example=response.example
    )
    call = CALLS[operation_id][0]

    if operation_id == "generate_report" and response.media_type != DOCX:
        server.set_response("fetch_job", example="report_made")
        document = run(call.make(client))
        assert document == DOCUMENT
        queries = {request.operation_id: request.query for request in server.received}
        assert list(queries) == ["generate_report", "fetch_job", "fetch_report"]
        assert queries["fetch_job"] == {"session_id": value["session_id"]}
        assert queries["fetch_report"]["Signature"] == "not-a-real-signature"
        return
    result = run(call.make(client))

    if isinstance(value, str | bytes):
        assert result == value
    else:
        assert as_json(result) == without_nulls(value)
        assert value is None or attrs.has(type(result)) or operation_id == "trigger_sentry_debug"


@pytest.mark.parametrize("response", [r for r in RESPONSES if r.is_failure], ids=str)
def test_a_failure_in_a_200_is_an_error(
    response: Documented, server: ContractServer, client: ProvClient
) -> None:
    operation_id, value = response.operation_id, response.value
    server.set_response(
        operation_id, response.status, media_type=response.media_type, example=response.example
    )

    with pytest.raises(errors.OperationFailedError) as raised:
        run(CALLS[operation_id][0].make(client))

    assert raised.value.details == value["status"]["details"]
    assert raised.value.details in str(raised.value)
    assert as_json(raised.value.result) == without_nulls(value)


@pytest.mark.parametrize("response", [r for r in RESPONSES if r.status >= 400], ids=str)
def test_an_error_status_raises_its_class(
    response: Documented, server: ContractServer, client: ProvClient
) -> None:
    operation_id, value = response.operation_id, response.value
    server.set_response(
        operation_id, response.status, media_type=response.media_type, example=response.example
    )
    operation = OPERATIONS[operation_id]

    with pytest.raises(errors.APIError) as raised:
        run(CALLS[operation_id][0].make(client))

    error = raised.value
    missing_role = response.example == "missing_role"
    denied = response.example in {"missing_role", "item_denied", "not_yours"}
    assert type(error) is (
        errors.PermissionDeniedError if denied else ERROR_CLASSES[response.status]
    )
    assert error.status_code == response.status
    assert (error.operation, error.method) == (operation_id, operation.method)
    assert error.url == server.url + operation.path
    assert error.body == value
    if isinstance(error, errors.ValidationFailedError):
        assert [(e.loc, e.msg, e.type) for e in error.errors] == [
            (e["loc"], e["msg"], e["type"]) for e in value["detail"]
        ]
    else:
        assert error.detail == (value["detail"] if isinstance(value, dict) else value)
    if missing_role:
        assert all(role in str(error) for role in operation.roles)
    assert len(server.received) == 1
