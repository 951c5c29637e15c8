"""The faults of a server and the expected outcome of each, written by hand."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat

from api_document import DOCX
from sample_calls import Sample
from scripted_server import Cut, Last, Reply, json_reply, reply

from prov_facade import errors

ATTEMPTS = 3
LONGEST_WAIT = 5.0
PAST = "Sun, 06 Nov 1994 08:49:37 GMT"
FAR_FUTURE = "Fri, 31 Dec 2049 23:59:59 GMT"

WRITES = {
    "register_model_run",
    "register_batch_model_runs",
    "register_model_run_sync",
    "post_update_model_run",
    "link_model_run_to_study",
    "delete_model_run_provenance",
    "store_record",
    "store_multiple_records",
    "store_all_registry_records",
    "clear_graph",
}
WITHOUT_TOKEN = {"get_health_check"}
REPORT = "generate_report"
TEXT = {
    "generate_csv_template",
    "regenerate_csv_from_model_run_batch",
    "generate_config_file",
}
"""The operations that return text, which may be empty."""

STALL = "stall"
REFUSE = "refuse"
DISTRUST = "distrust"
Action = Reply | str

CHECK_FIRST = "check before sending it again"


@dataclass(frozen=True)
class Expected:
    """The expected outcome of a fault.

    Attributes:
        error: The class of the error, or ``None`` for a value.
        requests: The number of requests.
        says: Parts of the error message.
        renewals: The number of token renewals.
    """

    error: type[errors.ProvError] | None
    requests: int
    says: tuple[str, ...] = ()
    renewals: int = 0


@dataclass(frozen=True)
class Fault:
    """A fault.

    Attributes:
        name: Its name in the table.
        play: The server's actions, request by request.
        reads: The expected outcome for an operation that only reads.
        writes: The expected outcome for an operation that changes something.
        may_have_acted: Whether the server may have acted on the request.
        renewable: Whether the auth manager can obtain a new token.
    """

    name: str
    play: Callable[[Sample], Iterator[Action]]
    reads: Expected
    writes: Expected
    may_have_acted: bool = True
    renewable: bool = False


def always(action: Action) -> Callable[[Sample], Iterator[Action]]:
    return lambda _: repeat(action)


def first(action: Action, times: int = 1) -> Callable[[Sample], Iterator[Action]]:
    """Fail a number of times, then succeed."""
    return lambda sample: chain(repeat(action, times), repeat(sample.reply))


def _limited(retry_after: str | None) -> Callable[[Sample], Iterator[Action]]:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return always(json_reply({"detail": "Slow down."}, 429, headers))


def _gateway(status: int, title: str) -> bytes:
    page = f"<html><title>{status} {title}</title><hr>gateway</html>".encode()
    return reply(page, "text/html", status)


def _incomplete_gzip(complete: bytes) -> bytes:
    """Compress a response, and omit the end of the body but not of the message."""
    head, _, body = complete.partition(b"\r\n\r\n")
    part = gzip.compress(body)[:-4]
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    lines += [b"Content-Encoding: gzip", b"Content-Length: %d" % len(part)]
    return b"\r\n".join([*lines, b"", part])


_NO_TOKEN = json_reply(
    {"detail": "Could not validate credentials"}, 401, {"WWW-Authenticate": "Bearer"}
)
_NO_ROLE = json_reply(
    {
        "detail": "You are not authorised to access this resource as you don't have the correct"
        " role."
    },
    401,
    {"WWW-Authenticate": "Bearer"},
)
_NO_RIGHT = json_reply(
    {
        "detail": "Registry API denied access to resource: 401. Error: You are not authorised to"
        " fetch this item."
    },
    401,
)
_JSON_TYPE = "application/json"


def _uniform(name: str, play: Callable[[Sample], Iterator[Action]], expected: Expected) -> Fault:
    """Make a fault with one outcome for all operations: the server did not act on the request."""
    return Fault(name, play, expected, expected, may_have_acted=False)


def _transient(name: str, action: Action, kind: type[errors.ProvError], *says: str) -> Fault:
    """Make a transient fault, after which only reads are retried."""
    attempts = f"{ATTEMPTS} attempts were made"
    return Fault(
        name,
        always(action),
        Expected(kind, ATTEMPTS, (*says, attempts)),
        Expected(kind, 1, (*says, CHECK_FIRST)),
    )


def _permanent(name: str, action: Action, kind: type[errors.ProvError], *says: str) -> Fault:
    """Make a permanent fault, after which nothing is retried."""
    return Fault(
        name, always(action), Expected(kind, 1, says), Expected(kind, 1, (*says, CHECK_FIRST))
    )


_LIMIT = Expected(errors.RateLimitedError, ATTEMPTS, ("Slow down.", "3 attempts were made"))
_TOO_LONG = Expected(errors.RateLimitedError, 1, ("Slow down.", "Try again in "))
_UNUSABLE = errors.InvalidResponseError


def faults(elsewhere: str) -> list[Fault]:
    """Return all faults; ``elsewhere`` is the address of another host."""
    redirect = reply(b"", None, 307, {"Location": f"{elsewhere}/there"})
    return [
        _uniform(
            "refused",
            always(REFUSE),
            Expected(errors.TransportError, ATTEMPTS, ("Nothing was sent", "3 attempts were made")),
        ),
        _uniform(
            "certificate rejected",
            always(DISTRUST),
            Expected(errors.CertificateError, 1, ("Nothing was sent", "verify=")),
        ),
        _transient("reset before the response", Cut(), errors.TransportError, "no response"),
        _transient("closed before the response", None, errors.TransportError, "no response"),
        Fault(
            "reset mid-body",
            lambda sample: repeat(Cut(sample.reply[:-2])),
            Expected(errors.TransportError, ATTEMPTS, ("3 attempts were made",)),
            Expected(errors.TransportError, 1, (CHECK_FIRST,)),
        ),
        Fault(
            "incomplete gzip body",
            lambda sample: repeat(_incomplete_gzip(sample.reply)),
            Expected(errors.TransportError, ATTEMPTS, ("ended too early",)),
            Expected(errors.TransportError, 1, ("ended too early", CHECK_FIRST)),
        ),
        _transient("stalled", STALL, errors.TransportTimeoutError, "was not received in time"),
        _uniform("429", _limited(None), _LIMIT),
        _uniform("429, in seconds", _limited("0"), _LIMIT),
        _uniform("429, at a date", _limited(PAST), _LIMIT),
        _uniform("429, seconds beyond the cap", _limited("600"), _TOO_LONG),
        _uniform("429, a date beyond the cap", _limited(FAR_FUTURE), _TOO_LONG),
        _permanent(
            "500", json_reply({"detail": "Oh no."}, 500), errors.ServerError, "500", "Oh no."
        ),
        _permanent(
            "500 of an unhandled error",
            Last(reply(b"Internal Server Error", "text/plain", 500)),
            errors.ServerError,
            "500 Internal Server Error",
        ),
        _transient(
            "502 in HTML", _gateway(502, "Bad Gateway"), errors.ServerError, "502 Bad Gateway"
        ),
        _transient("503", json_reply({"detail": "Busy."}, 503), errors.ServerError, "Busy."),
        _transient("504", _gateway(504, "Gateway Time-out"), errors.ServerError, "Time-out"),
        _permanent("truncated JSON", reply(b'{"status": {"succ'), _UNUSABLE, "cannot be used"),
        _permanent("wrong JSON", json_reply(7), _UNUSABLE, "cannot be used"),
        _permanent(
            "wrong content type", reply(b"\x89PNG", "image/png"), _UNUSABLE, "got image/png"
        ),
        _permanent("empty body, no content type", reply(b"", None), _UNUSABLE, "cannot be used"),
        Fault(
            "empty body, right content type",
            # That of a report is JSON, since it is created in a job.
            lambda sample: repeat(reply(b"", sample.content_type.replace(DOCX, _JSON_TYPE))),
            Expected(_UNUSABLE, 1, ("empty",)),
            Expected(_UNUSABLE, 1, ("empty", CHECK_FIRST)),
        ),
        _uniform(
            "401, fixed token",
            always(_NO_TOKEN),
            Expected(errors.AuthenticationError, 1, ("Could not validate", "Sign in again")),
        ),
        Fault(
            "401, new token also rejected",
            always(_NO_TOKEN),
            Expected(errors.AuthenticationError, 2, ("Sign in again",), renewals=1),
            Expected(errors.AuthenticationError, 2, ("Sign in again",), renewals=1),
            may_have_acted=False,
            renewable=True,
        ),
        Fault(
            "401 once, new token valid",
            first(_NO_TOKEN),
            Expected(None, 2, renewals=1),
            Expected(None, 2, renewals=1),
            may_have_acted=False,
            renewable=True,
        ),
        Fault(
            "401, role missing",
            always(_NO_ROLE),
            Expected(errors.PermissionDeniedError, 1, ("correct role",)),
            Expected(errors.PermissionDeniedError, 1, ("entity-registry-write",)),
            may_have_acted=False,
            renewable=True,
        ),
        Fault(
            "401, no right to an item",
            always(_NO_RIGHT),
            Expected(errors.PermissionDeniedError, 1, ("fetch this item", "Ask its owner")),
            Expected(errors.PermissionDeniedError, 1, ("fetch this item", "Ask its owner")),
            may_have_acted=False,
            renewable=True,
        ),
        _uniform(
            "redirect to another host",
            always(redirect),
            Expected(errors.APIError, 1, ("307", "Redirects are not followed")),
        ),
        Fault(
            "503 twice, then a value",
            first(json_reply({"detail": "Busy."}, 503), 2),
            Expected(None, 3),
            Expected(errors.ServerError, 1, (CHECK_FIRST,)),
        ),
    ]


def is_exception(fault: Fault, operation: str) -> bool:
    """Return whether an operation is an exception to the rule for reads and writes."""
    rule = fault.writes if operation in WRITES else fault.reads
    return expected(fault, operation) != rule


def expected(fault: Fault, operation: str) -> Expected:
    """Return the expected outcome for an operation: the rule, or one of three exceptions."""
    rule = fault.writes if operation in WRITES else fault.reads
    if operation in WITHOUT_TOKEN and rule.renewals:
        return Expected(errors.AuthenticationError, 1)
    if operation in TEXT and fault.name == "empty body, right content type":
        return Expected(None, 1)
    if operation == REPORT and rule.error is _UNUSABLE:
        return Expected(errors.ReportError, rule.requests, rule.says)
    return rule
