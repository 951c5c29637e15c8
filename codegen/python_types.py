"""Renders the properties that the generator parses as Python types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openapi_python_client.parser.properties import (
    AnyProperty,
    EnumProperty,
    ModelProperty,
)
from openapi_python_client.parser.properties.boolean import BooleanProperty
from openapi_python_client.parser.properties.file import FileProperty
from openapi_python_client.parser.properties.float import FloatProperty
from openapi_python_client.parser.properties.int import IntProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.none import NoneProperty
from openapi_python_client.parser.properties.schemas import Class
from openapi_python_client.parser.properties.union import UnionProperty

from codegen.errors import CodegenError
from codegen.maps import is_map

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


def python_type(prop: Any) -> str:
    """Render the type of a property: no sentinels, maps as ``dict``, ``None`` last."""
    match prop:
        case ModelProperty() if is_map(prop):
            return f"dict[str, {python_type(prop.additional_properties)}]"
        case ModelProperty() | EnumProperty():
            return str(prop.class_info.name)
        case ListProperty():
            return f"list[{python_type(prop.inner_property)}]"
        case UnionProperty():
            _check_ambiguity(prop)
            members = sorted(
                (python_type(inner) for inner in prop.inner_properties),
                key=lambda name: name == "None",
            )
            return " | ".join(members)
        case NoneProperty():
            return "None"
    return str(prop.get_type_string(no_optional=True).as_unembedded_code())


def accepted_type(prop: Any) -> str:
    """Render the type of a request body as an argument.

    A mapping or a pydantic object may replace a model, and any iterable of them a list.
    """
    match prop:
        case ModelProperty() if not is_map(prop):
            return f"{prop.class_info.name} | ModelLike"
        case ListProperty(inner_property=ModelProperty() as inner) if not is_map(inner):
            return f"Iterable[{accepted_type(inner)}]"
    return python_type(prop)


def _check_ambiguity(prop: UnionProperty) -> None:
    """Raise an error for a union that msgspec cannot decode: two members share a JSON type."""
    kinds = Counter(map(_json_type, prop.inner_properties))
    if "any" not in kinds and kinds.most_common(1)[0][1] > 1:
        names = " | ".join(map(python_type, prop.inner_properties))
        raise CodegenError(f"{text(prop.name)}: the members of {names} have the same JSON type")


def _json_type(prop: Any) -> str:
    if isinstance(prop, EnumProperty):
        return "integer" if prop.value_type is int else "string"
    return next(
        (name for class_, name in _JSON_TYPES.items() if isinstance(prop, class_)), "string"
    )


def classes(prop: Any) -> Iterator[Class]:
    """Yield every generated class in the type of a property."""
    match prop:
        case ModelProperty() if is_map(prop):
            yield from classes(prop.additional_properties)
        case ModelProperty() | EnumProperty():
            yield prop.class_info
        case ListProperty():
            yield from classes(prop.inner_property)
        case UnionProperty():
            for inner in prop.inner_properties:
                yield from classes(inner)


def foreign_imports(prop: Any) -> set[str]:
    """Return the imports that a type needs from outside the package, such as ``datetime``."""
    match prop:
        case ListProperty():
            return foreign_imports(prop.inner_property)
        case UnionProperty():
            return set().union(*map(foreign_imports, prop.inner_properties))
        case ModelProperty() if is_map(prop):
            return foreign_imports(prop.additional_properties)
        case ModelProperty() | EnumProperty() | FileProperty():
            return set()
    return {
        line for line in prop.get_imports(prefix="") if not line.startswith("from types import")
    }


def takes_none(prop: Any) -> bool:
    """Whether a property may be null."""
    match prop:
        case AnyProperty() | NoneProperty():
            return True
        case UnionProperty():
            return any(map(takes_none, prop.inner_properties))
    return False


def text(value: Any) -> str:
    """Return a string of the document that the generator has marked as untrusted."""
    return "" if value is None else str(value.get_untrusted_value())


def limits_of(schema: Mapping[str, Any]) -> str:
    """Render the limits of a schema as ``Meta(...)``; empty if it has none."""
    pairs = [(python, schema[name]) for name, python in _LIMITS.items() if name in schema]
    if any(isinstance(value, bool) for _, value in pairs):
        raise CodegenError("exclusive limits are numbers in OpenAPI 3.1")
    rendered = ", ".join(
        f"{name}={int(value) if _is_whole(value) else value!r}" for name, value in pairs
    )
    return f"Meta({rendered})" if rendered else ""


def _is_whole(value: object) -> bool:
    return isinstance(value, int | float) and float(value).is_integer()


def union(types: Iterable[str]) -> str:
    """Render a union of types, each once, ``None`` last."""
    return " | ".join(sorted(dict.fromkeys(types), key=lambda name: name == "None")) or "None"
