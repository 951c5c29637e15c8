"""Strategies for values that match the schemas of the documents.

hypothesis-jsonschema would do the same, but it reaches into Hypothesis's internals and breaks with
its releases, and it does not support JSON Schema 2020-12, of which the documents use little.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from api_document import DOCUMENT_PATH, Node, load, resolve
from hypothesis import strategies as st

JSON = st.SearchStrategy[Any]

# The range of 64-bit integers: larger ones are not portable in JSON.
INTEGERS = (-(2**63), 2**63 - 1)

TEXT = st.text(max_size=10)
NUMBERS = st.integers(*INTEGERS) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS: JSON = st.none() | st.booleans() | NUMBERS | TEXT
ANYTHING: JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)

# Keywords that do not restrict the values.
ANNOTATIONS = {"description", "default", "format", "x-content-schema", "x-ordered"}


@cache
def model_values(name: str, path: Path = DOCUMENT_PATH) -> JSON:
    """Generate values that match a named schema, without additional fields."""
    return values(load(path)["components"]["schemas"][name], path)


def values(schema: Node, path: Path) -> JSON:
    """Generate values that match a schema.

    Raises:
        ValueError: If the schema has an unsupported keyword.
    """
    if "$ref" in schema:
        return model_values(schema["$ref"].rpartition("/")[2], path)
    if "anyOf" in schema:
        _check_keywords(schema, "anyOf")
        return st.one_of([values(branch, path) for branch in schema["anyOf"]])
    if "enum" in schema:
        _check_keywords(schema, "type", "enum")
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([BUILDERS[kind](schema, path) for kind in kinds])


def _string(schema: Node, _: Path) -> JSON:
    _check_keywords(schema, "type", "minLength")
    return st.text(min_size=schema.get("minLength", 0), max_size=10)


def _integer(schema: Node, _: Path) -> JSON:
    _check_keywords(schema, "type", "minimum", "maximum")
    low, high = INTEGERS
    return st.integers(schema.get("minimum", low), schema.get("maximum", high))


def _array(schema: Node, path: Path) -> JSON:
    _check_keywords(schema, "type", "items")
    return st.lists(values(schema["items"], path), max_size=2)


def _object(schema: Node, path: Path) -> JSON:
    _check_keywords(schema, "type", "properties", "required", "additionalProperties")
    if "properties" not in schema:
        additional = schema["additionalProperties"]
        return st.dictionaries(
            TEXT, ANYTHING if additional is True else values(additional, path), max_size=2
        )
    required = set(schema.get("required", ()))
    fields = {name: values(prop, path) for name, prop in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: field for name, field in fields.items() if name in required},
        optional={name: field for name, field in fields.items() if name not in required},
    )


BUILDERS: dict[str, Callable[[Node, Path], JSON]] = {
    "null": lambda *_: st.none(),
    "boolean": lambda *_: st.booleans(),
    "string": _string,
    "integer": _integer,
    "array": _array,
    "object": _object,
}


def _check_keywords(schema: Node, *supported: str) -> None:
    unsupported = schema.keys() - ANNOTATIONS - set(supported)
    if unsupported:
        raise ValueError(f"unsupported keywords {sorted(unsupported)} in {schema}")


def canonical(schema: Node, value: Any, document: Node) -> Any:
    """Return the expected value: without unknown and unset fields, with defaults."""
    schema = resolve(schema, document)
    if "anyOf" in schema:
        # The documents contain only unions with null and unions of scalars.
        branch = schema["anyOf"][0]
        return canonical(branch, value, document) if isinstance(value, dict) else value
    if isinstance(value, list):
        return [canonical(schema["items"], item, document) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    found = {}
    for name, prop in schema["properties"].items():
        item = value.get(name, resolve(prop, document).get("default"))
        if item is not None:
            found[name] = canonical(prop, item, document)
    return found
