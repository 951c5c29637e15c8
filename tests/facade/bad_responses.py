"""Responses that raise an error, most of which echo the caller's token."""

from __future__ import annotations

from dataclasses import dataclass

from clients import TOKEN
from sample_calls import FAILED, SAMPLES, USER, Call, Sample
from scripted_server import json_reply, reply

from prov_facade import errors

_USER = SAMPLES["check_general_access"].call
_TEXT = SAMPLES["generate_csv_template"].call
_WRITE = SAMPLES["register_model_run"].call
_REPORT = SAMPLES["generate_report"].call

_ECHO = f"your token was {TOKEN}"
_HTML = f"<html><title>Sign in &amp; wait</title>{_ECHO}</html>".encode()
_UTF8 = "text/csv; charset=utf-8"


@dataclass(frozen=True)
class BadResponse:
    """A response, the call that receives it, and the expected error."""

    reply: bytes
    error: type[errors.ProvError]
    call: Call = _USER
    says: str = ""


def _detail(detail: object = _ECHO) -> dict[str, object]:
    return {"detail": detail}


_ENTRIES = [
    {"loc": ["body", "inputs", 0, "dataset_id"], "msg": _ECHO, "type": "type_error.str"},
    {"loc": ["body"], "msg": "late", "type": "value_error", "ctx": {"limit_value": 3}},
]

STATUSES = {
    "400": BadResponse(json_reply(_detail(), 400), errors.BadRequestError, says="your token was"),
    "401": BadResponse(
        json_reply(_detail(), 401), errors.AuthenticationError, says="Sign in again"
    ),
    "401 role": BadResponse(
        json_reply(_detail("You don't have the correct role."), 401),
        errors.PermissionDeniedError,
        SAMPLES["store_record"].call,
        "entity-registry-admin",
    ),
    "403": BadResponse(json_reply(_detail(), 403), errors.PermissionDeniedError, says="Forbidden"),
    "404": BadResponse(json_reply(_detail(), 404), errors.NotFoundError, says="Not Found"),
    "405": BadResponse(json_reply(_detail(), 405), errors.APIError, says="Method Not Allowed"),
    "418": BadResponse(json_reply([_ECHO], 418), errors.APIError, says="your token was"),
    "422": BadResponse(
        json_reply(_detail(_ENTRIES), 422),
        errors.ValidationFailedError,
        says="body.inputs.0.dataset_id: your token",
    ),
    "422 strange": BadResponse(
        json_reply(_detail([{"where": 1}]), 422), errors.ValidationFailedError, says="where"
    ),
    "429": BadResponse(
        json_reply(_detail(), 429, {"Retry-After": "7"}), errors.RateLimitedError, says="in 7 s"
    ),
    "499": BadResponse(reply(b"", None, 499), errors.APIError, says="499"),
    "500 text": BadResponse(
        reply(_ECHO.encode(), "text/plain", 500), errors.ServerError, _WRITE, "check before"
    ),
    "502": BadResponse(reply(_HTML, "text/html", 502), errors.ServerError, says="Sign in & wait"),
    "503": BadResponse(reply(b"\0\1\2", None, 503), errors.ServerError, says="Unavailable"),
    "504": BadResponse(reply(b"[" * 100_000, status=504), errors.ServerError, says="504"),
    "520": BadResponse(reply(b"{}", status=520), errors.ServerError, says="520"),
    "304": BadResponse(reply(b"", None, 304), errors.APIError, says="304"),
}

_LATIN = "Größe".encode("latin-1")
_GZIP = {"Content-Encoding": "gzip"}

UNUSABLE = {
    "html": BadResponse(
        reply(_HTML, "text/html"), errors.InvalidResponseError, says="Sign in & wait"
    ),
    "html as json": BadResponse(reply(_HTML), errors.InvalidResponseError, says="not JSON"),
    "truncated": BadResponse(
        reply(f'{{"username": "{TOKEN}", "roles": ['.encode()),
        errors.InvalidResponseError,
        says="truncated",
    ),
    "shape": BadResponse(
        json_reply({**USER, "access_token": TOKEN, "roles": ["a", 7]}),
        errors.InvalidResponseError,
        says="$.roles[1]",
    ),
    "missing": BadResponse(
        json_reply({"access_token": TOKEN}), errors.InvalidResponseError, says="username"
    ),
    "null": BadResponse(json_reply(None), errors.InvalidResponseError, says="null"),
    "list": BadResponse(json_reply([TOKEN]), errors.InvalidResponseError, says="array"),
    "empty": BadResponse(reply(b""), errors.InvalidResponseError, says="empty"),
    "204": BadResponse(reply(b"", None, 204), errors.InvalidResponseError, says="204"),
    "202": BadResponse(json_reply({"token": TOKEN}, 202), errors.InvalidResponseError, says="202"),
    "wrong type": BadResponse(
        reply(_ECHO.encode(), "text/plain"), errors.InvalidResponseError, says="text/plain"
    ),
    "no type": BadResponse(
        reply(_ECHO.encode(), None), errors.InvalidResponseError, says="no content type"
    ),
    "deep": BadResponse(
        reply(b"[" * 100_000), errors.InvalidResponseError, says="does not match the schema"
    ),
    "json bytes": BadResponse(
        reply(f'{{"username": "{TOKEN}'.encode() + b'\xff"}'),
        errors.InvalidResponseError,
        says="not JSON",
    ),
    "text bytes": BadResponse(
        reply(_ECHO.encode() + b"\xff", "text/csv"),
        errors.InvalidResponseError,
        _TEXT,
        "not utf-8",
    ),
    "text charset": BadResponse(
        reply(_ECHO.encode() + _LATIN, _UTF8), errors.InvalidResponseError, _TEXT, "not utf-8"
    ),
    "unknown charset": BadResponse(
        reply(_ECHO.encode(), "text/csv; charset=klingon"),
        errors.InvalidResponseError,
        _TEXT,
        "klingon",
    ),
    "gzip": BadResponse(
        reply(_ECHO.encode(), headers=_GZIP), errors.InvalidResponseError, says="compression"
    ),
    "report html": BadResponse(reply(_HTML, "text/html"), errors.ReportError, _REPORT, "Sign in"),
}


def _failing(sample: Sample) -> bytes:
    response = sample.response
    assert isinstance(response, dict)
    return json_reply({**response, "status": {**FAILED, "details": f"No registry. {_ECHO}"}})


FAILING = {
    name: BadResponse(_failing(sample), errors.OperationFailedError, sample.call, "No registry.")
    for name, sample in SAMPLES.items()
    if isinstance(sample.response, dict) and "status" in sample.response
}

WITH_RESPONSE = {**STATUSES, **FAILING}
ALL = {**WITH_RESPONSE, **UNUSABLE}
