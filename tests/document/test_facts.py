"""The documents match the facts, in both directions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_document import DOCUMENT_PATH, DOCUMENT_PATHS, JOB_DOCUMENT_PATH, Node, load
from document.described import described, facts
from document.documents import EVERY_DOCUMENT

# The servers' own documents contain only the error 422; ours describe the bodies of the others.
OURS = {"ErrorDetail"}

FOUND = {path: described(load(path)) for path in DOCUMENT_PATHS}


def every(part: str) -> pytest.MarkDecorator:
    found = [
        pytest.param(path, name, id=f"{path.stem}-{name}")
        for path in DOCUMENT_PATHS
        for name in facts(path)[part]
    ]
    return pytest.mark.parametrize(("path", "name"), found)


@EVERY_DOCUMENT
@pytest.mark.parametrize("part", ["operations", "schemas"])
def test_the_documents_describe_all_operations_and_schemas(path: Path, part: str) -> None:
    assert FOUND[path][part].keys() == facts(path)[part].keys() | (
        OURS if part == "schemas" else set()
    )


@every("operations")
def test_an_operation_matches_the_facts(path: Path, name: str) -> None:
    assert FOUND[path]["operations"][name] == facts(path)["operations"][name]


@every("schemas")
def test_a_schema_matches_the_facts(path: Path, name: str) -> None:
    assert FOUND[path]["schemas"][name] == facts(path)["schemas"][name]


@every("schemas")
def test_fields_and_enum_members_are_in_the_order_of_the_facts(path: Path, name: str) -> None:
    assert list(FOUND[path]["schemas"][name]) == list(facts(path)["schemas"][name])


@pytest.mark.parametrize(
    ("path", "number"), [(DOCUMENT_PATH, 27), (JOB_DOCUMENT_PATH, 3)], ids=["prov-api", "job-api"]
)
def test_the_facts_contain_all_operations(path: Path, number: int) -> None:
    assert len(facts(path)["operations"]) == number


def schema(document: Node, name: str) -> Any:
    return document["components"]["schemas"][name]


def drop_required(document: Node) -> None:
    schema(document, "ModelRunRecord")["required"].remove("associations")


def drop_null(document: Node) -> None:
    schema(document, "User")["properties"]["email"]["type"] = "string"


def change_type(document: Node) -> None:
    schema(document, "ModelRunRecord")["properties"]["start_time"]["type"] = "number"


def add_field(document: Node) -> None:
    schema(document, "Status")["properties"]["code"] = {"type": "integer"}


def add_schema(document: Node) -> None:
    document["components"]["schemas"]["Another"] = copy.deepcopy(schema(document, "Status"))


def drop_enum_member(document: Node) -> None:
    schema(document, "ItemSubType")["enum"].remove("STUDY")


def raise_limit(document: Node) -> None:
    schema(document, "GenerateReportRequest")["properties"]["depth"]["maximum"] = 4


def change_default(document: Node) -> None:
    document["components"]["parameters"]["ValidateRecord"]["schema"]["default"] = False


def require_depth(document: Node) -> None:
    document["components"]["parameters"]["Depth"]["required"] = True


def drop_route(document: Node) -> None:
    del document["paths"]["/graph/admin/clear"]


def loosen_roles(document: Node) -> None:
    document["paths"]["/admin/config"]["get"]["security"] = [{"bearerAuth": []}]


def change_response(document: Node) -> None:
    response = document["paths"]["/bulk/generate_template/csv"]["get"]["responses"]["200"]
    response["content"]["application/json"] = response["content"].pop("text/csv")


def change_body(document: Node) -> None:
    body = document["paths"]["/model_run/register"]["post"]["requestBody"]
    body["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Status"}


@pytest.mark.parametrize(
    "change",
    [
        drop_required,
        drop_null,
        change_type,
        add_field,
        add_schema,
        drop_enum_member,
        raise_limit,
        change_default,
        require_depth,
        drop_route,
        loosen_roles,
        change_response,
        change_body,
    ],
)
def test_a_difference_from_the_facts_is_detected(change: Callable[[Node], None]) -> None:
    document = copy.deepcopy(load())
    change(document)
    assert described(document) != FOUND[DOCUMENT_PATH]


def test_a_keyword_that_the_facts_cannot_express_is_an_error() -> None:
    document = copy.deepcopy(load())
    schema(document, "Status")["properties"]["details"]["pattern"] = "^a"
    with pytest.raises(ValueError, match="pattern"):
        described(document)
