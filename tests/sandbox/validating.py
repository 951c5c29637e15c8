"""An HTTP client that holds every request and every answer to the OpenAPI documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import api_document
import httpx
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

JOB_API = "/job-api"
BASE = "http://sandbox.test"  # one for all, since making a checker takes long


class _Request:
    """A request of httpx, as openapi-core wants to see it."""

    def __init__(self, request: httpx.Request) -> None:
        self.host_url = BASE
        self.path = request.url.path.removeprefix(JOB_API)
        self.method = request.method.lower()
        self.content_type = request.headers.get("content-type", "")
        self.body = request.content or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(request.url.query.decode())),
            header=Headers(list(request.headers.items())),
            cookie=ImmutableMultiDict(),
            path={},
        )


class _Response:
    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.content_type = response.headers.get("content-type", "").partition(";")[0]
        self.headers: Mapping[str, Any] = response.headers
        self.data = response.content


@cache
def _checker(path: Path) -> OpenAPI:
    document = {**api_document.load(path), "servers": [{"url": BASE}]}
    readers: dict[str, Callable[[bytes], Any]] = {"text/csv": _decoded}
    return OpenAPI.from_dict(document, config=Config(extra_media_type_deserializers=readers))


def _decoded(value: bytes, **_: str) -> str:
    return value.decode("utf-8")


class ValidatingTransport(httpx.AsyncBaseTransport):
    """Sends over sockets, and checks what goes out and what comes back.

    Args:
        requests: Whether requests are checked; answers always are.
    """

    def __init__(self, *, requests: bool = True) -> None:
        self._transport = httpx.AsyncHTTPTransport()
        self._requests = requests

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = await self._transport.handle_async_request(request)
        await response.aread()
        job = request.url.path.startswith(JOB_API)
        path = api_document.JOB_DOCUMENT_PATH if job else api_document.DOCUMENT_PATH
        checker, seen = _checker(path), _Request(request)
        if self._requests:
            checker.validate_request(seen)
        if not response.headers.get("content-type", "").endswith("wordprocessingml.document"):
            checker.validate_response(seen, _Response(response))
        return response

    async def aclose(self) -> None:
        await self._transport.aclose()
