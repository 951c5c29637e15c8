"""JSON of the wrong shape raises a validation error that contains the path."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import pytest
from api_document import Node, resolve
from hypothesis import given
from hypothesis import strategies as st
from properties.models import EVERY_MODEL, MODELS, READ_ONLY, SETTINGS, Compiled
from properties.strategies import model_values

# A value of each JSON type.
OF_TYPE: dict[str, Any] = {
    "null": None,
    "boolean": True,
    "integer": 7,
    "number": 7.5,
    "string": "seven",
    "array": [None],
    "object": {"seven": None},
}


class Position(NamedTuple):
    """A position in a value, and the JSON types that are invalid there."""

    path: tuple[str | int, ...]
    invalid: list[str]


def positions(
    schema: Node, value: Any, document: Node, path: tuple[str | int, ...] = ()
) -> Iterator[Position]:
    """Yield the positions in a value whose type the schema defines."""
    accepted = types(schema, document)
    if not accepted:
        return
    yield Position(path, [kind for kind in OF_TYPE if kind not in accepted])
    schema = resolve(schema, document)
    if "anyOf" in schema:
        schema = resolve(schema["anyOf"][0], document)
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from positions(schema["items"], item, document, (*path, index))
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = schema["properties"][name] if "properties" in schema else additional(schema)
            yield from positions(inner, item, document, (*path, name))


def additional(schema: Node) -> Node:
    values = schema["additionalProperties"]
    return {} if values is True else dict(values)


def types(schema: Node, document: Node) -> set[str]:
    """Return the types that a schema allows; an empty set means any."""
    schema = resolve(schema, document)
    if "anyOf" in schema:
        return set().union(*(types(branch, document) for branch in schema["anyOf"]))
    kinds = schema.get("type", [])
    return set(kinds) if isinstance(kinds, list) else {kinds}


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    value = copy.copy(value)
    value[path[0]] = replaced(value[path[0]], path[1:], new)
    return value


@pytest.mark.parametrize("compiled", EVERY_MODEL, ids=str)
@SETTINGS
@given(data=st.data())
def test_a_wrong_type_is_an_error_with_its_path(compiled: Compiled, data: st.DataObject) -> None:
    value = data.draw(model_values(compiled.name, compiled.path))
    candidates = positions(compiled.schema, value, compiled.document)
    path, invalid = data.draw(st.sampled_from(list(candidates)))
    if compiled.name in READ_ONLY and path == ("detail",):
        invalid = [kind for kind in invalid if kind != "null"]
    wrong = replaced(value, path, OF_TYPE[data.draw(st.sampled_from(invalid))])

    with pytest.raises(msgspec.ValidationError) as from_json:
        msgspec.json.decode(json.dumps(wrong).encode(), type=compiled.cls)
    with pytest.raises(msgspec.ValidationError):
        compiled.cls.from_dict(wrong)
    names = [part for part in path if isinstance(part, str)]
    if names and "properties" in compiled.schema:
        assert f"$.{names[0]}" in str(from_json.value)


@pytest.mark.parametrize(
    "compiled", [model for model in EVERY_MODEL if model.schema.get("required")], ids=str
)
@SETTINGS
@given(data=st.data())
def test_a_missing_field_is_an_error_with_its_path(compiled: Compiled, data: st.DataObject) -> None:
    value = data.draw(model_values(compiled.name, compiled.path))
    missing = data.draw(st.sampled_from(compiled.schema["required"]))
    del value[missing]
    with pytest.raises(msgspec.ValidationError, match=f"`{missing}`"):
        compiled.cls.from_dict(value)
    with pytest.raises(msgspec.ValidationError, match=f"`{missing}`"):
        msgspec.json.decode(json.dumps(value).encode(), type=compiled.cls)


@SETTINGS
@given(value=model_values("ItemModelRun"), share=st.floats(0, 1, exclude_max=True))
def test_truncated_json_is_an_error(value: dict[str, Any], share: float) -> None:
    encoded = json.dumps(value).encode()
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(encoded[: int(share * len(encoded))], type=MODELS["ItemModelRun"])
