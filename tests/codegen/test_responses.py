from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from api_document import DOCX
from pytest_httpserver import HTTPServer


@pytest.fixture
def package(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("responses")


@pytest.fixture
def read(package: Any, call: Callable[..., Any], httpserver: HTTPServer) -> Callable[..., Any]:
    """Serve a response, and call the operation that reads it."""

    def serve_and_read(
        operation: str, body: bytes, content_type: str | None, *, status: int = 200
    ) -> Any:
        path = "/" + operation.removeprefix("read_")
        httpserver.expect_request(path).respond_with_data(body, status, content_type=content_type)
        return call(getattr(package.api.responses, operation))

    return serve_and_read


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=1"]
)
def test_a_response_with_two_media_types_is_read_as_json(
    package: Any, read: Callable[..., Any], content_type: str
) -> None:
    value = read("read_report", b'{"session_id": "s"}', content_type)
    assert value == package.models.Ticket("s")


@pytest.mark.parametrize("body", [b"PK\x03\x04\xff", b'{"session_id": "s"}', b""])
def test_a_response_with_two_media_types_is_read_as_bytes(
    read: Callable[..., Any], body: bytes
) -> None:
    assert read("read_report", body, DOCX) == body


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream", "json", ""])
def test_an_undocumented_content_type_is_an_error(
    package: Any, read: Callable[..., Any], content_type: str
) -> None:
    expected = f"expected application/json or {DOCX}, got {content_type or 'no content type'}"
    with pytest.raises(package.errors.UnexpectedContentType, match=expected):
        read("read_report", b'{"session_id": "SECRET"}', content_type)


@pytest.mark.parametrize(
    ("operation", "body", "reason"),
    [
        ("read_report", b"", "empty"),
        ("read_report", b'{"session_id": "SECRET', "not JSON"),
        ("read_report", b'{"session_id": "SECRET"} SECRET', "not JSON"),
        ("read_report", b"<html>SECRET</html>", "not JSON"),
        ("read_report", b'{"session_id": "SECRET \xff"}', "not JSON"),
        ("read_report", b'{"session_id": "s", "unknown": ' + b"[" * 100_000, "not JSON"),
        ("read_report", b'{"SECRET": 1}', "missing required field `session_id`"),
        ("read_report", b'{"session_id": 1, "x": "SECRET"}', r"`\$\.session_id`"),
        ("read_report", b'{"session_id": "s", "place": "SECRET"}', r"`\$\.place`"),
        ("read_report", b'["SECRET"]', "Expected `object`, got `array`"),
        ("read_report", b"null", "does not match the schema"),
        ("read_anything", b"[" * 100_000, "not JSON"),
        ("read_anything", b'{"SECRET":' * 100_000, "not JSON"),
        ("read_anything", b"NaN", "not JSON"),
        ("read_counts", b'[1, null, "SECRET"]', r"`\$\[2\]`"),
    ],
)
def test_an_unreadable_json_body_is_an_error_that_does_not_quote_it(
    package: Any, read: Callable[..., Any], operation: str, body: bytes, reason: str
) -> None:
    with pytest.raises(package.errors.UnreadableBody, match=reason) as caught:
        read(operation, body, "application/json")
    assert "SECRET" not in str(caught.value)
    assert "SECRET" not in repr(caught.value)
    assert caught.value.response.content == body


def test_json_of_any_type_is_returned_unchanged(read: Callable[..., Any]) -> None:
    assert read("read_anything", b'[1, {"a": null}]', "application/json") == [1, {"a": None}]


def test_a_success_without_a_body_reads_as_none(read: Callable[..., Any]) -> None:
    assert read("read_counts", b"", None, status=204) is None


def test_a_success_without_a_body_is_in_the_return_type(package: Any) -> None:
    returns = package.api.responses.read_counts.sync.__annotations__["return"]
    assert returns == list[int | None] | None


def test_a_documented_range_of_statuses_is_a_success(read: Callable[..., Any]) -> None:
    assert read("read_range", b"taken", "text/plain", status=202) == "taken"
