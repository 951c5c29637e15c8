"""Reads the parts of the OpenAPI document that the generator discards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openapi_python_client.strings import PythonIdentifier

from codegen.errors import CodegenError
from codegen.python_types import limits_of

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class Document:
    """An OpenAPI document, decoded.

    Args:
        content: The document.
        prefix: The prefix that the generator adds to names that are not Python identifiers.
    """

    def __init__(self, content: Mapping[str, Any], prefix: str) -> None:
        self.content = content
        self.operations = self._operations(prefix)

    def _operations(self, prefix: str) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for path, item in self.content["paths"].items():
            for method in _METHODS:
                if method in item:
                    if "operationId" not in item[method]:
                        raise CodegenError(f"{method.upper()} {path} has no operationId")
                    name = PythonIdentifier(item[method]["operationId"], prefix)
                    if name in found:
                        raise CodegenError(f"two operations are named {name}")
                    # Parameters of the operation come first: they override those of the path.
                    parameters = [*item[method].get("parameters", []), *item.get("parameters", [])]
                    found[name] = {**item[method], "parameters": parameters}
        return found

    def resolve(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference inside the document."""
        while "$ref" in entry:
            target: Any = self.content
            for part in entry["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            entry = target
        return entry

    def raw_schema(self, schema: Any) -> Mapping[str, Any]:
        """Return a schema as the document defines it, behind a reference or a union with null."""
        if not isinstance(schema, Mapping):
            schema = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
        raw = self.resolve(schema)
        parts = [
            part
            for key in ("anyOf", "oneOf", "allOf")
            for part in raw.get(key, ())
            if part.get("type") != "null"
        ]
        return {**self.raw_schema(parts[0]), **raw} if len(parts) == 1 else raw

    def lost_in(self, schema: Any) -> str:
        """Name the part of a schema that the generator would silently drop; empty if none."""
        raw = self.raw_schema(schema)
        if isinstance(raw.get("default"), list | dict):
            return "a default that is a list or a map"
        for key in ("items", "additionalProperties"):
            if isinstance(raw.get(key), Mapping):
                inner = self.raw_schema(raw[key])
                if limits_of(inner):
                    return "a limit on the items of a list or a map"
                if "properties" not in inner and (lost := self.lost_in(inner)):
                    return lost
        return ""

    def description_of(self, name: str, model: Any) -> str:
        """Return the description of a property, which may be next to a reference."""
        raw = self.raw_schema(model)
        own: str = raw.get("properties", {}).get(name, {}).get("description", "")
        return own

    def schema_of(self, name: str, model: Mapping[str, Any]) -> Mapping[str, Any]:
        """Find the schema of a property, which may be in an ``allOf`` part of the model."""
        if name in model.get("properties", {}):
            return self.raw_schema(model["properties"][name])
        found = (self.schema_of(name, self.raw_schema(part)) for part in model.get("allOf", ()))
        return next(filter(None, found), {})
