"""Maps: object schemas that are written inline as ``dict[str, T]``, without a class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.union import UnionProperty

from codegen.errors import CodegenError


def is_map(prop: object) -> bool:
    """Whether an object schema is a ``dict[str, T]``, without named properties."""
    return (
        isinstance(prop, ModelProperty)
        and not prop.required_properties
        and not prop.optional_properties
        and prop.additional_properties is not None
    )


def complete(parsed: GeneratorData) -> None:
    """Complete the copies of models that the generator made before it knew their properties.

    The generator parses a reference into a copy of the referenced model. If that model is declared
    later in the document, the copy has no properties yet, and looks like a map.

    Raises:
        CodegenError: If a map contains itself, which ``dict[str, T]`` cannot express.
    """
    models = {model.class_info.name: model for model in parsed.models}

    def visit(prop: Any, maps: tuple[str, ...] = ()) -> None:
        match prop:
            case ListProperty():
                visit(prop.inner_property, maps)
            case UnionProperty():
                for inner in prop.inner_properties:
                    visit(inner, maps)
            case ModelProperty():
                name = prop.class_info.name
                if name in models:
                    prop.required_properties = models[name].required_properties
                    prop.optional_properties = models[name].optional_properties
                    prop.additional_properties = models[name].additional_properties
                if name in maps:
                    raise CodegenError(f"the map {name} contains itself: give it a named property")
                if is_map(prop):
                    visit(prop.additional_properties, (*maps, name))

    for prop in _all_properties(parsed):
        visit(prop)


def _all_properties(parsed: GeneratorData) -> Iterator[Any]:
    for model in parsed.models:
        yield model
        yield from model.required_properties or ()
        yield from model.optional_properties or ()
    for collection in parsed.endpoint_collections_by_tag.values():
        for endpoint in collection.endpoints:
            yield from (response.prop for response in endpoint.responses)
            yield from (prop for _, prop in endpoint.iter_all_parameters())
            yield from (body.prop for body in endpoint.bodies)
