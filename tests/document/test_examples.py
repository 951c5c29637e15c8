"""The examples in the documents match their schemas."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from api_document import DOCUMENT_PATHS, Node, example_value, load, operations, resolve, validator
from document.documents import EVERY_DOCUMENT


class Case(NamedTuple):
    """A media type of a body, with its examples."""

    where: str
    document: Node
    media_type: str
    schema: Node
    examples: dict[str, Node]


def cases() -> Iterator[Case]:
    for document in map(load, DOCUMENT_PATHS):
        for operation_id, operation in operations(document).items():
            messages = {**operation.responses}
            if operation.request_body is not None:
                messages["request"] = operation.request_body
            for kind, message in messages.items():
                for media_type, content in message["content"].items():
                    yield Case(
                        f"{operation_id}-{kind}-{media_type}",
                        document,
                        media_type,
                        content["schema"],
                        content.get("examples", {}),
                    )


def over(cases: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.where) for case in cases])


CASES = list(cases())
RESPONSES = [
    case for case in CASES if "-200-" in case.where and case.media_type == "application/json"
]
MODELS = [case for case in RESPONSES if "properties" in resolve(case.schema, case.document)]
OTHERS = [case for case in CASES if case.media_type != "application/json"]


def values(case: Case) -> dict[str, Any]:
    return {name: example_value(example, case.document) for name, example in case.examples.items()}


@over(CASES)
def test_every_body_has_an_example(case: Case) -> None:
    assert case.examples
    for example in case.examples.values():
        assert example["summary"].strip()
        assert ("value" in example) != ("externalValue" in example)


@over(CASES)
def test_examples_match_their_schema(case: Case) -> None:
    check = validator(case.schema, case.document)
    for name, value in values(case).items():
        if isinstance(value, bytes):
            continue
        assert not list(check.iter_errors(value)), name


@EVERY_DOCUMENT
def test_parameters_match_their_schema(path: Path) -> None:
    document = load(path)
    for operation in operations(document).values():
        for parameter in operation.parameters:
            validator(parameter["schema"], document).validate(parameter["example"])


@EVERY_DOCUMENT
def test_shared_components_are_all_used(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for kind in ("examples", "responses", "parameters", "headers", "schemas"):
        for name in load(path)["components"].get(kind, ()):
            assert f"#/components/{kind}/{name}'" in text, f"{kind}/{name}"


@over(MODELS)
def test_responses_show_every_field(case: Case) -> None:
    """The server sends unset fields as null, so that is what examples show."""
    schema = resolve(case.schema, case.document)
    for name, value in values(case).items():
        assert value.keys() == schema["properties"].keys(), name


@over(RESPONSES)
def test_the_first_example_is_a_success(case: Case) -> None:
    first, *_ = values(case).values()
    if isinstance(first, dict) and "status" in first:
        assert first["status"]["success"] is True


@EVERY_DOCUMENT
def test_records_end_after_they_start(path: Path) -> None:
    records = [node for node in objects(load(path)) if node.keys() >= {"start_time", "end_time"}]
    records = [node for node in records if isinstance(node["start_time"], int)]
    assert records
    for record in records:
        assert record["start_time"] <= record["end_time"]


def objects(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            yield from objects(value)


@over(OTHERS)
def test_other_examples_are_text_or_files(case: Case) -> None:
    for value in values(case).values():
        if case.media_type.startswith("text/"):
            assert isinstance(value, str)
            assert value.strip()
        elif case.media_type.startswith("multipart/"):
            assert isinstance(value["csv_file"], str)
        else:
            assert isinstance(value, bytes)
            with zipfile.ZipFile(io.BytesIO(value)) as document:
                assert "[Content_Types].xml" in document.namelist()
                assert document.testzip() is None


def test_an_invalid_example_is_detected() -> None:
    check = validator({"$ref": "#/components/schemas/LineageResponse"})
    assert check.is_valid({"status": {"success": True, "details": ""}})
    assert not check.is_valid({"status": {"success": "true", "details": ""}})
    assert not check.is_valid({"record_count": 1})
