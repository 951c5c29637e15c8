"""A pytest plugin that validates all exchanges with sandboxes against the OpenAPI documents."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import api_document
import httpx
import pytest
from attrs import define, field, frozen
from jsonschema import Draft202012Validator
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Headers, ImmutableMultiDict

from prov_facade.sandbox import Fault, Sandbox
from prov_facade.sandbox._http.exchange import FAULT

JOB_API = "/job-api"
BASE = "http://sandbox.test"  # one for all, since making a checker takes long
_EMPTY_GRAPH = {"directed": True, "multigraph": False, "graph": {}, "nodes": [], "links": []}
# Paths of the sandbox outside the documents.
ELSEWHERE = ("/auth/realms/", "/reports/")


@define
class Exchange:
    """A request and its response.

    Attributes:
        status: The status; 0 before the response.
        spoilt: Whether a requested fault changed the response.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    answer_headers: Mapping[str, str] = field(factory=dict)
    answer: bytes = b""
    spoilt: bool = False

    def departures(self) -> Iterator[str]:
        """Yield the deviations from the documents."""
        if self.path.startswith(ELSEWHERE) or self.spoilt or not self.status:
            return
        job = self.path.startswith(JOB_API)
        path = self.path.removeprefix(JOB_API)
        document = api_document.JOB_DOCUMENT_PATH if job else api_document.DOCUMENT_PATH
        methods = {
            operation.method
            for operation in api_document.operations(api_document.load(document)).values()
            if operation.path == path
        }
        if self.method not in methods:
            expected = 405 if methods else 404
            if self.status != expected:
                yield f"{self}: expected {expected}"
            return
        checker = _checker(document)
        request = _Request(self, path)
        # For an invalid request, only the response has to conform.
        checks: list[Callable[[], None]] = [
            lambda: checker.validate_response(request, _Response(self))
        ]
        if self.status < 400:
            checks.append(lambda: checker.validate_request(request))
        for check in checks:
            try:
                check()
            except OpenAPIError as error:
                yield f"{self}: {error!r}, because of {error.__cause__!r}"
        if self.method == "GET" and path.startswith("/explore/") and self.status == 200:
            # The graph has no schema in the response, as on the server: any object is allowed.
            graph = json.loads(self.answer).get("graph") or _EMPTY_GRAPH
            for wrong in _graph_checker().iter_errors(graph):
                yield f"{self}: {wrong.message}"

    def __str__(self) -> str:
        return f"{self.method} {self.path}?{self.query.decode()} answered with {self.status}"


class _Request:
    """A request in the form that openapi-core expects."""

    def __init__(self, exchange: Exchange, path: str) -> None:
        self.host_url = BASE
        self.path = path
        self.method = exchange.method.lower()
        self.content_type = exchange.headers.get("content-type", "")
        self.body = exchange.body or None
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(exchange.query.decode(), keep_blank_values=True)),
            header=Headers(list(exchange.headers.items())),
            cookie=ImmutableMultiDict(),
            path={},
        )


class _Response:
    """A response in the form that openapi-core expects."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status
        self.content_type = exchange.answer_headers.get("content-type", "").partition(";")[0]
        self.headers: Mapping[str, Any] = exchange.answer_headers
        self.data = exchange.answer


@cache
def _checker(path: Path) -> OpenAPI:
    document = {**api_document.load(path), "servers": [{"url": BASE}]}
    readers: dict[str, Callable[[bytes], Any]] = {"text/csv": _decoded, _WORD: _binary}
    return OpenAPI.from_dict(document, config=Config(extra_media_type_deserializers=readers))


@cache
def _graph_checker() -> Draft202012Validator:
    return api_document.validator({"$ref": "#/components/schemas/LineageGraph"})


_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def _decoded(value: bytes, **_: str) -> str:
    return value.decode("utf-8")


def _binary(value: bytes, **_: str) -> str:
    return value.decode("latin-1")


@frozen
class Recording:
    """ASGI middleware that records exchanges.

    Args:
        app: The application.
        into: The list that receives the exchanges.
    """

    app: ASGIApp
    into: list[Exchange]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        exchange = Exchange(scope["method"], scope["path"], scope["query_string"], headers, b"")

        async def received() -> Message:
            message = await receive()
            exchange.body += message.get("body", b"")
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.answer_headers = httpx.Headers(message["headers"])
                fault = scope.get(FAULT)
                exchange.spoilt = fault is not None and fault != Fault(delay=fault.delay)
            else:
                exchange.answer += message["body"]
            await send(message)

        # Recorded before the response, since a test may end with it.
        self.into.append(exchange)
        await self.app(scope, received, sent)


EXCHANGES: list[Exchange] = []


def pytest_configure() -> None:
    Sandbox._middleware = (Middleware(Recording, EXCHANGES),)


@pytest.fixture(autouse=True)
def sandboxes_keep_to_the_documents() -> Iterator[None]:
    """Validate every exchange of every sandbox in this process."""
    EXCHANGES.clear()
    yield
    departures = [text for exchange in EXCHANGES for text in exchange.departures()]
    assert departures == []


class ValidatingTransport(httpx.HTTPTransport):
    """Validates the exchanges with a sandbox in another process."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        exchange = Exchange(
            request.method,
            request.url.path,
            request.url.query,
            request.headers,
            request.read(),
            response.status_code,
            response.headers,
            response.read(),
        )
        assert list(exchange.departures()) == []
        return response
