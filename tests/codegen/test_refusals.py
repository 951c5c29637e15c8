from __future__ import annotations

import re
from pathlib import Path

import pytest

from codegen.errors import CodegenError
from codegen.generator import generate

REFUSED = Path(__file__).parent / "documents" / "refused"

# The error message for each document under `refused`.
MESSAGES = {
    "ambiguous_union": "the members of OrderGoods | OrderService | None have the same JSON type",
    "boolean_limit": "exclusive limits are numbers in OpenAPI 3.1",
    "broken_reference": "GET /orders.*#/components/schemas/Missing",
    "cookie_parameter": "get_orders: cookie parameters are not supported",
    "duplicate_operation_id": "two operations are named get_order",
    "enum_clash": "Duplicate key ROUND in enum kind.Kind",
    "form_body": "place_order: a request body must .* be JSON or multipart/form-data",
    "incomplete": "info.title\n +Field required",
    "item_limits": "Order.lines: a limit on the items of a list or a map is not supported",
    "json_not_first": "get_order: list application/json first, and once, in each response",
    "list_default": "Order.lines: a default that is a list or a map is not supported",
    "map_limits": "Order.notes: a limit on the items of a list or a map is not supported",
    "map_of_itself": "the map Nested contains itself",
    "map_with_properties": "Order mixes named properties with a map",
    "missing_operation_id": "GET /orders has no operationId",
    "not_openapi": "refused.yaml cannot be parsed",
    "not_yaml": "refused.yaml cannot be parsed",
    "optional_body": "place_order: a request body must be required",
    "optional_not_nullable": "Line.amounts is optional in a request: make it nullable",
    "parameter_name": "get_orders: a parameter cannot be named body",
    "parameter_without_schema": "get_orders: a parameter must have a schema",
    "property_name": "Order.PROPERTY cannot be an attribute of a Python class",
    "schema_name": "a schema cannot be named Response",
    "two_bodies": "place_order: more than one media type of request body is not supported",
    "unknown_response": "GET /orders.*Unsupported content_type image/png",
    "unsupported_body": "POST /orders.*Unsupported content type text/plain",
}


def test_every_unsupported_document_is_listed() -> None:
    assert {document.stem for document in REFUSED.glob("*.yaml")} == set(MESSAGES)


@pytest.mark.parametrize("document", sorted(MESSAGES.keys() - {"property_name"}))
def test_an_unsupported_document_is_an_error(tmp_path: Path, document: str) -> None:
    with pytest.raises(CodegenError, match=re.compile(MESSAGES[document], re.DOTALL)):
        generate(REFUSED / f"{document}.yaml", tmp_path / "package", source="refused.yaml")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("unit-price", id="not an identifier"),
        pytest.param("2nd", id="begins with a digit"),
        pytest.param("class", id="keyword"),
        pytest.param("_private", id="attrs would drop the underscore"),
        pytest.param("list", id="hides a type from the annotations"),
        pytest.param("datetime", id="hides a module from the annotations"),
        pytest.param("Order", id="hides its own class from the annotations"),
        pytest.param("to_dict", id="hides a method"),
    ],
)
def test_a_property_that_cannot_be_an_attribute_is_an_error(tmp_path: Path, name: str) -> None:
    document = tmp_path / "refused.yaml"
    template = (REFUSED / "property_name.yaml").read_text(encoding="utf-8")
    document.write_text(template.replace("PROPERTY", name), encoding="utf-8")
    message = MESSAGES["property_name"].replace("PROPERTY", name)
    with pytest.raises(CodegenError, match=message):
        generate(document, tmp_path / "package", source="refused.yaml")


def test_a_property_may_have_the_name_of_a_builtin_that_no_annotation_uses(tmp_path: Path) -> None:
    document = tmp_path / "accepted.yaml"
    template = (REFUSED / "property_name.yaml").read_text(encoding="utf-8")
    document.write_text(template.replace("PROPERTY", "type"), encoding="utf-8")
    generate(document, tmp_path / "package", source="accepted.yaml")
    model = (tmp_path / "package" / "models" / "order.py").read_text(encoding="utf-8")
    assert "    type: str | None = None\n" in model
