"""Converts an OpenAPI document into the format of the facts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from api_document import DOCUMENT_PATH, JOB_DOCUMENT_PATH, Node, OperationEntry, operations

FACTS_PATHS = {
    DOCUMENT_PATH: Path(__file__).with_name("facts.yaml"),
    JOB_DOCUMENT_PATH: Path(__file__).with_name("job-facts.yaml"),
}

# Not in the facts: text for readers, and relations between fields.
PROSE = {"description", "x-ordered"}
LIMITS = ("minimum", "maximum", "minLength")
ROLES = {
    (): "any",
    ("entity-registry-read",): "read",
    ("entity-registry-read", "entity-registry-write"): "write",
    ("entity-registry-read", "entity-registry-write", "entity-registry-admin"): "admin",
}


@cache
def facts(document_path: Path) -> Node:
    """Read the facts that a document must match."""
    found: Node = yaml.safe_load(FACTS_PATHS[document_path].read_text(encoding="utf-8"))
    return found


def described(document: Node) -> Node:
    """Convert a document into the format of the facts.

    Raises:
        ValueError: If the document uses a keyword that the facts cannot express.
    """
    return {
        "operations": {
            operation_id: _operation(entry) for operation_id, entry in operations(document).items()
        },
        "schemas": {
            name: _schema(schema) for name, schema in document["components"]["schemas"].items()
        },
    }


def _operation(entry: OperationEntry) -> Node:
    found: Node = {
        "route": f"{entry.method} {entry.path}",
        "server_operation_id": entry.raw["x-server-operation-id"],
        "roles": _roles(entry.raw["security"]),
        "listed": entry.raw["x-in-server-schema"],
        "response": _content(entry.responses["200"]),
    }
    if entry.parameters:
        found["query"] = {
            parameter["name"]: _field(parameter["schema"], required=parameter["required"])
            for parameter in entry.parameters
            if parameter["in"] == "query"
        }
    if entry.request_body is not None:
        found["body"] = _content(entry.request_body)
    return found


def _roles(security: list[dict[str, list[str]]]) -> str:
    if not security:
        return "none"
    (requirement,) = security
    return ROLES[tuple(requirement["bearerAuth"])]


def _content(message: Node) -> Node:
    return {
        media_type: _type(content["schema"]) for media_type, content in message["content"].items()
    }


def _schema(schema: Node) -> Node:
    if "enum" in schema:
        _reject_others(schema, "type", "enum")
        return {"enum": schema["enum"]}
    _reject_others(schema, "type", "required", "properties", "additionalProperties")
    if schema["type"] != "object" or not schema.get("additionalProperties", True):
        raise ValueError(f"not an open object: {schema}")
    return {
        name: _field(prop, required=name in schema.get("required", ()))
        for name, prop in schema["properties"].items()
    }


def _field(schema: Node, *, required: bool) -> Node:
    kind = _type(schema)
    found: Node = {"type": kind.removesuffix(" | null")}
    if required:
        found["required"] = True
    if kind.endswith(" | null"):
        found["nullable"] = True
    if schema.get("format") == "password":
        found["secret"] = True
    if "x-content-schema" in schema:
        found["content"] = _type(schema["x-content-schema"])
    return found | {key: schema[key] for key in ("default", *LIMITS) if key in schema}


def _type(schema: Node) -> str:
    """Write a schema as a type, without its limits, which `_field` adds."""
    if "$ref" in schema:
        _reject_others(schema, "$ref")
        return str(schema["$ref"]).removeprefix("#/components/schemas/")
    if "anyOf" in schema:
        _reject_others(schema, "anyOf", "default")
        return " | ".join(map(_type, schema["anyOf"]))
    if "contentMediaType" in schema:
        _reject_others(schema, "contentMediaType")
        return "binary"
    if isinstance(schema["type"], list):
        return " | ".join(_simple(kind, schema) for kind in schema["type"])
    return _simple(schema["type"], schema)


def _simple(kind: str, schema: Node) -> str:
    if kind == "null":
        return kind
    if kind == "array":
        _reject_others(schema, "type", "items")
        return f"list[{_type(schema['items'])}]"
    if kind == "object":
        _reject_others(schema, "type", "additionalProperties", "x-content-schema")
        values: Any = schema["additionalProperties"]
        return "map[any]" if values is True else f"map[{_type(values)}]"
    if schema.get("format") == "binary":
        _reject_others(schema, "type", "format")
        return "binary"
    _reject_others(schema, "type", "default", *LIMITS, *(["format"] if _secret(schema) else []))
    return kind


def _secret(schema: Node) -> bool:
    return schema.get("format") == "password"


def _reject_others(schema: Node, *known: str) -> None:
    others = schema.keys() - PROSE - set(known)
    if others:
        raise ValueError(f"the facts cannot express {sorted(others)} of {schema}")
