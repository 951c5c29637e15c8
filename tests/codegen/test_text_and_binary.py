from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer


@pytest.fixture
def package(compiled: Callable[[str], ModuleType]) -> Any:
    return compiled("responses")


@pytest.fixture
def read_text(
    package: Any, call: Callable[..., Any], httpserver: HTTPServer
) -> Callable[[bytes, str], Any]:
    def read(body: bytes, content_type: str) -> Any:
        httpserver.expect_request("/text").respond_with_data(body, content_type=content_type)
        return call(package.api.responses.read_text)

    return read


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", b"na\xc3\xafve"),
        ("ISO-8859-1", b"na\xefve"),
        ('"iso-8859-1"', b"na\xefve"),
        ("utf-16-le", "naïve".encode("utf-16-le")),
    ],
)
def test_text_is_decoded_in_the_charset_of_the_header(
    read_text: Callable[[bytes, str], Any], charset: str, body: bytes
) -> None:
    assert read_text(body, f"text/plain; charset={charset}") == "naïve"


def test_text_is_utf8_by_default(
    read_text: Callable[[bytes, str], Any],
) -> None:
    assert read_text(b"na\xc3\xafve\r\n", "text/plain") == "naïve\r\n"


def test_text_may_be_empty(read_text: Callable[[bytes, str], Any]) -> None:
    assert read_text(b"", "text/plain") == ""


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", b"SECRET \xff\xfe"),
        ("ascii", b"SECRET \xc3\xaf"),
        ("utf-16", b"SECRET!"),
        ("no-such-charset", b"SECRET"),
        ("hex", b"5345435245"),  # a codec of Python, but not a text encoding
        ("idna", b"xn--SECRET\xff"),
    ],
)
def test_bytes_that_are_invalid_in_the_charset_are_an_error(
    package: Any, read_text: Callable[[bytes, str], Any], charset: str, body: bytes
) -> None:
    with pytest.raises(package.errors.UnreadableBody, match=f"not {charset}") as caught:
        read_text(body, f"text/plain; charset={charset}")
    assert caught.value.response.content == body
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("body", [bytes(range(256)), b"", b"\r\n--+++\r\n"])
def test_a_binary_body_is_returned_unchanged(
    package: Any, call: Callable[..., Any], httpserver: HTTPServer, body: bytes
) -> None:
    httpserver.expect_request("/bytes").respond_with_data(
        body, content_type="application/octet-stream"
    )
    assert call(package.api.responses.read_bytes) == body
