"""Bodies that cannot be used are refused with what the document says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._http.interception import MAX_BODY_SIZE

TOO_LARGE = f"The body is larger than {MAX_BODY_SIZE} bytes."


def post(
    sandbox: Sandbox, path: str, headers: Mapping[str, str] | None = None, **how: Any
) -> httpx.Response:
    token = {"Authorization": f"Bearer {sandbox.token('read', 'write')}"}
    url = f"{sandbox.url}{path}"
    return httpx.post(url, headers={**token, **(headers or {})}, timeout=30, **how)


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"\xff\xfea,b", "The CSV file is not encoded in UTF-8."),
        (b" " * (MAX_BODY_SIZE + 1), TOO_LARGE),
    ],
    ids=["not UTF-8", "too large"],
)
def test_an_upload_that_cannot_be_used_is_a_400(
    content: bytes, detail: str, sandbox: Sandbox
) -> None:
    files = {"csv_file": ("runs.csv", content, "text/csv")}
    answer = post(sandbox, "/bulk/convert_model_runs/csv", files=files)
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


def test_a_body_that_is_too_large_is_not_kept(sandbox: Sandbox) -> None:
    """Chunked, so that nothing tells its size beforehand."""
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(MAX_BODY_SIZE // 2**20 + 10):
            yield b" " * 2**20
            sent += 2**20

    answer = post(sandbox, "/model_run/register", content=chunks())
    assert (answer.status_code, answer.json()) == (400, {"detail": TOO_LARGE})
    assert sent > MAX_BODY_SIZE
    (received,) = sandbox.requests
    assert len(received.body) <= MAX_BODY_SIZE


@pytest.mark.parametrize(
    ("body", "place"), [(b'{"display_name": "\xff"}', 18), (json.dumps({}).encode("utf-16"), 0)]
)
def test_json_that_is_not_utf_8_is_a_422(body: bytes, place: int, sandbox: Sandbox) -> None:
    headers = {"Content-Type": "application/json"}
    answer = post(sandbox, "/model_run/register", headers, content=body)
    assert answer.status_code == 422
    wrong = {"msg": "Invalid JSON: not UTF-8", "type": "value_error.jsondecode"}
    assert answer.json()["detail"] == [{"loc": ["body", place], **wrong}]


@pytest.mark.parametrize("content", [b"garbage", b"--b\r\nX\r\n", b"--b--", b"--b--\r\n", b""])
def test_a_form_that_is_none_is_refused(content: bytes, sandbox: Sandbox) -> None:
    # Whether the last ones are forms without fields or no forms depends on the parser's version.
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = post(sandbox, "/bulk/convert_model_runs/csv", content=content, headers=headers)
    assert answer.status_code in (400, 422)
