"""Converts every response to a value or an error."""

from __future__ import annotations

import html
import math
import re
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx
import msgspec
from attrs import frozen

from prov_api_client import Operation
from prov_api_client import errors as wire
from prov_api_client.models import HTTPValidationError, LineageResponse, Status
from prov_api_client.operation import Binary, Text
from prov_facade import errors
from prov_facade._http.content_encoding import UnsupportedEncodingError
from prov_facade._http.dates import parse_retry_after
from prov_facade._http.secrets import mask, mask_text
from prov_facade._http.signed_url import (
    bare_request,
    mask_report_url,
    query_secrets,
    signed_url,
    without_query,
)

T = TypeVar("T")

# The server sends 401, not 403, also for a valid token whose user lacks a role, or a right to an
# item; only its text distinguishes these. The registry's reason may be part of the text.
_INVALID_TOKEN = re.compile(
    r"not authenticated|could not validate credentials|token had incorrect structure",
    re.IGNORECASE,
)
_MISSING_ROLE = re.compile(r"\brole\b", re.IGNORECASE)
_MISSING_RIGHT = re.compile(r"\bnot authori[sz]ed\b|\bdenied access\b", re.IGNORECASE)

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

# Omitted from an error's response: its content is decoded, and its length may differ.
_BODY_HEADERS = (b"content-encoding", b"content-length", b"transfer-encoding")
_DROPPED_HEADERS = (b"set-cookie", *_BODY_HEADERS)
_MAX_QUOTE = 500

_BY_STATUS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    422: errors.ValidationFailedError,
    429: errors.RateLimitedError,
}


@frozen
class ParsedResponse(Generic[T]):
    """A value, and the response that it was read from."""

    value: T
    response: httpx.Response


def parse_response(
    operation: Operation[T],
    response: httpx.Response,
    *,
    error_class: type[errors.InvalidResponseError] = errors.InvalidResponseError,
) -> ParsedResponse[T]:
    """Read the value of a response, or raise the error that it reports.

    Args:
        operation: The operation that was called.
        response: The complete response.
        error_class: The error for a success with an unusable body.

    Raises:
        APIError: If the status is an error.
        InvalidResponseError: If the body is not what the operation returns.
        OperationFailedError: If the body says that the operation failed.
    """
    try:
        value = operation.read(response)
    except wire.ResponseError as error:
        # Not the error itself: its response has the request's headers.
        reason, cause = error.reason, error.__cause__
        if not isinstance(cause, msgspec.MsgspecError):
            cause = None  # it may contain the body, where the server may repeat the token
    else:
        status = getattr(value, "status", None)
        if isinstance(status, Status) and not status.success:
            raise _operation_failed(operation, response)
        if isinstance(value, LineageResponse):
            _rename_edges(value)
        return ParsedResponse(value, response)
    if not response.is_success:
        raise _status_error(operation, redacted(response))
    raise _invalid_response(error_class, response, reason, safe=operation.safe) from cause


def _rename_edges(lineage: LineageResponse) -> None:
    """Rename the list of links, which some servers before May 2026 call ``edges``."""
    graph = lineage.graph or {}
    if "edges" in graph and "links" not in graph:
        graph["links"] = graph.pop("edges")


def _operation_failed(
    operation: Operation[Any], response: httpx.Response
) -> errors.OperationFailedError:
    response = redacted(response)
    result = operation.read(response)
    details = result.status.details
    return errors.OperationFailedError(
        f"{_status(response)}, but the operation failed:"
        f" {_shortened(details) or 'the server gives no reason'}",
        details=details,
        result=result,
        response=response,
    )


def _invalid_response(
    error_class: type[errors.InvalidResponseError],
    response: httpx.Response,
    reason: str,
    *,
    safe: bool = True,
) -> errors.InvalidResponseError:
    reason = mask_text(reason, _secrets(response))
    response = redacted(response)
    message = f"{_status(response)}, but the response cannot be used: {reason}"
    text = _readable_text(response)
    # JSON is not quoted: it is data, and if it is truncated, a token in it might not be
    # recognised.
    if text and "json" not in response.headers.get("content-type", ""):
        message += f". It begins: {_shortened(text, 120)}"
    if not safe:
        message += f". {errors.OUTCOME_UNKNOWN_ADVICE}"
    return error_class(message, path=error_path(reason), response=response)


def has_file_body(operation: Operation[Any], response: httpx.Response) -> bool:
    """Return whether the status and headers announce a file: a success, and not JSON."""
    return isinstance(_reader(operation, response), Text | Binary)


def text_charset(operation: Operation[Any], response: httpx.Response) -> str | None:
    """Return the charset of a text body from its headers; ``None`` if it is not text."""
    if not isinstance(_reader(operation, response), Text):
        return None
    return response.charset_encoding or "utf-8"


def _reader(operation: Operation[Any], response: httpx.Response) -> object:
    if not response.is_success:
        return None
    by_type = operation.responses.get(str(response.status_code), {})
    content_type: str = response.headers.get("content-type", "")
    return by_type.get(content_type.partition(";")[0].strip().lower())


def without_body(response: httpx.Response) -> httpx.Response:
    """Copy a response whose body was saved, with an empty body for :func:`parse_response`."""
    headers = [(n, value) for n, value in response.headers.raw if n.lower() not in _BODY_HEADERS]
    return httpx.Response(response.status_code, headers=headers, request=response.request)


def undecodable_text(
    response: httpx.Response, charset: str, reason: str
) -> errors.InvalidResponseError:
    """Create the error for text that is received in pieces and cannot be decoded."""
    return _invalid_response(
        errors.InvalidResponseError, without_body(response), f"the text is not {charset}: {reason}"
    )


def undecodable_body(
    operation: Operation[Any], response: httpx.Response, error: httpx.DecodingError
) -> Exception:
    """Create the error for a body whose content encoding is broken or not supported."""
    reason = "the compression of the body is broken"
    if isinstance(error, UnsupportedEncodingError):
        reason = f"the body is compressed: install prov-facade[compression] ({error})"
    # Only the status is kept: the body is lost, and the headers describe the body.
    return errors.InvalidResponseError(
        f"{_status(response)}, but the response cannot be used: {reason}"
        + ("" if operation.safe else f". {errors.OUTCOME_UNKNOWN_ADVICE}"),
        response=httpx.Response(response.status_code, request=bare_request(response.request)),
    )


def error_path(message: str) -> str | None:
    """Find the path at the end of a message of msgspec, such as ``$.inputs[0]``."""
    found = re.search(r" - at (?:`key` in )?`(\$[^`]*)`$", message)
    return found[1] if found else None


def redacted(response: httpx.Response) -> httpx.Response:
    """Copy a response for an error to hold.

    The copy has no cookies, no headers or body of the request, and no query in the URL of a
    redirect, which may be signed. The token and signatures are masked wherever the server repeated
    them.
    """
    secrets = _secrets(response)
    headers = [
        (name, mask(without_query(value) if name.lower() == b"location" else value, secrets))
        for name, value in response.headers.raw  # which need not be ASCII
        if name.lower() not in _DROPPED_HEADERS
    ]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=mask_report_url(mask(response.content, secrets)),
        request=bare_request(response.request),
    )


def _secrets(response: httpx.Response) -> list[str]:
    """Return the secrets: the token, and the queries of a signed URL and of a redirect."""
    header: str = response.request.headers.get("authorization", "")
    signed = signed_url(response.request)
    redirect = response.headers.get("location", "").partition("?")[2]
    return [
        header.partition(" ")[2],
        *(signed.secrets if signed else ()),
        *(query_secrets(redirect) if redirect else ()),
    ]


def _status_error(operation: Operation[Any], response: httpx.Response) -> errors.APIError:
    status = response.status_code
    kind = _BY_STATUS.get(status, errors.ServerError if status >= 500 else errors.APIError)
    content = _error_content(response)
    if status == 401 and _is_denial(content):
        kind = errors.PermissionDeniedError
    message = _status(response)
    if content.detail and content.detail not in _status(response):
        message += f": {_shortened(content.detail)}"
    advice = _advice(kind, operation, response, content)
    if advice:
        message = f"{message.rstrip('.')}. {advice}"
    return kind(message, content=content, response=response)


def _is_denial(content: errors.ErrorContent) -> bool:
    """Return whether a 401 is about a role or an item, not about the token."""
    detail = content.body.get("detail") if isinstance(content.body, dict) else None
    if not isinstance(detail, str) or _INVALID_TOKEN.search(detail):
        return False
    return any(pattern.search(detail) for pattern in (_MISSING_ROLE, _MISSING_RIGHT))


def _advice(
    kind: type[errors.APIError],
    operation: Operation[Any],
    response: httpx.Response,
    content: errors.ErrorContent,
) -> str:
    if kind is errors.PermissionDeniedError:
        return _permission_advice(operation, content)
    if kind is errors.AuthenticationError:
        return "Sign in again, or give the client a token that has not expired."
    if kind is errors.RateLimitedError and content.retry_after is not None:
        return f"Try again in {math.ceil(content.retry_after)} s."
    if response.is_redirect and signed_url(response.request) is None:
        return "Redirects are not followed: check the address in the Config."
    if kind is errors.ServerError and not operation.safe:
        return f"{errors.OUTCOME_UNKNOWN_ADVICE}."
    return ""


def _permission_advice(operation: Operation[Any], content: errors.ErrorContent) -> str:
    if _is_denial(content) and not _MISSING_ROLE.search(content.detail):
        return "Ask its owner for access, or sign in as a user who has it."
    if operation.roles:
        return f"This needs a token with the roles {', '.join(operation.roles)}."
    return ""


def _error_content(response: httpx.Response) -> errors.ErrorContent:
    """Parse the body of an error: JSON from FastAPI, plain text, or HTML from a gateway."""
    retry_after = parse_retry_after(response.headers.get("retry-after"))
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text, body = _readable_text(response), _text(response)
        return errors.ErrorContent(detail=text, body=body, retry_after=retry_after)
    detail = body.get("detail") if isinstance(body, dict) else None
    entries = _entries(body)
    if entries:
        text = "; ".join(f"{'.'.join(map(str, e.loc))}: {e.msg}" for e in entries)
    elif isinstance(detail, str):
        text = detail
    else:
        text = _readable_text(response)
    return errors.ErrorContent(detail=text, body=body, errors=entries, retry_after=retry_after)


def _entries(body: Any) -> list[Any]:
    try:
        return HTTPValidationError.from_dict(body).detail or []
    except msgspec.ValidationError:
        return []


def _readable_text(response: httpx.Response) -> str:
    """Return the human-readable part of a body: the title of a page, or the text."""
    text = _text(response)
    if "\0" in text:
        return ""
    title = _TITLE.search(text)
    return html.unescape(title[1] if title else text).strip()


def _text(response: httpx.Response) -> str:
    # Only quoted, never returned as a value, so malformed bytes may be replaced.
    return response.content.decode("utf-8", errors="replace")


def _shortened(text: str, longest: int = _MAX_QUOTE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[:longest]}…"


def _status(response: httpx.Response) -> str:
    """Return the status and its reason phrase, such as ``404 Not Found``."""
    try:
        return f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
    except ValueError:
        return str(response.status_code)
