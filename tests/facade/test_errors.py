from __future__ import annotations

import builtins
import copy
import inspect
import pickle
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

import prov_facade
from prov_facade import errors
from prov_facade.errors import Call, ErrorContent, ProvError
from prov_facade.models import ValidationError

TREE = {
    "ProvError": ("Exception",),
    "ConfigError": ("ProvError", "ValueError"),
    "CredentialsError": ("ProvError",),
    "InvalidRequestError": ("ProvError", "ValueError"),
    "FileError": ("ProvError", "OSError"),
    "TransportError": ("ProvError",),
    "CertificateError": ("TransportError",),
    "TransportTimeoutError": ("TransportError", "TimeoutError"),
    "InvalidResponseError": ("ProvError",),
    "ReportError": ("InvalidResponseError", "AssertionError"),
    "OperationFailedError": ("ProvError",),
    "APIError": ("ProvError",),
    "BadRequestError": ("APIError",),
    "AuthenticationError": ("APIError",),
    "PermissionDeniedError": ("APIError",),
    "NotFoundError": ("APIError",),
    "ValidationFailedError": ("APIError",),
    "RateLimitedError": ("APIError",),
    "ServerError": ("APIError",),
    "JobError": ("ProvError",),
    "JobFailedError": ("JobError",),
    "JobNotFoundError": ("JobError",),
    "JobTimeoutError": ("JobError", "TimeoutError"),
    "SubmissionUnknownError": ("ProvError",),
}
CALL = Call("explore_upstream", "GET", "https://prov-api.prov.test/explore/upstream")
RESPONSE = httpx.Response(
    429,
    headers={"X-Trace": "7"},
    content=b'{"detail": "slow down"}',
    request=httpx.Request("GET", CALL.url),
)
CONTENT = ErrorContent(
    detail="slow down",
    body={"detail": "slow down"},
    errors=[ValidationError(loc=["body", 0], msg="bad", type="value_error")],
    retry_after=3.0,
)
EXTRAS: dict[str, dict[str, Any]] = {
    "InvalidRequestError": {"path": "$.depth"},
    "InvalidResponseError": {"path": "$.status"},
    "ReportError": {"path": "$.status", "session_id": "s-1"},
    "OperationFailedError": {"details": "no", "result": [1]},
    **{name: {"content": CONTENT} for name, bases in TREE.items() if "APIError" in (name, *bases)},
    **{name: {"session_id": "s-1"} for name in TREE if name.startswith("Job")},
    "SubmissionUnknownError": {"chunk": 2, "first": 100, "count": 50, "candidates": ("s-1", "s-2")},
}


def make(name: str) -> ProvError:
    kind = getattr(errors, name)
    takes_response = "response" in inspect.signature(kind).parameters
    more = {"response": RESPONSE} if takes_response else {}
    error: ProvError = kind(f"{name} happened", **more, **EXTRAS.get(name, {}))
    error.attach(CALL)
    error.attach(Call("outer", "POST", "https://elsewhere.test"))  # ignored: only the first counts
    return error


def public_attributes(error: ProvError) -> dict[str, Any]:
    """Return the public attributes of an error, except its response."""
    return {
        name: getattr(error, name, None)
        for name, _ in inspect.getmembers(type(error), lambda m: not callable(m))
        if not name.startswith("_") and name != "response"
    } | {name: value for name, value in vars(error).items() if name != "response"}


def test_the_classes_form_the_error_tree() -> None:
    for name, bases in TREE.items():
        found = getattr(errors, name).__bases__
        expected = tuple(getattr(errors, base, None) or getattr(builtins, base) for base in bases)
        assert found == expected, name
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }
    assert classes == set(TREE)


def test_everything_that_is_named_like_an_error_is_one() -> None:
    for name in dir(errors):
        if name.endswith("Error"):
            assert issubclass(getattr(errors, name), ProvError), name


def test_generated_models_are_not_attributes_of_the_module() -> None:
    modules = [getattr(value, "__module__", "") for value in vars(errors).values()]
    assert not [name for name in modules if name.startswith(("prov_api_", "job_api_"))]


def test_every_error_is_importable() -> None:
    assert set(errors.__all__) == {*TREE, "Attempt", "Call"}
    for name in errors.__all__:
        assert getattr(prov_facade, name) is getattr(errors, name)


def test_the_docstring_shows_the_error_tree() -> None:
    drawn: dict[str, tuple[str, ...]] = {}
    parents = ["Exception"]
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]
        node = re.fullmatch(r"    ([│├└─ ]*)(\w+Error)(?: \((\w+)\))?(?: {2,}.*)?", line)
        if node:
            depth = len(node[1]) // 4
            del parents[depth + 1 :]
            drawn[node[2]] = (parents[depth], *([node[3]] if node[3] else []))
            parents.append(node[2])
    assert drawn == TREE


@pytest.mark.parametrize("name", TREE)
def test_an_error_has_a_message_and_the_call(name: str) -> None:
    error = make(name)
    assert str(error) == f"{CALL}: {name} happened"
    assert repr(error) == f"{name}('{CALL}: {name} happened')"
    assert error.call == CALL
    assert (error.operation, error.method, error.url) == (CALL.operation, CALL.method, CALL.url)
    if error.response is not None:
        assert error.status_code == 429
    for extra, value in EXTRAS.get(name, {}).items():
        if extra != "content":
            assert getattr(error, extra) == value
    if name in ("ConfigError", "CredentialsError", "TransportError"):
        bare = getattr(errors, name)("bare")
        assert (bare.operation, bare.method, bare.url, bare.status_code) == (None,) * 4


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(lambda error: pickle.loads(pickle.dumps(error)), id="pickle"),  # noqa: S301
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
    ],
)
@pytest.mark.parametrize("name", TREE)
def test_a_copy_keeps_type_message_and_attributes(
    name: str, copied: Callable[[ProvError], ProvError]
) -> None:
    error = make(name)
    error.add_note("while testing")
    duplicate = copied(error)
    assert type(duplicate) is type(error)
    assert (str(duplicate), duplicate.args) == (str(error), error.args)
    assert repr(public_attributes(duplicate)) == repr(public_attributes(error))
    assert duplicate.__notes__ == ["while testing"]
    if error.response is not None:
        assert duplicate.response is not None
        assert duplicate.response.content == error.response.content
        assert duplicate.response.headers == error.response.headers
        assert duplicate.response.request.url == error.response.request.url
        assert duplicate.status_code == 429


def test_a_status_error_has_the_fields_of_its_body() -> None:
    error = make("ValidationFailedError")
    assert isinstance(error, errors.ValidationFailedError)
    assert (error.detail, error.body) == ("slow down", {"detail": "slow down"})
    assert error.errors == CONTENT.errors
    limited = make("RateLimitedError")
    assert isinstance(limited, errors.RateLimitedError)
    assert limited.retry_after == 3.0


def test_a_call_is_formatted_with_method_and_url() -> None:
    assert str(CALL) == f"explore_upstream (GET {CALL.url})"
