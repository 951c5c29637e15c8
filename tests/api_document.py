"""Reads the OpenAPI documents for tests; by default, that of the prov-api."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parent.parent / "openapi"
DOCUMENT_PATH = FOLDER / "prov-api.yaml"
JOB_DOCUMENT_PATH = FOLDER / "job-api.yaml"
DOCUMENT_PATHS = (DOCUMENT_PATH, JOB_DOCUMENT_PATH)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
"""The media type of reports."""

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

Node = dict[str, Any]


@dataclass(frozen=True)
class OperationEntry:
    """One operation.

    References to parameters, bodies, responses, headers and examples are resolved. Schemas are
    left as written: resolve them with `resolve` or check values with `validator`.

    Attributes:
        method: The HTTP method, in capitals.
        path: The path.
        raw: The operation as written in the document.
        parameters: Its parameters and those of its path.
        request_body: Its request body.
        responses: Its responses, by status.
    """

    method: str
    path: str
    raw: Node
    parameters: list[Node]
    request_body: Node | None
    responses: dict[str, Node]


def load(path: Path = DOCUMENT_PATH) -> Node:
    """Read a document. It is cached: modify copies only."""
    return _read(path)


@cache
def _read(path: Path) -> Node:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster
    document: Node = yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506
    return document


def resolve(node: Node, document: Node | None = None) -> Node:
    """Resolve a node if it is a reference, keeping its other keys."""
    root = load() if document is None else document
    while "$ref" in node:
        target: Any = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def operations(document: Node | None = None) -> dict[str, OperationEntry]:
    """Return the operations by operation ID."""
    root = load() if document is None else document
    found = {}
    for path, item in root["paths"].items():
        for method in METHODS:
            if method in item:
                raw = item[method]
                parameters = [*item.get("parameters", []), *raw.get("parameters", [])]
                body = raw.get("requestBody")
                found[raw["operationId"]] = OperationEntry(
                    method=method.upper(),
                    path=path,
                    raw=raw,
                    parameters=[resolve(parameter, root) for parameter in parameters],
                    request_body=None if body is None else _message(body, root),
                    responses={
                        str(status): _message(response, root)
                        for status, response in raw["responses"].items()
                    },
                )
    return found


def example_value(example: Node, document: Node | None = None) -> Any:
    """Return the value of an example, as bytes if it is stored in a file."""
    example = resolve(example, document)
    if "externalValue" in example:
        return (FOLDER / example["externalValue"]).read_bytes()
    return example["value"]


def validator(schema: Mapping[str, Any], document: Node | None = None) -> Draft202012Validator:
    """Make a validator for a schema whose references point into a document."""
    root = load() if document is None else document
    # References are resolved from the root of the schema, so add the components there.
    return Draft202012Validator({**schema, "components": root["components"]})


def _message(node: Node, root: Node) -> Node:
    """Resolve a request body or a response down to its headers and examples."""
    message = dict(resolve(node, root))
    if "headers" in message:
        message["headers"] = {
            name: resolve(header, root) for name, header in message["headers"].items()
        }
    if "content" in message:
        message["content"] = {
            media_type: _media_type(content, root)
            for media_type, content in message["content"].items()
        }
    return message


def _media_type(node: Node, root: Node) -> Node:
    if "examples" not in node:
        return node
    examples = {name: resolve(example, root) for name, example in node["examples"].items()}
    return {**node, "examples": examples}


def without_nulls(value: Any) -> Any:
    """Drop nulls, which the server treats like absent values."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
