"""The OpenAPI documents, which define the routes, roles and validation of the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import frozen

from prov_facade.sandbox._state import yaml_loader

_METHODS = ("get", "post", "put", "patch", "delete")


@frozen
class Route:
    """One operation of a document.

    Attributes:
        operation_id: The id.
        method: The HTTP method.
        path: The path.
        secured: Whether it requires a token.
        roles: The roles that the token must have.
        parameters: The schema of each query parameter, by name.
        required: The required parameters.
        body: The schema of the JSON body, or ``None``.
    """

    operation_id: str
    method: str
    path: str
    secured: bool
    roles: frozenset[str]
    parameters: Mapping[str, Mapping[str, Any]]
    required: frozenset[str]
    body: Mapping[str, Any] | None


@frozen
class Document:
    """An OpenAPI document.

    Attributes:
        routes: The operations.
        content: The whole document.
    """

    routes: tuple[Route, ...]
    content: Mapping[str, Any]


@cache
def document(name: str) -> Document:
    """Load one of the documents.

    Args:
        name: ``prov-api`` or ``job-api``.
    """
    packaged = files("prov_facade.sandbox") / "openapi" / f"{name}.yaml"
    if not packaged.is_file():  # a checkout has the documents at its top level
        packaged = Path(__file__).parents[4] / "openapi" / f"{name}.yaml"
    content = yaml_loader.load(packaged.read_text(encoding="utf-8"))
    routes = tuple(
        _route(content, path, method, item[method])
        for path, item in content["paths"].items()
        for method in _METHODS
        if method in item
    )
    return Document(routes, content)


def _route(content: Any, path: str, method: str, raw: Mapping[str, Any]) -> Route:
    parameters = [_resolved(content, entry) for entry in raw.get("parameters", ())]
    body = _resolved(content, raw["requestBody"]) if "requestBody" in raw else {}
    return Route(
        operation_id=raw["operationId"],
        method=method.upper(),
        path=path,
        secured=bool(raw["security"]),
        roles=frozenset(r for entry in raw["security"] for roles in entry.values() for r in roles),
        parameters={entry["name"]: entry["schema"] for entry in parameters},
        required=frozenset(entry["name"] for entry in parameters if entry.get("required")),
        body=body.get("content", {}).get("application/json", {}).get("schema"),
    )


def _resolved(content: Any, node: Any) -> Any:
    while "$ref" in node:
        target = content
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node
