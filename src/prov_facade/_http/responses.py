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
from prov_api_client.operation import Binary, Text
from prov_facade import errors
from prov_facade._http.signed_url import SignedURL, redacted_url

T = TypeVar("T")

# The server answers 401, not 403, to a good token without the role; only its words tell the two
# apart.
_MISSING_ROLE = re.compile(r"\brole\b", re.IGNORECASE)

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

_MASK = b"***"

# What the response of an error does without. Its content is decoded already, and its length may
# have changed.
_OF_THE_BODY = (b"content-encoding", b"content-length", b"transfer-encoding")
_LEFT_OUT = (b"set-cookie", *_OF_THE_BODY)
_LONGEST_QUOTE = 500
_SHORTEST_SECRET = 8

# The address of a report in the answer that tells of its job, up to what signs it.
_REPORT_QUERY = re.compile(rb'("report_url"\s*:\s*"[^"?]*\?)[^"]*')

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
    call: errors.Call
    response: httpx.Response


def read(
    operation: Operation[T],
    call: errors.Call,
    response: httpx.Response,
    *,
    error_class: type[errors.InvalidResponseError] = errors.InvalidResponseError,
) -> ParsedResponse[T]:
    """Read the value of a response, or raise what is wrong with it.

    Args:
        operation: The operation that was called.
        call: What an error says about it.
        response: The answer, received whole.
        error_class: The error for an answer that is no error status and cannot be used.

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
        if not isinstance(cause, msgspec.MsgspecError):
            cause = None  # it may hold the bytes, and the token where the server repeated it
    else:
        status = getattr(value, "status", None)
        if isinstance(status, Status) and not status.success:
            response = redacted(response)
            result: Any = operation.read(response)
            details = result.status.details
            raise errors.OperationFailedError(
                f"{call} was answered with {_status(response)}, but failed:"
                f" {_shortened(details) or 'the server does not say why'}",
                details=details,
                result=result,
                call=call,
                response=response,
            )
        return ParsedResponse(value, call, response)
    if not response.is_success:
        raise _status_error(operation, call, redacted(response))
    raise _unusable(error_class, call, response, reason, safe=operation.safe) from cause


def _unusable(
    kind: type[errors.InvalidResponseError],
    call: errors.Call,
    response: httpx.Response,
    reason: str,
    *,
    safe: bool = True,
) -> errors.InvalidResponseError:
    reason = _masked(reason.encode(), _secrets(response)).decode()
    response = redacted(response)
    message = f"{call} was answered with {_status(response)}, which cannot be used: {reason}"
    said = _said(response)
    # JSON is data, and not for people; where it breaks off, a token in it might not be recognised.
    if said and "json" not in response.headers.get("content-type", ""):
        message += f". It begins: {_shortened(said, 120)}"
    if not safe:
        message += f". {errors.OUTCOME_UNKNOWN}"
    return kind(message, path=error_path(reason), call=call, response=response)


def holds_file(operation: Operation[Any], response: httpx.Response) -> bool:
    """Say, from the head of an answer, whether its body is a file: a success, and no JSON."""
    return isinstance(_reader(operation, response), Text | Binary)


def charset_of_file(operation: Operation[Any], response: httpx.Response) -> str | None:
    """Say, from the head of an answer, what the text of its file is encoded in, if it is text."""
    if not isinstance(_reader(operation, response), Text):
        return None
    return response.charset_encoding or "utf-8"


def _reader(operation: Operation[Any], response: httpx.Response) -> object:
    if not response.is_success:
        return None
    by_type = operation.responses.get(str(response.status_code), {})
    content_type: str = response.headers.get("content-type", "")
    return by_type.get(content_type.partition(";")[0].strip().lower())


def head_of(response: httpx.Response) -> httpx.Response:
    """Copy an answer whose body is elsewhere, with an empty one for :func:`read`."""
    headers = [(n, value) for n, value in response.headers.raw if n.lower() not in _OF_THE_BODY]
    return httpx.Response(response.status_code, headers=headers, request=response.request)


def unusable_text(
    call: errors.Call, response: httpx.Response, charset: str, reason: str
) -> errors.InvalidResponseError:
    """Make the error for text that comes in pieces and cannot be read."""
    reason = f"the text is not {charset}: {reason}"
    return _unusable(errors.InvalidResponseError, call, head_of(response), reason)


def error_path(message: str) -> str | None:
    """Find the path at the end of a message of msgspec's, such as ``$.inputs[0]``."""
    found = re.search(r" - at `(?:key in )?(\$[^`]*)`$", message)
    return found[1] if found else None


def redacted(response: httpx.Response) -> httpx.Response:
    """Copy a response for an error to hold.

    The copy has a request without headers or body, no cookies, a mask wherever the server repeated
    the token or what signs an address, and no query in an address that it names: it may be a signed
    one.
    """
    request = response.request
    secrets = _secrets(response)
    headers = [
        (name, _masked(value.partition(b"?")[0] if name.lower() == b"location" else value, secrets))
        for name, value in response.headers.raw  # which may hold more than ASCII
        if name.lower() not in _LEFT_OUT
    ]
    return httpx.Response(
        response.status_code,
        headers=headers,
        content=_REPORT_QUERY.sub(rb"\1" + _MASK, _masked(response.content, secrets)),
        request=httpx.Request(request.method, redacted_url(request.url)),
    )


def _secrets(response: httpx.Response) -> list[bytes]:
    """What was sent and is a secret: the token, unless it is as short as an ordinary word."""
    header: str = response.request.headers.get("authorization", "")
    token = header.partition(" ")[2].encode()
    found = [token] if len(token) >= _SHORTEST_SECRET else []
    url = response.request.url
    return [*found, *(url.secrets() if isinstance(url, SignedURL) else ())]


def _masked(content: bytes, secrets: list[bytes]) -> bytes:
    for secret in filter(None, secrets):
        # As it is, and as JSON and HTML may write it.
        page = html.escape(secret.decode()).replace("+", "&#43;").encode()
        for written in (secret, secret.replace(b"/", rb"\/"), page):
            content = content.replace(written, _MASK)
    return content


def _status_error(
    operation: Operation[Any], call: errors.Call, response: httpx.Response
) -> errors.APIError:
    status = response.status_code
    kind = _BY_STATUS.get(status, errors.ServerError if status >= 500 else errors.APIError)
    fault = _fault(response)
    if status == 401 and _MISSING_ROLE.search(fault.detail):
        kind = errors.PermissionDeniedError
    message = f"{call} was answered with {_status(response)}"
    if fault.detail and fault.detail not in _status(response):
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
        return f"{errors.OUTCOME_UNKNOWN}."
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
    value = value.strip()
    if re.fullmatch(r"[0-9]{1,15}", value):
        return float(value)
    if not re.search(r"[0-9]:[0-9]{2}:[0-9]{2}\b", value):
        return None  # dateutil would find a date in "-5" and "1.5" as well
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


def _status(response: httpx.Response) -> str:
    """The status in numbers and words, such as ``404 Not Found``."""
    try:
        return f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
    except ValueError:
        return str(response.status_code)
