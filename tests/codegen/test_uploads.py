from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

CSV = b"model,note\r\n--+++\r\n--+++--\r\nm\xc3\xb6del,\xff\x00\r\n"


@dataclass
class Received:
    """An upload as the server parsed it."""

    boundary: str
    fields: dict[str, str]
    content: bytes = field(repr=False)
    filename: str | None
    mime_type: str | None


@pytest.fixture
def received(httpserver: HTTPServer) -> list[Received]:
    """The uploads that the server received."""
    uploads: list[Received] = []

    def take(request: Request) -> Response:
        file = request.files["csv_file"]
        uploads.append(
            Received(
                boundary=request.mimetype_params["boundary"],
                fields=dict(request.form),
                content=file.read(),
                filename=file.filename,
                mime_type=file.content_type,
            )
        )
        file.close()
        return Response(status=204)

    httpserver.expect_request("/csv", method="POST").respond_with_handler(take)
    return uploads


@pytest.fixture
def upload(compiled: Callable[[str], ModuleType], call: Callable[..., Any]) -> Callable[..., None]:
    package: Any = compiled("uploads")

    def send(content: bytes, **fields: object) -> None:
        file = package.types.File(io.BytesIO(content), "runs.csv", "text/csv")
        body = package.models.CsvUpload(csv_file=file, **fields)
        assert call(package.api.uploads.upload_csv, body=body) is None

    return send


def test_a_line_that_looks_like_a_boundary_arrives_unchanged(
    upload: Callable[..., None], received: list[Received]
) -> None:
    upload(CSV)
    (got,) = received
    assert got.content == CSV
    assert (got.filename, got.mime_type) == ("runs.csv", "text/csv")


def test_each_upload_has_its_own_boundary(
    upload: Callable[..., None], received: list[Received]
) -> None:
    upload(CSV)
    upload(CSV)
    first, second = received
    assert first.boundary != second.boundary
    assert first.content == second.content == CSV


def test_fields_are_sent_with_the_file_unless_they_are_none(
    upload: Callable[..., None], received: list[Received]
) -> None:
    upload(b"", note='naïve "--+++"', year=2026)
    upload(b"")
    full, bare = received
    assert full.fields == {"note": 'naïve "--+++"', "year": "2026"}
    assert bare.fields == {}
    assert bare.content == b""
