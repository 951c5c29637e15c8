"""Every operation in the documents has the required parts."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_document import DOCUMENT_PATHS, DOCX, Node, OperationEntry, load, operations
from document.documents import EVERY_DOCUMENT
from openapi_spec_validator import OpenAPIV31SpecValidator

OPERATIONS = operations()
EVERY = pytest.mark.parametrize(
    "operation",
    [
        pytest.param(operation, id=f"{path.stem}-{operation_id}")
        for path in DOCUMENT_PATHS
        for operation_id, operation in operations(load(path)).items()
    ],
)

PUBLIC = "get_health_check"
# They compute or look up a response, and change nothing.
SAFE_POSTS = {"generate_report", "convert_model_runs_to_csv", "list_jobs", "list_batch"}


@EVERY_DOCUMENT
def test_the_document_is_openapi_3_1(path: Path) -> None:
    document = load(path)
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    OpenAPIV31SpecValidator(document).validate()


@EVERY_DOCUMENT
def test_tags_are_declared_and_used(path: Path) -> None:
    declared = [tag["name"] for tag in load(path)["tags"]]
    assert len(declared) == len(set(declared))
    used = {operation.raw["tags"][0] for operation in operations(load(path)).values()}
    assert used == set(declared)


@EVERY_DOCUMENT
def test_the_server_is_named_after_the_document(path: Path) -> None:
    (server,) = load(path)["servers"]
    assert server["url"] == f"https://{path.stem}.{{domain}}"


@EVERY
def test_an_operation_has_an_id_and_a_summary(operation: OperationEntry) -> None:
    raw = operation.raw
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", raw["operationId"])
    assert not keyword.iskeyword(raw["operationId"])
    assert raw["x-server-operation-id"]
    assert isinstance(raw["x-in-server-schema"], bool)
    assert isinstance(raw["x-safe"], bool)
    assert len(raw["tags"]) == 1
    assert raw["summary"].strip()
    assert not raw["summary"].endswith(".")
    assert len(raw["description"].split()) > 5


def test_operation_ids_are_unique() -> None:
    """Across the documents too, since they are methods of one facade."""
    raw = [
        operation["operationId"]
        for path in DOCUMENT_PATHS
        for item in load(path)["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    found = [operation_id for path in DOCUMENT_PATHS for operation_id in operations(load(path))]
    assert len(raw) == len(set(raw)) == len(found)


@EVERY_DOCUMENT
def test_server_ids_are_unique(path: Path) -> None:
    entries = operations(load(path)).values()
    server_ids = [operation.raw["x-server-operation-id"] for operation in entries]
    assert len(server_ids) == len(set(server_ids))


@EVERY
def test_safe_operations_are_marked(operation: OperationEntry) -> None:
    reads = operation.method == "GET" or operation.raw["operationId"] in SAFE_POSTS
    assert operation.raw["x-safe"] is reads


@EVERY
def test_operations_are_secured(operation: OperationEntry) -> None:
    security = operation.raw["security"]
    if operation.raw["operationId"] == PUBLIC:
        assert security == []
    else:
        assert [list(requirement) for requirement in security] == [["bearerAuth"]]


@EVERY_DOCUMENT
def test_bearer_is_the_only_scheme(path: Path) -> None:
    schemes = load(path)["components"]["securitySchemes"]
    assert [(scheme["type"], scheme["scheme"]) for scheme in schemes.values()] == [
        ("http", "bearer")
    ]


@EVERY
def test_roles_are_in_the_description(operation: OperationEntry) -> None:
    last_line = operation.raw["description"].strip().splitlines()[-1]
    if operation.raw["operationId"] == PUBLIC:
        assert last_line == "Role: none. No token is needed."
    else:
        roles = operation.raw["security"][0]["bearerAuth"]
        assert re.findall(r"`([^`]+)`", last_line) == roles
        assert last_line.startswith("Roles:" if len(roles) > 1 else "Role:")


@EVERY
def test_operations_document_their_statuses(operation: OperationEntry) -> None:
    takes_input = bool(operation.parameters) or operation.request_body is not None
    wanted = {"200", "500"}
    wanted |= set() if operation.raw["operationId"] == PUBLIC else {"401"}
    wanted |= {"422"} if takes_input else set()
    # A body may not be UTF-8. Input that matches the schema can be invalid, unless it is a boolean.
    can_be_invalid = operation.request_body is not None or any(
        parameter["schema"]["type"] != "boolean" for parameter in operation.parameters
    )
    found = set(operation.responses)
    assert wanted <= found <= wanted | {"400"}
    if can_be_invalid:
        assert "400" in found
    if not takes_input:
        assert "400" not in found


ERRORS = {"400": "ErrorDetail", "401": "ErrorDetail", "422": "HTTPValidationError"}


@EVERY
def test_operations_document_their_error_bodies(operation: OperationEntry) -> None:
    for status, response in operation.responses.items():
        if status == "200":
            continue
        content = response["content"]
        name = ERRORS.get(status, "ErrorDetail")
        assert content["application/json"]["schema"] == {"$ref": f"#/components/schemas/{name}"}
        texts = {"text/plain"} if status == "500" else set()
        assert content.keys() == {"application/json"} | texts


@EVERY
def test_a_401_documents_its_challenge(operation: OperationEntry) -> None:
    if "401" in operation.responses:
        assert "WWW-Authenticate" in operation.responses["401"]["headers"]


@EVERY
def test_parameters_responses_and_bodies_have_descriptions(operation: OperationEntry) -> None:
    described = [*operation.parameters, *operation.responses.values()]
    if operation.request_body is not None:
        described.append(operation.request_body)
        assert operation.request_body["required"] is True
    for part in described:
        assert part["description"].strip().endswith(".")


@EVERY
def test_query_parameters_have_examples(operation: OperationEntry) -> None:
    for parameter in operation.parameters:
        assert parameter["in"] == "query"
        assert isinstance(parameter["required"], bool)
        assert "example" in parameter


@pytest.mark.parametrize(
    ("operation_id", "media_type"),
    [
        ("generate_csv_template", "text/csv"),
        ("regenerate_csv_from_model_run_batch", "text/csv"),
        ("generate_config_file", "text/plain"),
    ],
)
def test_text_responses_are_attachments(operation_id: str, media_type: str) -> None:
    response = OPERATIONS[operation_id].responses["200"]
    assert response["content"].keys() == {media_type}
    assert response["content"][media_type]["schema"] == {"type": "string"}
    assert "Content-Disposition" in response["headers"]


def test_a_report_is_a_document_or_a_job() -> None:
    content = OPERATIONS["generate_report"].responses["200"]["content"]
    assert list(content) == ["application/json", DOCX]
    assert content[DOCX]["schema"]["contentMediaType"] == DOCX


def schemas(node: Any) -> Iterator[Node]:
    """List the schema and all schemas inside it."""
    yield node
    children = [*node.get("properties", {}).values(), *node.get("anyOf", ())]
    children += [node[key] for key in ("items", "additionalProperties") if key in node]
    for child in children:
        if isinstance(child, dict):
            yield from schemas(child)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(schema, id=f"{path.stem}-{name}")
        for path in DOCUMENT_PATHS
        for name, schema in load(path)["components"]["schemas"].items()
    ],
)
def test_schemas_follow_the_conventions(schema: Node) -> None:
    described = [schema, *schema.get("properties", {}).values()]
    assert all(node["description"].strip().endswith(".") for node in described)
    for node in schemas(schema):
        assert not node.keys() & {"title", "nullable", "allOf", "oneOf"}
        assert node.get("additionalProperties") is not False


def test_shared_schemas_are_identical() -> None:
    prov_api, job_api = (load(path)["components"] for path in DOCUMENT_PATHS)
    shared = prov_api["schemas"].keys() & job_api["schemas"].keys()
    assert shared == {"ErrorDetail", "HTTPValidationError", "ValidationError"}
    for name in shared:
        assert prov_api["schemas"][name] == job_api["schemas"][name]
    assert prov_api["headers"]["Challenge"] == job_api["headers"]["Challenge"]
    assert prov_api["responses"]["InvalidToken"] == job_api["responses"]["InvalidToken"]
