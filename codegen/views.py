"""What the templates print: the generator's parse of a document, seen our way.

The generator's own templates print its properties directly: unset sentinels, a class for every
map, names changed to avoid built-ins. These views print attrs classes that msgspec can read and
write instead, and add what the generator does not keep of the document.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import (
    EnumProperty,
    ModelProperty,
    Property,
)
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.schemas import Class
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.parser.responses import JSON_SOURCE, Response
from openapi_python_client.strings import (
    PythonIdentifier,
    get_content_type,
    in_double_quote_literal,
)

from codegen.errors import CodegenError

_LIMITS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "minLength": "min_length",
    "maxLength": "max_length",
    "pattern": "pattern",
    "minItems": "min_length",
    "maxItems": "max_length",
}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def is_map(prop: object) -> bool:
    """Whether an object schema names no properties of its own, and so is a ``dict[str, T]``."""
    return (
        isinstance(prop, ModelProperty)
        and not prop.required_properties
        and not prop.optional_properties
        and prop.additional_properties is not None
    )


def python_type(prop: Any) -> str:
    """Print the Python type of a property: no sentinels, maps as ``dict``, ``None`` last."""
    match prop:
        case ModelProperty() if is_map(prop):
            return f"dict[str, {python_type(prop.additional_properties)}]"
        case ModelProperty() | EnumProperty():
            return str(prop.class_info.name)
        case ListProperty():
            return f"list[{python_type(prop.inner_property)}]"
        case UnionProperty():
            members = sorted((python_type(inner) for inner in prop.inner_properties), key=lambda name: name == "None")
            return " | ".join(members)
        case NoneProperty():
            return "None"
    return str(prop.get_type_string(no_optional=True).as_unembedded_code())


def _classes(prop: Any) -> Iterator[Class]:
    """Every generated class that the type of a property mentions."""
    match prop:
        case ModelProperty() if is_map(prop):
            yield from _classes(prop.additional_properties)
        case ModelProperty() | EnumProperty():
            yield prop.class_info
        case ListProperty():
            yield from _classes(prop.inner_property)
        case UnionProperty():
            for inner in prop.inner_properties:
                yield from _classes(inner)


def _foreign_imports(prop: Any) -> set[str]:
    """Imports that a type needs from outside the package, such as ``datetime`` and ``UUID``."""
    match prop:
        case ListProperty():
            return _foreign_imports(prop.inner_property)
        case UnionProperty():
            return set().union(*map(_foreign_imports, prop.inner_properties))
        case ModelProperty() | EnumProperty():
            return set() if not is_map(prop) else _foreign_imports(prop.additional_properties)
        case FileProperty():
            return set()
    return {line for line in prop.get_imports(prefix="") if not line.startswith("from types import")}


def _or_none(text: str) -> str:
    return text if text.endswith("None") else f"{text} | None"


def _text(value: Any) -> str:
    """Read a string of the document that the generator has marked as untrusted."""
    return "" if value is None else str(value.get_untrusted_value())


def _limits(schema: Any) -> str:
    """Print the limits of a schema as ``Meta(...)``, or nothing when it has none."""
    given = schema if isinstance(schema, Mapping) else schema.model_dump(exclude_none=True)
    pairs = [(python, given[name]) for name, python in _LIMITS.items() if name in given]
    if any(isinstance(value, bool) for _, value in pairs):
        raise CodegenError("exclusive limits are numbers in OpenAPI 3.1")
    printed = ", ".join(f"{name}={int(value) if _whole(value) else value!r}" for name, value in pairs)
    return f"Meta({printed})" if printed else ""


def _whole(value: object) -> bool:
    return isinstance(value, int | float) and float(value).is_integer()


@dataclass(frozen=True)
class FieldView:
    """One attribute of a model."""

    name: str
    type: str
    default: str | None
    limits: str
    secret: bool
    description: str

    @property
    def declaration(self) -> str:
        """Print the line that declares the attribute."""
        extras = ["repr=False"] if self.secret else []
        if self.limits:
            extras.append(f"metadata={{LIMITS: {self.limits}}}")
        if extras:
            default = [] if self.default is None else [f"default={self.default}"]
            return f"{self.name}: {self.type} = field({', '.join(default + extras)})"
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


@dataclass(frozen=True)
class ModelView:
    """One object schema."""

    name: str
    description: str
    fields: list[FieldView]
    imports: list[str]
    late_imports: list[str]
    multipart: bool


@dataclass(frozen=True)
class ParameterView:
    """One argument of an operation that goes into its path, query or headers."""

    name: str
    wire_name: str
    type: str
    default: str | None
    checked_type: str
    description: str

    @property
    def declaration(self) -> str:
        """Print the argument as a function declares it."""
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


@dataclass(frozen=True)
class BodyView:
    """The request body of an operation."""

    type: str
    multipart: bool
    description: str


@dataclass(frozen=True)
class OperationView:
    """One operation."""

    name: str
    operation_id: str
    method: str
    path: str
    tag: str
    summary: str
    description: str
    safe: bool
    roles: str
    secured: bool
    path_parameters: list[ParameterView]
    query_parameters: list[ParameterView]
    header_parameters: list[ParameterView]
    body: BodyView | None
    responses: dict[str, dict[str, str]]
    returns: str
    imports: list[str]

    @property
    def parameters(self) -> list[ParameterView]:
        """Every parameter, in the order in which the functions take them."""
        return [*self.path_parameters, *self.query_parameters, *self.header_parameters]

    @property
    def arguments(self) -> str:
        """Print the arguments as a function declares them."""
        body = [f"body: {self.body.type}"] if self.body else []
        return ", ".join([*body, *(parameter.declaration for parameter in self.parameters)])

    @property
    def passed_on(self) -> str:
        """Print the arguments as one function hands them to the next."""
        body = ["body"] if self.body else []
        return ", ".join(f"{name}={name}" for name in [*body, *(parameter.name for parameter in self.parameters)])


class Views:
    """Makes the views of one document; the templates reach it as ``views``."""

    def __init__(self, document: Mapping[str, Any], parsed: GeneratorData, config: Config) -> None:
        self._document = document
        self._config = config
        self._raw = self._operations_by_name()
        self._uses = {
            model.class_info.name: {
                used.name for prop in _properties(model) for used in _classes(prop)
            }
            for model in parsed.models
        }
        self.operations = sorted(
            (
                self.operation(endpoint)
                for collection in parsed.endpoint_collections_by_tag.values()
                for endpoint in collection.endpoints
            ),
            key=lambda view: (view.tag, view.name),
        )
        self._refuse_unsendable(parsed)

    def model(self, prop: ModelProperty) -> ModelView:
        """See an object schema as an attrs class."""
        name = str(prop.class_info.name)
        if prop.additional_properties is not None and prop.data.additionalProperties not in (None, True):
            raise CodegenError(f"{name} mixes named properties with a map: give the map a property of its own")
        properties = _properties(prop)
        in_order = [p for p in properties if p.required] + [p for p in properties if not p.required]
        imports, late = set(), set()
        for used in {(c.name, c.module_name) for p in properties for c in _classes(p)} - {
            (prop.class_info.name, prop.class_info.module_name)
        }:
            line = f"from .{used[1]} import {used[0]}"
            (late if self._reaches(used[0], prop.class_info.name) else imports).add(line)
        for p in properties:
            imports.update(_foreign_imports(p))
        return ModelView(
            name=name,
            description=_text(prop.description),
            fields=[self._field(prop, p) for p in in_order],
            imports=sorted(imports),
            late_imports=sorted(late),
            multipart=prop.is_multipart_body,
        )

    def _field(self, model: ModelProperty, prop: Property) -> FieldView:
        name = _text(prop.name)
        if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise CodegenError(f"{model.class_info.name}.{name} cannot be an attribute of a Python class")
        schema = (model.data.properties or {}).get(prop.name)
        type_, default = python_type(prop), None
        if not prop.required:
            if prop.default is not None:
                default = prop.default.python_code.as_unembedded_code()
            else:
                type_, default = _or_none(type_), "None"
        return FieldView(
            name=name,
            type=type_,
            default=default,
            limits=_limits(schema) if schema is not None and hasattr(schema, "schema_format") else "",
            secret=_text(getattr(schema, "schema_format", None)) == "password",
            description=_text(prop.description),
        )

    def operation(self, endpoint: Endpoint) -> OperationView:
        """See an operation as a description, a request function and a table of answers."""
        raw = self._raw[endpoint.name]
        where = f"{raw['operationId']}"
        if endpoint.cookie_parameters:
            raise CodegenError(f"{where}: cookie parameters are not supported")
        if len(endpoint.bodies) > 1:
            raise CodegenError(f"{where}: more than one media type of request body is not supported")
        body = endpoint.bodies[0] if endpoint.bodies else None
        if body is not None and (body.body_type not in (BodyType.JSON, BodyType.FILES) or not body.prop.required):
            raise CodegenError(f"{where}: a request body must be required, and be JSON or multipart/form-data")
        responses = {
            response.status_code.pattern: self._readers(where, response) for response in endpoint.responses
        }
        used: list[Any] = [response.prop for response in endpoint.responses]
        used += [prop for _, prop in endpoint.iter_all_parameters()]
        used += [body.prop] if body else []
        imports = {
            f"from ...models.{found.module_name} import {found.name}" for prop in used for found in _classes(prop)
        }
        imports.update(line for prop in used for line in _foreign_imports(prop))
        return OperationView(
            name=str(endpoint.name),
            operation_id=raw["operationId"],
            method=endpoint.method.upper(),
            path=endpoint.path.get_untrusted_value(),
            tag=str(endpoint.tags[0]),
            summary=_text(endpoint.summary),
            description=_text(endpoint.description),
            safe=bool(raw.get("x-safe", endpoint.method in ("get", "head", "options"))),
            roles=repr(tuple(role for entry in raw.get("security", []) for roles in entry.values() for role in roles)),
            secured=bool(raw.get("security")),
            path_parameters=[self._parameter(raw, prop) for prop in endpoint.path_parameters],
            query_parameters=[self._parameter(raw, prop) for prop in endpoint.query_parameters],
            header_parameters=[self._parameter(raw, prop) for prop in endpoint.header_parameters],
            body=BodyView(
                type=python_type(body.prop),
                multipart=body.body_type is BodyType.FILES,
                description=self._resolve(raw["requestBody"]).get("description", ""),
            )
            if body
            else None,
            responses=responses,
            returns=_union(
                self._value_type(reader)
                for status, readers in responses.items()
                if status.startswith("2")
                for reader in readers.values()
            ),
            imports=sorted(imports),
        )

    def _parameter(self, raw: Mapping[str, Any], prop: Property) -> ParameterView:
        wire_name = _text(prop.name)
        declared = [self._resolve(entry) for entry in raw.get("parameters", [])]
        limits = next((_limits(entry["schema"]) for entry in declared if entry["name"] == wire_name), "")
        type_, default = python_type(prop), None
        checked = f"Annotated[{type_}, {limits}]" if limits else type_
        if not prop.required:
            if prop.default is not None:
                default = prop.default.python_code.as_unembedded_code()
            else:
                type_, checked, default = _or_none(type_), _or_none(checked), "None"
        return ParameterView(
            name=str(prop.python_name),
            wire_name=in_double_quote_literal(wire_name),
            type=type_,
            default=default,
            checked_type=checked,
            description=_text(prop.description),
        )

    def _readers(self, where: str, response: Response) -> dict[str, str]:
        """Print, for each media type of a response, how its body is read."""
        readers: dict[str, str] = {}
        content = getattr(response.data, "content", None) or {}
        for media_type in map(_text, content):
            known = get_content_type(media_type, self._config) or media_type
            if known == "application/json" or known.endswith("+json"):
                # The generator parses the schema of the first media type that it knows.
                if response.source != JSON_SOURCE or any(reader.startswith("Json") for reader in readers.values()):
                    raise CodegenError(f"{where}: list application/json first, and once, in each response")
                readers[media_type] = f"Json({python_type(response.prop)})"
            elif known.startswith("text/"):
                readers[media_type] = "Text()"
            else:
                readers[media_type] = "Binary()"
        return readers

    @staticmethod
    def _value_type(reader: str) -> str:
        return {"Text()": "str", "Binary()": "bytes"}.get(reader) or reader.removeprefix("Json(").removesuffix(")")

    def _refuse_unsendable(self, parsed: GeneratorData) -> None:
        """Refuse optional request properties that can neither be null nor have a default.

        An unset property reads as ``None`` and is sent as ``null``; a server that takes absence but
        not null would reject it.
        """
        models = {model.class_info.name: model for model in parsed.models}
        bodies = [
            body.prop
            for collection in parsed.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
            for body in endpoint.bodies
            if body.body_type is BodyType.JSON
        ]
        sent = {used.name for prop in bodies for used in _classes(prop)}
        while further := {name for known in sent for name in self._uses.get(known, ())} - sent:
            sent |= further
        for name in sorted(sent & models.keys()):
            for prop in models[name].optional_properties or []:
                if prop.default is None and "None" not in python_type(prop):
                    raise CodegenError(
                        f"{name}.{_text(prop.name)} is optional in a request: make it nullable or give it a default"
                    )

    def _reaches(self, start: str, goal: str) -> bool:
        """Whether a model mentions another one, directly or through others."""
        seen: set[str] = set()
        pending = [start]
        while pending:
            name = pending.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                pending.extend(self._uses.get(name, ()))
        return False

    def _operations_by_name(self) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        for path, item in self._document["paths"].items():
            for method in _METHODS:
                if method in item:
                    if "operationId" not in item[method]:
                        raise CodegenError(f"{method.upper()} {path} has no operationId")
                    name = PythonIdentifier(item[method]["operationId"], self._config.field_prefix)
                    if name in found:
                        raise CodegenError(f"two operations are named {name}")
                    found[name] = item[method]
        return found

    def _resolve(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference inside the document."""
        while "$ref" in entry:
            target: Any = self._document
            for part in entry["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            entry = target
        return entry


def _properties(model: ModelProperty) -> list[Property]:
    """The properties of a schema, in the order of the document."""
    found = [*(model.required_properties or []), *(model.optional_properties or [])]
    order = {name: position for position, name in enumerate(model.data.properties or {})}
    return sorted(found, key=lambda prop: order.get(prop.name, len(order)))


def _union(types: Iterable[str]) -> str:
    """Print a union of types, each once, ``None`` last."""
    parts = dict.fromkeys(part for printed in types for part in printed.split(" | "))
    return " | ".join(sorted(parts, key=lambda part: part == "None")) or "None"
