"""The one place that turns an answer into a value or an error."""

from __future__ import annotations

import html
import math
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import httpx
import msgspec
from attrs import frozen
from dateutil import parser as dates

from prov_api_client import Operation
from prov_api_client import errors as wire
from prov_api_client.models import HTTPValidationError, Status
from prov_facade import errors

T = TypeVar("T")

# The server answers 401, not 403, to a good token without the role; only its words tell the two
# apart.
_MISSING_ROLE = re.compile(r"\brole\b", re.IGNORECASE)

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

_MASK = "***"
_LONGEST_QUOTE = 500

_BY_STATUS: dict[int, type[errors.APIError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    422: errors.ValidationFailedError,
    429: errors.RateLimitedError,
}


@frozen
class Answer(Generic[T]):
    """A value, and the response that it was read from."""

    value: T
    call: errors.Call
    response: httpx.Response


def read(
    operation: Operation[T],
    call: errors.Call,
    response: httpx.Response,
    *,
    unusable: type[errors.InvalidResponseError] = errors.InvalidResponseError,
) -> Answer[T]:
    """Read the value of a response, or raise what is wrong with it.

    Args:
        operation: The operation that was called.
        call: What an error says about it.
        response: The answer, received whole.
        unusable: The error for an answer that is no error status and cannot be used.

    Returns:
        The value, with its response.

    Raises:
        APIError: If the status is an error.
        InvalidResponseError: If the body is not what the operation returns.
        OperationFailedError: If the body says that the operation failed.
    """
    try:
        value = operation.read(response)
    except wire.ResponseError as error:
        # Without the response that it holds, and so without the request's headers.
        reason, cause = error.reason, error.__cause__
    else:
        status = getattr(value, "status", None)
        if isinstance(status, Status) and not status.success:
            raise errors.OperationFailedError(
                f"{call} failed: {_shortened(status.details) or 'the server does not say why'}",
                details=status.details,
                result=value,
                call=call,
                response=without_secrets(response),
            )
        return Answer(value, call, response)
    response = without_secrets(response)
    if not response.is_success:
        raise _status_error(operation, call, response)
    message = f"{call} gave an answer that cannot be used: {reason}"
    said = _said(response)
    if said and not isinstance(cause, msgspec.ValidationError):
        message += f". It begins: {_shortened(said, 120)}"
    raise unusable(message, path=fault_path(reason), call=call, response=response) from cause


def fault_path(message: str) -> str | None:
    """Find the path at the end of a message of msgspec's, such as ``$.inputs[0]``."""
    found = re.search(r" - at `(?:key in )?(\$[^`]*)`$", message)
    return found[1] if found else None


def without_secrets(response: httpx.Response) -> httpx.Response:
    """Copy a response for an error to hold.

    The copy has a request without headers or body, no cookies, and a mask wherever the server
    repeated the token.
    """
    request = response.request
    content = response.content
    _, _, token = request.headers.get("authorization", "").partition(" ")
    if token:
        content = content.replace(token.encode(), _MASK.encode())
    headers = [
        (name, value.replace(token, _MASK) if token else value)
        for name, value in response.headers.multi_items()
        # The content is decoded already, and its length may have changed.
        if name not in ("set-cookie", "content-encoding", "content-length", "transfer-encoding")
    ]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=content,
        request=httpx.Request(request.method, request.url),
    )


def _status_error(
    operation: Operation[Any], call: errors.Call, response: httpx.Response
) -> errors.APIError:
    status = response.status_code
    kind = _BY_STATUS.get(status, errors.ServerError if status >= 500 else errors.APIError)
    fault = _fault(response)
    if status == 401 and _MISSING_ROLE.search(fault.detail):
        kind = errors.PermissionDeniedError
    message = f"{call} was answered with {status} {_phrase(status)}".rstrip()
    if fault.detail not in ("", _phrase(status), f"{status} {_phrase(status)}"):
        message += f": {_shortened(fault.detail)}"
    advice = _advice(kind, operation, response, fault)
    if advice:
        message = f"{message.rstrip('.')}. {advice}"
    return kind(message, fault=fault, call=call, response=response)


def _advice(
    kind: type[errors.APIError],
    operation: Operation[Any],
    response: httpx.Response,
    fault: errors.Fault,
) -> str:
    if kind is errors.PermissionDeniedError and operation.roles:
        return f"This needs a token with the roles {', '.join(operation.roles)}."
    if kind is errors.AuthenticationError:
        return "Sign in again, or give the client a token that has not run out."
    if kind is errors.RateLimitedError and fault.retry_after is not None:
        return f"Try again in {math.ceil(fault.retry_after)} s."
    if response.is_redirect:
        return "Redirects are not followed: check the address in the Config."
    if kind is errors.ServerError and not operation.safe:
        return "Whether the server acted on the request is not known: look before sending it again."
    return ""


def _fault(response: httpx.Response) -> errors.Fault:
    """Take an error body apart: FastAPI's JSON, plain text, or a gateway's HTML."""
    retry_after = _retry_after(response.headers.get("retry-after"))
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return errors.Fault(detail=_said(response), body=_text(response), retry_after=retry_after)
    detail = body.get("detail") if isinstance(body, dict) else None
    entries = _entries(body)
    if entries:
        said = "; ".join(f"{'.'.join(map(str, e.loc))}: {e.msg}" for e in entries)
    elif isinstance(detail, str):
        said = detail
    else:
        said = _said(response)
    return errors.Fault(detail=said, body=body, errors=entries, retry_after=retry_after)


def _entries(body: object) -> list[Any]:
    try:
        return msgspec.convert(body, HTTPValidationError).detail or []
    except msgspec.ValidationError:
        return []


def _retry_after(value: str | None) -> float | None:
    """Read a ``Retry-After`` header, which is a number of seconds or a date."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        date = dates.parse(value, ignoretz=True).replace(tzinfo=UTC)  # always GMT, RFC 9110
    except (ValueError, OverflowError):
        return None
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _said(response: httpx.Response) -> str:
    """What a body says to a person: the title of a page, or its text."""
    text = _text(response)
    if "\0" in text:
        return ""
    title = _TITLE.search(text)
    return html.unescape(title[1] if title else text).strip()


def _text(response: httpx.Response) -> str:
    # Only quoted, never returned as a value: here a byte that does not fit may be replaced.
    return response.content.decode("utf-8", errors="replace")


def _shortened(text: str, longest: int = _LONGEST_QUOTE) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[:longest]}…"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
