"""The samples that index.yaml lists."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import yaml

HERE = Path(__file__).parent


@dataclass(frozen=True)
class ResponseSample:
    """A response of the server.

    Attributes:
        operation: The operation.
        status: The HTTP status.
        media_type: The media type, with its parameters.
        file: The name of the file that holds the body.
        type: The type of the decoded value, if the response is a success.
        documented: Whether the document lists the status for the operation.
    """

    operation: str
    status: int
    media_type: str
    file: str
    type: str | None = None
    documented: bool = True

    @property
    def content(self) -> bytes:
        return (HERE / "responses" / self.file).read_bytes()

    def response(self) -> httpx.Response:
        headers = {"content-type": self.media_type}
        return httpx.Response(self.status, headers=headers, content=self.content)


@dataclass(frozen=True)
class RequestSample:
    """A request body that the server accepts."""

    operation: str
    file: str

    @property
    def content(self) -> bytes:
        return (HERE / "requests" / self.file).read_bytes()


def response_samples() -> list[ResponseSample]:
    return msgspec.convert(_index()["responses"], list[ResponseSample])


def request_samples() -> list[RequestSample]:
    return msgspec.convert(_index()["requests"], list[RequestSample])


def _index() -> dict[str, Any]:
    index: dict[str, Any] = yaml.safe_load((HERE / "index.yaml").read_text(encoding="utf-8"))
    return index
