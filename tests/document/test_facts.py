"""The document against the facts, in both directions."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from api_document import Node, load
from document.described import described, facts

# The server's own document knows no error but 422; ours has to name the body of the others.
OURS = {"ErrorDetail"}

FOUND = described(load())


@pytest.mark.parametrize("part", ["operations", "schemas"])
def test_names(part: str) -> None:
    assert FOUND[part].keys() == facts()[part].keys() | (OURS if part == "schemas" else set())


@pytest.mark.parametrize("operation_id", facts()["operations"])
def test_operation(operation_id: str) -> None:
    assert FOUND["operations"][operation_id] == facts()["operations"][operation_id]


@pytest.mark.parametrize("name", facts()["schemas"])
def test_schema(name: str) -> None:
    assert FOUND["schemas"][name] == facts()["schemas"][name]


@pytest.mark.parametrize("name", facts()["schemas"])
def test_order_of_fields_and_of_enum_members(name: str) -> None:
    assert list(FOUND["schemas"][name]) == list(facts()["schemas"][name])


def test_there_are_27_operations() -> None:
    assert len(facts()["operations"]) == 27


def schema(document: Node, name: str) -> Any:
    return document["components"]["schemas"][name]


def drop_required(document: Node) -> None:
    schema(document, "ModelRunRecord")["required"].remove("associations")


def forget_null(document: Node) -> None:
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


def change_answer(document: Node) -> None:
    answer = document["paths"]["/bulk/generate_template/csv"]["get"]["responses"]["200"]
    answer["content"]["application/json"] = answer["content"].pop("text/csv")


def change_body(document: Node) -> None:
    body = document["paths"]["/model_run/register"]["post"]["requestBody"]
    body["content"]["application/json"]["schema"] = {"$ref": "#/components/schemas/Status"}


@pytest.mark.parametrize(
    "change",
    [
        drop_required,
        forget_null,
        change_type,
        add_field,
        add_schema,
        drop_enum_member,
        raise_limit,
        change_default,
        require_depth,
        drop_route,
        loosen_roles,
        change_answer,
        change_body,
    ],
)
def test_a_departure_from_the_facts_is_seen(change: Callable[[Node], None]) -> None:
    document = copy.deepcopy(load())
    change(document)
    assert described(document) != FOUND


def test_a_constraint_that_the_facts_do_not_know_is_refused() -> None:
    document = copy.deepcopy(load())
    schema(document, "Status")["properties"]["details"]["pattern"] = "^a"
    with pytest.raises(ValueError, match="pattern"):
        described(document)
