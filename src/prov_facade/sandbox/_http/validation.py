"""Validates requests, and reports errors as the real server does: as the entries of a 422."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import msgspec

from prov_facade.sandbox._http.calls import RejectedError
from prov_facade.sandbox._http.documents import Document, Route

Entry = dict[str, Any]

UNREADABLE = "There was an error parsing the body"

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

MISSING = ("field required", "value_error.missing")
"""The message and the type of the entry for a missing value."""


class RequestValidationError(Exception):
    """A request that fails validation.

    Attributes:
        entries: The errors, as in the ``detail`` of a 422.
    """

    def __init__(self, entries: list[Entry]) -> None:
        super().__init__(entries)
        self.entries = entries


def error_entry(
    loc: list[str | int], msg: str, kind: str, ctx: Mapping[str, Any] | None = None
) -> Entry:
    """Return an entry of a 422."""
    return {"loc": loc, "msg": msg, "type": kind, **({"ctx": dict(ctx)} if ctx else {})}


def parse_query(route: Route, given: Mapping[str, str]) -> dict[str, Any]:
    """Parse the query parameters of a request.

    Args:
        route: The operation.
        given: The parameters of the request. Unknown ones are ignored.

    Raises:
        RequestValidationError: If a parameter is missing or has the wrong type.
    """
    values: dict[str, Any] = {}
    errors: list[Entry] = []
    for name, schema in route.parameters.items():
        if name not in given:
            if name in route.required:
                errors.append(error_entry(["query", name], *MISSING))
            values[name] = schema.get("default")
            continue
        try:
            values[name] = _parsed(given[name], schema["type"])
        except ValueError:
            errors.append(error_entry(["query", name], *_TYPES[schema["type"]]))
    if errors:
        raise RequestValidationError(errors)
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
    """Parse a number with a decimal point or an exponent. In JSON Schema, 1.0 is an integer."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"Number out of range: {text[:_LONGEST_NUMBER]}")
    return int(value) if value.is_integer() else value


_JSON: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)


class BodyReader:
    """Decodes and validates the JSON bodies of an operation.

    Args:
        document: Contains the components that the schema of the body refers to.
        route: The operation.
    """

    def __init__(self, document: Document, route: Route) -> None:
        components = document.content["components"]
        self._validator = _Validator({**(route.body or {}), "components": components})

    def read(self, content_type: str, content: bytes) -> Any:
        """Decode a body.

        Raises:
            RequestValidationError: If it is missing, is not JSON, or does not match the schema.
            RejectedError: If it is not UTF-8, or is nested too deeply.
        """
        if not content:
            raise RequestValidationError([error_entry(["body"], *MISSING)])
        # Like the server, treat a body without a content type as JSON.
        kind = content_type.partition(";")[0].strip().lower() or "application/json"
        if kind != "application/json" and not kind.endswith("+json"):
            raise RequestValidationError([error_entry(["body"], *_TYPES["object"])])
        try:
            value = _JSON.decode(content.decode("utf-8"))
        except (UnicodeDecodeError, RecursionError) as error:
            raise RejectedError(400, UNREADABLE) from error
        except msgspec.DecodeError as error:
            found = re.search(r"\(byte (\d+)\)", str(error))
            # An error without a position means that the body is incomplete.
            loc: list[str | int] = ["body", int(found[1]) if found else len(content)]
            wrong = error_entry(loc, f"Invalid JSON: {error}", _NOT_JSON)
            raise RequestValidationError([wrong]) from error
        if value is None:
            raise RequestValidationError([error_entry(["body"], *MISSING)])
        errors = list(self._validator.iter_errors(value))
        # The server compares times only when each of them is valid.
        errors = [error for error in errors if error.validator != _ORDERED] or errors
        # A null can violate both the type and the enum of a field; both give the same entry.
        entries = {(*map(str, e["loc"]), e["type"]): e for error in errors for e in _entries(error)}
        if entries:
            raise RequestValidationError(list(entries.values()))
        return value


_ORDERED = "x-ordered"


def _ordered(
    _: Any, names: list[str], instance: Any, __: Mapping[str, Any]
) -> Iterator[jsonschema.ValidationError]:
    """Implement ``x-ordered``: one property must not be greater than another."""
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
    """Describe a schema error as the server does."""
    loc = ["body", *error.absolute_path]
    limit: Any = error.validator_value
    schema: Any = error.schema
    if error.instance is None and error.validator in ("type", "enum"):
        yield error_entry(loc, "none is not an allowed value", "type_error.none.not_allowed")
        return
    if error.instance == [] and error.validator == "type" and "required" in schema:
        # The server converts an empty list to an object without fields.
        yield from (error_entry([*loc, name], *MISSING) for name in schema["required"])
        return
    match error.validator:
        case "x-ordered":
            yield error_entry([*loc, "__root__"], error.message, "value_error")
        case "required":
            # Each missing property is a separate error; only its message contains the name.
            (name,) = re.findall(r"^'(.*)' is a required property", error.message)
            yield error_entry([*loc, name], *MISSING)
        case "type":
            kinds = [limit] if isinstance(limit, str) else limit
            yield error_entry(loc, *_TYPES[kinds[0]])
        case "enum":
            permitted = ", ".join(map(repr, limit))
            text = f"value is not a valid enumeration member; permitted: {permitted}"
            yield error_entry(loc, text, "type_error.enum", {"enum_values": limit})
        case "minLength":
            yield error_entry(loc, "string must not be empty", "value_error")
        case "minimum" | "maximum" as name:
            word, kind = ("greater", "ge") if name == "minimum" else ("less", "le")
            text = f"ensure this value is {word} than or equal to {limit}"
            yield error_entry(loc, text, f"value_error.number.not_{kind}", {"limit_value": limit})
        case "anyOf":
            # A nullable field: the errors of the other schemas.
            for inner in error.context or ():
                if inner.validator_value != "null":
                    yield from _entries(inner)
        case _:
            yield error_entry(loc, error.message, "value_error")
