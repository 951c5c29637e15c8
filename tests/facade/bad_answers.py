"""Answers that make an error, each with the caller's token repeated somewhere in it."""

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
class BadAnswer:
    """An answer, the call that it is given to, and the error that comes of it."""

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
    "400": BadAnswer(json_reply(_detail(), 400), errors.BadRequestError, says="your token was"),
    "401": BadAnswer(json_reply(_detail(), 401), errors.AuthenticationError, says="Sign in again"),
    "401 role": BadAnswer(
        json_reply(_detail("You don't have the correct role."), 401),
        errors.PermissionDeniedError,
        SAMPLES["store_record"].call,
        "entity-registry-admin",
    ),
    "403": BadAnswer(json_reply(_detail(), 403), errors.PermissionDeniedError, says="Forbidden"),
    "404": BadAnswer(json_reply(_detail(), 404), errors.NotFoundError, says="Not Found"),
    "405": BadAnswer(json_reply(_detail(), 405), errors.APIError, says="Method Not Allowed"),
    "418": BadAnswer(json_reply([_ECHO], 418), errors.APIError, says="your token was"),
    "422": BadAnswer(
        json_reply(_detail(_ENTRIES), 422),
        errors.ValidationFailedError,
        says="body.inputs.0.dataset_id: your token",
    ),
    "422 strange": BadAnswer(
        json_reply(_detail([{"where": 1}]), 422), errors.ValidationFailedError, says="where"
    ),
    "429": BadAnswer(
        json_reply(_detail(), 429, {"Retry-After": "7"}), errors.RateLimitedError, says="in 7 s"
    ),
    "499": BadAnswer(reply(b"", None, 499), errors.APIError, says="499"),
    "500 text": BadAnswer(
        reply(_ECHO.encode(), "text/plain", 500), errors.ServerError, _WRITE, "check before"
    ),
    "502": BadAnswer(reply(_HTML, "text/html", 502), errors.ServerError, says="Sign in & wait"),
    "503": BadAnswer(reply(b"\0\1\2", None, 503), errors.ServerError, says="Unavailable"),
    "504": BadAnswer(reply(b"[" * 100_000, status=504), errors.ServerError, says="504"),
    "520": BadAnswer(reply(b"{}", status=520), errors.ServerError, says="520"),
    "304": BadAnswer(reply(b"", None, 304), errors.APIError, says="304"),
}

_LATIN = "Größe".encode("latin-1")
_GZIP = {"Content-Encoding": "gzip"}

UNUSABLE = {
    "html": BadAnswer(
        reply(_HTML, "text/html"), errors.InvalidResponseError, says="Sign in & wait"
    ),
    "html as json": BadAnswer(reply(_HTML), errors.InvalidResponseError, says="not JSON"),
    "truncated": BadAnswer(
        reply(f'{{"username": "{TOKEN}", "roles": ['.encode()),
        errors.InvalidResponseError,
        says="truncated",
    ),
    "shape": BadAnswer(
        json_reply({**USER, "access_token": TOKEN, "roles": ["a", 7]}),
        errors.InvalidResponseError,
        says="$.roles[1]",
    ),
    "missing": BadAnswer(
        json_reply({"access_token": TOKEN}), errors.InvalidResponseError, says="username"
    ),
    "null": BadAnswer(json_reply(None), errors.InvalidResponseError, says="null"),
    "list": BadAnswer(json_reply([TOKEN]), errors.InvalidResponseError, says="array"),
    "empty": BadAnswer(reply(b""), errors.InvalidResponseError, says="empty"),
    "204": BadAnswer(reply(b"", None, 204), errors.InvalidResponseError, says="204"),
    "202": BadAnswer(json_reply({"token": TOKEN}, 202), errors.InvalidResponseError, says="202"),
    "wrong type": BadAnswer(
        reply(_ECHO.encode(), "text/plain"), errors.InvalidResponseError, says="text/plain"
    ),
    "no type": BadAnswer(
        reply(_ECHO.encode(), None), errors.InvalidResponseError, says="no content type"
    ),
    "deep": BadAnswer(
        reply(b"[" * 100_000), errors.InvalidResponseError, says="does not match the schema"
    ),
    "json bytes": BadAnswer(
        reply(f'{{"username": "{TOKEN}'.encode() + b'\xff"}'),
        errors.InvalidResponseError,
        says="not JSON",
    ),
    "text bytes": BadAnswer(
        reply(_ECHO.encode() + b"\xff", "text/csv"),
        errors.InvalidResponseError,
        _TEXT,
        "not utf-8",
    ),
    "text charset": BadAnswer(
        reply(_ECHO.encode() + _LATIN, _UTF8), errors.InvalidResponseError, _TEXT, "not utf-8"
    ),
    "unknown charset": BadAnswer(
        reply(_ECHO.encode(), "text/csv; charset=klingon"),
        errors.InvalidResponseError,
        _TEXT,
        "klingon",
    ),
    "gzip": BadAnswer(
        reply(_ECHO.encode(), headers=_GZIP), errors.InvalidResponseError, says="compression"
    ),
    "report html": BadAnswer(reply(_HTML, "text/html"), errors.ReportError, _REPORT, "Sign in"),
}


def _failing(sample: Sample) -> bytes:
    answer = sample.answer
    assert isinstance(answer, dict)
    return json_reply({**answer, "status": {**FAILED, "details": f"Away. {_ECHO}"}})


FAILING = {
    name: BadAnswer(_failing(sample), errors.OperationFailedError, sample.call, "Away.")
    for name, sample in SAMPLES.items()
    if isinstance(sample.answer, dict) and "status" in sample.answer
}

WITH_RESPONSE = {**STATUSES, **FAILING}
ALL = {**WITH_RESPONSE, **UNUSABLE}
