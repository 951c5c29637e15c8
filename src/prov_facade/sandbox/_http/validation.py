"""Finds what is wrong with a request, in the words of the real server: the entries of its 422."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import msgspec

from prov_facade.sandbox._http.documents import Document, Route

Entry = dict[str, Any]

_TYPES = {
    "string": ("str type expected", "type_error.str"),
    "integer": ("value is not a valid integer", "type_error.integer"),
    "boolean": ("value could not be parsed to a boolean", "type_error.bool"),
    "array": ("value is not a valid list", "type_error.list"),
    "object": ("value is not a valid dict", "type_error.dict"),
}
_TRUE = {"true", "1", "on", "t", "y", "yes"}
_FALSE = {"false", "0", "off", "f", "n", "no"}
_LONGEST_NUMBER = 20
_NOT_JSON = "value_error.jsondecode"
_MISSING = ("field required", "value_error.missing")


class MalformedError(Exception):
    """A request that fails validation.

    Attributes:
        entries: What is wrong, as the 422 lists it.
    """

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__(entries)
        self.entries = entries


def entry(loc: list[str | int], msg: str, kind: str, ctx: Mapping[str, Any] | None = None) -> Entry:
    """Make an entry of a 422."""
    return {"loc": loc, "msg": msg, "type": kind, **({"ctx": dict(ctx)} if ctx else {})}


def query_of(route: Route, given: Mapping[str, str]) -> dict[str, Any]:
    """Read the query parameters of a request.

    Args:
        route: The operation, which knows their types.
        given: The parameters as they came. Those that it does not know are left out.

    Raises:
        MalformedError: If one is missing or of the wrong type.
    """
    values: dict[str, Any] = {}
    wrong: list[Entry] = []
    for name, schema in route.parameters.items():
        if name not in given:
            if name in route.required:
                wrong.append(entry(["query", name], *_MISSING))
            values[name] = schema.get("default")
            continue
        try:
            values[name] = _parsed(given[name], schema["type"])
        except ValueError:
            wrong.append(entry(["query", name], *_TYPES[schema["type"]]))
    if wrong:
        raise MalformedError(wrong)
    return values


def _parsed(text: str, kind: str) -> Any:
    if kind == "integer":
        return int(text)
    if kind == "boolean":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError(text)
    return text


def _number(text: str) -> int | float:
    """Read a number with a point or an exponent. To JSON Schema, 1.0 is an integer all the same."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"Number out of range: {text[:_LONGEST_NUMBER]}")
    return int(value) if value.is_integer() else value


_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)


class BodyReader:
    """Reads the JSON bodies of an operation.

    Args:
        document: What the references of its schema lead to.
        route: The operation.
    """

    def __init__(self, document: Document, route: Route) -> None:
        self._validator = _Validator({**(route.body or {}), "components": document.components})

    def read(self, content_type: str, content: bytes) -> Any:
        """Read a body.

        Raises:
            MalformedError: If it is missing, no JSON, or does not fit the schema.
        """
        if not content:
            raise MalformedError([entry(["body"], *_MISSING)])
        # Without a type it is taken for JSON, as the server does.
        kind = content_type.partition(";")[0].strip().lower() or "application/json"
        if kind != "application/json" and not kind.endswith("+json"):
            raise MalformedError([entry(["body"], *_TYPES["object"])])
        try:
            value = _JSON.decode(content.decode("utf-8"))
        except UnicodeDecodeError as error:
            wrong = entry(["body", error.start], "Invalid JSON: not UTF-8", _NOT_JSON)
            raise MalformedError([wrong]) from error
        except (msgspec.DecodeError, RecursionError) as error:
            found = re.search(r"\(byte (\d+)\)", str(error))
            # Without a place, it is that there should be more.
            loc: list[str | int] = ["body", int(found[1]) if found else len(content)]
            wrong = entry(loc, f"Invalid JSON: {error}", _NOT_JSON)
            raise MalformedError([wrong]) from error
        errors = list(self._validator.iter_errors(value))
        # Times are compared by the server once each of them is right.
        errors = [error for error in errors if error.validator != _ORDERED] or errors
        # A field that must not be null may have a wrong type and be none of several values.
        entries = {(*map(str, e["loc"]), e["type"]): e for error in errors for e in _entries(error)}
        if entries:
            raise MalformedError(list(entries.values()))
        return value


_ORDERED = "x-ordered"


def _ordered(
    _: Any, names: list[str], instance: Any, __: Mapping[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    """The keyword by which a schema says that one of its properties must not be above another."""
    if isinstance(instance, dict):
        low, high = (instance.get(name) for name in names)
        if isinstance(low, int) and isinstance(high, int) and low > high:
            yield jsonschema.ValidationError(
                f"The '{names[0]}' value ({low}) must be smaller than or equal to the"
                f" '{names[1]}' value ({high})."
            )


_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, {_ORDERED: _ordered}
)


def _entries(error: jsonschema.ValidationError) -> Iterator[Entry]:
    """Say what a schema error is about in the words of the server."""
    loc = ["body", *error.absolute_path]
    limit: Any = error.validator_value
    if error.instance is None and error.validator in ("type", "enum"):
        yield entry(loc, "none is not an allowed value", "type_error.none.not_allowed")
        return
    match error.validator:
        case "x-ordered":
            yield entry([*loc, "__root__"], error.message, "value_error")
        case "required":
            # One error for each missing property, named in the text alone.
            (name,) = re.findall(r"^'(.*)' is a required property", error.message)
            yield entry([*loc, name], *_MISSING)
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            yield entry(loc, *_TYPES[kinds[0]])
        case "enum":
            permitted = ", ".join(map(repr, limit))
            text = f"value is not a valid enumeration member; permitted: {permitted}"
            yield entry(loc, text, "type_error.enum", {"enum_values": limit})
        case "minLength":
            yield entry(loc, "string must not be empty", "value_error")
        case "minimum":
            text = f"ensure this value is greater than or equal to {limit}"
            yield entry(loc, text, "value_error.number.not_ge", {"limit_value": limit})
        case "maximum":
            text = f"ensure this value is less than or equal to {limit}"
            yield entry(loc, text, "value_error.number.not_le", {"limit_value": limit})
        case "anyOf":
            # A choice with null: what the other members find wrong.
            for inner in error.context or ():
                if inner.validator_value != "null":
                    yield from _entries(inner)
        case _:
            yield entry(loc, error.message, "value_error")
