"""What cannot be a CSV file is refused with what the document says."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from sandbox.validating import ValidatingTransport

from prov_facade.sandbox import Sandbox
from prov_facade.sandbox._app import UPLOAD_MAXIMUM


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"\xff\xfea,b", "The CSV file is not encoded in UTF-8."),
        (b" " * (UPLOAD_MAXIMUM + 1), f"The file is larger than {UPLOAD_MAXIMUM} bytes."),
    ],
    ids=["not UTF-8", "too large"],
)
def test_an_upload_that_cannot_be_used_is_a_400(
    content: bytes, detail: str, sandbox: Sandbox
) -> None:
    async def upload() -> httpx.Response:
        headers = {"Authorization": f"Bearer {sandbox.token('read', 'write')}"}
        transport = ValidatingTransport(requests=False)
        async with httpx.AsyncClient(transport=transport, headers=headers, timeout=30) as client:
            url = f"{sandbox.url}/bulk/convert_model_runs/csv"
            return await client.post(url, files={"csv_file": ("runs.csv", content, "text/csv")})

    answer = asyncio.run(upload())
    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
