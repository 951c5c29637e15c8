"""Checks arguments before anything is sent, and accepts models in several forms.

A model argument may be one of our models, a mapping, or a pydantic object, nested in any way. All
are validated in the same way: the JSON to be sent is converted to a strict type, which enforces the
limits of the OpenAPI document and rejects additional fields. Otherwise a misspelt optional field
would be dropped silently.
"""

from __future__ import annotations

import datetime as dt
import numbers
import types
from collections.abc import AsyncIterable, Iterable, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import (
    Annotated,
    Any,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import attrs
import httpx
import msgspec

from job_api_client.operations import OPERATIONS as JOB_OPERATIONS
from prov_api_client import Request
from prov_api_client.operations import OPERATIONS
from prov_api_client.types import LIMITS, SupportsDict, SupportsModelDump, convert, prepare
from prov_facade._http.responses import error_path
from prov_facade._http.signed_url import SignedURL
from prov_facade._version import __version__
from prov_facade.errors import InvalidRequestError

T = TypeVar("T")

# Those that httpx's own client sends.
_DEFAULT_HEADERS = httpx.Client(transport=httpx.BaseTransport()).headers
_DEFAULT_HEADERS["User-Agent"] = f"prov-facade/{__version__} python-httpx/{httpx.__version__}"

# Limits of the arguments, in addition to those of the document: the server treats a depth of 0 as
# unset, but nobody asks for fewer links than one.
_PARAMETER_LIMITS = {"depth": msgspec.Meta(ge=1)}

# JSON represents these directly.
_SCALARS = (bool, int, type(None))

# Not converted, so that validation rejects them: msgspec would send bytes as base64, a date as text
# where Unix seconds are expected, and a Decimal, even one that is not a number, as text.
_UNCONVERTED_TYPES = (
    bytes,
    bytearray,
    memoryview,
    dt.datetime,
    dt.date,
    dt.time,
    dt.timedelta,
    Decimal,
)


def validate_request(request: Request[T]) -> Request[T]:
    """Validate a request before it is sent.

    Args:
        request: The request. Its body may still hold mappings and pydantic objects.

    Returns:
        The request, with a body that contains only our models.

    Raises:
        InvalidRequestError: If an argument is not valid, with the path of the invalid value.
    """
    operation = request.operation
    if request.query:
        query = {
            name: _convert(
                _simplify(value), _parameter(name, operation.parameters[name]), root=f"$.{name}"
            )
            for name, value in request.query.items()
        }
        request = attrs.evolve(request, query=query)
    if request.files is not None or operation.body is None:
        return request
    body = _simplify(request.body)
    _convert(body, _strict(operation.body))
    return attrs.evolve(request, body=_convert(body, operation.body))


def check_records(records: object) -> None:
    """Check that an argument is an iterable of records, not a single one.

    Raises:
        InvalidRequestError: If it is not.
    """
    single = isinstance(records, str | bytes | Mapping | SupportsModelDump | SupportsDict)
    if single or not isinstance(records, Iterable | AsyncIterable):
        raise InvalidRequestError(
            "nothing was sent: records must be an iterable of model runs, such as a list, not"
            f" {type(records).__name__}",
            path="$.records",
        )


def build_request(request: Request[Any], base: str | SignedURL) -> httpx.Request:
    """Build the HTTP request.

    Args:
        request: The request, validated.
        base: The URL of the API, or a signed URL, which is complete.

    Raises:
        InvalidRequestError: If an argument makes the URL too long.
    """
    arguments: dict[str, Any] = request.to_httpx()
    method, path = arguments.pop("method"), arguments.pop("url")
    headers = _DEFAULT_HEADERS.copy()
    headers.update(arguments.get("headers"))
    arguments["headers"] = headers
    if isinstance(base, SignedURL):
        return base.request(method, **arguments)
    try:
        built = httpx.Request(method, _parse_url(f"{base}{path}"), **arguments)
    except httpx.InvalidURL as error:
        raise InvalidRequestError(
            f"nothing was sent: an argument does not fit in a URL: {error}"
        ) from error
    built.headers.encoding = "utf-8"  # or httpx tries several charsets at each access
    return built


# Most requests go to one of a few URLs, and parsing a URL takes as long as the rest of a request.
_parse_url = lru_cache(maxsize=128)(httpx.URL)


def _simplify(value: object) -> object:
    """Convert a value to JSON types."""
    if type(value) in _SCALARS:
        return value
    unknown_types: dict[str, None] = {}

    def convert_unknown(item: object) -> object:
        converted = _to_known_type(item)
        if converted is item:
            unknown_types[type(item).__name__] = None
            return None
        return converted

    try:
        # Keys are not converted either: `3` and `"3"` would become one.
        simple = msgspec.to_builtins(
            value, builtin_types=_UNCONVERTED_TYPES, enc_hook=convert_unknown
        )
        msgspec.json.encode(simple)
    except (TypeError, ValueError, RecursionError) as error:
        # Such as text that UTF-8 cannot encode, and values that contain themselves.
        raise InvalidRequestError(
            f"nothing was sent: an argument cannot be written as JSON: {error}"
        ) from error
    if unknown_types:
        raise InvalidRequestError(
            f"nothing was sent: an argument contains {', '.join(unknown_types)}, which JSON cannot"
            " represent"
        )
    return simple


def _to_known_type(item: Any) -> object:
    """Convert a value of a type unknown to msgspec to a known type, or return it unchanged."""
    if isinstance(item, str):  # a subclass of it
        return str.__str__(item)
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, SupportsModelDump | SupportsDict) and not isinstance(item, type):
        return _dump_model(item)
    if isinstance(item, Iterable):
        return list(item)
    if isinstance(item, numbers.Real):  # NumPy's, for example
        return int(item) if isinstance(item, numbers.Integral) else float(item)
    return item


def _dump_model(item: SupportsModelDump | SupportsDict) -> object:
    method = "model_dump" if isinstance(item, SupportsModelDump) else "dict"
    try:
        dumped: object = (
            item.model_dump(mode="json", exclude_none=True)
            if isinstance(item, SupportsModelDump)
            else item.dict(exclude_none=True)
        )
    except Exception as error:
        kind = type(item).__name__
        raise TypeError(f"{method} of {kind} failed with {type(error).__name__}") from error
    return dumped if isinstance(dumped, dict) else item  # unrelated classes may have such a method


def _convert(simple: object, kind: Any, *, root: str = "$") -> Any:
    try:
        return convert(simple, kind)
    except msgspec.ValidationError as error:
        path = root + (error_path(str(error)) or "$").removeprefix("$")
        fault, _, place = str(error).partition(" - at `")
        where = f"a key of {path}" if place.startswith("key`") else path
        raise InvalidRequestError(f"nothing was sent: {fault}, at {where}", path=path) from error


@cache
def _strict(kind: Any) -> Any:
    """Return the strict form of a type: it enforces limits, and rejects additional fields."""
    if attrs.has(kind):
        hints = get_type_hints(kind)
        fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
        for attribute in attrs.fields(kind):
            hint = _with_limits(_strict(hints[attribute.name]), attribute.metadata.get(LIMITS))
            if attribute.default is attrs.NOTHING:
                fields.append((attribute.name, hint))
            else:
                fields.append((attribute.name, hint, attribute.default))
        return msgspec.defstruct(kind.__name__, fields, forbid_unknown_fields=True)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is types.UnionType or origin is Union:
        return Union[tuple(map(_strict, arguments))]  # noqa: UP007  (created at run time)
    if origin in (list, dict):
        return origin[tuple(map(_strict, arguments))]
    return kind


def _parameter(name: str, kind: Any) -> Any:
    """Return the strict form of the type of a parameter."""
    return _with_limits(_strict(kind), _PARAMETER_LIMITS.get(name))


def _with_limits(hint: Any, limits: msgspec.Meta | None) -> Any:
    """Add limits to a type; in a union with ``None``, to the other members."""
    if limits is None:
        return hint
    if get_origin(hint) is Union:
        members = (m if m is types.NoneType else Annotated[m, limits] for m in get_args(hint))
        return Union[tuple(members)]  # noqa: UP007  (created at run time)
    return Annotated[hint, limits]


# At import rather than at the first call; `prepare` explains why.
for _operation in (*OPERATIONS.values(), *JOB_OPERATIONS.values()):
    prepare(_strict(_operation.body))
    prepare(*(_parameter(name, kind) for name, kind in _operation.parameters.items()))
