"""Views of the parsed document for the templates.

The generator's own templates render its properties directly: unset sentinels, a class for every
map, names changed to avoid built-ins. These views describe attrs classes that msgspec can decode
and encode, and add the parts of the document that the generator discards.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openapi_python_client.config import Config
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.bodies import BodyType
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import (
    ModelProperty,
    Property,
)
from openapi_python_client.parser.responses import JSON_SOURCE, Response
from openapi_python_client.strings import (
    get_content_type,
    in_double_quote_literal,
)

from codegen.document import Document
from codegen.errors import CodegenError
from codegen.python_types import (
    accepted_type,
    classes,
    foreign_imports,
    limits_of,
    python_type,
    takes_none,
    text,
    union,
)

# Names that the generated modules use themselves. An attribute of a class shadows a name in the
# annotations after it, and a class shadows an import of the same name.
_TAKEN_BY_TYPES = {"Any", "bool", "bytes", "datetime", "dict", "float", "int", "list", "str"}
_TAKEN_IN_MODELS = _TAKEN_BY_TYPES | {"File", "LIMITS", "Meta", "Model", "RequestFiles", "define"}
_TAKEN_ATTRIBUTES = _TAKEN_IN_MODELS | {"field", "from_dict", "to_dict", "to_multipart"}
_TAKEN_CLASSES = _TAKEN_IN_MODELS | {
    "Annotated", "AuthenticatedClient", "Binary", "Client", "Iterable", "Json", "ModelLike",
    "OPERATION", "OpenStrEnum", "Operation", "Request", "Response", "Text",
}  # fmt: skip
_TAKEN_PARAMETERS = {"body", "call", "client", "request"}


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
        """Render the line that declares the attribute."""
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
    """A path, query or header parameter of an operation."""

    name: str
    wire_name: str
    type: str
    default: str | None
    checked_type: str
    description: str

    @property
    def declaration(self) -> str:
        """Render the parameter declaration."""
        return f"{self.name}: {self.type}" + ("" if self.default is None else f" = {self.default}")


@dataclass(frozen=True)
class BodyView:
    """The request body of an operation.

    Attributes:
        type: The type that is sent.
        accepted: The type of the argument, which may be wider.
    """

    type: str
    accepted: str
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
        """All parameters, in the order in which the functions take them."""
        return [*self.path_parameters, *self.query_parameters, *self.header_parameters]

    @property
    def arguments(self) -> str:
        """Render the parameter list of a function."""
        body = [f"body: {self.body.accepted}"] if self.body else []
        return ", ".join([*body, *(parameter.declaration for parameter in self.parameters)])

    @property
    def passed_on(self) -> str:
        """Render the arguments of a call with the same parameters."""
        body = ["body"] if self.body else []
        return ", ".join(
            f"{name}={name}" for name in [*body, *(parameter.name for parameter in self.parameters)]
        )


class Views:
    """Creates the views of a document. The templates use it as ``views``."""

    def __init__(self, document: Mapping[str, Any], parsed: GeneratorData, config: Config) -> None:
        self._document = Document(document, config.field_prefix)
        self._config = config
        self._uses = {
            str(model.class_info.name): {
                str(used.name) for prop in _properties(model) for used in classes(prop)
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
        self._check_optional_properties(parsed)
        for found in [*parsed.models, *parsed.enums]:
            if found.class_info.name in _TAKEN_CLASSES:
                raise CodegenError(f"a schema cannot be named {found.class_info.name}")

    def model(self, prop: ModelProperty) -> ModelView:
        """View an object schema as an attrs class."""
        name = str(prop.class_info.name)
        if prop.additional_properties is not None and prop.data.additionalProperties not in (
            None,
            True,
        ):
            raise CodegenError(
                f"{name} mixes named properties with a map: put the map into a separate property"
            )
        properties = _properties(prop)
        in_order = [p for p in properties if p.required] + [p for p in properties if not p.required]
        imports: set[str] = set()
        late: set[str] = set()
        for used in {(c.name, c.module_name) for p in properties for c in classes(p)} - {
            (prop.class_info.name, prop.class_info.module_name)
        }:
            line = f"from .{used[1]} import {used[0]}"
            (late if self._reaches(used[0], prop.class_info.name) else imports).add(line)
        for p in properties:
            imports.update(foreign_imports(p))
        return ModelView(
            name=name,
            description=text(prop.description),
            fields=[self._field(prop, p) for p in in_order],
            imports=sorted(imports),
            late_imports=sorted(late),
            multipart=prop.is_multipart_body,
        )

    def _field(self, model: ModelProperty, prop: Property) -> FieldView:
        name = text(prop.name)
        legal = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
        if not legal or name in _TAKEN_ATTRIBUTES or name in self._uses:
            raise CodegenError(
                f"{model.class_info.name}.{name} cannot be an attribute of a Python class"
            )
        schema = self._document.schema_of(name, self._document.raw_schema(model.data))
        if lost := self._document.lost_in(schema):
            raise CodegenError(f"{model.class_info.name}.{name}: {lost} is not supported")
        type_, default = python_type(prop), None
        if not prop.required:
            if prop.default is not None:
                default = prop.default.python_code.as_unembedded_code()
            else:
                type_, default = type_ if takes_none(prop) else f"{type_} | None", "None"
        return FieldView(
            name=name,
            type=type_,
            default=default,
            limits=limits_of(schema),
            secret=schema.get("format") == "password",
            description=self._document.description_of(name, model.data) or text(prop.description),
        )

    def operation(self, endpoint: Endpoint) -> OperationView:
        """View an operation as a description, a request function and a table of responses."""
        raw = self._document.operations[endpoint.name]
        where = raw["operationId"]
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
        if any("schema" not in self._document.resolve(entry) for entry in raw["parameters"]):
            raise CodegenError(f"{where}: a parameter must have a schema")
        security = raw.get("security", self._document.content.get("security", []))
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
            for found in classes(prop)
        }
        imports.update(line for prop in used for line in foreign_imports(prop))
        return OperationView(
            name=str(endpoint.name),
            operation_id=raw["operationId"],
            method=endpoint.method.upper(),
            path=endpoint.path.get_untrusted_value(),
            tag=str(endpoint.tags[0]),
            summary=text(endpoint.summary),
            description=text(endpoint.description),
            safe=bool(raw.get("x-safe", endpoint.method in ("get", "head", "options"))),
            roles=repr(
                tuple(role for entry in security for roles in entry.values() for role in roles)
            ),
            # An empty entry makes the token optional.
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
                accepted=python_type(body.prop)
                if body.body_type is BodyType.FILES
                else accepted_type(body.prop),
                multipart=body.body_type is BodyType.FILES,
                description=self._document.resolve(raw["requestBody"]).get("description", ""),
            )
            if body
            else None,
            responses=responses,
            returns=union(
                self._value_type(reader)
                for status, readers in responses.items()
                if status.startswith("2")
                for reader in readers.values() or ["None"]
            ),
            imports=sorted(imports),
        )

    def _parameter(self, raw: Mapping[str, Any], place: str, prop: Property) -> ParameterView:
        wire_name = text(prop.name)
        if prop.python_name in _TAKEN_PARAMETERS:
            raise CodegenError(
                f"{raw['operationId']}: a parameter cannot be named {prop.python_name}"
            )
        declared = next(
            entry
            for entry in map(self._document.resolve, raw["parameters"])
            if (entry["name"], entry["in"]) == (wire_name, place)
        )
        if lost := self._document.lost_in(declared["schema"]):
            raise CodegenError(f"{raw['operationId']}.{wire_name}: {lost} is not supported")
        limits = limits_of(self._document.raw_schema(declared["schema"]))
        type_, default = python_type(prop), None
        checked = f"Annotated[{type_}, {limits}]" if limits else type_
        if not prop.required:
            if prop.default is not None:
                default = prop.default.python_code.as_unembedded_code()
            else:
                default = "None"
                if not takes_none(prop):
                    type_, checked = f"{type_} | None", f"{checked} | None"
        return ParameterView(
            name=str(prop.python_name),
            wire_name=in_double_quote_literal(wire_name),
            type=type_,
            default=default,
            checked_type=checked,
            description=declared.get("description") or text(prop.description),
        )

    def _readers(self, where: str, response: Response) -> dict[str, str]:
        """Render the reader of the body for each media type of a response."""
        readers: dict[str, str] = {}
        content = getattr(response.data, "content", None) or {}
        for name in map(text, content):
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

    def _check_optional_properties(self, parsed: GeneratorData) -> None:
        """Raise an error for optional request properties that are not nullable and have no default.

        An unset property is ``None`` and is sent as ``null``, which the server would reject.
        """
        models = {str(model.class_info.name): model for model in parsed.models}
        bodies = [
            body.prop
            for collection in parsed.endpoint_collections_by_tag.values()
            for endpoint in collection.endpoints
            for body in endpoint.bodies
            if body.body_type is BodyType.JSON
        ]
        sent = {str(used.name) for prop in bodies for used in classes(prop)}
        while further := {name for known in sent for name in self._uses.get(known, ())} - sent:
            sent |= further
        for name in sorted(sent & models.keys()):
            for prop in models[name].optional_properties or []:
                if prop.default is None and not takes_none(prop):
                    raise CodegenError(
                        f"{name}.{text(prop.name)} is optional in a request: "
                        "make it nullable or give it a default"
                    )

    def _reaches(self, start: str, goal: str) -> bool:
        """Whether a model refers to another one, directly or indirectly."""
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


def _properties(model: ModelProperty) -> list[Property]:
    """Return the properties of a schema, in the order of the document."""
    found = [*(model.required_properties or []), *(model.optional_properties or [])]
    order = {name: position for position, name in enumerate(model.data.properties or {})}
    return sorted(found, key=lambda prop: order.get(prop.name, len(order)))
