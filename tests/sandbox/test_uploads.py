"""Unusable bodies are rejected as the OpenAPI document specifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from sandbox import http

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._http import interception

LIMIT = 2**20
TOO_LARGE = f"The body is larger than {LIMIT} bytes."


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the limit: a body of 50 MiB takes seconds."""
    assert interception.MAX_BODY_SIZE == 50 * 2**20
    monkeypatch.setattr(interception, "MAX_BODY_SIZE", LIMIT)


def post(
    sandbox: Sandbox, path: str, headers: Mapping[str, str] | None = None, **options: Any
) -> httpx.Response:
    token = {"Authorization": f"Bearer {sandbox.token('read', 'write')}"}
    url = f"{sandbox.url}{path}"
    return http.post(url, headers={**token, **(headers or {})}, timeout=30, **options)


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"\xff\xfea,b", "The CSV file is not encoded in UTF-8."),
        (b" " * (LIMIT + 1), TOO_LARGE),
    ],
    ids=["not UTF-8", "too large"],
)
def test_unusable_uploads_are_a_400(content: bytes, detail: str, sandbox: Sandbox) -> None:
    files = {"csv_file": ("runs.csv", content, "text/csv")}
    response = post(sandbox, "/bulk/convert_model_runs/csv", files=files)
    assert (response.status_code, response.json()) == (400, {"detail": detail})


def test_large_bodies_are_rejected_and_not_recorded(sandbox: Sandbox) -> None:
    """A chunked body, whose size is not known beforehand."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(20):
            yield b" " * (LIMIT // 10)
            sent += LIMIT // 10

    response = post(sandbox, "/model_run/register", content=chunks())
    assert (response.status_code, response.json()) == (400, {"detail": TOO_LARGE})
    assert sent > LIMIT
    (received,) = sandbox.requests
    assert len(received.body) <= LIMIT


@pytest.mark.parametrize("content", [b"garbage", b"--b\r\nX\r\n", b"--b--", b"--b--\r\n", b""])
def test_bodies_that_are_not_forms_are_rejected(content: bytes, sandbox: Sandbox) -> None:
    # The version of the parser decides whether the last ones count as forms without fields.
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    response = post(sandbox, "/bulk/convert_model_runs/csv", content=content, headers=headers)
    assert response.status_code in (400, 422)
