"""What the templates print: the generator's parse of a document, seen our way.

The generator's own templates print its properties directly: unset sentinels, a class for every
map, names changed to avoid built-ins. These views print attrs classes that msgspec can read and
write instead, and add what the generator does not keep of the document.
"""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import (
    AnyProperty,
    EnumProperty,
    ModelProperty,
    Property,
)
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
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
_JSON_TYPES: dict[type, str] = {
    AnyProperty: "any",
    NoneProperty: "null",
    ModelProperty: "object",
    ListProperty: "array",
    BooleanProperty: "boolean",
    FloatProperty: "number",
    IntProperty: "integer",
}
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

# What the generated modules already mean by these names. An attribute of a class hides a name from
# the annotations after it, and a class hides what its module imports under its name.
_TAKEN_BY_TYPES = {"Any", "bool", "bytes", "datetime", "dict", "float", "int", "list", "str"}
_TAKEN_IN_MODELS = _TAKEN_BY_TYPES | {"File", "LIMITS", "Meta", "Model", "RequestFiles", "define"}
_TAKEN_ATTRIBUTES = _TAKEN_IN_MODELS | {"field", "from_dict", "to_dict", "to_multipart"}
_TAKEN_CLASSES = _TAKEN_IN_MODELS | {
    "Annotated", "AuthenticatedClient", "Binary", "Client", "Json", "OPERATION", "OpenStrEnum",
    "Operation", "Request", "Response", "Text",
}  # fmt: skip
_TAKEN_PARAMETERS = {"body", "call", "client", "request"}


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
            _refuse_ambiguous(prop)
            members = sorted(
                (python_type(inner) for inner in prop.inner_properties),
                key=lambda name: name == "None",
            )
            return " | ".join(members)
        case NoneProperty():
            return "None"
    return str(prop.get_type_string(no_optional=True).as_unembedded_code())


def _refuse_ambiguous(prop: UnionProperty) -> None:
    """Refuse a union that msgspec cannot decode: two of its members look the same in JSON."""
    kinds = Counter(map(_json_type, prop.inner_properties))
    if "any" not in kinds and kinds.most_common(1)[0][1] > 1:
        names = " | ".join(map(python_type, prop.inner_properties))
        raise CodegenError(f"{_text(prop.name)}: the members of {names} cannot be told apart")


def _json_type(prop: Any) -> str:
    if isinstance(prop, EnumProperty):
        return "integer" if prop.value_type is int else "string"
    return next(
        (name for class_, name in _JSON_TYPES.items() if isinstance(prop, class_)), "string"
    )


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
        case ModelProperty() if is_map(prop):
            return _foreign_imports(prop.additional_properties)
        case ModelProperty() | EnumProperty() | FileProperty():
            return set()
    return {
        line for line in prop.get_imports(prefix="") if not line.startswith("from types import")
    }


def _takes_none(prop: Any) -> bool:
    """Whether a property may be null."""
    match prop:
        case AnyProperty() | NoneProperty():
            return True
        case UnionProperty():
            return any(map(_takes_none, prop.inner_properties))
    return False


def _text(value: Any) -> str:
    """Read a string of the document that the generator has marked as untrusted."""
    return "" if value is None else str(value.get_untrusted_value())


def _limits(schema: Mapping[str, Any]) -> str:
    """Print the limits of a schema as ``Meta(...)``, or nothing when it has none."""
    pairs = [(python, schema[name]) for name, python in _LIMITS.items() if name in schema]
    if any(isinstance(value, bool) for _, value in pairs):
        raise CodegenError("exclusive limits are numbers in OpenAPI 3.1")
    printed = ", ".join(
        f"{name}={int(value) if _whole(value) else value!r}" for name, value in pairs
    )
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
        return ", ".join(
            f"{name}={name}" for name in [*body, *(parameter.name for parameter in self.parameters)]
        )


class Views:
    """Makes the views of one document; the templates reach it as ``views``."""

    def __init__(self, document: Mapping[str, Any], parsed: GeneratorData, config: Config) -> None:
        self._document = document
        self._config = config
        self._raw = self._operations_by_name()
        self._uses = {
            str(model.class_info.name): {
                str(used.name) for prop in _properties(model) for used in _classes(prop)
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
        for found in [*parsed.models, *parsed.enums]:
            if found.class_info.name in _TAKEN_CLASSES:
                raise CodegenError(f"a schema cannot be named {found.class_info.name}")

    def model(self, prop: ModelProperty) -> ModelView:
        """See an object schema as an attrs class."""
        name = str(prop.class_info.name)
        if prop.additional_properties is not None and prop.data.additionalProperties not in (
            None,
            True,
        ):
            raise CodegenError(
                f"{name} mixes named properties with a map: give the map a property of its own"
            )
        properties = _properties(prop)
        in_order = [p for p in properties if p.required] + [p for p in properties if not p.required]
        imports: set[str] = set()
        late: set[str] = set()
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
        legal = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
        if not legal or name in _TAKEN_ATTRIBUTES or name in self._uses:
            raise CodegenError(
                f"{model.class_info.name}.{name} cannot be an attribute of a Python class"
            )
        schema = self._schema_of(name, self._raw_schema(model.data))
        type_, default = python_type(prop), None
        if not prop.required:
            if prop.default is not None:
                default = prop.default.python_code.as_unembedded_code()
            else:
                type_, default = type_ if _takes_none(prop) else f"{type_} | None", "None"
        return FieldView(
            name=name,
            type=type_,
            default=default,
            limits=_limits(schema),
            secret=schema.get("format") == "password",
            description=_text(prop.description),
        )

    def operation(self, endpoint: Endpoint) -> OperationView:
        """See an operation as a description, a request function and a table of answers."""
        raw = self._raw[endpoint.name]
        where = f"{raw['operationId']}"
        if endpoint.cookie_parameters:
            raise CodegenError(f"{where}: cookie parameters are not supported")
        if len(endpoint.bodies) > 1:
            raise CodegenError(
                f"{where}: more than one media type of request body is not supported"
            )
        body = endpoint.bodies[0] if endpoint.bodies else None
        if body is not None and (
            body.body_type not in (BodyType.JSON, BodyType.FILES) or not body.prop.required
        ):
            raise CodegenError(
                f"{where}: a request body must be required, and be JSON or multipart/form-data"
            )
        if any("schema" not in self._resolve(entry) for entry in raw["parameters"]):
            raise CodegenError(f"{where}: a parameter must have a schema")
        security = raw.get("security", self._document.get("security", []))
        responses = {
            response.status_code.pattern: self._readers(where, response)
            for response in endpoint.responses
        }
        used: list[Any] = [response.prop for response in endpoint.responses]
        used += [prop for _, prop in endpoint.iter_all_parameters()]
        used += [body.prop] if body else []
        imports = {
            f"from ...models.{found.module_name} import {found.name}"
            for prop in used
            for found in _classes(prop)
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
            roles=repr(
                tuple(role for entry in security for roles in entry.values() for role in roles)
            ),
            # An empty entry means that the token may be left out.
            secured=bool(security) and {} not in security,
            path_parameters=[
                self._parameter(raw, "path", prop) for prop in endpoint.path_parameters
            ],
            query_parameters=[
                self._parameter(raw, "query", prop) for prop in endpoint.query_parameters
            ],
            header_parameters=[
                self._parameter(raw, "header", prop) for prop in endpoint.header_parameters
            ],
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
                for reader in readers.values() or ["None"]
            ),
            imports=sorted(imports),
        )

    def _parameter(self, raw: Mapping[str, Any], place: str, prop: Property) -> ParameterView:
        wire_name = _text(prop.name)
        if prop.python_name in _TAKEN_PARAMETERS:
            raise CodegenError(
                f"{raw['operationId']}: a parameter cannot be named {prop.python_name}"
            )
        schema = next(
            entry["schema"]
            for entry in map(self._resolve, raw["parameters"])
            if (entry["name"], entry["in"]) == (wire_name, place)
        )
        limits = _limits(self._raw_schema(schema))
        type_, default = python_type(prop), None
        checked = f"Annotated[{type_}, {limits}]" if limits else type_
        if not prop.required:
            if prop.default is not None:
                default = prop.default.python_code.as_unembedded_code()
            else:
                default = "None"
                if not _takes_none(prop):
                    type_, checked = f"{type_} | None", f"{checked} | None"
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
        for name in map(_text, content):
            media_type = name.partition(";")[0].strip().lower()
            known = get_content_type(media_type, self._config) or media_type
            if known == "application/json" or known.endswith("+json"):
                # The generator parses the schema of the first media type that it knows.
                if response.source != JSON_SOURCE or any(
                    reader.startswith("Json") for reader in readers.values()
                ):
                    raise CodegenError(
                        f"{where}: list application/json first, and once, in each response"
                    )
                readers[media_type] = f"Json({python_type(response.prop)})"
            elif known.startswith("text/"):
                readers[media_type] = "Text()"
            else:
                readers[media_type] = "Binary()"
        return readers

    @staticmethod
    def _value_type(reader: str) -> str:
        return {"Text()": "str", "Binary()": "bytes"}.get(reader) or reader.removeprefix(
            "Json("
        ).removesuffix(")")

    def _refuse_unsendable(self, parsed: GeneratorData) -> None:
        """Refuse optional request properties that can neither be null nor have a default.

        An unset property reads as ``None`` and is sent as ``null``; a server that takes absence but
        not null would reject it.
        """
        models = {str(model.class_info.name): model for model in parsed.models}
        bodies = [
            body.prop
            for collection in parsed.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
            for body in endpoint.bodies
            if body.body_type is BodyType.JSON
        ]
        sent = {str(used.name) for prop in bodies for used in _classes(prop)}
        while further := {name for known in sent for name in self._uses.get(known, ())} - sent:
            sent |= further
        for name in sorted(sent & models.keys()):
            for prop in models[name].optional_properties or []:
                if prop.default is None and not _takes_none(prop):
                    raise CodegenError(
                        f"{name}.{_text(prop.name)} is optional in a request: "
                        "make it nullable or give it a default"
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
                    # Those of the operation come first: they replace those of the path.
                    parameters = [*item[method].get("parameters", []), *item.get("parameters", [])]
                    found[name] = {**item[method], "parameters": parameters}
        return found

    def _resolve(self, entry: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a reference inside the document."""
        while "$ref" in entry:
            target: Any = self._document
            for part in entry["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            entry = target
        return entry

    def _raw_schema(self, schema: Any) -> Mapping[str, Any]:
        """Print a schema as the document has it, behind a reference or a choice with null."""
        if not isinstance(schema, Mapping):
            schema = schema.model_dump(mode="json", by_alias=True, exclude_none=True)
        raw = self._resolve(schema)
        parts = [
            part
            for key in ("anyOf", "oneOf", "allOf")
            for part in raw.get(key, ())
            if part.get("type") != "null"
        ]
        return {**self._raw_schema(parts[0]), **raw} if len(parts) == 1 else raw

    def _schema_of(self, name: str, model: Mapping[str, Any]) -> Mapping[str, Any]:
        """Find the schema of a property, which may stand in a part of the model."""
        if name in model.get("properties", {}):
            return self._raw_schema(model["properties"][name])
        found = (self._schema_of(name, self._raw_schema(part)) for part in model.get("allOf", ()))
        return next(filter(None, found), {})


def _properties(model: ModelProperty) -> list[Property]:
    """The properties of a schema, in the order of the document."""
    found = [*(model.required_properties or []), *(model.optional_properties or [])]
    order = {name: position for position, name in enumerate(model.data.properties or {})}
    return sorted(found, key=lambda prop: order.get(prop.name, len(order)))


def _union(types: Iterable[str]) -> str:
    """Print a union of types, each once, ``None`` last."""
    return " | ".join(sorted(dict.fromkeys(types), key=lambda name: name == "None")) or "None"
